"""The kernels give the same bits as TensorFlow Lite Micro's interpreter, wherever they run."""

import shutil

import numpy as np
import pytest
from accepted import graph_or_reject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_networks import NETWORKS, SPARSE_NETWORKS, ways
from reference import run_reference
from small_networks import Builder, options, same, window_options

from kwslib.board.emulator import Emulator
from kwslib.deploy.compile import compile_network
from kwslib.deploy.host import build_host_network
from kwslib.deploy.packing import pack
from kwslib.network.facts import with_facts
from kwslib.network.reader import graph_of

KERNELS = ("portable", "dsp")


def inputs_for(size, seed):
    """Random ones, the extremes, and a constant."""
    rng = np.random.default_rng(seed)
    random = rng.integers(-128, 128, (3, size))
    edges = np.stack([np.full(size, -128), np.full(size, 127), rng.choice([-128, 127], size)])
    return np.concatenate([random, edges]).astype(np.int8)


@pytest.mark.parametrize("name", NETWORKS)
def test_host_equals_the_reference_interpreter(name):
    @settings(max_examples=20, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(data=NETWORKS[name], seed=st.integers(0, 2**32 - 1))
    def check(data, seed):
        graph = graph_or_reject(data)
        inputs = inputs_for(graph.input.size, seed)
        expected = run_reference(data, inputs)
        for kernels in KERNELS:
            network = build_host_network(graph, kernels)
            found = np.stack([network.run(values) for values in inputs])
            np.testing.assert_array_equal(found, expected, err_msg=kernels)

    check()


def run_emulated(graph, kernels, folder, inputs, sparse="auto"):
    compiled = compile_network(graph, "emulator", folder, kernels, sparse=sparse)
    board = Emulator(compiled.program)
    outputs = []
    for values in inputs:
        board.write(board.call("kws_network_input").value, values.tobytes())
        board.call("kws_network_run")
        address = board.call("kws_network_output").value
        outputs.append(np.frombuffer(board.read(address, graph.output.size), np.int8))
    return np.stack(outputs)


@pytest.mark.parametrize("name", NETWORKS)
def test_cortex_m4_equals_the_reference_interpreter(name, tmp_path):
    @settings(max_examples=6, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(data=NETWORKS[name], seed=st.integers(0, 2**32 - 1))
    def check(data, seed):
        graph = graph_or_reject(data)
        inputs = inputs_for(graph.input.size, seed)
        expected = run_reference(data, inputs)
        for kernels in KERNELS:
            found = run_emulated(graph, kernels, tmp_path / kernels, inputs)
            np.testing.assert_array_equal(found, expected, err_msg=kernels)
            shutil.rmtree(tmp_path / kernels)

    check()


@pytest.mark.parametrize("name", SPARSE_NETWORKS)
def test_zeros_are_skipped_on_the_host(name):
    @settings(max_examples=10, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(data=SPARSE_NETWORKS[name], sparse=ways, seed=st.integers(0, 2**32 - 1))
    def check(data, sparse, seed):
        graph = graph_or_reject(data)
        inputs = inputs_for(graph.input.size, seed)
        network = build_host_network(graph, "dsp", sparse)
        found = np.stack([network.run(values) for values in inputs])
        np.testing.assert_array_equal(found, run_reference(data, inputs))

    check()


@pytest.mark.parametrize("name", SPARSE_NETWORKS)
def test_zeros_are_skipped_on_the_cortex_m4(name, tmp_path):
    @settings(max_examples=5, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(data=SPARSE_NETWORKS[name], sparse=ways, seed=st.integers(0, 2**32 - 1))
    def check(data, sparse, seed):
        graph = graph_or_reject(data)
        inputs = inputs_for(graph.input.size, seed)
        found = run_emulated(graph, "dsp", tmp_path / "out", inputs, sparse)
        np.testing.assert_array_equal(found, run_reference(data, inputs))
        shutil.rmtree(tmp_path / "out")

    check()


def one_layer(weights, zero_point, multiplier, activation=0, bits=8):
    """A fully connected layer without bias whose sums are multiplied by so much."""
    build = Builder()
    x = build.tensor([1, weights.shape[1]], 1.0, zero_point)
    w = build.tensor(weights.shape, 1.0, 0, weights)
    y = build.tensor([1, len(weights)], 1 / multiplier, 5)
    given = options("FullyConnectedOptions", fusedActivationFunction=activation)
    build.operator("FULLY_CONNECTED", [x, w, -1], y, given)
    return with_facts(build.finish([x], [y]), {"weight_bits": [bits]})


@pytest.mark.parametrize("zero_point", [-128, 127])
@pytest.mark.parametrize("bits", [2, 3, 4])
def test_the_greatest_sums_of_narrow_weights(bits, zero_point, tmp_path):
    """So many inputs that sums are divided and added up several times."""
    extremes = np.array([-(2 ** (bits - 1)), 2 ** (bits - 1) - 1], np.int8)
    weights = np.repeat(extremes[[0, 1, 0, 1, 0]][:, None], 777, axis=1)
    data = one_layer(weights, zero_point, 1e-3 / 2**bits, bits=bits)
    graph = graph_of(data)
    assert pack(graph.operators[0], dsp=True).function == "kws_fully_connected_narrow"
    inputs = inputs_for(777, 0)
    expected = run_reference(data, inputs)
    assert 90 < np.abs(expected.astype(int)).max() < 127
    network = build_host_network(graph, "dsp")
    np.testing.assert_array_equal(np.stack([network.run(x) for x in inputs]), expected)
    np.testing.assert_array_equal(run_emulated(graph, "dsp", tmp_path / "out", inputs), expected)


@pytest.mark.parametrize("activation", [0, 1])
@pytest.mark.parametrize("multiplier", [0.3, 0.5, 0.75, 0.999, 1.0, 1.6])
def test_multipliers_that_need_no_shift(multiplier, activation):
    """Rounding a negative value must not depend on a shift that is not there."""
    weights = np.random.default_rng(0).integers(-1, 2, (8, 4)).astype(np.int8)
    data = one_layer(weights, 0, multiplier, activation)
    inputs = np.random.default_rng(1).integers(-20, 20, (50, 4)).astype(np.int8)
    network = build_host_network(graph_of(data), "dsp")
    found = np.stack([network.run(values) for values in inputs])
    np.testing.assert_array_equal(found, run_reference(data, inputs))


LANES = [  # size, kernel and stride: all kinds of sums at the end, rows, words of taps, phases
    ((1, 1), (1, 3), (1, 1)),
    ((4, 5), (3, 4), (1, 1)),
    ((9, 10), (2, 3), (2, 1)),
    ((14, 17), (5, 4), (1, 1)),
    ((25, 40), (10, 8), (2, 2)),
    ((9, 33), (3, 9), (1, 3)),
    ((5, 30), (3, 2), (4, 1)),
    ((6, 31), (4, 6), (1, 1)),
    ((3, 122), (2, 3), (1, 1)),  # the longest row that a load can step over
    ((3, 124), (2, 3), (1, 1)),
]


@pytest.mark.parametrize(("size", "kernel", "stride"), LANES)
@pytest.mark.parametrize("activation", ["NONE", "RELU"])
def test_lanes_of_every_length(size, kernel, stride, activation, tmp_path):
    rng = np.random.default_rng(sum(size))
    build = Builder()
    image = build.tensor([1, *size, 1], 0.1, -128)
    weights = rng.integers(-40, 41, (3, *kernel, 1)).astype(np.int8)
    taps = build.tensor(weights.shape, [0.02, 0.01, 0.03], 0, weights)
    bias = build.tensor([3], [1.0], 0, rng.integers(-9999, 9999, 3, np.int32))
    out = [same(n, k, s) for n, k, s in zip(size, kernel, stride, strict=True)]
    low = -128 if activation == "RELU" else 3
    output = build.tensor([1, *out, 3], 0.02 * np.prod(kernel), low)
    given = window_options("Conv2DOptions", stride, "SAME", activation)
    build.operator("CONV_2D", [image, taps, bias], output, given)
    data = build.finish([image], [output])
    graph = graph_of(data)
    assert pack(graph.operators[0], dsp=True).function == "kws_conv2d_lanes"
    inputs = inputs_for(graph.input.size, 0)
    expected = run_reference(data, inputs)
    network = build_host_network(graph, "dsp")
    np.testing.assert_array_equal(np.stack([network.run(x) for x in inputs]), expected)
    np.testing.assert_array_equal(run_emulated(graph, "dsp", tmp_path / "out", inputs), expected)
