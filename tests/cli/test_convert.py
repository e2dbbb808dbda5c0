"""``kws convert``."""

import json

import pytest
from command_line import refused, runner
from fake_speech import write_official

from kwslib.models import create
from kwslib.models.checkpoint import NetworkInfo, save
from kwslib.network.reader import read_graph

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
    assert refused(run("none.safetensors", "--out", tmp_path / "x.tflite"), "no such file")


def test_a_checkpoint_cannot_be_evaluated_on_a_target(checkpoint, capsys):
    run = runner("evaluate", capsys)
    assert refused(run(checkpoint, "--target", "host"), "kws convert")


def test_the_result_must_be_called_a_tflite_file(checkpoint, tones, tmp_path, capsys):
    run = runner("convert", capsys)
    for name in ("net.cc", "net"):
        result = run(checkpoint, "--out", tmp_path / name, "--data", tones, "--c-array")
        assert refused(result, name, ".tflite")
        assert not (tmp_path / name).exists()


def test_text_names_size_data_and_both_accuracies(checkpoint, tones, tmp_path, capsys):
    code, text, _ = runner("convert", capsys)(
        checkpoint, "--out", tmp_path / "net.tflite", "--data", tones
    )
    assert code == 0
    for part in ("net.tflite: ", "training clips of", "int8 0.", "float 0."):
        assert part in text
    assert not (tmp_path / "net-float.tflite").exists()


def test_data_that_is_not_there_or_lacks_the_words(checkpoint, tones, tmp_path, capsys):
    run = runner("convert", capsys)
    out = tmp_path / "net.tflite"
    assert refused(run(checkpoint, "--out", out, "--data", tmp_path / "none"), "--data")
    facts = {"task": {**FACTS["task"], "keywords": ["left", "right"]}}
    labels = (*LABELS[:2], "left", "right")
    path = tmp_path / "left.safetensors"
    save(path, create("tiny_conv", 4).state_dict(), NetworkInfo("tiny_conv", labels, facts))
    assert refused(run(path, "--out", out, "--data", tones), "'left'")
    assert not out.exists()


def test_a_file_may_go_to_a_device(checkpoint, tones, tmp_path, capsys):
    out = tmp_path / "net.tflite"
    out.symlink_to("/dev/null")
    code, text, _ = runner("convert", capsys)(checkpoint, "--out", out, "--data", tones, "--json")
    assert code == 0
    assert json.loads(text)["int8_accuracy"] > 0
    assert out.is_symlink()


def test_what_cannot_be_scored_is_not_written(checkpoint, tmp_path, capsys):
    data = write_official(tmp_path / "data", (("training", 24), ("testing", 8)))
    run, out = runner("convert", capsys), tmp_path / "net.tflite"
    arguments = (checkpoint, "--out", out, "--data", data, "--float", "--c-array")
    assert refused(run(*arguments), "validation")
    assert not [*tmp_path.glob("net*.tflite"), *tmp_path.glob("net.[ch]*")]


def test_a_published_network_goes_by_its_name(tones, tmp_path, capsys):
    out = tmp_path / "net.tflite"
    code, text, err = runner("convert", capsys)(
        "tiny_conv-yes_no", "--out", out, "--data", tones, "--json"
    )
    assert code == 0
    assert "trained on Speech Commands" in err
    assert len(text.splitlines()) == 1
    assert json.loads(text)["bytes"] <= 20 * 1024
