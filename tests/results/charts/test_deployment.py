"""Charts of chapter 4: they draw and describe themselves."""

import pytest
import vl_convert

from kwslib.field.outcomes import published
from kwslib.results import field_test
from kwslib.results.charts import deployment as charts
from kwslib.results.charts import deployment as field
from kwslib.results.charts.theme import round_numbers

STAGES = ("preprocessing", "network", "postprocessing")
BREAKDOWN = [
    {"stretch": stretch, "stage": stage, "ms": ms}
    for stretch, times in {"a second": (21.0, 5.5, 0.003), "20 ms": (0.5, 5.5, 0.003)}.items()
    for stage, ms in zip(STAGES, times, strict=True)
]
MEMORY = [
    {"part": "network", "what": "code", "bytes": 2690},
    {"part": "network", "what": "constants", "bytes": 17_736},
    {"part": "network", "what": "variables", "bytes": 7200},
    {"part": "stack", "what": "stack", "bytes": 544},
]
TIMES = [
    {"place": "here", "kind": "measured", "time": 20.0},
    {"place": "board", "kind": "modelled", "time": 5400.0},
    {"place": "theirs", "kind": "literature", "time": 87_000.0, "low": 86_000.0, "high": 88_000.0},
]
ERRORS = [
    {"program": "dense, portable", "model": model, "ratio": ratio}
    for model, ratio in (("memory without waits", 1.18), ("2 cycles a constant", 1.01))
]
EVERYWHERE = [
    {"where": where, "numbers": numbers, "accuracy": 0.9, "low": 0.88, "high": 0.92}
    for where in ("test clips", "field")
    for numbers in ("float32", "int8")
]
NETWORKS = [
    {"model": model, "accuracy": 0.9, "low": 0.88, "high": 0.92, "ms": ms}
    for model, ms in (("tiny_conv", 4.9), ("funnel_small", 21.4))
]
CHARTS = {
    "breakdown": charts.breakdown(BREAKDOWN),
    "flash": charts.memory(MEMORY[:2], "flash"),
    "RAM": charts.memory(MEMORY[2:], "RAM"),
    "run_times": charts.run_times(TIMES, "one call", "µs"),
    "errors": charts.model_errors(ERRORS),
    "everywhere": charts.everywhere(EVERYWHERE),
    "networks": charts.accuracy_by_time(NETWORKS),
}


def drawn(name):
    return vl_convert.vegalite_to_svg(CHARTS[name].to_dict())


@pytest.mark.parametrize("name", CHARTS)
def test_draws_and_describes_itself(name):
    assert drawn(name).startswith("<svg")
    assert len(CHARTS[name].to_dict()["description"]) > 40


def test_a_stretch_is_labelled_with_its_sum():
    assert "26.50" in drawn("breakdown")


def test_every_time_has_a_mark_and_its_value():
    svg = drawn("run_times")
    assert svg.count('aria-roledescription="point"') == 3
    assert "5,400 µs" in svg and "None" not in svg and "NaN" not in svg


@pytest.mark.parametrize("low, high", [(0.02, 200_000.0), (3.0, 400.0), (1.0, 1.0001)])
def test_ticks_are_round_and_within_the_axis(low, high):
    ticks = round_numbers(low, high)
    assert all(low <= tick <= high for tick in ticks)
    assert {str(f"{tick:.0e}")[0] for tick in ticks} <= {"1", "2", "5"}


def test_even_times_are_marked_where_cycles_are_compared():
    spec = CHARTS["errors"].to_dict()
    assert spec["layer"][0]["data"]["values"] == [{"ratio": 1}]
    low, high = spec["layer"][1]["encoding"]["x"]["scale"]["domain"]
    assert low < 1 < 1.18 < high


STUDY = published()
FIELD_CHARTS = {
    "successes": field_test.plot_detections(STUDY, beside_original=True),
    "by_condition": field_test.plot_noise(STUDY),
    "sounds": field_test.plot_false_accepts(STUDY, "_none_"),
    "other_words": field_test.plot_false_accepts(STUDY, "_unknown_"),
}


def row(**facts):
    return {"share": 0.5, "low": 0.2, "high": 0.8, "count": 2, "trials": 4, **facts}


@pytest.mark.parametrize("name", FIELD_CHARTS)
def test_a_chart_of_the_field_draws_and_describes_itself(name):
    spec = FIELD_CHARTS[name].to_dict()

    assert vl_convert.vegalite_to_svg(spec).startswith("<svg")
    assert len(spec["description"]) > 40


def test_the_original_stands_beside_each_word():
    rows = FIELD_CHARTS["successes"].to_dict()["data"]["values"]
    assert [(each["word"], each["run"]) for each in rows] == [
        ("yes", "published run"),
        ("yes", "original report"),
        ("no", "published run"),
        ("no", "original report"),
    ]
    assert "yes, original report, 8 of 10" in FIELD_CHARTS["successes"].to_dict()["description"]


def test_conditions_stand_in_the_order_of_the_rows():
    spec = FIELD_CHARTS["by_condition"].to_dict()
    assert spec["layer"][0]["encoding"]["x"]["sort"] == ["quiet", "20 dB", "10 dB", "5 dB"]


def test_bars_are_divided_by_what_was_detected_and_add_up():
    chart = field.false_accepts(
        [
            row(kind="shh", detected={"yes": 1, "no": 1}),
            row(kind="hum", detected={}, share=0.0, count=0),
        ]
    ).to_dict()
    bars = chart["layer"][0]["data"]["values"]
    assert {(each["kind"], each["heard"], each["share"]) for each in bars} == {
        ("shh", "yes", 0.25),
        ("shh", "no", 0.25),
    }
    assert "hum 0 of 4" in chart["description"]


def test_a_study_without_any_false_accept_can_be_drawn():
    chart = field.false_accepts([row(kind="hum", detected={}, share=0.0, count=0)])
    assert vl_convert.vegalite_to_svg(chart.to_dict()).startswith("<svg")
