"""Chapter 1: clips and their views, differences clip by clip, and where the records come from."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import vl_convert

from kwslib.config import DEPLOYED
from kwslib.data.dataset import open_source
from kwslib.errors import InputError
from kwslib.features.views import VIEWS, view_of
from kwslib.records import Record, read_records
from kwslib.results import speech_views as results
from kwslib.results.charts.theme import colour_scale
from kwslib.results.provenance import FIELDS_MIME, META
from kwslib.studies.preprocessing import CLIPS_PER_WORD, RECORDS, compare_views
from kwslib.studies.separability import pack

CHAPTER = Path(__file__).parents[2] / "book" / "1_preprocessing.md"
TONE = np.round(9000 * np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)).astype(np.int16)
SOUND = results.Sound(TONE, "tone", "tones")


class Spoken:
    """A source with two test clips of yes and none of no."""

    name = "spoken"

    def check_word(self, word):
        if word not in ("yes", "no"):
            raise InputError(f"word {word!r}: no such word")

    def keyword_clips(self, word, split):
        return ["yes/a", "yes/b"] if word == "yes" else []

    def audio(self, names):
        return np.stack([np.full(16_000, ord(name[-1]), np.int16) for name in names])


def comparison(correct, digest="h"):
    """Records of views, each with the clips that it classified correctly."""
    return [
        Record(
            "separation_accuracy", float(np.mean(own)), "fraction", "measured",
            {"kind": kind, "which": pack(np.array(own, bool)), "clips": len(own),
             "words": ["a", "b"], "fitted": 9, "fisher": 0.5},
            {"name": "speech", "hash": digest}, interval=(0.1, 0.9),
        )
        for kind, own in correct.items()
    ]  # fmt: skip


def test_a_word_is_one_of_its_test_clips():
    sound = results.choose_sound(Spoken(), "", "yes", 1)
    assert (sound.name, sound.data, sound.samples[0]) == ("yes", "spoken", ord("b"))
    assert list(results.choose_words(Spoken(), " yes,, yes", 0)) == ["yes"]


@pytest.mark.parametrize(
    ("word", "take", "message"),
    [
        ("yes", 2, r"has 2 test clips of 'yes'; choose 0 to 1"),
        ("yes", -1, "choose 0 to 1"),
        ("no", 0, "spoken has no test clips of it; choose another word"),
        ("maybe", 0, "no such word"),
    ],
)
def test_a_clip_that_is_not_there(word, take, message):
    with pytest.raises(InputError, match=message):
        results.choose_sound(Spoken(), "", word, take)


def test_a_recording_of_the_reader_s(tmp_path):
    path = tmp_path / "mine.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 8000), 16_000)
    sound = results.choose_sound(Spoken(), str(path), "yes", 0)
    assert sound.name == "mine.wav" and sound.samples.shape == (16_000,)
    assert "put in the middle" in sound.notes[0]
    with pytest.raises(InputError, match="no such file"):
        results.choose_sound(Spoken(), "absent.wav", "yes", 0)


def test_a_tone_has_its_frequency_and_its_energy_below_the_edge():
    assert SOUND.peak_hz == 1000
    assert SOUND.share_in_image == pytest.approx(1)
    high = np.round(9000 * np.sin(2 * np.pi * 6000 * np.arange(16_000) / 16_000))
    assert results.Sound(high.astype(np.int16), "", "").share_in_image < 1e-3


def test_a_change_is_paired_clip_by_clip():
    records = comparison({"mel": [1, 1, 1, 0, 0], "logmel": [1, 1, 1, 1, 0]})
    change = results.change_between_views(records, "logmel", "mel")
    assert change.value == pytest.approx(20)
    # one clip of five changes: standard deviation 100 * sqrt(0.2), of the mean a fifth of 100
    assert change.high - change.value == pytest.approx(1.96 * 20, rel=1e-4)
    same = results.change_between_views(records, "mel", "mel")
    assert (same.low, same.high) == (0, 0)


def test_the_same_clips_are_recognised():
    one = comparison({"mel": [1, 0]})
    assert results.have_same_clips(one, comparison({"mel": [0, 0]}))
    assert not results.have_same_clips(one, comparison({"mel": [1, 0]}, digest="other"))
    assert not results.have_same_clips([], one)


def test_similarity_is_pearson_s_correlation():
    rng = np.random.default_rng(1)
    one, other = rng.normal(size=(2, 7, 5))
    expected = np.corrcoef(one.ravel(), other.ravel())[0, 1]
    assert results.similarity(one, other) == pytest.approx(expected)
    assert results.similarity(one, np.ones((7, 5))) == 0


def test_a_delay_moves_samples_and_keeps_the_magnitudes():
    click = np.zeros(16_000, np.int16)
    click[8000] = 9000
    later = results.delay(click, 10)
    assert later.shape == click.shape and later[8160] == 9000
    assert results.similarity_by_delay(click, "waveform", [0, 10])[10] < 0.01
    tone = np.round(TONE * np.hanning(16_000)).astype(np.int16)
    assert results.similarity_by_delay(tone, "spectrum", [10])[10] > 0.999


def test_comparisons_are_made_in_the_demo_or_with_data(monkeypatch):
    asked = []
    monkeypatch.setattr(results, "compare_views", lambda *given: asked.append(given) or ["made"])
    assert results.compare_now("full", "", "source", ["yes"]) == []
    assert results.compare_now("demo", "", "source", ["yes"]) == ["made"]
    assert results.compare_now("full", "folder", "source", ["yes"]) == ["made"]
    assert [given[2] for given in asked] == [results.DEMO_CLIPS_PER_WORD, CLIPS_PER_WORD]


def test_figures_say_what_they_show():
    assert set(results.charts.PICTURES) == set(VIEWS)
    for chart in (
        *(results.plot_view(kind, view_of(TONE, kind), SOUND) for kind in VIEWS),
        results.plot_words({"tone": SOUND}),
        results.plot_delays(SOUND, 2),
    ):
        assert chart.usermeta[META] == {"data": "tones", "method": "computed"}
    players = results.tabulate_words({"tone": SOUND})._repr_mimebundle_()
    assert players["text/html"].count("<audio") == 1
    assert players[FIELDS_MIME]["data"] == "tones"
    distance = results.plot_distance(results.load_distance())
    assert distance.usermeta[META]["data"] == "Speech Commands v0.02"


def test_the_table_has_a_row_a_view_and_columns_of_this_run_only_if_it_compared():
    published = results.load_comparison()
    html = results.tabulate_views([], published)
    assert all(f"<td>{view.title}</td>" in html for view in VIEWS.values())
    assert "this run" not in html and "on record" in html
    assert "accuracy, this run" in results.tabulate_views(published, published)
    rows = results.plot_accuracy_by_view(published, published).to_dict()["hconcat"][0]
    assert {row["run"] for row in rows["layer"][1]["data"]["values"]} == {"this run", "on record"}


def test_the_formulas_of_the_text_are_the_contract():
    text = CHAPTER.read_text(encoding="utf-8")
    assert f"{DEPLOYED.gain:g} \\ln P - {-DEPLOYED.offset:g}" in text
    assert f"has {DEPLOYED.window} samples" in text and f"to {DEPLOYED.fft} samples" in text
    assert f"every {1000 * DEPLOYED.hop // 16_000} ms" in text
    assert not re.findall(r"\{glue:text\}", text)


def test_the_committed_records_say_where_they_come_from():
    records = read_records(RECORDS)
    assert [record.subject.get("kind") for record in records[:-1]] == list(VIEWS)
    for record in records:
        assert record.method == "measured" and record.machine and record.when
        assert record.data["name"] == "Speech Commands v0.02" and record.data["hash"]
        assert "+" not in record.code, "measured by code that is not committed"
    for record in records[:-1]:
        assert record.interval[0] <= record.value <= record.interval[1]
        own = bytes.fromhex(record.subject["which"])
        assert sum(byte.bit_count() for byte in own) == record.subject["correct"]
        assert record.value == record.subject["correct"] / record.subject["clips"]
        assert record.subject["bytes"] == VIEWS[record.subject["kind"]].bytes
    distance = results.load_distance().value
    assert {name: sum(each) for name, each in distance["counts"].items()} == distance["clips"]


def test_embedded_speech_is_compared():
    records = compare_views(open_source(None), ["yes", "no"], 12)
    assert [record.subject["kind"] for record in records] == list(VIEWS)
    assert all(record.subject["clips"] == 24 for record in records)
    assert results.change_between_views(records, "mfcc", "mfcc").value == 0


@pytest.mark.real_speech
def test_the_committed_comparison_comes_out_again(official):
    from kwslib.studies.separability import separations, two_groups

    published = results.by_view(results.load_comparison())["logmel-u8"].subject
    groups = two_groups(official, published["words"], CLIPS_PER_WORD)
    (again,) = separations(*groups, kinds=["logmel-u8"])
    # another processor adds floats in another order: a clip or two may change sides
    assert abs(again["correct"] - published["correct"]) <= 2
    assert again["clips"] == published["clips"]


def drawn(chart):
    spec = chart.to_dict()
    assert len(spec["description"]) > 20
    return spec, vl_convert.vegalite_to_svg(spec)


def test_both_runs_have_their_colours():
    published = results.load_comparison()
    _, svg = drawn(results.plot_accuracy_by_view(published, published))
    assert "this run" in svg and "on record" in svg
    assert colour_scale(["this run", "on record"]).to_dict()["range"] == ["#0072b2", "#e69f00"]
    assert all(view.title in svg for view in VIEWS.values())
    drawn(results.plot_accuracy_by_view([], published))


def test_the_histogram_shows_every_clip():
    distance = results.load_distance()
    spec, svg = drawn(results.plot_distance(distance))
    shown = [sum(row["clips"] for row in panel["data"]["values"]) for panel in spec["vconcat"]]
    assert shown == [distance.value["clips"][group] for group in ("whole", "padded")]
    assert "a whole second recorded (" in svg


def test_a_line_a_view_over_the_delay():
    spec, svg = drawn(results.plot_delays(SOUND, 2))
    assert "delay, ms" in svg and VIEWS["logmel-u8"].title in svg
    rows = spec["layer"][1]["data"]["values"]
    assert len(rows) == 3 * len(results.SHIFTED_KINDS)
    assert [row["similarity"] for row in rows if row["delay"] == 0] == pytest.approx([1.0] * 4)
