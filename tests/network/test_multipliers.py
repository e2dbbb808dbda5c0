"""Multipliers of layers against real numbers; TensorFlow Lite Micro checks their last bits."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kwslib.network.requantization import (
    ACCUMULATOR_LIMIT,
    Multiplier,
    add_multipliers,
    channel_multipliers,
    mean_multiplier,
    sum_bounds,
    sum_fits,
)

scales = st.floats(1e-3, 10)

LEAST_OF_A_SUM = 2.0**-13
"""Of the greater input's scale over the output's: twice that, over 2^20, is 2^-32, the least that
a mantissa of 31 bits and a shift of 31 more to the right make."""


def real(multiplier):
    return multiplier.mantissa * 2.0 ** (multiplier.exponent - 31)


@given(scales, st.lists(scales, min_size=1, max_size=4), scales)
def test_multipliers_of_channels(source, weights, output):
    found = channel_multipliers(source, np.array(weights, np.float32), output)
    expected = source * np.array(weights) / output
    np.testing.assert_allclose([real(m) for m in found], expected, rtol=1e-6)


@given(scales, scales, scales)
def test_multipliers_of_a_sum(first, second, output):
    assume(max(first, second) / output >= LEAST_OF_A_SUM)
    inputs, whole = add_multipliers(first, second, output)
    for source, multiplier in zip((first, second), inputs, strict=True):
        assert real(multiplier) * 2**20 * real(whole) == pytest.approx(source / output, rel=1e-6)


def test_a_sum_that_vanishes_beside_its_output_is_zero():
    """As TensorFlow Lite has it: a multiplier below 2^-32 is none."""
    assert real(add_multipliers(1.0, 1.0, 1.001 / LEAST_OF_A_SUM)[1]) == 0
    assert real(add_multipliers(1.0, 1.0, 0.999 / LEAST_OF_A_SUM)[1]) > 0


@given(scales, scales, st.integers(1, 2000))
def test_multiplier_of_a_mean(source, output, reduced):
    found = mean_multiplier(source, output, reduced)
    assert real(found) == pytest.approx(source / output / reduced, rel=1e-6)


def test_bounds_of_sums():
    taps, bias = np.array([[-128, 127], [1, 0]], np.int8), np.array([-7, 9], np.int32)
    assert sum_bounds(taps, bias, -128).tolist() == [255 * 255 + 7, 255 + 9]
    assert sum_bounds(taps, bias, 0).tolist() == [255 * 128 + 7, 128 + 9]


def test_sums_that_fit():
    assert sum_fits(ACCUMULATOR_LIMIT - 1, Multiplier(2**30, 0))
    assert not sum_fits(ACCUMULATOR_LIMIT, Multiplier(2**30, -3))
    assert sum_fits(ACCUMULATOR_LIMIT // 8 - 1, Multiplier(2**30, 3))
    assert not sum_fits(ACCUMULATOR_LIMIT // 8 + 1, Multiplier(2**30, 3))
    assert not sum_fits(0, Multiplier(2**30, 31))
