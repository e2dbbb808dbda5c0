"""The kernels give the same bits as TensorFlow Lite Micro's interpreter, wherever they run."""

import numpy as np
import pytest
from batches import Batch, examples_at_random, examples_of, inputs_for, often
from random_networks import NETWORKS, SPARSE_NETWORKS, ways
from small_networks import Builder, options, same, window_options

from kwslib.deploy.packing import pack
from kwslib.network.facts import with_facts
from kwslib.network.reader import graph_of


@often(8, 120)
@pytest.mark.parametrize("name", NETWORKS)
def test_host_equals_the_reference_interpreter(name, count, tmp_path):
    Batch(examples_at_random(count, {name: NETWORKS[name]}), tmp_path).check_on_the_host()


@often(4, 30)
@pytest.mark.parametrize("name", NETWORKS)
def test_cortex_m4_equals_the_reference_interpreter(name, count, tmp_path):
    Batch(examples_at_random(count, {name: NETWORKS[name]}), tmp_path).check_on_the_emulator()


@often(6, 60)
@pytest.mark.parametrize("name", SPARSE_NETWORKS)
def test_zeros_are_skipped_on_the_host(name, count, tmp_path):
    examples = examples_at_random(count, {name: SPARSE_NETWORKS[name]}, ["dsp"], ways)
    Batch(examples, tmp_path).check_on_the_host()


@often(3, 30)
@pytest.mark.parametrize("name", SPARSE_NETWORKS)
def test_zeros_are_skipped_on_the_cortex_m4(name, count, tmp_path):
    examples = examples_at_random(count, {name: SPARSE_NETWORKS[name]}, ["dsp"], ways)
    Batch(examples, tmp_path).check_on_the_emulator()


def one_layer(weights, zero_point, multiplier, activation=0, bits=8):
    """A fully connected layer without bias whose sums are multiplied by so much."""
    build = Builder()
    x = build.tensor([1, weights.shape[1]], 1.0, zero_point)
    w = build.tensor(weights.shape, 1.0, 0, weights)
    y = build.tensor([1, len(weights)], 1 / multiplier, 5)
    given = options("FullyConnectedOptions", fusedActivationFunction=activation)
    build.operator("FULLY_CONNECTED", [x, w, -1], y, given)
    return with_facts(build.finish([x], [y]), {"weight_bits": [bits]})


def narrow_layer(bits, zero_point):
    """So many inputs that sums are divided and added up several times."""
    extremes = np.array([-(2 ** (bits - 1)), 2 ** (bits - 1) - 1], np.int8)
    weights = np.repeat(extremes[[0, 1, 0, 1, 0]][:, None], 777, axis=1)
    data = one_layer(weights, zero_point, 1e-3 / 2**bits, bits=bits)
    graph = graph_of(data)
    assert pack(graph.operators[0], dsp=True).function == "kws_fully_connected_narrow"
    (example,) = examples_of(f"{bits} bits", graph, data, inputs_for(777, 0), ["dsp"])
    assert 90 < np.abs(example.expected.astype(int)).max() < 127
    return example


def test_the_greatest_sums_of_narrow_weights(tmp_path):
    batch = Batch(
        [narrow_layer(bits, zero) for bits in (2, 3, 4) for zero in (-128, 127)], tmp_path
    )
    batch.check_on_the_host()
    batch.check_on_the_emulator()


def test_multipliers_that_need_no_shift(tmp_path):
    """Rounding a negative value must not depend on a shift that is not there."""
    weights = np.random.default_rng(0).integers(-1, 2, (8, 4)).astype(np.int8)
    inputs = np.random.default_rng(1).integers(-20, 20, (50, 4)).astype(np.int8)
    examples = []
    for multiplier in (0.3, 0.5, 0.75, 0.999, 1.0, 1.6):
        for activation in (0, 1):
            data = one_layer(weights, 0, multiplier, activation)
            name = f"times {multiplier}, activation {activation}"
            examples += examples_of(name, graph_of(data), data, inputs, ["dsp"])
    Batch(examples, tmp_path).check_on_the_host()


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


def lanes(size, kernel, stride, activation):
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
    name = f"{size}, {kernel}, {stride}, {activation}"
    return examples_of(name, graph, data, inputs_for(graph.input.size, 0), ["dsp"])


@pytest.mark.parametrize("activation", ["NONE", "RELU"])
def test_lanes_of_every_length(activation, tmp_path):
    examples = [example for layer in LANES for example in lanes(*layer, activation)]
    batch = Batch(examples, tmp_path)
    batch.check_on_the_host()
    batch.check_on_the_emulator()
