"""The table of exponentials of an int8 softmax, as TensorFlow Lite's reference computes them.

The reference evaluates gemmlowp's fixed-point exponential for every input. An int8 input lies at
one of at most 256 distances from the greatest, so the values are worked out once.
"""

import math

import numpy as np
from numpy.typing import NDArray

from kwslib.network.requantization import (
    doubling_high_multiply,
    quantize_multiplier,
    rounding_shift_right,
)

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
