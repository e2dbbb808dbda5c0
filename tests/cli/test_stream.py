"""``kws stream``: a stream that is built, one that was recorded, and mistakes."""

import json

import pytest
from command_line import refused, runner

from kwslib.measurements import read_records

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
