"""The rule by which layers are dense or sparse."""

from dataclasses import replace

import numpy as np
import pytest
from devices import tiny_conv
from sparse_layers import convolution, fully_connected

from kwslib.deploy.choice import LEAST_ZEROS, choose, price_of
from kwslib.deploy.packing import pack
from kwslib.deploy.sparse_packing import pack_single
from kwslib.network.weighted import DepthwiseConv2d


def kernels(layer, sparse="auto"):
    return [part.function.removeprefix("kws_") for part in choose(layer, True, sparse)]


def tiny_convolution(zeros):
    return convolution((49, 40), (10, 8), (2, 2), outputs=8, zeros=zeros)


def test_the_published_network_stays_dense():
    conv, _, dense, _ = tiny_conv().operators
    assert kernels(conv) == ["conv2d_lanes"]
    assert kernels(dense) == ["fully_connected_dsp"]


@pytest.mark.parametrize(
    ("zeros", "block", "kernel"),
    [
        (0, 1, "dsp"), (0.6, 1, "dsp"), (0.7, 1, "single"), (0.99, 1, "single"),
        (0.3, 4, "dsp"), (0.5, 4, "blocks"), (0.9, 4, "blocks"),
    ],
)  # fmt: skip
def test_a_fully_connected_layer(zeros, block, kernel):
    layer = fully_connected(4000, 4, zeros, block)
    assert kernels(layer) == [f"fully_connected_{kernel}"]


@pytest.mark.parametrize(
    ("zeros", "kernel"), [(0.2, "lanes"), (0.4, "lanes"), (0.8, "straight"), (0.95, "straight")]
)
def test_a_convolution_of_one_channel(zeros, kernel):
    assert kernels(tiny_convolution(zeros)) == [f"conv2d_{kernel}"]


def test_the_emptiest_channels_alone():
    layer = tiny_convolution(0)
    layer.weights[[2, 5]] *= np.arange(80).reshape(10, 8, 1) % 10 == 0
    layer.weights[7] = 0
    lanes, straight = choose(layer, True)
    assert (lanes.function, straight.function) == ("kws_conv2d_lanes", "kws_conv2d_straight")
    assert lanes.places == (0, 1, 3, 4, 6)
    assert [line.split("(")[1].split(",")[0] for line in straight.lines] == ["2", "5", "7"]


def test_a_list_where_lines_would_run_too_seldom():
    """Six outputs a channel are computed in so few rounds that lines are not worth their flash."""
    layer = convolution((3, 2), (3, 3), (1, 1), channels=64, outputs=16, zeros=0.9)
    assert kernels(layer) == ["conv2d_taps"]
    large = convolution((25, 20), (3, 3), (1, 1), channels=8, outputs=16, zeros=0.9)
    assert kernels(large) == ["conv2d_straight"]


def test_no_more_cycles_than_dense():
    """Less flash alone is no reason."""
    layer = fully_connected(4000, 4, zeros=0.6)
    dense, single = pack(layer, True), pack_single(layer)
    assert price_of(layer, single).flash < price_of(layer, dense).flash
    assert price_of(layer, single).cycles > price_of(layer, dense).cycles
    assert kernels(layer) == ["fully_connected_dsp"]


def test_what_nobody_pruned_is_not_looked_at():
    layer = convolution((25, 20), (3, 3), (1, 1), channels=8, outputs=16, zeros=LEAST_ZEROS - 0.1)
    assert kernels(layer) == ["conv2d_dsp"]
    assert kernels(layer, ("straight",)) == ["conv2d_straight"]


def test_never_and_portable():
    layer = fully_connected(4000, 4, zeros=0.9)
    assert kernels(layer, "never") == ["fully_connected_dsp"]
    (portable,) = choose(layer, False, ("single",))
    assert portable.function == "kws_fully_connected"


@pytest.mark.parametrize("bits", [4, 2])
def test_narrow_weights(bits):
    """They lie denser, so they have to be emptier to be skipped."""
    layer = fully_connected(4000, 4, zeros=0.9)
    layer = replace(layer, weights=np.sign(layer.weights), bits=bits)
    assert kernels(layer) == ["fully_connected_single"]
    half = fully_connected(4000, 4, zeros=0.68)
    half = replace(half, weights=np.sign(half.weights), bits=bits)
    assert kernels(half) == ["fully_connected_narrow"]


def test_the_first_form_that_a_layer_can_have():
    layer = fully_connected(4000, 4)
    assert kernels(layer, ("straight", "blocks", "single")) == ["fully_connected_blocks"]
    assert kernels(layer, ("straight", "taps")) == ["fully_connected_dsp"]


def test_depthwise_layers_are_dense():
    conv = convolution((8, 8), (3, 3), (1, 1), channels=4, outputs=4, zeros=0.95)
    layer = DepthwiseConv2d(
        conv.inputs, conv.output, conv.weights[0], conv.scales, conv.bias,
        activation=conv.activation,
    )  # fmt: skip
    assert kernels(layer) == ["depthwise_conv2d_dsp"]
