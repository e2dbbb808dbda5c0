"""Values and charts of the field test, against trials that are counted by hand."""

import pytest
import vl_convert

from kwslib.board.client import default_streaming
from kwslib.evaluation.accuracy import wilson_interval
from kwslib.field.outcomes import published, read_study
from kwslib.field.trials import Book, Trial, sitting
from kwslib.results import field_test
from kwslib.results.networks import networks

LABELS = ("_silence_", "_unknown_", "yes", "no")


def said(word, *detected, **facts):
    return [
        Trial(word, f"{word}/{i}", 30.0, each, -40 if each else None, **facts)
        for i, each in enumerate(detected)
    ]


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "trials.json"
    streaming = default_streaming(len(LABELS))
    book = Book(
        path,
        sitting("n-yes_no", "ab" * 32, LABELS, streaming, "emulator", "m", {"name": "made up"}),
    )
    for trial in (
        *said("no", "no", None, noise="none"),
        *said("yes", *["yes"] * 3, "no", noise="pink", snr_db=10, clip="yes"),
        *said("_none_", "yes", None, kind="sss"),
        *said("_none_", "yes", "no", kind="shh"),
        *said("_unknown_", None, None, kind="dog", clip="no"),
    ):
        book.add(trial)
    return read_study(path)


@pytest.fixture(scope="module")
def tiny():
    return next(each for each in networks() if each.name == "tiny_conv-yes_no")


def test_detected_counts_the_trials_of_each_word_in_the_networks_order(study):
    found = field_test.detected(study)
    assert list(found) == ["yes", "no", "all"]
    assert [each.value for each in found.values()] == [3 / 4, 1 / 2, 4 / 6]
    assert found["yes"].interval == wilson_interval(3, 4)


def test_originals_trials_stand_beside_those_of_their_words(study):
    found = field_test.plot_detections(study, beside_original=True).to_dict()["data"]["values"]
    assert [row["share"] for row in found if row["run"] == "original report"] == [0.8, 0.9]
    assert field_test.original_total().value == 17 / 20


def test_false_accepts_and_hisses_are_counted_apart(study):
    assert field_test.false_accept_rate(study, "_none_").value == 3 / 4
    assert field_test.false_accept_rate(study, "_unknown_").value == 0
    hiss = field_test.hisses(study)
    assert (hiss.count, hiss.trials) == (1, 2)


def test_bars_of_false_accepts_are_divided_by_what_was_detected_the_most_first(study):
    spec = field_test.plot_false_accepts(study, "_none_").to_dict()
    bars, rules = (layer["data"]["values"] for layer in spec["layer"])
    assert [(each["kind"], each["heard"], each["share"]) for each in bars] == [
        ("shh", "yes", 0.5), ("shh", "no", 0.5), ("sss", "yes", 0.5),
    ]  # fmt: skip
    assert [row["kind"] for row in rules] == ["shh", "sss"]
    assert "sss 1 of 2" in spec["description"]


def test_a_study_without_any_false_accept_can_be_drawn(study):
    spec = field_test.plot_false_accepts(study, "_unknown_").to_dict()
    assert vl_convert.vegalite_to_svg(spec).startswith("<svg")
    assert "dog 0 of 2" in spec["description"]


def test_words_by_themselves_are_scored_where_they_were(study):
    assert field_test.alone(study, "keywords").value == 1
    assert field_test.alone(study, "_unknown_").value == 0
    assert field_test.minutes(study.of("_unknown_")) == 1


def test_noise_groups_the_trials_of_a_word(study):
    rows = field_test.plot_noise(study).to_dict()["data"]["values"]
    assert {row["condition"]: row["share"] for row in rows if row["word"] == "yes"} == {
        "10 dB": 3 / 4
    }


def test_keyword_recall_is_the_mean_of_the_seeds_over_the_keywords_alone(tiny):
    tables = [each.value("confusion", split="testing") for each in tiny.studies]
    shares = [(t[2][2] + t[3][3]) / (sum(t[2]) + sum(t[3])) for t in tables]
    found = field_test.keyword_recall(tiny)
    assert found.value == pytest.approx(sum(shares) / len(shares))
    assert found.seeds == len(shares) == 3
    assert found.low < found.value < found.high


def test_accuracy_of_a_split_is_that_of_the_table_of_networks(tiny):
    found = field_test.accuracy_by_split(tiny)["testing"]
    assert found.value == pytest.approx(tiny.accuracy.value)
    assert found.interval == pytest.approx(tiny.accuracy.interval)


def test_charts_draw_and_say_what_they_rest_on(tiny):
    study = published()
    for chart in (
        field_test.plot_detections(study, beside_original=True),
        field_test.plot_noise(study),
        field_test.plot_false_accepts(study, "_none_"),
        field_test.plot_everywhere(tiny, study),
    ):
        spec = chart.to_dict()
        assert vl_convert.vegalite_to_svg(spec).startswith("<svg") and len(spec["description"]) > 40
        assert "emulated" in spec["usermeta"]["kws_fields"]["method"]
    rows = field_test.plot_detections(study, beside_original=True).to_dict()["data"]["values"]
    assert [(row["word"], row["run"]) for row in rows] == [
        ("yes", "published run"), ("yes", "original report"),
        ("no", "published run"), ("no", "original report"),
    ]  # fmt: skip


def test_conditions_stand_in_the_order_of_the_rows():
    spec = field_test.plot_noise(published()).to_dict()
    assert spec["layer"][0]["encoding"]["x"]["sort"] == ["quiet", "20 dB", "10 dB", "5 dB"]
