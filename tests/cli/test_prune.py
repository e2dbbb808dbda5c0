"""``kws prune``: one setting, scored, and as files; sweeps."""

import json

import numpy as np
import pytest
import torch
from command_line import refused, runner

from kwslib.deploy.compressed import Wanted, prune_checkpoint
from kwslib.deploy.predictors import predictor
from kwslib.models import create
from kwslib.models.channels import with_widths
from kwslib.models.checkpoint import NetworkInfo, load, save
from kwslib.prune.masks import zeros_of
from kwslib.records import Record, read_records

MODEL = "tiny_conv-yes_no"


@pytest.fixture
def kws_prune(capsys, tones):
    run = runner("prune", capsys)
    return lambda *arguments: run(MODEL, *arguments, "--data", tones)


def test_weights_become_zero_in_every_file(kws_prune, tmp_path):
    checkpoint, tflite = tmp_path / "p.safetensors", tmp_path / "p.tflite"
    code, out, err = kws_prune(
        "--amount", 0.8, "--epochs", 1, "--out", checkpoint, "--out", tflite, "--json"
    )
    result = json.loads(out)
    assert (code, err) == (0, "")
    assert (result["method"], result["criterion"], result["schedule"]) == (
        "weights", "lamp", "gradual",
    )  # fmt: skip
    assert result["sparsity"] == pytest.approx(0.8)
    assert result["parameters"] == 3328 + 12 and result["parameters_before"] == 16_652
    assert result["interval"][0] <= result["accuracy"] <= result["interval"][1]
    assert result["files"] == [str(checkpoint), str(tflite)]
    assert result["bytes"] == tflite.stat().st_size and 0 <= result["int8_accuracy"] <= 1
    network, info = load(checkpoint)
    assert zeros_of(network).left == 3328
    assert info.training["pruning"]["amount"] == 0.8
    images = np.random.default_rng(0).integers(0, 256, (20, 49, 40), np.uint8)
    with torch.no_grad():
        floats = network(torch.from_numpy(images)[:, None].float() / 255).softmax(1).numpy()
    assert np.abs((predictor(tflite)(images).astype(float) + 128) / 256 - floats).max() < 0.1


def test_channels_leave_a_smaller_network_that_other_commands_take(kws_prune, tmp_path, capsys):
    checkpoint = tmp_path / "c3.safetensors"
    code, out, _ = kws_prune(
        "--method", "channels", "--channels", 3, "--criterion", "linf", "--epochs", 0,
        "--out", checkpoint, "--json",
    )  # fmt: skip
    result = json.loads(out)
    assert code == 0
    assert result["widths"] == {"conv": 3}
    assert (result["epochs"], result["schedule"]) == (0, None)
    assert result["macs"] == 126_000
    code, out, _ = runner("cost", capsys)(checkpoint, "--json")
    assert code == 0 and json.loads(out)["macs"] == 126_000


@pytest.mark.parametrize(
    "arguments", [("--threshold", 0.05), ("--method", "blocks", "--amount", 0.7)]
)
def test_other_ways_of_saying_how_much(kws_prune, arguments):
    code, out, _ = kws_prune(*arguments, "--epochs", 0, "--json")
    assert code == 0
    assert 0.3 < json.loads(out)["sparsity"] < 0.9


def test_a_mask_is_what_another_checkpoint_lacks(kws_prune, tmp_path):
    first = tmp_path / "first.safetensors"
    kws_prune("--amount", 0.9, "--criterion", "layer", "--epochs", 0, "--out", first)
    code, out, _ = kws_prune("--mask", first, "--epochs", 1, "--json")
    result = json.loads(out)
    assert code == 0
    assert result["schedule"] == "one_shot" and result["sparsity"] == pytest.approx(0.9)


def test_pruned_weights_stay_zero_when_they_are_quantized(kws_prune, tones, tmp_path, capsys):
    checkpoint = tmp_path / "p.safetensors"
    kws_prune("--amount", 0.9, "--epochs", 0, "--out", checkpoint)
    from kwslib.deploy.compressed import quantize_checkpoint
    from kwslib.quantize.network import Widths

    quantized, _ = quantize_checkpoint(str(checkpoint), "qat", Widths(4, 8), str(tones), epochs=1)
    masks = zeros_of(load(checkpoint)[0])
    for name, layer in quantized.layers():
        assert not layer.layer.weight[~masks.remaining[name]].any()


def test_text_for_people(kws_prune, tmp_path):
    code, out, _ = kws_prune(
        "--method", "channels", "--amount", 0.5, "--epochs", 0, "--out", tmp_path / "x.tflite"
    )
    assert code == 0
    for words in ("not fine-tuned", "channels: conv 4", "in int8", "x.tflite"):
        assert words in out


def test_rewinding_repeats_epochs_of_the_checkpoints_own_training(tones):
    from kwslib.deploy.compressed import recipe_of
    from kwslib.prune.methods import fine_tuning

    _, info = load(MODEL)
    how = fine_tuning(recipe_of(info), "weights", epochs=1, schedule="one_shot", rewind=True)
    assert how.first_pass() == info.training["recipe"]["epochs"] - 1
    result = prune_checkpoint(MODEL, Wanted(amount=0.5), how, str(tones))
    assert result["rewind"] is True and result["epochs"] == 1
    bare = NetworkInfo("tiny_conv", info.labels)
    assert recipe_of(bare).epochs == 40


def save_small(path):
    network, info = load(MODEL)
    smaller = with_widths(network, {"conv": 4})
    smaller.conv.weight.data[0] = 0
    save(
        path,
        smaller.state_dict(),
        NetworkInfo("tiny_conv", info.labels, info.training, {"conv": 4}),
    )


