"""The weights that are left, in the orders in which the kernels read them."""

import numpy as np
import pytest
from sparse_layers import convolution, fully_connected

from kwslib.deploy.sparse_packing import (
    pack_blocks,
    pack_single,
    pack_straight,
    pack_taps,
    planes_of,
    taps_of,
)

DEPTH, OUTPUTS = 1500, 3


def table(layer, name):
    (found,) = [table.values for table in layer.tables if table.name == name]
    return found


def rows_of(layer, words_a_four):
    """The words of each output, ``[fours, words]``."""
    counts = table(layer, "fours")
    words = layer.weights.reshape(-1, words_a_four)
    return np.split(words, np.cumsum(counts)[:-1])


@pytest.mark.parametrize("zeros", [0, 0.5, 0.9, 0.995, 1])
def test_single_weights_and_their_steps(zeros):
    layer = fully_connected(DEPTH, OUTPUTS, zeros)
    packed = pack_single(layer)
    for words, weights in zip(rows_of(packed, 2), layer.weights, strict=True):
        values = np.ascontiguousarray(words[:, 0]).view(np.int8)
        steps = np.ascontiguousarray(words[:, 1]).view(np.uint8)
        found = np.zeros(DEPTH, np.int64)
        np.add.at(found, np.cumsum(steps, dtype=np.int64), values)
        np.testing.assert_array_equal(found, weights)


@pytest.mark.parametrize("depth", [DEPTH, DEPTH - 1])
@pytest.mark.parametrize("zeros", [0, 0.5, 0.9, 0.995, 1])
def test_blocks_and_their_steps(zeros, depth):
    layer = fully_connected(depth, OUTPUTS, zeros, block=4)
    packed = pack_blocks(layer)
    for words, weights in zip(rows_of(packed, 5), layer.weights, strict=True):
        steps = np.ascontiguousarray(words[:, 0]).view(np.uint8)
        at = np.cumsum(steps, dtype=np.int64)
        assert not np.any(at % 4)
        found = np.zeros((-(-depth // 4), 4), np.int64)
        values = np.ascontiguousarray(words[:, 1:]).view(np.int8).reshape(-1, 4)
        np.add.at(found, at // 4, values)
        np.testing.assert_array_equal(found.reshape(-1)[:depth], weights)


def test_steps_beyond_a_byte_are_gone_in_several():
    layer = fully_connected(1200, 1, zeros=1)
    layer.weights[0, [255, 511, 1199]] = 1, 2, 3  # steps of 255, 256 and 688
    words = pack_single(layer).weights.reshape(-1, 2)
    values = np.ascontiguousarray(words[:, 0]).view(np.int8).tolist()
    steps = np.ascontiguousarray(words[:, 1]).view(np.uint8).tolist()
    assert values == [1, 0, 2, 0, 0, 3, 0, 0]
    assert steps == [255, 255, 1, 255, 255, 178, 0, 0]


def test_the_zero_point_is_taken_off_the_biases():
    layer = fully_connected(40, 2, zeros=0.5)
    sums = layer.weights.astype(int).sum(axis=1)
    expected = layer.bias - layer.input.zero_point * sums
    assert [bias for bias, *_ in pack_single(layer).channels] == expected.tolist()


def test_sums_beyond_the_kernels_arithmetic_have_no_form():
    """Without their zero point they may need more than with it."""
    layer = fully_connected(40, 1)
    layer.bias[:] = 2**30 - 1
    assert pack_single(layer) is None
    assert pack_blocks(layer) is None


@pytest.mark.parametrize("zeros", [0, 0.7, 1])
def test_taps_in_twos(zeros):
    layer = convolution((6, 9), (3, 6), (1, 2), channels=3, outputs=4, zeros=zeros)
    packed, planes = pack_taps(layer, [1, 3, 4, 7]), planes_of(layer)
    words = iter(packed.weights.reshape(-1, 2).tolist())
    for (place, *twos), taps in zip(table(packed, "counts"), taps_of(layer, planes), strict=True):
        assert place in (1, 3, 4, 7)
        for is_odd, count in zip((False, True), twos, strict=True):
            found = np.array([next(words) for _ in range(count)], np.uint32).reshape(-1)
            twice = found.astype(np.uint16).view(np.int16) // 2
            pairs = list(zip((found >> 16).tolist(), twice.tolist(), strict=True))
            expected = [(tap.at, tap.weight) for tap in taps if tap.odd == is_odd]
            assert [pair for pair in pairs if pair[1]] == expected
            assert len(pairs) - len(expected) in (0, 1)
    assert next(words, None) is None


def test_biases_of_convolutions_are_doubled():
    layer = convolution((6, 9), (3, 6), (1, 2), outputs=4, zeros=0.5)
    doubled = [2 * int(bias) for bias in layer.bias]
    assert [bias for bias, *_ in pack_taps(layer, range(4)).channels] == doubled
    lines = pack_straight(layer, range(4)).lines
    assert [int(line.split(", ")[1]) for line in lines] == doubled


def test_windows_that_are_too_large():
    """A load reaches 4,095 bytes, a list 65,535."""
    assert pack_straight(convolution((20, 20), (5, 5), (1, 1), channels=15), [0]) is not None
    wide = convolution((20, 20), (5, 5), (1, 1), channels=16)
    assert planes_of(wide).window > 4095
    assert pack_straight(wide, [0]) is None
    assert pack_taps(wide, [0]) is not None
    assert pack_taps(convolution((20, 20), (11, 3), (1, 1), channels=130), [0]) is None
