"""How TensorFlow Lite turns real scales into integers: multipliers, shifts, clamps and bounds.

The formulas are those of TensorFlow Lite Micro's reference kernels, to the bit: what is computed
here once, when a network is compiled, they compute when they prepare. Scales are of single
precision, their products and quotients of double.

For a softmax the reference evaluates gemmlowp's fixed-point exponential for every input. An int8
input lies at one of at most 256 distances from the greatest, so the values are worked out once.
"""

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Integers = TypeVar("Integers", int, NDArray[np.int64])
"""One integer, or many at a time."""

INT8_MIN, INT8_MAX = -128, 127

ACCUMULATOR_LIMIT = 2**31 - 256
"""What a sum, shifted left by its multiplier, must stay below. The rest is for the zero point
that is added afterwards."""

ADD_LEFT_SHIFT = 20
"""Bits by which both inputs of an addition are widened first."""


@dataclass(frozen=True)
class Multiplier:
    """A positive real number as ``mantissa * 2 ** (exponent - 31)``.

    Attributes:
        mantissa: in ``[2 ** 30, 2 ** 31)``, or 0 for what is too small to say.
        exponent: of two; positive means a shift to the left.
    """

    mantissa: int
    exponent: int

    @property
    def left(self) -> int:
        """Bits by which an accumulator is shifted left before the multiplication."""
        return max(self.exponent, 0)

    @property
    def right(self) -> int:
        """Bits by which the product is shifted right, with rounding."""
        return max(-self.exponent, 0)


def quantize_multiplier(real: float) -> Multiplier:
    """``real`` in fixed point; below ``2 ** -32`` it is zero.

    Source: ``QuantizeMultiplier`` of TensorFlow Lite.

    >>> quantize_multiplier(0.75)
    Multiplier(mantissa=1610612736, exponent=0)
    """
    if real == 0:
        return Multiplier(0, 0)
    fraction, exponent = math.frexp(real)
    mantissa = round_half_away(fraction * 2.0**31)
    if mantissa == 2**31:
        mantissa, exponent = mantissa // 2, exponent + 1
    return Multiplier(0, 0) if exponent < -31 else Multiplier(mantissa, exponent)


def round_half_away(value: float) -> int:
    """The nearest integer; halves go away from zero, as C's ``round``."""
    return math.floor(value + 0.5) if value >= 0 else math.ceil(value - 0.5)


def doubling_high_multiply(a: Integers, b: Integers) -> Integers:
    """``a * b / 2 ** 31`` rounded to nearest, halves up; both within int32.

    Source: gemmlowp's ``SaturatingRoundingDoublingHighMul``, whose only saturation is the
    square of the smallest int32.
    """
    product = a * b
    return ((product + 2**30) >> 31) - (product == 2**62)


def rounding_shift_right(value: Integers, bits: Integers) -> Integers:
    """``value / 2 ** bits`` rounded to nearest, halves away from zero.

    Source: gemmlowp's ``RoundingDivideByPOT``.
    """
    mask = (1 << bits) - 1
    return (value >> bits) + ((value & mask) > (mask >> 1) + (value < 0))


def requantize(accumulator: int, by: Multiplier) -> int:
    """An int32 accumulator times a multiplier, rounded twice.

    Source: ``MultiplyByQuantizedMultiplier`` of TensorFlow Lite, double rounding.
    """
    return rounding_shift_right(
        doubling_high_multiply(accumulator << by.left, by.mantissa), by.right
    )


@dataclass(frozen=True)
class Clamp:
    """The least and the greatest value of a quantized output."""

    low: int
    high: int


_ACTIVATION_BOUNDS: dict[str, tuple[float | None, float | None]] = {
    "NONE": (None, None),
    "RELU": (0.0, None),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
}
"""Fused activations that are a clamp, by their name in the schema."""

FUSED_ACTIVATIONS = tuple(_ACTIVATION_BOUNDS)


