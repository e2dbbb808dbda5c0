"""``kws compile``."""

import json
from pathlib import Path

import pytest
from command_line import refused, runner

from kwslib.models.checkpoint import PUBLISHED

TINY_CONV = PUBLISHED / "tiny_conv-yes_no.tflite"


@pytest.fixture
def kws_compile(capsys):
    return runner("compile", capsys)


@pytest.mark.parametrize("target", ["host", "emulator"])
def test_compiles_and_states_the_memory(kws_compile, target, tmp_path):
    code, out, _ = kws_compile(TINY_CONV, "--target", target, "--out", tmp_path, "--json")
    result = json.loads(out)
    assert code == 0
    assert result["macs"] == 336_000
    assert result["peak"] <= result["arena"]
    assert all(Path(name).exists() for name in result["files"])
    names = {Path(name).name for name in result["files"]}
    assert {"network.c", "network.h", "frontend_push.c", "smoothing_push.c"} <= names
    if target == "emulator":
        assert 17_000 < result["flash"] < 64_000
        assert result["arena"] <= result["ram"] < 16_000
    else:
        assert result["flash"] is None


def test_text_for_people(kws_compile, tmp_path):
    code, out, _ = kws_compile(TINY_CONV, "--target", "emulator", "--out", tmp_path)
    assert code == 0
    assert "live at the peak" in out


def test_a_file_that_is_none_is_refused(kws_compile, tmp_path):
    path = tmp_path / "cut.tflite"
    path.write_bytes(TINY_CONV.read_bytes()[:5000])
    assert refused(kws_compile(path, "--target", "host", "--out", tmp_path), "is damaged")
    assert refused(kws_compile("none.tflite", "--target", "host", "--out", tmp_path), "no such")
