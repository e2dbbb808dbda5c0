"""``kws stream``: a stream that is built, one that was recorded, and mistakes."""

import json
import os

import numpy as np
import pytest
import soundfile
from command_line import refused, runner

from kwslib.files import lock_file
from kwslib.records import read_records

NETWORK = "tiny_conv-yes_no"
SHORT = ("--hours", 1 / 30, "--keywords-an-hour", 300, "--others-an-hour", 300)


@pytest.fixture
def kws(capsys):
    return runner("stream", capsys)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A stream that was written, and what was told of it."""
    return tmp_path_factory.mktemp("saved") / "stream.flac"


def test_json_is_one_object_with_the_curve_and_the_records_are_kept(kws, tones, saved, tmp_path):
    out_file = tmp_path / "stream.json"
    code, out, _ = kws(
        NETWORK, *SHORT, "--snr", "5,clean", "--data", tones, "--save", saved, "--out", out_file,
        "--misses", 0.9, "--target", "host", "--json",
    )  # fmt: skip
    assert (code, len(out.splitlines())) == (0, 1)
    told = json.loads(out)
    assert (told["keywords"], len(told["curve"]), told["form"]) == (10, 255, "int8")
    assert (told["target"], told["target_equal"]) == ("host", True)
    assert (
        told["settings"]["threshold"] == told["threshold"] == told["operating_point"]["threshold"]
    )
    assert told["data"]["name"] == "Speech Commands v0.02 (official)"
    assert len(told["detections"]) == 10 - told["missed"] + told["false_accepts"]
    curve = next(each for each in read_records(out_file) if each.metric == "stream_curve")
    assert curve.value == told["curve"]
    assert curve.data["snr_db"] == [5.0, "clean"]

    # The same as a recording, with its labels, is the same stream.
    code, out, _ = kws(
        NETWORK, "--audio", saved, "--labels", saved.with_suffix(".txt"), "--misses", 0.9, "--json"
    )
    assert code == 0
    again = json.loads(out)
    same = ("curve", "detections", "threshold", "latency", "kinds", "hours", "by_hour")
    assert {name: again[name] for name in same} == {name: told[name] for name in same}


def test_a_recording_without_labels_lists_detections(kws, tones, tmp_path):
    path = tmp_path / "stream.wav"
    assert kws(NETWORK, *SHORT, "--data", tones, "--save", path)[0] == 0
    code, out, _ = kws(NETWORK, "--audio", path, "--threshold", 1, "--json")
    told = json.loads(out)
    assert code == 0 and told["detections"]
    assert set(told["detections"][0]) == {"label", "time_ms", "probability"}
    code, out, _ = kws(NETWORK, "--audio", path, "--threshold", 1)
    assert out.splitlines()[0].startswith(f"{len(told['detections'])} detections in stream.wav")
    assert len(out.splitlines()) == 1 + len(told["detections"])


def test_people_get_a_summary_and_settings_can_be_chosen(kws, tones):
    code, out, err = kws(NETWORK, *SHORT, "--data", tones, "--tune", 1 / 30, "--misses", 0.95)
    assert code == 0
    assert "missed" in out and "false accepts" in out and "95 % interval" in out
    assert "of the other speakers" in err


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["absent"], ["absent"]),
        ([NETWORK, "--snr", "loud"], ["--snr loud", "10,15,20,clean"]),
        ([NETWORK, "--snr", "nan"], ["--snr nan"]),
        ([NETWORK, "--noise", "rain"], ["'rain'", "mixed, synthetic, all"]),
        ([NETWORK, "--hours", "0"], ["--hours"]),
        ([NETWORK, "--misses", "0"], ["--misses"]),
        ([NETWORK, "--inferences", "99"], ["inferences 99", "1 to 50"]),
        ([NETWORK, "--labels", "l.txt"], ["--labels", "--audio"]),
        ([NETWORK, "--audio", "a.wav"], ["a.wav", "no such file"]),
        ([NETWORK, "--audio", "a.wav", "--tune", "1"], ["--tune", "leave --audio out"]),
        ([NETWORK, "--tune", "1", "--threshold", "9"], ["--tune chooses"]),
        ([NETWORK, "--out", "records.txt"], ["records.txt", ".json"]),
        ([NETWORK, "--audio", "a.wav", "--out", "r.json"], ["--out", "--labels"]),
        ([NETWORK, "--save", "a.mp3"], ["a.mp3", ".wav or .flac"]),
        ([NETWORK, "--target", "moon"], ["moon", "serial:PORT"]),
        ([NETWORK, "--others-an-hour", "9999"], ["9999 other words", "1,440"]),
        ([NETWORK, "--data", "nowhere"], ["nowhere", "no such data folder"]),
    ],
)
def test_mistakes_are_one_line(kws, arguments, parts):
    assert refused(kws(*arguments), *parts)


def test_two_streams_into_one_file_are_one_too_many(kws, tones, tmp_path):
    path = tmp_path / "stream.wav"
    with lock_file(path):
        result = kws(NETWORK, *SHORT, "--data", tones, "--save", path)
    assert refused(result, f"{path}: process {os.getpid()} is writing there")


@pytest.fixture
def minute(tmp_path):
    """A minute with a label every five seconds, some in capitals."""
    draw = np.random.default_rng(0)
    samples = draw.normal(0, 500, 60 * 16_000).astype(np.int16)
    words = ["yes", "No", "YES", "other"]
    lines = [f"{5 * n + 1}.0\t{5 * n + 1}.5\t{words[n % 4]}" for n in range(12)]
    (tmp_path / "a.txt").write_text("\n".join(lines))

    def write(name):
        soundfile.write(tmp_path / name, samples, 16_000)
        return tmp_path / name

    return write


def heard(kws, path, *options):
    labels = ("--labels", path.with_name("a.txt"))
    code, out, err = kws(NETWORK, "--audio", path, *labels, "--json", *options)
    assert code == 0, err
    return json.loads(out), err


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3"])
def test_rates_of_a_recording_that_was_cut_are_over_what_was_heard(kws, minute, name):
    path = minute(name)
    whole, err = heard(kws, path)
    assert whole["hours"] == pytest.approx(1 / 60) and "labels" not in err
    assert (whole["keywords"], set(whole["words"])) == (9, {"yes", "no"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    cut, err = heard(kws, path)
    assert 20 / 3600 < cut["hours"] < 35 / 3600
    rate = cut["false_accepts"] / cut["hours"]
    assert cut["false_accepts_an_hour"] == pytest.approx(rate)
    assert cut["keywords"] <= 6
    first, second = [line for line in err.splitlines() if line.startswith("a.")]
    assert name in first and "of 12 labels lie beyond the end" in second


@pytest.mark.parametrize("word", ["know", "Know", "KNOW"])
def test_a_word_in_a_recording_that_sounds_like_a_keyword_is_named(kws, minute, word):
    path = minute("a.wav")
    labels = path.with_name("a.txt")
    labels.write_text(labels.read_text().replace("other", word))
    told, _ = heard(kws, path)
    assert (told["keywords"], told["homophones"]) == (9, {word: "no"})
    records = path.with_name("r.json")
    code, out, _ = kws(NETWORK, "--audio", path, "--labels", labels, "--out", records)
    assert code == 0
    assert f"not counted: {word}, which sounds like no" in out
    assert all(each.data["homophones"] == [word] for each in read_records(records))
    labels.write_text(labels.read_text().replace(word, "other"))
    assert heard(kws, path)[0]["homophones"] == {}


def test_a_flac_file_of_unknown_length_is_heard_to_its_end(kws, minute):
    path = minute("a.flac")
    whole, _ = heard(kws, path)
    data = bytearray(path.read_bytes())
    data[21:26] = bytes([data[21] & 0xF0, 0, 0, 0, 0])
    path.write_bytes(data)
    assert heard(kws, path)[0]["curve"] == whole["curve"]
