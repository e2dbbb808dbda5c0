"""What the verbs write: devices and links stay, and nothing takes a folder's place."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import numpy as np
import pytest
import soundfile
from command_line import refused, runner

from kwslib.cli.main import _VERBS, group
from kwslib.cli.output import Output
from kwslib.models.checkpoint import PUBLISHED

NETWORK = "tiny_conv-yes_no"


@pytest.fixture
def word(tmp_path):
    samples = np.random.default_rng(0).normal(0, 2000, 20_000).astype(np.int16)
    soundfile.write(tmp_path / "word.wav", samples, 16_000)
    return tmp_path / "word.wav"


def calls(tones, word):
    """A call of every verb that writes a file, without the file; and what its name ends in."""
    return {
        "features": (["features", word, "--out"], ".npy"),
        "evaluate": (["evaluate", NETWORK, "--data", tones, "--predictions"], ".csv"),
        "convert": (["convert", NETWORK, "--data", tones, "--out"], ".tflite"),
        "quantize": (["quantize", NETWORK, "--data", tones, "--out"], ".tflite"),
        "prune": (
            ["prune", NETWORK, "--data", tones, "--amount", 0.5, "--epochs", 0, "--out"],
            ".safetensors",
        ),
        "stream": (["stream", NETWORK, "--hours", 1 / 60, "--data", tones, "--save"], ".flac"),
    }


VERBS = ("features", "evaluate", "convert", "quantize", "prune", "stream")


def call(capsys, arguments, out):
    verb, *rest = arguments
    return runner(verb, capsys)(*rest, out)


@pytest.mark.parametrize("verb", VERBS)
def test_a_full_device_behind_a_link_is_one_line_and_both_stay(capsys, tones, word, tmp_path, verb):
    arguments, suffix = calls(tones, word)[verb]
    link = tmp_path / f"link{suffix}"
    link.symlink_to("/dev/full")
    code, out, err = call(capsys, arguments, link)
    assert (code, out) == (2, "")
    assert "link" in err.splitlines()[-1] and "No space left on device" in err.splitlines()[-1]
    assert "Traceback" not in err
    assert link.is_symlink() and Path("/dev/full").is_char_device()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".kws-")]


@pytest.mark.parametrize("verb", [*VERBS, "train", "compile"])
def test_what_cannot_be_written_is_refused_before_any_work(
    capsys, tones, word, tmp_path, verb, monkeypatch
):
    def work(*arguments, **options):
        raise AssertionError("the work has begun")

    for stage in (
        "data.dataset.open_source",
        "network.reader.read_graph",
        "models.checkpoint.load",
    ):
        monkeypatch.setattr(f"kwslib.{stage}", work)
    (tmp_path / "file").write_bytes(b"")
    arguments = {name: made for name, (made, _) in calls(tones, word).items()} | folder_calls(tones)
    for out in (tmp_path / "file" / "x", tmp_path / ("n" * 300), "/proc/nowhere/x"):
        assert refused(call(capsys, arguments[verb], out), f"{out}: cannot be written")
    assert [path.name for path in tmp_path.iterdir() if path != word] == ["file"]


def test_every_option_that_names_what_is_written_is_checked():
    for verb in _VERBS:
        command = group.get_command(click.Context(group), verb)
        for option in command.params:
            names_output = option.name in ("out", "save", "predictions")
            assert isinstance(option.type, Output) == names_output, f"{verb} {option.name}"


@pytest.mark.parametrize("verb", VERBS)
def test_a_link_stays_and_its_target_is_written(capsys, tones, word, tmp_path, verb):
    arguments, suffix = calls(tones, word)[verb]
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / f"target{suffix}", tmp_path / f"link{suffix}"
    link.symlink_to(target)
    assert call(capsys, arguments, link)[0] == 0
    assert link.is_symlink() and target.stat().st_size > 0


def test_a_pipe_gets_the_array(capsys, word, tmp_path):
    pipe = tmp_path / "pipe.npy"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_bytes)
        assert call(capsys, ["features", word, "--out"], pipe)[0] == 0
        assert read.result(60).startswith(b"\x93NUMPY")
    assert pipe.is_fifo()


def folder_calls(tones):
    return {
        "train": ["train", "--data", tones, "--epochs", 1, "--out"],
        "compile": ["compile", PUBLISHED / f"{NETWORK}.tflite", "--target", "host", "--out"],
        "report": ["report", "--out"],
    }


@pytest.mark.parametrize("verb", ["train", "compile", "report"])
@pytest.mark.parametrize("what", ["/dev/null", "/dev/full", "pipe", "link to a device", "loop"])
def test_a_verb_that_writes_a_folder_refuses_what_is_none(capsys, tones, tmp_path, verb, what):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link to a device").symlink_to("/dev/full")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    out = tmp_path / what
    assert refused(call(capsys, folder_calls(tones)[verb], out), str(out))
    assert Path("/dev/null").is_char_device() and Path("/dev/full").is_char_device()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link to a device", "loop", "pipe"]


TRAINING = """
import sys
from kwslib.cli.main import _run
sys.exit(_run(["train", "--data", sys.argv[1], "--epochs", "200", "--out", sys.argv[2]]))
"""


def test_two_trainings_in_one_folder_are_one_too_many(capsys, tones, tmp_path):
    run = tmp_path / "run"
    first = subprocess.Popen(
        [sys.executable, "-c", TRAINING, str(tones), str(run)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        while not (run / "history.json").exists():
            assert first.poll() is None, first.stderr.read()
            time.sleep(0.05)
        _, *options, _ = folder_calls(tones)["train"]
        code, out, err = runner("train", capsys)(*options, "--seed", 1, "--out", run)
        assert (code, out) == (2, "")
        writing = f"process {first.pid} is writing there"
        assert err == f"kws: {run}: {writing}; wait for its end, or name another\n"
        assert first.poll() is None
    finally:
        first.kill()
        first.communicate()
    facts = json.loads((run / "best.json").read_text())
    assert facts["training"]["seed"] == 0
