"""Charts on listening: they draw, describe themselves, and show what they are given."""

import json

import pytest
import vl_convert

from kwslib.results.charts import listening as charts
from kwslib.results.charts.legends import with_filters
from kwslib.results.charts.theme import network_scale

NETWORKS = ("tiny_conv-yes_no", "ds_cnn-yes_no")
CURVE = [
    {"network": name, "threshold": t, "misses": t / 255, "false_accepts": max(0.0, 100 - t / 2)}
    for name in NETWORKS
    for t in range(0, 255, 5)
]
POINTS = [
    {
        "network": name, "threshold": 150, "misses": 0.05, "misses_low": 0.04, "misses_high": 0.07,
        "false_accepts": 1.5, "low": 0.8, "high": 2.4,
    }
    for name in NETWORKS
]  # fmt: skip
LATENCIES = [
    {"network": name, "ms": 50.0 * n - 300, "share": n / 20} for name in NETWORKS for n in range(21)
]
NOISES = [
    {
        "network": name, "noises": kind, "snr_db": snr, "accuracy": 0.8, "worst": 0.7, "best": 0.9,
    }
    for name in NETWORKS
    for kind in ("recorded noises", "computed noises")
    for snr in (20.0, 0.0)
]  # fmt: skip
SHIFTS = [
    {"network": name, "shift_ms": shift, "accuracy": 0.9, "low": 0.88, "high": 0.92}
    for name in NETWORKS
    for shift in (-100, 0, 100)
]
CHARTS = {
    "curve": charts.misses_against_false_accepts(CURVE, POINTS),
    "latencies": charts.latencies(LATENCIES),
    "noise": charts.by_noise(NOISES),
    "shift": charts.against(SHIFTS, "shift_ms", "shift", "ms"),
}


@pytest.mark.parametrize("name", CHARTS)
def test_draws_and_describes_itself(name):
    spec = CHARTS[name].to_dict()
    svg = vl_convert.vegalite_to_svg(spec)
    assert svg.startswith("<svg")
    assert all(network in svg for network in NETWORKS)
    assert len(spec["description"]) > 40


@pytest.mark.parametrize("name", CHARTS)
def test_a_legend_filters(name):
    spec = with_filters(CHARTS[name].to_dict())
    plots = spec.get("vconcat", [spec])
    bound = [json.dumps(plot).count('"bind": "legend"') for plot in plots]
    assert bound == [1] * len(plots)
    assert '"value": 0.1' in json.dumps(spec)  # what is faded


def test_a_rate_of_none_an_hour_has_a_place():
    """A logarithm of 0 would drop the end of the curve."""
    flat = [{**row, "false_accepts": 0.0} for row in CURVE]
    svg = vl_convert.vegalite_to_svg(charts.misses_against_false_accepts(flat, POINTS).to_dict())
    assert "NaN" not in svg and svg.count('aria-roledescription="line mark"') == len(NETWORKS)


def test_points_have_both_intervals():
    svg = vl_convert.vegalite_to_svg(CHARTS["curve"].to_dict())
    assert svg.count('aria-roledescription="rule mark"') == 2 * len(POINTS)
    assert svg.count('aria-roledescription="point"') == len(POINTS)
    assert "150/256 misses 5.0% with 1.50" in CHARTS["curve"].to_dict()["description"]


def test_networks_of_the_registry_have_their_colours():
    rows = [{**row, "network": row["network"].replace("_", " ")} for row in LATENCIES]
    rows = [{**row, "network": row["network"].removesuffix("-yes no")} for row in rows]
    spec = charts.latencies(rows, ["tiny_conv", "ds_cnn"]).to_dict()
    scale = network_scale(["tiny_conv", "ds_cnn"])
    assert spec["encoding"]["color"]["scale"] == {"domain": scale.domain, "range": scale.range}


def test_half_of_the_words_are_told():
    assert "half by 200 ms" in CHARTS["latencies"].to_dict()["description"]
