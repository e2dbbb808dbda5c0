import io
import json
import os
import shutil
import sys
from contextlib import contextmanager

import numpy as np
import pytest
import soundfile
from command_line import refused, runner
from tone_listener import quiet

from kwslib.data.spoken_clip import clip_audio, voices
from kwslib.field import session
from kwslib.field.live import SPEAK_MS
from kwslib.field.recordings import BEFORE_MS
from kwslib.files import lock_file, sha256_of_file
from kwslib.models.checkpoint import PUBLISHED
from kwslib.records import read_records

NETWORK = "tiny_conv-yes_no"


@pytest.fixture
def kws(capsys):
    return runner("field-test", capsys)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Two clips of yes, one of no, another word, and a hum."""
    folder = tmp_path_factory.mktemp("recordings")
    clips = {
        f"{word}/{word}-{number}.wav": clip_audio(f"{word}/espeak_{voices()[number]}_nohash_0")
        for word, count in (("yes", 2), ("no", 1), ("happy", 1))
        for number in range(count)
    }
    time = np.arange(16_000) / 16_000
    clips["_none_/hum-1.wav"] = np.rint(900 * np.sin(2 * np.pi * 50 * time)).astype(np.int16)
    for name, samples in clips.items():
        (folder / name).parent.mkdir(exist_ok=True)
        soundfile.write(folder / name, samples, 16_000, subtype="PCM_16")
    return folder


@pytest.fixture
def microphone(monkeypatch):
    """The computer's microphone says yes half a second after the cue."""
    clip = clip_audio(f"yes/espeak_{voices()[0]}_nohash_0")
    sound = np.concatenate([quiet(BEFORE_MS), quiet(SPEAK_MS, 1)])
    sound[(BEFORE_MS + 500) * 16 :][: len(clip)] = clip

    class Fake:
        gaps, position = 0, 0

        def read(self, count):
            self.position += count
            return sound[self.position - count : self.position]

    @contextmanager
    def open_fake():
        yield Fake()

    monkeypatch.setattr(session, "computer_microphone", open_fake)


def answers(monkeypatch, *lines):
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_recordings_are_played_and_json_is_one_object(kws, recordings, tmp_path):
    out_file = tmp_path / "trials.json"
    code, out, err = kws(NETWORK, "--recordings", recordings, "--out", out_file, "--json")
    assert (code, err, len(out.splitlines())) == (0, "", 1)
    result = json.loads(out)
    assert (result["target"], result["trials"]) == ("host", 5)
    assert {word: score["trials"] for word, score in result["words"].items()} == {"yes": 2, "no": 1}
    assert result["sounds"]["trials"] == 1
    assert list(result["other_words"]["kinds"]) == ["happy"]
    (record,) = read_records(out_file)
    assert record.subject["sha256"] == sha256_of_file(PUBLISHED / f"{NETWORK}.tflite")
    assert [each["recording"] for each in record.value] == [
        "_none_/hum-1.wav",
        "happy/happy-0.wav",
        "no/no-0.wav",
        "yes/yes-0.wav",
        "yes/yes-1.wav",
    ]


def test_a_second_call_goes_on_and_says_the_same(kws, recordings, tmp_path):
    arguments = (NETWORK, "--recordings", recordings, "--out", tmp_path / "t.json", "--json")
    _, few, _ = kws(*arguments, "--trials", "1", "--words", "yes")
    assert json.loads(few)["trials"] == 1
    _, all_of_them, _ = kws(*arguments)
    assert json.loads(all_of_them)["trials"] == 5
    assert [len(record.value) for record in read_records(tmp_path / "t.json")] == [1, 4]
    before = (tmp_path / "t.json").read_bytes()
    _, again, _ = kws(*arguments)
    assert again == all_of_them
    assert (tmp_path / "t.json").read_bytes() == before


def test_people_get_a_line_for_each_word(kws, recordings, tmp_path):
    code, out, _ = kws(NETWORK, "--recordings", recordings, "--out", tmp_path / "t.json")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith(NETWORK)
    assert [line.split(":")[0] for line in lines[1:]] == ["no", "yes", "other words", "sounds"]
    assert "of 2 (" in lines[2]
    assert "95 % interval" in lines[2]


def test_a_person_is_prompted_on_standard_error(kws, microphone, monkeypatch, tmp_path):
    answers(monkeypatch, "", "again", "", "")
    code, out, err = kws(
        NETWORK, "--words", "yes", "--trials", "1", "--name", "me", "--out", tmp_path / "t.json",
        "--json",
    )  # fmt: skip
    assert code == 0
    assert json.loads(out)["words"]["yes"]["successes"] == 1
    assert "say: yes" in err
    assert "heard yes" in err
    (record,) = read_records(tmp_path / "t.json")
    assert record.data == {"name": "live speech", "microphone": "computer", "speaker": "me"}
    assert [each["repeats"] for each in record.value] == [1]


def test_an_interrupted_session_keeps_its_trials_and_goes_on(
    kws, microphone, monkeypatch, tmp_path
):
    arguments = (NETWORK, "--trials", "1", "--out", tmp_path / "t.json")
    answers(monkeypatch, "")  # and then the input ends
    code, _, err = kws(*arguments)
    assert code == 130
    assert "what was finished is kept" in err
    answers(monkeypatch, "", "")
    code, _, err = kws(*arguments)
    assert code == 0
    assert "'no', 1 to go" in err
    names = [
        each["recording"] for record in read_records(tmp_path / "t.json") for each in record.value
    ]
    assert names == ["yes/1", "no/1"]


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["absent"], ["absent", "kws convert"]),
        ([NETWORK, "--target", "moon"], ["moon", "serial:PORT"]),
        ([NETWORK, "--microphone", "board"], ["host has none", "serial:PORT"]),
        ([NETWORK, "--recordings", "absent"], ["absent", "no such folder"]),
        ([NETWORK, "--words", "left", "--trials", "1"], ["left", "yes, no"]),
        ([NETWORK, "--trials", "0"], ["--trials"]),
        ([NETWORK, "--microphone", "board", "--recordings", "x"], ["not both"]),
        ([NETWORK, "--target", "socket://127.0.0.1:9"], ["127.0.0.1:9"]),
    ],
)
def test_mistakes_are_one_line(kws, tmp_path, arguments, parts):
    assert refused(kws(*arguments, "--out", tmp_path / "t.json"), *parts)
    assert not (tmp_path / "t.json").exists()


