"""Small floating-point numbers: sign, a few bits of exponent, a few of mantissa.

With ``e`` bits of exponent, ``m`` of mantissa and the bias ``2^(e-1) - 1``, the fields E and M of
a code stand for ``(1 + M / 2^m) * 2^(E - bias)``, or, where E is 0, for the subnormal number
``(M / 2^m) * 2^(1 - bias)``. E2M1, with the bias 1, has the numbers::

    E       0          1         2       3
    M=0,1   0, 0.5     1, 1.5    2, 3    4, 6

and their negatives. 2.2 is rounded to 2, 2.5 lies halfway and goes to 2, whose M is even, 3.5 to 4
for the same reason, and 100 to 6, the largest. Integers of the same width, -7 to 7 at a scale of
6 / 7, are 0.86 apart everywhere; these are 0.5 apart near 0, where most weights of a network are,
and pay for it with a gap of 2 at the top.

Without exponent bits every number is subnormal: E0M7 is a sign and 7 bits of fixed point,
``M / 64``, the grid of OCP's MXINT8 without its -128; its bias is 0. E1 is as even, with a step of
its own; the spacing begins to differ with E2.

Sources: IEEE 754-2019, 3.4 and 4.3.1; P. Micikevicius et al., "FP8 Formats for Deep Learning"
(2022); OCP 8-bit Floating Point Specification 1.0 (2023); OCP Microscaling Formats (MX)
Specification 1.0 (2023), 5.3.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from kwslib.errors import InputError, check
from kwslib.quantize.affine import rows_of
from kwslib.quantize.fake import straight_through

ScaleMethod = Literal["max", "mse"]

MAX_EXPONENT_BITS, MAX_MANTISSA_BITS, MAX_BITS = 8, 10, 16

_EXPONENT_FIELD = {
    torch.float32: (torch.int32, 0x7F80_0000),
    torch.float64: (torch.int64, 0x7FF0_0000_0000_0000),
}
"""By type of number: the integer of its size, and the bits that hold the exponent."""

_LEAST_SCALE, _GREATEST_SCALE = 2.0**-126, 2.0**127
"""The powers of two that are normal numbers in float32."""

_STEPS_PER_OCTAVE = 16
_OCTAVES_ABOVE, _OCTAVES_BELOW = 1, 4
"""Scales tried for the least squared error, about the one with which the largest number fits: an
octave above, as binades may lie better there, and down to where all above a 16th is saturated."""


@dataclass(frozen=True)
class Minifloat:
    """A format of small floats. Every number of it is exact in float32.

    Attributes:
        exponent_bits: 0 to 8; 0 is fixed point with a sign.
        mantissa_bits: 0 to 10. Sign, exponent and mantissa take at most 16 bits.
        specials: ``"ieee"`` reserves the top exponent for infinity and NaN, as E5M2 does; with
            ``"nan"`` the code of all ones is NaN and there is no infinity, as in E4M3; with
            ``"none"`` every code is a number, as in the formats of 6 and 4 bits.

    Raises:
        InputError: there is no such format, it has no number but 0, or float32 cannot hold it.

    >>> E2M1.bits, E2M1.largest, E2M1.smallest_normal
    (4, 6.0, 1.0)
    >>> E2M1.round(torch.tensor([2.2, 2.5, 3.5, -0.2, 100.0]))
    tensor([2., 2., 4., -0., 6.])
    """

    exponent_bits: int
    mantissa_bits: int
    specials: Literal["ieee", "nan", "none"] = "none"

    def __post_init__(self) -> None:
        for what, most in (("exponent", MAX_EXPONENT_BITS), ("mantissa", MAX_MANTISSA_BITS)):
            bits = getattr(self, f"{what}_bits")
            check(f"{what}_bits {bits}", bits in range(most + 1), f"0 to {most}")
        check(f"{self.name} has {self.bits} bits", self.bits <= MAX_BITS, f"at most {MAX_BITS}")
        if not self.largest:
            raise InputError(f"{self.name} has no number but 0: give it more bits or subnormals")
        if self.largest > torch.finfo(torch.float32).max:
            raise InputError(
                f"{self.name} with bias {self.bias} exceeds float32:"
                " use a greater bias or specials 'ieee'"
            )

    @property
    def name(self) -> str:
        """The widths, as ``"E4M3"``."""
        return f"E{self.exponent_bits}M{self.mantissa_bits}"

    @property
    def bits(self) -> int:
        """Bits of a code, the sign's among them."""
        return 1 + self.exponent_bits + self.mantissa_bits

    @property
    def bias(self) -> int:
        """What the exponent's field exceeds the exponent by."""
        return 2 ** (self.exponent_bits - 1) - 1 if self.exponent_bits else 0

    @property
    def largest(self) -> float:
        """The largest finite number."""
        exponent, mantissa = self._largest_code
        significand = mantissa + 2**self.mantissa_bits * (exponent > 0)
        return math.ldexp(significand, max(exponent, 1) - self.bias - self.mantissa_bits)

    @property
    def smallest_normal(self) -> float:
        """``2^(1 - bias)``, from where on the spacing grows with the number.

        It lies above the largest number where none is normal, as in fixed point.
        """
        return math.ldexp(1, 1 - self.bias)

    def round(self, x: Tensor) -> Tensor:
        """The nearest number of the format for each of ``x``, without a gradient.

        Of two as near, that with the even mantissa is taken; without mantissa bits the larger in
        magnitude, as IEEE 754 has it. The sign of 0 is kept. What is too large becomes the largest
        number, infinity too.

        Args:
            x: float32 or float64, of any shape; the result is of the same type. Of a format with
                numbers below 2^-126, float32's own subnormal ones, only float64 is exact.

        Raises:
            InputError: ``x`` has a NaN, and the format has none.
        """
        return self._nearest(x.detach()).clamp(-self.largest, self.largest)

    @property
    def _largest_code(self) -> tuple[int, int]:
        """Exponent and mantissa of the last code that is not reserved."""
        reserved = {"ieee": 2**self.mantissa_bits, "nan": 1, "none": 0}[self.specials]
        return divmod(2 ** (self.bits - 1) - 1 - reserved, 2**self.mantissa_bits)

    def _nearest(self, x: Tensor) -> Tensor:
        """``x`` rounded as if the exponent had no upper end."""
        if self.specials == "none" and bool(x.isnan().any()):
            raise InputError(f"some numbers are NaN, which {self.name} lacks; train again")
        top = math.ldexp(1, max(self._largest_code[0], 1) - self.bias)
        power = _power_of_two_below(x).clamp(self.smallest_normal, top)
        spacing = power * 2.0**-self.mantissa_bits
        return torch.round(x / spacing) * spacing  # exact but for the rounding: powers of two