@pytest.mark.parametrize(
    "arguments, words",
    [
        ((), ("no amount", "--amount")),
        (("--amount", 1.5), ("amount 1.5", "0 to below 1")),
        (("--amount", -0.1), ("amount -0.1", "0 to below 1")),
        (("--amount", 0.5, "--threshold", 0.1), ("--amount and --threshold", "one of")),
        (("--threshold", -1), ("threshold -1", "0 or more")),
        (("--channels", 4), ("--channels", "one of --amount, --threshold, --mask for weights")),
        (("--method", "channels", "--channels", 0), ("layer conv", "1 to 8")),
        (("--method", "channels", "--channels", 9), ("layer conv", "1 to 8")),
        (("--method", "channels", "--channels", "few"), ("--channels few", "conv")),
        (("--method", "channels", "--channels", "stem=4"), ("'stem'", "conv")),
        (("--method", "channels", "--amount", 0.95), ("all 8 channels of layer conv", "less")),
        (
            ("--method", "channels", "--amount", 0.5, "--schedule", "gradual"),
            ("gradual", "one_shot"),
        ),
        (("--method", "magic"), ("magic", "weights")),
        (("--amount", 0.5, "--criterion", "luck"), ("'luck'", "global, layer, lamp")),
        (("--method", "channels", "--amount", 0.5, "--criterion", "lamp"), ("'lamp'", "taylor")),
        (("--amount", 0.5, "--out", "x.txt"), ("x.txt", ".safetensors or .tflite")),
        (("--amount", 0.5, "--epochs", 99, "--rewind"), ("rewind 99", "40 epochs")),
        (("--threshold", 0.1, "--schedule", "iterative"), ("iterative", "one_shot")),
        (("--mask", "nothing"), ("nothing", "no such file")),
        (("--mask", MODEL), (MODEL, "has no zeros")),
        (("--amount", 0.5, "--epochs", -1), ("epochs",)),
    ],
)
def test_what_cannot_be_pruned(kws_prune, arguments, words):
    assert refused(kws_prune(*arguments), *words)


def test_a_mask_for_another_network(kws_prune, tmp_path):
    save_small(tmp_path / "small.safetensors")
    result = kws_prune("--mask", tmp_path / "small.safetensors", "--epochs", 0)
    assert refused(result, "the mask is for another network", "conv 4x1x10x8")


def test_no_such_checkpoint(capsys, tones):
    result = runner("prune", capsys)("nothing", "--amount", 0.5, "--data", tones)
    assert refused(result, "nothing", "kws train")


@pytest.mark.parametrize("kind", ["weights", "board"])
def test_a_sweep_writes_its_records(capsys, monkeypatch, tmp_path, kind):
    asked = {}

    def study(*arguments, **more):
        *own, base = arguments
        asked.update(more, arguments=tuple(own), model=base.model, keywords=base.keywords)
        return [Record("accuracy", 0.9, "fraction", "measured")]

    monkeypatch.setattr("kwslib.studies.pruning.study", study)
    monkeypatch.setattr("kwslib.studies.pruned_boards.study_on_board", study)
    path = tmp_path / "records.json"
    code, out, _ = runner("prune", capsys)(
        MODEL, "--sweep", kind, "--seeds", "0,1,2", "--out", path, "--json"
    )
    assert code == 0 and json.loads(out)["sweep"] == kind
    assert asked["arguments"] == (([0, 1, 2],) if kind == "board" else (kind, [0, 1, 2]))
    assert (asked["model"], asked["keywords"]) == ("tiny_conv", "yes,no")
    assert asked.get("backend") == (None if kind == "board" else "processes")
    assert read_records(path)[0].value == 0.9


def test_a_sweep_on_a_cluster(capsys, monkeypatch, tmp_path):
    asked = {}
    monkeypatch.setattr("kwslib.studies.pruning.study", lambda *_, **more: asked.update(more) or [])
    out = ("--out", tmp_path / "records.json")
    cluster = ("--backend", "dask", "--scheduler", "tcp://node1:8786")
    assert runner("prune", capsys)(MODEL, "--sweep", "norms", *out, *cluster)[0] == 0
    assert (asked["backend"], asked["scheduler"]) == ("dask", "tcp://node1:8786")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("--sweep", "depths"), ("depths", "weights")),
        (("--sweep", "weights"), ("--out none", ".json")),
        (("--sweep", "weights", "--out", "x.json", "--seeds", "few"), ("--seeds few", "0,1,2")),
        (("--sweep", "norms", "--out", "x.json", "--backend", "dask"), ("name its scheduler",)),
        (
            (
                "--sweep",
                "board",
                "--out",
                "x.json",
                "--backend",
                "dask",
                "--scheduler",
                "tcp://x:1",
            ),
            ("sweep board", "leave --backend"),
        ),
        (
            (
                "--sweep",
                "zeros",
                "--out",
                "x.json",
                "--backend",
                "dask",
                "--scheduler",
                "tcp://x:1",
            ),
            ("sweep zeros", "leave --backend"),
        ),
    ],
)
def test_what_cannot_be_swept(kws_prune, arguments, words):
    assert refused(kws_prune(*arguments), *words)


def test_widths_by_name_for_several_groups():
    from kwslib.deploy.compressed import _widths
    from kwslib.errors import InputError

    assert _widths("stem=4,body=2", {"stem": 8, "body": 8}) == {"stem": 4, "body": 2}
    assert _widths("4", {"conv": 8}) == {"conv": 4}
    with pytest.raises(InputError, match="several groups; give a number, or name=number"):
        _widths("4", {"stem": 8, "body": 8})
    assert len(create("tiny_conv", 4).conv.weight) == 8