def activation_clamp(
    activation: str, scale: float, zero_point: int, low: int = INT8_MIN, high: int = INT8_MAX
) -> Clamp:
    """The part of a range that a fused activation leaves.

    Computed in single precision as TensorFlow Lite does (``CalculateActivationRangeQuantized``).

    Args:
        activation: one of ``FUSED_ACTIVATIONS``.
        scale: of the output, a float32.
        zero_point: of the output.
        low: the least of the range.
        high: the greatest.

    Raises:
        OverflowError: a bound is beyond int32, which TensorFlow Lite refuses.
    """
    bounds = []
    for bound, default in zip(_ACTIVATION_BOUNDS[activation], (low, high), strict=True):
        if bound is None:
            bounds.append(default)
            continue
        with np.errstate(over="ignore"):
            quantized = np.float32(bound) / np.float32(scale)
        if not abs(quantized) < 2.0**31:
            raise OverflowError(f"the bound {bound} over the scale {scale} is beyond 32 bits")
        bounds.append(zero_point + round_half_away(float(quantized)))
    return Clamp(max(bounds[0], low), min(bounds[1], high))


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


_INTEGER_BITS = 5
_FRACTION_BITS = 31 - _INTEGER_BITS
_ONE = 2**31 - 1
_EXP_OF_MINUS_AN_EIGHTH = round(math.exp(-1 / 8) * 2**31)
_A_THIRD = round(2**31 / 3)
_EXP_OF_MINUS_POWERS = [(e, round(math.exp(-(2.0**e)) * 2**31)) for e in range(-2, 5)]


def softmax_exponentials(beta: float, scale: float) -> NDArray[np.int32]:
    """``exp(-beta * scale * d)`` in Q0.31 for the distances d = 0, 1, 2 ... that count.

    Args:
        beta: of the softmax.
        scale: of its input.

    Raises:
        ValueError: the reference cannot prepare such a softmax.

    Source: ``PreprocessSoftmaxScaling`` and ``Softmax`` of TensorFlow Lite's reference kernels.
    """
    real = beta * scale * 2.0**_FRACTION_BITS
    if not real > 1:
        raise ValueError(f"beta {beta} times the scale {scale} is too small for a softmax")
    by = quantize_multiplier(min(real, 2.0**31 - 1))
    farthest = math.floor((2**_INTEGER_BITS - 1) * 2.0**_FRACTION_BITS / 2.0**by.left)
    distances = range(min(farthest, 255) + 1)
    return np.array(
        [exp_of_negative(doubling_high_multiply(-d << by.left, by.mantissa)) for d in distances],
        np.int32,
    )


def exp_of_negative(raw: int) -> int:
    """``exp`` of a non-positive Q5.26 number, in Q0.31.

    The part below a quarter by a Taylor series around -1/8, then one factor for each bit above.

    Source: gemmlowp's ``exp_on_negative_values``.
    """
    if raw == 0:
        return _ONE
    quarter = 1 << (_FRACTION_BITS - 2)
    below = (raw & (quarter - 1)) - quarter
    result = _exp_between_minus_a_quarter_and_0(below << _INTEGER_BITS)
    remainder = below - raw
    for exponent, factor in _EXP_OF_MINUS_POWERS:
        if remainder & (1 << (_FRACTION_BITS + exponent)):
            result = doubling_high_multiply(result, factor)
    return result


def _exp_between_minus_a_quarter_and_0(a: int) -> int:
    x = a + (1 << 28)
    x2 = doubling_high_multiply(x, x)
    x3 = doubling_high_multiply(x2, x)
    x4_over_4 = rounding_shift_right(doubling_high_multiply(x2, x2), 2)
    tail = rounding_shift_right(doubling_high_multiply(x4_over_4 + x3, _A_THIRD) + x2, 1)
    return _EXP_OF_MINUS_AN_EIGHTH + doubling_high_multiply(_EXP_OF_MINUS_AN_EIGHTH, x + tail)