E2M1 = Minifloat(2, 1)
"""FP4 of OCP MX: 0, 0.5, 1, 1.5, 2, 3, 4, 6."""

E4M3 = Minifloat(4, 3, "nan")
"""FP8 for weights and activations (OCP): up to 448; in ml_dtypes float8_e4m3fn."""

E5M2 = Minifloat(5, 2, "ieee")
"""FP8 for gradients (OCP): float16 with 2 bits of mantissa, up to 57,344."""

FORMATS = {"E4M3": E4M3, "E5M2": E5M2}
"""The formats of the OCP's specifications in which not every code is a number."""


def choose_scale(
    x: Tensor, format: Minifloat, *, method: ScaleMethod = "max", axis: int | None = None
) -> Tensor:
    """A scale with which ``x / scale`` lies well in the format's range.

    Args:
        x: numbers, of any shape.
        format: what ``x / scale`` will be rounded to.
        method: ``"max"`` puts the largest magnitude at the format's largest number; ``"mse"``
            takes, of that scale and others about it, the one with the least squared error.
        axis: along which each index gets its own scale; None for one scale.

    Returns:
        float32 without axes, or ``[n]``, one for each index of ``axis``. Where all numbers are 0,
        the scale is 1.

    Raises:
        InputError: there is no number, one is not finite, or ``method`` is unknown.

    >>> choose_scale(torch.tensor([0.1, -3.0]), E2M1)
    tensor(0.5000)
    """
    rows = rows_of(x, axis, method, get_args(ScaleMethod))
    greatest = rows.abs().amax(1)
    scale = greatest / format.largest
    if method == "mse":
        scale = _least_error(rows, format, scale)
    scale = torch.where(greatest > 0, scale.clamp(_LEAST_SCALE, _GREATEST_SCALE), 1)
    return scale[0] if axis is None else scale


def quantize_dequantize(x: Tensor, format: Minifloat, scale: Tensor) -> Tensor:
    """What ``x`` stands for once ``x / scale`` is a number of the format, in the type of ``x``.

    The gradient goes straight through, and is 0 where a number was saturated. One just above the
    largest that would be rounded to it in any case is not saturated.

    Args:
        x: float32 or float64.
        format: what to round to.
        scale: above 0; broadcasts against ``x``. It gets no gradient.

    Raises:
        InputError: as of :meth:`Minifloat.round`.

    >>> quantize_dequantize(torch.tensor([1.1, -2.6, 9.0]), E2M1, torch.tensor(0.5))
    tensor([ 1., -3.,  3.])
    """
    scale = scale.detach()
    nearest = format._nearest(x.detach() / scale)
    found = nearest.clamp(-format.largest, format.largest) * scale
    return straight_through(x, found, nearest.abs() <= format.largest)


def _power_of_two_below(x: Tensor) -> Tensor:
    """``2^floor(log2 |x|)``: the number without sign and mantissa. 0 stays 0, infinity infinity.

    A number that is subnormal in its own type, below ``2^-126`` in float32, becomes 0.
    """
    integer, exponent_field = _EXPONENT_FIELD[x.dtype]
    return (x.view(integer) & exponent_field).view(x.dtype)


def _least_error(rows: Tensor, format: Minifloat, scale: Tensor) -> Tensor:
    """Of scales about that of each row, the one with the least error."""
    best, least = scale, torch.full_like(scale, math.inf)
    above, below = _OCTAVES_ABOVE * _STEPS_PER_OCTAVE, _OCTAVES_BELOW * _STEPS_PER_OCTAVE
    for step in range(above, -below - 1, -1):
        tried = (scale * 2.0 ** (step / _STEPS_PER_OCTAVE)).clamp(_LEAST_SCALE, _GREATEST_SCALE)
        error = (format.round(rows / tried[:, None]) * tried[:, None] - rows).square().sum(1)
        best = torch.where(error < least, tried, best)
        least = torch.minimum(error, least)
    return best
