"""The multipliers of each kind of layer, and whether its sums stay within 32 bits.

What TensorFlow Lite Micro works out when it prepares a network, to the bit: scales are of single
precision, their products and quotients of double.
"""

import numpy as np
from numpy.typing import NDArray

from kwslib.quantize.requantization import INT8_MAX, INT8_MIN, Multiplier, quantize_multiplier

ACCUMULATOR_LIMIT = 2**31 - 256
"""What a sum, shifted left by its multiplier, must stay below. The rest is for the zero point
that is added afterwards."""

ADD_LEFT_SHIFT = 20
"""Bits by which both inputs of an addition are widened first."""


def channel_multipliers(
    source: float, weights: NDArray[np.float32], output: float
) -> tuple[Multiplier, ...]:
    """One multiplier for each scale of the weights, in double precision.

    Args:
        source: scale of the input.
        weights: scales of the weights.
        output: scale of the output.

    Source: ``PopulateConvolutionQuantizationParams`` of TensorFlow Lite.
    """
    reals = source * weights.astype(np.float64) / output
    return tuple(quantize_multiplier(float(real)) for real in reals)


def add_multipliers(
    first: float, second: float, output: float
) -> tuple[tuple[Multiplier, Multiplier], Multiplier]:
    """Those of an addition's two inputs, and of their sum.

    Raises:
        ValueError: the output's scale is too small for what TensorFlow Lite Micro can prepare.

    Source: ``CalculateOpData`` of TensorFlow Lite Micro's ADD.
    """
    twice = 2.0 * max(first, second)
    real = twice / ((1 << ADD_LEFT_SHIFT) * output)
    multiplier = quantize_multiplier(real)
    if not 0 < real < 1 or multiplier.exponent > 0:
        raise ValueError(f"its output's scale {output} is too small beside its inputs'")
    return (quantize_multiplier(first / twice), quantize_multiplier(second / twice)), multiplier


def mean_multiplier(source: float, output: float, reduced: int) -> Multiplier:
    """That of a sum of ``reduced`` values, the division in it.

    Source: ``QuantizedMeanOrSum`` of TensorFlow Lite's reference kernels.
    """
    whole = quantize_multiplier(source / output)
    shift = min(reduced.bit_length() - 1, 32, 31 + whole.exponent)
    return Multiplier((whole.mantissa << shift) // reduced, whole.exponent - shift)


def farthest(zero_point: int) -> int:
    """How far an int8 can be from the zero point."""
    return max(INT8_MAX - zero_point, zero_point - INT8_MIN)


def sum_bounds(
    taps: NDArray[np.integer], bias: NDArray[np.integer], zero_point: int
) -> NDArray[np.int64]:
    """What the magnitude of each output's sum cannot exceed; any partial sum neither.

    Args:
        taps: the weights that meet in an output, ``[outputs, taps]``.
        bias: ``[outputs]``.
        zero_point: of the int8 input.
    """
    sums = np.abs(taps.astype(np.int64)).sum(axis=1) * farthest(zero_point)
    return sums + np.abs(bias.astype(np.int64))


def sum_fits(bound: int, multiplier: Multiplier) -> bool:
    """Whether sums of at most ``bound`` stay within 32 bits, shifted by the multiplier."""
    return multiplier.left <= 30 and int(bound) << multiplier.left < ACCUMULATOR_LIMIT
