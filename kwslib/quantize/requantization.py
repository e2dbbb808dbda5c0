"""How TensorFlow Lite turns real scales into integers: multipliers, shifts and clamps.

The formulas are those of TensorFlow Lite Micro's reference kernels, to the bit: what is computed
here once, when a network is compiled, they compute when they prepare.
"""

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Integers = TypeVar("Integers", int, NDArray[np.int64])
"""One integer, or many at a time."""

INT8_MIN, INT8_MAX = -128, 127


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
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU6": (0.0, 6.0),
}
"""Fused activations that are a clamp, by their name in the schema."""

FUSED_ACTIVATIONS = tuple(_ACTIVATION_BOUNDS)


def activation_clamp(activation: str, scale: float, zero_point: int) -> Clamp:
    """The int8 range that a fused activation leaves.

    Computed in single precision as TensorFlow Lite does (``CalculateActivationRangeQuantized``).

    Args:
        activation: one of ``FUSED_ACTIVATIONS``.
        scale: of the output, a float32.
        zero_point: of the output.

    Raises:
        OverflowError: a bound is beyond int32, which TensorFlow Lite refuses.
    """
    bounds = []
    for bound, default in zip(_ACTIVATION_BOUNDS[activation], (INT8_MIN, INT8_MAX), strict=True):
        if bound is None:
            bounds.append(default)
            continue
        with np.errstate(over="ignore"):
            quantized = np.float32(bound) / np.float32(scale)
        if not abs(quantized) < 2.0**31:
            raise OverflowError(f"the bound {bound} over the scale {scale} is beyond 32 bits")
        bounds.append(zero_point + round_half_away(float(quantized)))
    return Clamp(max(bounds[0], INT8_MIN), min(bounds[1], INT8_MAX))
