"""Charts of the field test: they draw, describe themselves, and hold the numbers they claim."""

import pytest
import vl_convert

from kwslib.field.study import published
from kwslib.results import field_test
from kwslib.results.charts import deployment as field

STUDY = published()
CHARTS = {
    "successes": field_test.plot_detections(STUDY, beside_original=True),
    "by_condition": field_test.plot_noise(STUDY),
    "sounds": field_test.plot_false_accepts(STUDY, "_none_"),
    "other_words": field_test.plot_false_accepts(STUDY, "_unknown_"),
}


def row(**facts):
    return {"share": 0.5, "low": 0.2, "high": 0.8, "count": 2, "trials": 4, **facts}


@pytest.mark.parametrize("name", CHARTS)
def test_draws_and_describes_itself(name):
    spec = CHARTS[name].to_dict()

    assert vl_convert.vegalite_to_svg(spec).startswith("<svg")
    assert len(spec["description"]) > 40


def test_the_original_stands_beside_each_word():
    rows = CHARTS["successes"].to_dict()["data"]["values"]
    assert [(each["word"], each["run"]) for each in rows] == [
        ("yes", "published run"),
        ("yes", "original report"),
        ("no", "published run"),
        ("no", "original report"),
    ]
    assert "yes, original report, 8 of 10" in CHARTS["successes"].to_dict()["description"]


def test_conditions_stand_in_the_order_of_the_rows():
    spec = CHARTS["by_condition"].to_dict()
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
