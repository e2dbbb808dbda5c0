"""``kws quantize``: one setting, scored, and as a file."""

import json

import numpy as np
import pytest
from command_line import refused, runner

from kwslib.deploy.compressed import quantize_checkpoint
from kwslib.deploy.predictors import predictor
from kwslib.errors import InputError
from kwslib.network.reader import read_graph
from kwslib.network.reference import run
from kwslib.quantize.minifloat import E4M3, Minifloat
from kwslib.quantize.network import Widths
from kwslib.quantize.qat import number_of
from kwslib.quantize.to_integers import integers_of
from kwslib.records import Record, read_records

MODEL = "tiny_conv-yes_no"


@pytest.fixture
def kws_quantize(capsys, tones):
    run = runner("quantize", capsys)
    return lambda *arguments: run(MODEL, *arguments, "--data", tones)


def test_after_training(kws_quantize, tmp_path):
    path = tmp_path / "w4.tflite"
    code, out, err = kws_quantize("--weights", 4, "--out", path, "--json")
    result = json.loads(out)
    assert (code, err) == (0, "")
    assert (result["method"], result["weights"], result["activations"]) == ("ptq", 4, 8)
    assert result["interval"][0] <= result["accuracy"] <= result["interval"][1]
    assert result["integer_differing"] <= 0.05 * result["n"]
    assert result["bytes"] == path.stat().st_size
    assert read_graph(path).facts["weight_bits"] == [4, 4]


def test_the_file_gives_the_integers_bytes(tones, tmp_path):
    path = tmp_path / "w3.tflite"
    network, _ = quantize_checkpoint(MODEL, "ptq", Widths(3, 8), str(tones), out=path)
    integers = integers_of(network, read_graph(path).labels)
    images = np.random.default_rng(0).integers(0, 256, (20, 49, 40), np.uint8)
    np.testing.assert_array_equal(predictor(path)(images), run(integers, images))


def test_within_training(kws_quantize):
    code, out, _ = kws_quantize(
        "--method", "qat", "--weights", 2, "--epochs", 1, "--seed", 4, "--json"
    )
    result = json.loads(out)
    assert code == 0
    assert (result["method"], result["seed"]) == ("qat", 4)


def test_small_floats_have_no_integers(kws_quantize):
    code, out, _ = kws_quantize("--weights", "E4M3", "--activations", "float", "--json")
    result = json.loads(out)
    assert code == 0
    assert (result["weights"], result["activations"]) == ("E4M3", "float")
    assert "integer_accuracy" not in result


def test_text_for_people(kws_quantize, tmp_path):
    code, out, _ = kws_quantize("--out", tmp_path / "x.tflite")
    assert code == 0
    assert "in integers" in out and "x.tflite" in out


def test_what_a_number_is_called():
    assert number_of("4") == 4
    assert number_of("float") is None
    assert number_of("e4m3") == E4M3
    assert number_of("E3M1") == Minifloat(3, 1)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("--weights", 1), ("weights 1", "2 to 8")),
        (("--weights", 17), ("weights 17", "2 to 8")),
        (("--activations", 0), ("activations 0", "2 to 8")),
        (("--weights", "few"), ("'few'", "E4M3")),
        (("--out", "x.txt"), ("x.txt", ".tflite")),
        (("--weights", "E4M3", "--out", "x.tflite"), ("x.tflite", "integer weights")),
        (("--activations", 4, "--out", "x.tflite"), ("x.tflite", "activations of 8")),
        (("--method", "magic"), ("magic", "ptq")),
        (("--epochs", 0), ("epochs",)),
    ],
)
def test_what_cannot_be_quantized(kws_quantize, arguments, words):
    assert refused(kws_quantize(*arguments), *words)


def test_no_such_checkpoint(capsys, tones):
    result = runner("quantize", capsys)("nothing", "--data", tones)
    assert refused(result, "nothing", "kws train")


def test_a_number_that_is_none():
    with pytest.raises(InputError, match="must be bits"):
        number_of("4.5")


def test_a_sweep_writes_its_records(capsys, monkeypatch, tmp_path):
    asked = {}

    def study(kind, seeds, base, **more):
        asked.update(more, kind=kind, seeds=seeds, keywords=base.keywords)
        return [Record("accuracy", 0.9, "fraction", "measured")]

    monkeypatch.setattr("kwslib.studies.quantization.study", study)
    path = tmp_path / "records.json"
    code, _, _ = runner("quantize", capsys)(
        MODEL, "--sweep", "widths", "--seeds", "0,1,2", "--out", path
    )
    assert code == 0
    assert (asked["kind"], asked["seeds"], asked["keywords"]) == ("widths", [0, 1, 2], "yes,no")
    assert read_records(path)[0].value == 0.9


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("--sweep", "depths"), ("depths", "widths")),
        (("--sweep", "widths"), ("--out none", ".json")),
        (("--sweep", "widths", "--out", "x.json", "--seeds", "few"), ("--seeds few", "0,1,2")),
    ],
)
def test_what_cannot_be_swept(kws_quantize, arguments, words):
    assert refused(kws_quantize(*arguments), *words)
