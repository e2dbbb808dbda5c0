"""Figures that compare views: every point, every clip and every run is drawn."""

import vl_convert

from kwslib.features.views import VIEWS
from kwslib.results.charts import comparison as charts
from kwslib.results.charts.theme import colour_scale

POINTS = [
    {"run": run, "kind": kind, "accuracy": 0.5, "low": 0.4, "high": 0.6, "data": "tones"}
    for run in ("this run", "on record")
    for kind in VIEWS
]


def drawn(chart):
    spec = chart.to_dict()
    assert len(spec["description"]) > 20
    return spec, vl_convert.vegalite_to_svg(spec)


def test_both_runs_have_their_colours():
    _, svg = drawn(charts.accuracy_by_view(POINTS, chances=[0.25]))
    assert "this run" in svg and "on record" in svg
    assert colour_scale(["this run", "on record"]).to_dict()["range"] == [
        "#0072b2",
        "#e69f00",
    ]
    assert all(view.title in svg for view in VIEWS.values())
    drawn(charts.accuracy_by_view(POINTS[:7], chances=[0.25]))


def test_the_histogram_shows_every_clip():
    spec, svg = drawn(
        charts.distance_histograms([2.0, 4.0, 8.0], {"whole (5 clips)": [3, 2], "cut (1)": [0, 1]})
    )
    bars = [[row["clips"] for row in panel["data"]["values"]] for panel in spec["vconcat"]]
    assert bars == [[3, 2], [1]]
    assert "whole (5 clips)" in svg


def test_a_line_a_view_over_the_delay():
    rows = [
        {"view": view, "delay": delay, "similarity": 1 - 0.1 * delay}
        for view in ("Waveform", "Deployed image")
        for delay in range(3)
    ]
    spec, svg = drawn(charts.similarity_by_delay(rows))
    assert "delay, ms" in svg and "Deployed image" in svg
    assert spec["layer"][1]["data"]["values"] == rows
