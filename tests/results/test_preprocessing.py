"""Chapter 1: what it shows in each profile, and that its text asks for nothing that is missing."""

import re

import numpy as np
import pytest
import soundfile

from kwslib.config import DEPLOYED
from kwslib.errors import InputError
from kwslib.features.views import VIEWS
from kwslib.measurements import read_records
from kwslib.results import preprocessing, preprocessing_prose
from kwslib.results.preprocessing import Comparison, Distance, findings

WORDS = "yes,no"


@pytest.fixture(scope="module")
def few():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preprocessing, "DEMO_CLIPS_PER_WORD", 12)
        yield


@pytest.fixture(scope="module")
def demo(few):
    return findings("demo", "", "", "yes", WORDS, 0)


@pytest.fixture(scope="module")
def without_data(few):
    return findings("full", "", "", "no", WORDS, 1)


def asked_by_the_chapter():
    from pathlib import Path

    text = (Path(__file__).parents[2] / "book" / "1_preprocessing.md").read_text(encoding="utf-8")
    return text, set(re.findall(r"\{glue:text\}`([^`]+)`", text))


def test_demo_compares_now_and_draws_the_published_beside(demo):
    assert demo.clip.shape == (16_000,) and demo.clip.dtype == np.int16
    assert list(demo.words) == ["yes", "no"]
    assert demo.live is demo.comparison
    assert {row["run"] for row in demo.points()} == {"this run", "published run"}
    assert len(demo.points()) == 2 * len(VIEWS)
    assert all(row["low"] <= row["accuracy"] <= row["high"] for row in demo.points())
    assert not demo.real and not demo.distance_is_live


def test_full_without_data_shows_what_is_committed(without_data):
    assert without_data.live is None
    assert {row["run"] for row in without_data.points()} == {"published run"}
    text = preprocessing_prose.numbers(without_data)["origin"]
    assert "embedded speech" in text and "committed" in text


@pytest.mark.parametrize("run", ["demo", "without_data"])
def test_the_text_finds_its_numbers(run, request):
    found = preprocessing_prose.numbers(request.getfixturevalue(run))
    _, asked = asked_by_the_chapter()
    assert asked == set(found)
    assert all(isinstance(value, str) for value in found.values())
    assert not any("nan" in value for value in found.values())


def test_the_formulas_of_the_text_are_the_contract():
    text, _ = asked_by_the_chapter()
    assert f"{DEPLOYED.gain:g} \\ln P_{{i,b}} - {-DEPLOYED.offset:g}" in text
    assert f"n / {DEPLOYED.fft}" in text and f"x_{{{DEPLOYED.hop} i + n}}" in text
    assert f"\\frac{{2\\pi n}}{{{DEPLOYED.window}}}" in text


def test_the_table_has_a_row_a_view(demo, without_data):
    rows = preprocessing_prose.table_rows(demo)
    assert [row["view"] for row in rows] == [view.title for view in VIEWS.values()]
    assert "accuracy, this run" in rows[0] and "accuracy, published run" in rows[0]
    assert "accuracy, this run" not in preprocessing_prose.table_rows(without_data)[0]


def test_the_verdict_follows_the_intervals(without_data):
    published = Comparison.published()
    text = preprocessing_prose.numbers(without_data)["verdict"]
    bounds = {row["kind"]: row for row in published.points("published run")}
    deployed = bounds["logmel-u8"]
    for kind, row in bounds.items():
        if kind != "logmel-u8" and row["low"] > deployed["high"]:
            pytest.fail(f"{kind} beats the deployed image: read the chapter again")
    assert "beaten by no view" in text
    assert ("the waveform" in text) == (bounds["waveform"]["high"] < deployed["low"])


def test_the_reader_s_own_recording(few, tmp_path):
    path = tmp_path / "mine.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 8000), 16_000)
    found = findings("full", "", str(path), "yes", WORDS, 0)
    text = preprocessing_prose.numbers(found)
    assert text["clip"] == "the recording mine.wav"
    assert "put in the middle" in text["notes"]


def test_mistakes_are_named():
    with pytest.raises(InputError, match="take 999999"):
        findings("full", "", "", "yes", WORDS, 999_999)
    with pytest.raises(InputError, match="no such file"):
        findings("full", "", "absent.wav", "yes", WORDS, 0)


def test_the_committed_records_say_where_they_come_from():
    records = read_records(preprocessing.RECORDS)
    assert [record.subject.get("kind") for record in records[:-1]] == list(VIEWS)
    for record in records:
        assert record.method == "measured" and record.machine and record.when
        assert record.data["name"] == "Speech Commands v0.02" and record.data["hash"]
    for record in records[:-1]:
        assert record.interval[0] <= record.value <= record.interval[1]
        assert record.value == record.subject["correct"] / record.subject["clips"]
        assert record.subject["bytes"] == VIEWS[record.subject["kind"]].bytes
    distance = Distance.published()
    assert {name: sum(numbers) for name, numbers in distance.counts.items()} == distance.clips


@pytest.mark.real_speech
def test_the_committed_comparison_comes_out_again(speech_commands):
    from kwslib.data.dataset import open_source
    from kwslib.studies.separability import separations, two_groups

    published = Comparison.published()
    groups = two_groups(open_source(speech_commands), published.words, preprocessing.CLIPS_PER_WORD)
    (again,) = separations(*groups, kinds=["logmel-u8"])
    # another processor adds floats in another order: a clip or two may change sides
    assert abs(again.correct - published.view("logmel-u8").correct) <= 2
    assert again.clips == published.view("logmel-u8").clips
