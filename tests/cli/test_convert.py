"""``kws convert``."""

import json

import pytest
from command_line import refused, runner

from kwslib.deploy.reader import read_graph
from kwslib.models import create
from kwslib.models.checkpoint import NetworkInfo, save

FACTS = {"task": {"keywords": ["yes", "no"], "silence_percent": 33, "unknown_percent": 33}}
LABELS = ("_silence_", "_unknown_", "yes", "no")


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "net.safetensors"
    network = create("tiny_conv", 4)
    facts = {**FACTS, "data": {"name": "other words"}, "seed": 5}
    save(path, network.state_dict(), NetworkInfo("tiny_conv", LABELS, facts))
    return path


def test_writes_all_forms_and_scores_them(checkpoint, tones, tmp_path, capsys):
    out = tmp_path / "net.tflite"
    arguments = (checkpoint, "--out", out, "--data", tones, "--float", "--c-array", "--json")
    code, text, err = runner("convert", capsys)(*arguments)
    result = json.loads(text)
    assert code == 0
    assert "trained on other words but calibrated on" in err
    assert {"tflite", "bytes", "float_accuracy", "int8_accuracy"} <= result.keys()
    assert result["split"] == "validation"
    assert result["logit_difference"] < 1e-4
    assert out.stat().st_size == result["bytes"]
    assert (tmp_path / "net-float.tflite").exists()
    assert (tmp_path / "net.h").exists()
    assert read_graph(out).facts["labels"] == list(LABELS)
    code, text, _ = runner("evaluate", capsys)(
        out, "--data", tones, "--split", "validation", "--target", "host", "--json"
    )
    assert code == 0
    assert json.loads(text)["accuracy"] == result["int8_accuracy"]


def test_a_missing_checkpoint_is_refused(tmp_path, capsys):
    run = runner("convert", capsys)
    assert refused(run("none.safetensors", "--out", tmp_path / "x.tflite"), "no such checkpoint")


def test_a_checkpoint_cannot_be_evaluated_on_a_target(checkpoint, capsys):
    run = runner("evaluate", capsys)
    assert refused(run(checkpoint, "--target", "host"), "kws convert")
