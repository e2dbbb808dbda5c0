"""Zeros by magnitude: how many, which, and where."""

import numpy as np
import pytest
from devices import TINY_CONV, tiny_conv
from small_networks import Builder, window_options

from kwslib.errors import InputError
from kwslib.network.flatfile import parse
from kwslib.network.reader import graph_of
from kwslib.network.weighted import Weighted
from kwslib.studies.sparsity import PATTERNS, _magnitudes, with_zeros


def weights_of(graph):
    return [each.weights for each in graph.operators if isinstance(each, Weighted)]


def real_weights():
    """What the file's weights stand for, layer by layer."""
    tensors = [t for t in parse(TINY_CONV.read_bytes()).tensors if t.constant is not None]
    weights = [t for t in tensors if t.type == "INT8"]
    weights.sort(key=lambda tensor: -len(tensor.shape))
    return [
        t.elements() * t.scales.reshape(-1, *[1] * (len(t.shape) - 1)).astype(float)
        for t in weights
    ]


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("share", [0, 0.5, 0.9, 1])
def test_others_stay_as_they_are(pattern, share):
    zeroed = weights_of(with_zeros(tiny_conv(), pattern, share))
    for before, after in zip(weights_of(tiny_conv()), zeroed, strict=True):
        np.testing.assert_array_equal(after[after != 0], before[after != 0])
        assert share < 1 or not after.any()
        assert share > 0 or np.array_equal(before, after)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_uniform_zeros_are_the_smallest_of_each_layer(share):
    for before, after in zip(
        weights_of(tiny_conv()), weights_of(with_zeros(tiny_conv(), "uniform", share)), strict=True
    ):
        assert np.count_nonzero(after) == before.size - round(share * before.size)
        gone = np.abs(before[after == 0].astype(int)).max()
        assert gone <= np.abs(after[after != 0].astype(int)).min()


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_global_zeros_are_the_smallest_of_what_weights_stand_for(share):
    zeroed = weights_of(with_zeros(tiny_conv(), "global", share))
    real = np.concatenate([np.abs(each).reshape(-1) for each in real_weights()])
    kept = np.concatenate([each.reshape(-1) != 0 for each in zeroed])
    assert np.count_nonzero(kept) == pytest.approx((1 - share) * len(kept), abs=1)
    assert real[~kept].max() <= real[kept].min() * (1 + 1e-6)
    assert np.mean(zeroed[0] == 0) < share < np.mean(zeroed[1] == 0)


def test_blocks_are_gone_as_a_whole():
    conv, classifier = weights_of(with_zeros(tiny_conv(), "blocks", 0.9))
    assert np.count_nonzero(conv) == round(0.1 * conv.size)
    blocks = classifier.reshape(-1, 4)
    kept = blocks.any(axis=1)
    assert np.count_nonzero(kept) == round(0.1 * len(blocks))
    sums = np.abs(weights_of(tiny_conv())[1].astype(int)).reshape(-1, 4).sum(axis=1)
    assert sums[~kept].max() <= sums[kept].min()


def test_scales_of_depthwise_weights_lie_along_their_last_axis():
    build = Builder()
    image = build.tensor([1, 4, 4, 3], 0.1, 0)
    weights = np.random.default_rng(0).integers(-127, 128, (1, 3, 3, 3)).astype(np.int8)
    scales = [0.01, 0.2, 0.003]
    taps = build.tensor(weights.shape, scales, 0, weights, axis=3)
    output = build.tensor([1, 4, 4, 3], 0.5, 0)
    given = window_options("DepthwiseConv2DOptions", (1, 1), "SAME", "NONE", depthMultiplier=1)
    build.operator("DEPTHWISE_CONV_2D", [image, taps, -1], output, given)
    (operator,) = graph_of(build.finish([image], [output])).operators
    np.testing.assert_allclose(_magnitudes(operator), np.abs(weights[0] * np.array(scales)), 1e-6)


def test_what_is_refused():
    with pytest.raises(InputError, match="pattern 'rows': must be one of global, uniform, blocks"):
        with_zeros(tiny_conv(), "rows", 0.5)
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match="give a share from 0 to 1"):
            with_zeros(tiny_conv(), "uniform", share)
