"""Chapter 3 on continuous audio: a stream heard now, and one that is read from files."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
import vl_convert

from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.models.checkpoint import load
from kwslib.records import write_records
from kwslib.results import listening
from kwslib.results.charts.theme import network_scale
from kwslib.results.renderer import with_filters


@pytest.fixture(scope="module")
def heard():
    """A minute that a published network hears now."""
    pair = load("tiny_conv-yes_no")[0], Dataset(open_source(None), Task())
    return listening.listen_now(SimpleNamespace(live=pair, run="this run"), minutes=1)


@pytest.fixture(scope="module")
def streams(heard, tmp_path_factory):
    """The same as the records of two networks, one of which makes more false accepts."""
    layout = tmp_path_factory.mktemp("measurements")
    folder = layout / "streaming"
    folder.mkdir()
    records = heard.records({"name": "embedded speech", "hash": "h"})
    write_records(folder / "funnel_small-yes_no.json", records)
    for record in records:
        if record.metric == "false_accepts":
            object.__setattr__(record, "value", record.value + 60)
    write_records(folder / "tiny_conv-yes_no.json", records)
    write_records(folder / "tiny_conv-yes_no_left.json", records)
    return listening.load_streams(folder=layout)


def test_a_run_without_a_network_hears_nothing():
    assert listening.listen_now(SimpleNamespace(live=None)) is None


def test_streams_of_the_task_most_false_accepts_first(streams):
    assert list(streams) == ["tiny_conv", "funnel_small"]
    assert listening.load_streams("ten_words") == {}


def test_values_are_those_of_the_stream(streams, heard):
    outcome = heard.worked.outcome
    assert listening.value_of(streams["funnel_small"], "misses") == outcome.misses
    kinds = listening.value_of(streams["funnel_small"], "stream_kinds")
    assert sum(kinds.values()) == len(outcome.false_accepts)


def test_the_curve_has_every_threshold_and_its_operating_point(streams, heard):
    for chart, networks in (
        (listening.plot_misses(streams), 2),
        (listening.plot_misses_now(heard), 1),
    ):
        spec = chart.to_dict()
        lines, points = spec["layer"][0]["data"]["values"], spec["layer"][3]["data"]["values"]
        assert len(lines) == networks * len(heard.points) and len(points) == networks
        assert points[0]["threshold"] == heard.worked.threshold
        assert points[0]["low"] <= points[0]["false_accepts"] <= points[0]["high"]
        assert "1 min" in str(spec["usermeta"]) or "hours" in str(spec["usermeta"])


def test_the_table_has_the_settings_and_both_rates(streams, heard):
    table = listening.tabulate_streams(streams)
    rows = re.findall(r"<tr>(.*?)</tr>", table)
    assert "tiny conv" in rows[1] and "funnel small" in rows[2]
    outcome = heard.worked.outcome
    assert f"{100 * outcome.misses:.1f}&nbsp;%" in rows[2]
    assert f"{outcome.false_accepts_an_hour:.1f} (" in rows[2]
    assert f"{20 * heard.streaming.hops}" in rows[2]


def test_latencies_ascend(streams):
    rows = listening.plot_latency(streams).to_dict()["data"]["values"]
    shares = [row["share"] for row in rows if row["network"] == "tiny conv"]
    assert shares == sorted(shares) and shares[-1] == 1.0


def charts(streams, heard):
    return {
        "curves": listening.plot_misses(streams),
        "now": listening.plot_misses_now(heard),
        "latency": listening.plot_latency(streams),
    }


def test_charts_draw_and_describe_themselves(streams, heard):
    for chart in charts(streams, heard).values():
        spec = chart.to_dict()
        assert vl_convert.vegalite_to_svg(spec).startswith("<svg")
        assert len(spec["description"]) > 40


def test_a_legend_filters(streams, heard):
    for chart in charts(streams, heard).values():
        spec = json.dumps(with_filters(chart.to_dict()))
        assert spec.count('"bind": "legend"') == 1
        assert '"value": 0.1' in spec  # what is faded


def test_a_rate_of_none_an_hour_has_a_place(streams):
    """A logarithm of 0 would drop the end of the curve."""
    (curve,) = [each for each in streams["tiny_conv"] if each.metric == "stream_curve"]
    flat = [{**point, "false_accepts_an_hour": 0.0} for point in curve.value]
    silent = [
        replace(curve, value=flat) if each is curve else each for each in streams["tiny_conv"]
    ]
    svg = vl_convert.vegalite_to_svg(listening.plot_misses({"tiny_conv": silent}).to_dict())
    assert "NaN" not in svg and svg.count('aria-roledescription="line mark"') == 1


def test_points_have_both_intervals_and_are_told(streams, heard):
    spec = listening.plot_misses(streams).to_dict()
    svg = vl_convert.vegalite_to_svg(spec)
    assert svg.count('aria-roledescription="rule mark"') == 2 * len(streams)
    assert svg.count('aria-roledescription="point"') == len(streams)
    outcome = heard.worked.outcome
    told = f"{heard.worked.threshold}/256 misses {outcome.misses:.1%} with "
    assert f"{told}{outcome.false_accepts_an_hour:.2f}" in spec["description"]


def test_networks_of_the_registry_have_their_colours(streams):
    spec = listening.plot_latency(streams).to_dict()
    scale = network_scale(list(streams))
    assert spec["encoding"]["color"]["scale"] == {"domain": scale.domain, "range": scale.range}


def test_half_of_the_words_are_told(streams):
    (latency,) = [each for each in streams["tiny_conv"] if each.metric == "stream_latency"]
    half = latency.value["percentiles_ms"][10]
    assert f"half by {half:.0f} ms" in listening.plot_latency(streams).to_dict()["description"]
