"""``kws compile``."""

import json
from pathlib import Path

import pytest
from command_line import refused, runner
from installed import needs
from narrow_networks import emptied, narrowed

from kwslib.deploy.compile import TARGETS
from kwslib.models.checkpoint import PUBLISHED

TINY_CONV = PUBLISHED / "tiny_conv-yes_no.tflite"


@pytest.fixture
def kws_compile(capsys):
    return runner("compile", capsys)


@pytest.mark.parametrize("target", TARGETS)
def test_compiles_and_states_the_memory(kws_compile, target, tmp_path):
    code, out, _ = kws_compile(TINY_CONV, "--target", target, "--out", tmp_path, "--json")
    result = json.loads(out)
    assert code == 0
    assert result["macs"] == 336_000
    assert result["peak"] <= result["arena"]
    assert all(Path(name).exists() for name in result["files"])
    names = {Path(name).name for name in result["files"]}
    assert {"network.c", "network.h", "frontend_push.c", "smoothing_push.c"} <= names
    assert result["program"] == Path(result["files"][-1]).stat().st_size
    if target in ("host", "wasm"):
        assert result["flash"] is None
    else:
        assert 17_000 < result["flash"] < 64_000
        assert result["arena"] <= result["ram"] < 40 * 1024
    assert ("core" in (result["left_out"] or "")) == (target == "arduino")


def test_the_bits_of_weights(kws_compile, tmp_path):
    narrow = tmp_path / "narrow.tflite"
    narrow.write_bytes(narrowed(TINY_CONV.read_bytes(), (8, 4)))
    options = ("--target", "host", "--out", tmp_path / "out")
    results = [
        json.loads(kws_compile(model, *options, "--json")[1]) for model in (TINY_CONV, narrow)
    ]
    assert [result["weight_bits"] for result in results] == [[8, 8], [8, 4]]
    assert results[0]["weights"] - results[1]["weights"] == 8000
    assert "weights 9,280 bytes, of 8, 4 bits" in kws_compile(narrow, *options)[1]


def test_zeros_are_skipped_where_it_pays(kws_compile, tmp_path):
    sparse = tmp_path / "sparse.tflite"
    sparse.write_bytes(emptied(TINY_CONV.read_bytes(), 0.9))
    options = ("--target", "emulator", "--out", tmp_path / "out", "--json")
    auto, never = (
        json.loads(kws_compile(sparse, *options, "--sparse", way)[1]) for way in ("auto", "never")
    )
    assert auto["kernels"] == [["conv2d_straight"], ["fully_connected_single"], ["softmax"]]
    assert never["kernels"] == [["conv2d_lanes"], ["fully_connected_dsp"], ["softmax"]]
    assert auto["flash"] < never["flash"] - 12_000
    _, out, _ = kws_compile(sparse, *options[:-1])
    assert "layers layer_0_conv2d by conv2d_straight, layer_2_fully_connected by" in out


def test_the_sketch_is_named_for_people(kws_compile, tmp_path):
    code, out, _ = kws_compile(TINY_CONV, "--target", "arduino", "--out", tmp_path)
    assert code == 0
    assert f"for arduino: {tmp_path}/kws_nano33ble/kws_nano33ble.ino\n" in out
    assert "without stack, Arduino's core" in out


def test_the_size_of_a_module_for_the_browser(kws_compile, tmp_path):
    code, out, _ = kws_compile(TINY_CONV, "--target", "wasm", "--out", tmp_path)
    assert code == 0
    assert f"the module {(tmp_path / 'kws.wasm').stat().st_size:,} bytes" in out


def test_the_second_compiler(kws_compile, tmp_path):
    needs("arm-none-eabi-gcc")
    options = ("--out", tmp_path, "--compiler", "gcc")
    assert kws_compile(TINY_CONV, "--target", "qemu", *options)[0] == 0
    refusal = kws_compile(TINY_CONV, "--target", "arduino", *options)
    assert refused(refusal, "kws: target arduino: is built by zig, not gcc")  # no network's fault


@pytest.mark.parametrize("name", ["tiny_conv-yes_no", "tiny_conv-yes_no_left"])
def test_a_published_network_is_compiled_by_its_name(kws_compile, name, tmp_path):
    code, out, _ = kws_compile(name, "--target", "host", "--out", tmp_path, "--json")
    labels = len(name.split("-")[1].split("_")) + 2
    assert code == 0
    assert json.loads(out)["macs"] == 320_000 + 4_000 * labels


def test_text_for_people(kws_compile, tmp_path):
    code, out, _ = kws_compile(TINY_CONV, "--target", "emulator", "--out", tmp_path)
    assert code == 0
    assert "live at the peak" in out


def test_a_file_that_is_none_is_refused(kws_compile, tmp_path):
    path = tmp_path / "cut.tflite"
    path.write_bytes(TINY_CONV.read_bytes()[:5000])
    assert refused(kws_compile(path, "--target", "host", "--out", tmp_path), "is damaged")
    assert refused(kws_compile("none.tflite", "--target", "host", "--out", tmp_path), "no such")
