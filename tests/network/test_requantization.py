"""Fixed-point arithmetic against exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kwslib.network.requantization import (
    Clamp,
    activation_clamp,
    doubling_high_multiply,
    quantize_multiplier,
    requantize,
    rounding_shift_right,
)

int32 = st.integers(-(2**31), 2**31 - 1)


@given(st.floats(2.0**-31, 2.0**20))
def test_a_multiplier_is_within_half_a_step(real):
    by = quantize_multiplier(real)
    assert 2**30 <= by.mantissa < 2**31
    value = Fraction(by.mantissa, 2**31) * Fraction(2) ** by.exponent
    assert abs(value - Fraction(real)) <= Fraction(2) ** (by.exponent - 32)
    assert by.left - by.right == by.exponent


@pytest.mark.parametrize(
    ("real", "mantissa", "exponent"),
    [(0.0, 0, 0), (0.5, 2**30, 0), (1.0, 2**30, 1), (1 - 2.0**-40, 2**30, 1), (2.0**-33, 0, 0)],
)
def test_multipliers_at_the_edges(real, mantissa, exponent):
    by = quantize_multiplier(real)
    assert (by.mantissa, by.exponent) == (mantissa, exponent)


@given(int32, int32)
def test_high_multiply_rounds_halves_up(a, b):
    if a == b == -(2**31):
        assert doubling_high_multiply(a, b) == 2**31 - 1
        return
    gap = Fraction(a * b, 2**31) - doubling_high_multiply(a, b)
    assert Fraction(-1, 2) <= gap < Fraction(1, 2)


@given(int32, st.integers(0, 31))
def test_shift_rounds_halves_away_from_zero(value, bits):
    exact = Fraction(value, 2**bits)
    found = rounding_shift_right(value, bits)
    assert abs(exact - found) <= Fraction(1, 2)
    if abs(exact - found) == Fraction(1, 2):
        assert abs(found) > abs(exact)


@given(st.integers(-(2**20), 2**20), st.floats(1e-6, 0.9))
def test_requantized_values_are_close(value, real):
    assert abs(requantize(value, quantize_multiplier(real)) - value * real) <= 1.01


@pytest.mark.parametrize(
    ("activation", "scale", "zero_point", "expected"),
    [
        ("NONE", 0.1, 0, Clamp(-128, 127)),
        ("RELU", 0.1, -20, Clamp(-20, 127)),
        ("RELU6", 0.1, -20, Clamp(-20, 40)),
        ("RELU6", 6 / 255, -128, Clamp(-128, 127)),
        ("RELU_N1_TO_1", 0.5, 3, Clamp(1, 5)),
    ],
)
def test_clamps_of_activations(activation, scale, zero_point, expected):
    assert activation_clamp(activation, float(np.float32(scale)), zero_point) == expected


def test_a_scale_that_takes_a_bound_beyond_32_bits_is_refused():
    with pytest.raises(OverflowError, match="beyond 32 bits"):
        activation_clamp("RELU6", 1e-12, 0)