def test_without_sounddevice_nobody_is_prompted(kws, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert refused(kws(NETWORK, "--out", tmp_path / "t.json"), "pip install sounddevice")


def test_trials_of_another_network_are_left_alone(kws, recordings, tmp_path):
    arguments = ("--recordings", recordings, "--out", tmp_path / "t.json", "--trials", "1")
    assert kws(NETWORK, *arguments)[0] == 0
    before = (tmp_path / "t.json").read_bytes()
    assert refused(kws("tiny_conv-yes_no_left", *arguments), NETWORK, "--out")
    assert (tmp_path / "t.json").read_bytes() == before


@pytest.fixture
def saved(tmp_path):
    """What the page "Try it" saves."""
    subject = {
        "network": NETWORK,
        "labels": ["_silence_", "_unknown_", "yes", "no"],
        "sha256": sha256_of_file(PUBLISHED / f"{NETWORK}.tflite"),
        "hops": 5,
        "thresholds": [128, 128],
        "inferences": 3,
        "refractory_ms": 1000,
    }
    heard = [{"label": "yes", "time_ms": 800, "probability": 0.8}]
    trial = {"said": "yes", "seconds": 3.1, "detected": "yes", "detections": heard}
    record = {
        "metric": "field_trials",
        "unit": "trials",
        "method": "measured",
        "subject": subject,
        "data": {"name": "live speech", "microphone": "browser"},
        "machine": "Firefox 140",
        "interval": None,
        "target": "wasm",
        "when": "2026-11-25T01:02:03+00:00",
        "code": "0.1.0",
        "source": "",
        "value": [trial | {"recording": "yes/1"}],
    }
    path = tmp_path / "saved.json"
    path.write_text(json.dumps([record]))
    return path


def test_trials_of_the_browser_are_imported(kws, saved, tmp_path):
    out = tmp_path / "me.json"
    code, text, _ = kws(NETWORK, "--import", saved, "--out", out, "--json")
    result = json.loads(text)
    assert code == 0
    assert (result["target"], result["data"], result["out"]) == ("wasm", "live speech", str(out))
    assert result["words"]["yes"]["successes"] == 1
    assert read_records(out)[0].machine == "Firefox 140"
    assert refused(kws(NETWORK, "--import", saved, "--out", out), "are in")


def test_an_import_takes_no_other_source(kws, saved, tmp_path):
    options = ("--import", saved, "--out", tmp_path / "me.json")
    for more in (("--name", "me"), ("--trials", "3"), ("--microphone", "computer")):
        assert refused(kws(NETWORK, *options, *more), "give --out alone with it")


def test_an_import_of_another_network_is_refused(kws, saved, tmp_path):
    options = ("--import", saved, "--out", tmp_path / "me.json")
    assert refused(kws("tiny_conv-yes_no-w4", *options), "name the network that was tested")


def test_case_of_folders_does_not_matter_and_what_is_skipped_is_said(kws, recordings, tmp_path):
    expected = kws(NETWORK, "--recordings", recordings, "--out", tmp_path / "a.json", "--json")[1]
    folder = tmp_path / "renamed"
    for path in recordings.rglob("*.wav"):
        (folder / path.parent.name.title()).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / path.parent.name.title() / path.name)
    (folder / "Yes" / "notes.txt").write_text("no sound")
    code, out, err = kws(NETWORK, "--recordings", folder, "--out", tmp_path / "b.json", "--json")
    assert code == 0
    scores, theirs = json.loads(out), json.loads(expected)
    for name in ("words", "sounds", "trials"):
        assert scores[name] == theirs[name]
    assert err.splitlines() == [f"skipped, since they are no sound: {folder / 'Yes' / 'notes.txt'}"]


def test_two_tests_into_one_file_are_one_too_many(kws, recordings, tmp_path):
    out, link = tmp_path / "t.json", tmp_path / "link.json"
    link.symlink_to(out)
    for held, other in ((out, link), (link, out)):
        with lock_file(held):
            result = kws(NETWORK, "--recordings", recordings, "--out", other)
        assert refused(result, f"{other}: process {os.getpid()} is writing there")
    assert list(tmp_path.iterdir()) == [link]


def test_trials_may_go_to_a_pipe(kws, recordings, saved, tmp_path):
    for source in (("--recordings", recordings), ("--import", saved)):
        out = tmp_path / "t.json"
        pipe, end = os.pipe()
        code, _, err = kws(NETWORK, *source, "--out", f"/dev/fd/{end}")
        os.close(end)
        assert (code, err) == (0, "")
        with open(pipe) as stream:
            out.write_text(stream.read())
        assert read_records(out)[0].value


def test_a_device_that_takes_nothing_is_told(kws, recordings):
    arguments = (NETWORK, "--recordings", recordings, "--trials", "1", "--words", "yes")
    assert refused(kws(*arguments, "--out", "/dev/full"), "/dev/full: cannot be written")
