"""A network compiled for each target: what is written, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from devices import tiny_conv
from installed import needs
from small_networks import Builder, options, window_options

from kwslib.board.emulator import static_memory
from kwslib.deploy import compile as compiling
from kwslib.deploy.compile import TARGETS, compile_network, spots_keywords
from kwslib.errors import InputError
from kwslib.network.graph import Graph
from kwslib.network.operators import Softmax
from kwslib.network.reader import read_graph
from kwslib.network.tensors import OUTPUT, Tensor
from kwslib.network.weighted import FullyConnected


def keyword_network(channels, path):
    """Two 1 x 1 convolutions with so many channels in between, the mean, and four labels."""
    build = Builder()
    x = build.tensor([1, 49, 40, 1], 1 / 255, -128)
    for inputs, outputs in ((1, channels), (channels, 4)):
        weights = np.ones((outputs, 1, 1, inputs), np.int8)
        w = build.tensor(weights.shape, np.full(outputs, 0.01), 0, weights)
        bias = np.zeros(outputs, np.int32)
        scale = build.subgraph.tensors[x].quantization.scale[0]
        b = build.tensor(
            bias.shape, np.full(outputs, np.float32(scale) * np.float32(0.01)), 0, bias
        )
        y = build.tensor([1, 49, 40, outputs], 0.05, -10)
        given = window_options("Conv2DOptions", (1, 1), "SAME", "NONE")
        x = build.operator("CONV_2D", [x, w, b], y, given)
    axes = build.tensor([2], constant=np.array([1, 2], np.int32))
    means = build.tensor([1, 4], 0.05, -10)
    build.operator("MEAN", [x, axes], means, options("ReducerOptions", keepDims=False))
    scores = build.tensor([1, 4], 1 / 256, -128)
    build.operator("SOFTMAX", [means], scores, options("SoftmaxOptions", beta=1.0))
    path.write_bytes(build.finish([0], [scores]))
    return replace(read_graph(path), facts={"labels": ["_silence_", "_unknown_", "yes", "no"]})


@pytest.mark.parametrize("target", TARGETS)
def test_all_that_is_written_is_told(target, tmp_path):
    compiled = compile_network(tiny_conv(), target, tmp_path)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(compiled.files)
    assert compiled.files[-1] == compiled.program
    assert (compiled.elf is None) == (target in ("host", "wasm"))


@pytest.mark.parametrize("target", ["emulator", "qemu"])
def test_two_compilers_take_the_same_ram(target, tmp_path):
    needs("arm-none-eabi-gcc")
    sizes = [
        static_memory(compile_network(tiny_conv(), target, tmp_path / by, compiler=by).elf)
        for by in ("zig", "gcc")
    ]
    assert sizes[0][1] == sizes[1][1]
    assert sizes[0][0] != sizes[1][0]


def test_the_sketch_takes_the_device_and_half_a_second_of_sound(tmp_path):
    flash, ram = static_memory(compile_network(tiny_conv(), "arduino", tmp_path / "a").elf)
    bare_flash, bare_ram = static_memory(compile_network(tiny_conv(), "qemu", tmp_path / "q").elf)
    assert 16_384 <= ram - bare_ram < 17_408
    assert 0 < flash - bare_flash < 2048


@pytest.mark.parametrize("target", ["qemu", "arduino", "wasm"])
@pytest.mark.parametrize("labels", [[], ["yes", "no"], ["_silence_", "_unknown_", "yes", "n" * 33]])
def test_a_network_without_keywords_makes_no_device(target, labels, tmp_path):
    graph = replace(tiny_conv(), facts={"labels": labels})
    with pytest.raises(InputError, match=f"target {target}: .*does not name its labels"):
        compile_network(graph, target, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    compile_network(graph, "emulator", tmp_path)


@pytest.mark.parametrize(("outputs", "spots"), [(3, True), (40, True), (41, False), (2, False)])
def test_as_many_labels_as_the_smoothing_takes(outputs, spots):
    graph = tiny_conv()
    logits = Tensor("logits", (1, outputs), graph.input.scale, -128)
    scores = Tensor("scores", (1, outputs), *OUTPUT)
    weights = np.ones((outputs, graph.input.size), np.int8)
    layer = FullyConnected(
        graph.inputs, logits, weights, np.array([0.01]), np.zeros(outputs, np.int32)
    )
    facts = {"labels": [f"label{i}" for i in range(outputs)]}
    operators = (layer, Softmax((logits,), scores))
    found = Graph(graph.inputs, (scores,), operators, facts)
    assert spots_keywords(found) == spots


@pytest.mark.parametrize("target", ["host", "arduino", "wasm"])
def test_gcc_builds_for_emulators_only(target, tmp_path):
    with pytest.raises(InputError, match=f"target {target}: is built by zig, not gcc"):
        compile_network(tiny_conv(), target, tmp_path, compiler="gcc")


@pytest.mark.parametrize("target", ["emulator", "qemu", "arduino"])
def test_a_device_that_does_not_fit_says_by_how_much(target, tmp_path):
    assert compile_network(keyword_network(8, tmp_path / "small.tflite"), target, tmp_path / "fits")
    graph = keyword_network(150, tmp_path / "big.tflite")
    with pytest.raises(InputError, match=r"needs [\d,]+ bytes of ram more than") as caught:
        compile_network(graph, target, tmp_path / "not")
    assert len(str(caught.value).splitlines()) == 1


def test_the_sketch_has_the_name_that_its_folder_needs():
    assert (compiling.NANO33BLE_PORT / f"{compiling.SKETCH}.ino").is_file()
