"""Small floating-point numbers: sign, a few bits of exponent, a few of mantissa.

With ``e`` bits of exponent, ``m`` of mantissa and a bias, the fields E and M of a code stand for
``(1 + M / 2^m) * 2^(E - bias)``, or, where E is 0, for the subnormal number
``(M / 2^m) * 2^(1 - bias)``. E2M1, with the bias 1, has the numbers::

    E       0          1         2       3
    M=0,1   0, 0.5     1, 1.5    2, 3    4, 6

and their negatives. 2.2 is rounded to 2, 2.5 lies halfway and goes to 2, whose M is even, 3.5 to 4
for the same reason, and 100 to 6, the largest. Integers of the same width, -7 to 7 at a scale of
6 / 7, are 0.86 apart everywhere; these are 0.5 apart near 0, where most weights of a network are,
and pay for it with a gap of 2 at the top.

Without exponent bits every number is subnormal: E0M7 is a sign and 7 bits of fixed point,
``M / 64``, the grid of OCP's MXINT8 (bias 0) without its -128. E1 is as even, with a step of its
own; the spacing begins to differ with E2.

Sources: IEEE 754-2019, 3.4 and 4.3.1; P. Micikevicius et al., "FP8 Formats for Deep Learning"
(2022); OCP 8-bit Floating Point Specification 1.0 (2023); OCP Microscaling Formats (MX)
Specification 1.0 (2023), 5.3.
"""

import math
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kwslib.errors import InputError

Specials = Literal["ieee", "nan", "none"]
ScaleMethod = Literal["max", "mse"]

MAX_EXPONENT_BITS, MAX_MANTISSA_BITS, MAX_BITS = 8, 10, 16

Numbers = TypeVar("Numbers", Tensor, NDArray[Any])

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
        bias: what the exponent's field exceeds the exponent by; when left out
            ``2^(exponent_bits - 1) - 1``, and 0 without exponent bits.
        specials: ``"ieee"`` reserves the top exponent for infinity and NaN, as E5M2 does; with
            ``"nan"`` the code of all ones is NaN and there is no infinity, as in E4M3; with
            ``"none"`` every code is a number, as in the formats of 6 and 4 bits.
        subnormals: whether numbers below the smallest normal one fill the gap to 0. Otherwise
            their codes stand for 0.

    Raises:
        InputError: there is no such format, it has no number but 0, or float32 cannot hold it.

    >>> E2M1.bits, E2M1.largest, E2M1.smallest_normal, E2M1.smallest_subnormal
    (4, 6.0, 1.0, 0.5)
    >>> E2M1.round(torch.tensor([2.2, 2.5, 3.5, -0.2, 100.0]))
    tensor([2., 2., 4., -0., 6.])
    """

    exponent_bits: int
    mantissa_bits: int
    bias: int = field(default=None)  # type: ignore[assignment]
    specials: Specials = "none"
    subnormals: bool = True

    def __post_init__(self) -> None:
        self._check_widths()
        if self.bias is None:
            default = 2 ** (self.exponent_bits - 1) - 1 if self.exponent_bits else 0
            object.__setattr__(self, "bias", default)
        self._check_numbers()

    @property
    def name(self) -> str:
        """The widths, as ``"E4M3"``."""
        return f"E{self.exponent_bits}M{self.mantissa_bits}"

    @property
    def bits(self) -> int:
        """Bits of a code, the sign's among them."""
        return 1 + self.exponent_bits + self.mantissa_bits

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return self._magnitude(self._largest_code)

    @property
    def smallest_normal(self) -> float:
        """``2^(1 - bias)``, from where on the spacing grows with the number.

        It lies above the largest number where none is normal, as in fixed point.
        """
        return math.ldexp(1, 1 - self.bias)

    @property
    def smallest_subnormal(self) -> float:
        """The least number above 0; the smallest normal one where no number is subnormal."""
        return self.smallest_normal * 2.0 ** -(self.mantissa_bits if self.subnormals else 0)

    def values(self) -> NDArray[np.float64]:
        """All finite numbers in ascending order, 0 once.

        >>> E2M1.values()[7:].tolist()
        [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]
        """
        numbers = self.decode(np.arange(2**self.bits)).astype(np.float64)
        return np.unique(numbers[np.isfinite(numbers)] + 0.0)  # -0 + 0 is 0

    def round(self, x: Numbers, *, saturate: bool = True) -> Numbers:
        """The nearest number of the format for each of ``x``, without a gradient.

        Of two as near, that with the even mantissa is taken; between 0 and the smallest normal
        number, where there are no subnormals, 0; without mantissa bits the larger in magnitude,
        as IEEE 754 has it. The sign of 0 is kept.

        Args:
            x: float32 or float64, of any shape; the result is of the same type. Of a format with
                numbers below 2^-126, float32's own subnormal ones, only float64 is exact.
            saturate: whether what is too large becomes the largest number, infinity too.
                Otherwise it becomes infinity, or NaN where the format has no infinity.

        Raises:
            InputError: the type is another, or ``x`` has a NaN, or overflow asks for one, and the
                format has none.
        """
        numbers = _as_tensor(x)
        self._check_rounding(numbers, saturate)
        nearest = self._nearest(numbers)
        if saturate:
            return _like(x, nearest.clamp(-self.largest, self.largest))
        overflow = math.inf if self.specials == "ieee" else math.nan
        beyond = torch.full_like(nearest, overflow).copysign(nearest)
        return _like(x, torch.where(nearest.abs() > self.largest, beyond, nearest))

    def encode(self, x: Numbers, *, saturate: bool = True) -> Numbers:
        """Codes of ``x``, rounded as by :meth:`round`: sign, exponent and mantissa in an int32.

        >>> [f"{code:04b}" for code in E2M1.encode(torch.tensor([3.0, -0.5]))]
        ['0101', '1001']
        """
        numbers = self.round(_as_tensor(x), saturate=saturate).double()
        # A code of a normal number is (E - 1) * 2^m plus its mantissa with the leading one; with
        # E = 1 for subnormal numbers, which have no leading one, the same holds for them.
        finite = torch.where(numbers.isfinite(), numbers.abs(), 0)
        power = _power_of_two_below(finite).clamp(min=self.smallest_normal)
        binade = torch.frexp(power / self.smallest_normal).exponent - 1
        step = 2**self.mantissa_bits
        codes = binade * step + (finite / power * step).int()
        top = (2**self.exponent_bits - 1) * step
        quiet = 2 ** (self.mantissa_bits - 1) if self.specials == "ieee" else step - 1
        codes = torch.where(numbers.isinf(), top, codes)
        codes = torch.where(numbers.isnan(), top + quiet, codes)
        return _like(x, codes.int() + numbers.signbit().int() * 2 ** (self.bits - 1))

    def decode(self, codes: Numbers) -> Numbers:
        """What codes stand for, float32 of the same shape.

        Raises:
            InputError: they are no integers, or one has more bits than the format.

        >>> E2M1.decode(torch.tensor([0b0101, 0b1001]))
        tensor([ 3.0000, -0.5000])
        """
        whole = _as_tensor(codes)
        self._check_codes(whole)
        whole = whole.long()
        step, ones = 2**self.mantissa_bits, 2 ** (self.bits - 1) - 1
        magnitude = whole & ones
        exponent, mantissa = magnitude // step, magnitude % step
        significand = torch.where(exponent > 0, mantissa + step, mantissa * self.subnormals)
        power = exponent.clamp(min=1) - self.bias - self.mantissa_bits
        numbers = torch.ldexp(significand.double(), power)
        if self.specials == "ieee":
            numbers[(exponent > self._largest_code // step) & (mantissa == 0)] = math.inf
            numbers[(exponent > self._largest_code // step) & (mantissa > 0)] = math.nan
        elif self.specials == "nan":
            numbers[magnitude == ones] = math.nan
        return _like(codes, torch.where(whole > ones, -numbers, numbers).float())

    @property
    def _largest_code(self) -> int:
        """Code of the largest finite number: the last one that is not reserved."""
        codes = 2 ** (self.exponent_bits + self.mantissa_bits)
        reserved = {"ieee": 2**self.mantissa_bits, "nan": 1, "none": 0}[self.specials]
        return codes - 1 - reserved

    def _magnitude(self, code: int) -> float:
        """What a code without sign stands for, in plain Python."""
        exponent, mantissa = divmod(code, 2**self.mantissa_bits)
        significand = mantissa + 2**self.mantissa_bits if exponent else mantissa * self.subnormals
        return math.ldexp(significand, max(exponent, 1) - self.bias - self.mantissa_bits)

    def _nearest(self, x: Tensor) -> Tensor:
        """``x`` rounded as if the exponent had no upper end."""
        top = math.ldexp(1, max(self._largest_code >> self.mantissa_bits, 1) - self.bias)
        power = _power_of_two_below(x)
        spacing = power.clamp(self.smallest_normal, top) * 2.0**-self.mantissa_bits
        if not self.subnormals:
            spacing = torch.where(power < self.smallest_normal, self.smallest_normal, spacing)
        return torch.round(x / spacing) * spacing  # exact but for the rounding: powers of two

    def _check_widths(self) -> None:
        if self.exponent_bits not in range(MAX_EXPONENT_BITS + 1):
            raise InputError(
                f"exponent_bits {self.exponent_bits}: must be 0 to {MAX_EXPONENT_BITS}"
            )
        if self.mantissa_bits not in range(MAX_MANTISSA_BITS + 1):
            raise InputError(
                f"mantissa_bits {self.mantissa_bits}: must be 0 to {MAX_MANTISSA_BITS}"
            )
        if self.bits > MAX_BITS:
            raise InputError(f"{self.name} has {self.bits} bits: must be at most {MAX_BITS}")
        if self.specials not in get_args(Specials):
            raise InputError(
                f"specials {self.specials!r}: must be one of {', '.join(get_args(Specials))}"
            )
        if self.specials == "ieee" and not self.mantissa_bits:
            raise InputError(f"{self.name} has no code for NaN: use specials 'nan' or 'none'")
        if self.specials != "none" and not self.exponent_bits:
            raise InputError(f"{self.name} has no exponent to reserve: use specials 'none'")

    def _check_numbers(self) -> None:
        if not self.largest:
            raise InputError(f"{self.name} has no number but 0: give it more bits or subnormals")
        if self.largest > torch.finfo(torch.float32).max:
            raise InputError(
                f"{self.name} with bias {self.bias} exceeds float32:"
                " use a greater bias or specials 'ieee'"
            )
        if self.smallest_normal < 2.0**-127:
            raise InputError(f"bias {self.bias}: must be at most 128, for float32 to hold it")

    def _check_rounding(self, x: Tensor, saturate: bool) -> None:
        if x.dtype not in _EXPONENT_FIELD:
            raise InputError(f"numbers are {x.dtype}: must be float32 or float64; use .float()")
        if self.specials == "none":
            if not saturate:
                raise InputError(f"{self.name} has neither infinity nor NaN: use saturate=True")
            if bool(x.isnan().any()):
                raise InputError(f"some numbers are NaN, which {self.name} lacks; train again")

    def _check_codes(self, codes: Tensor) -> None:
        if codes.is_floating_point() or codes.is_complex() or codes.dtype == torch.bool:
            raise InputError(f"codes are {codes.dtype}: must be integers; use encode")
        outside = codes[(codes < 0) | (codes >= 2**self.bits)]
        if outside.numel():
            raise InputError(f"code {int(outside[0])}: must be 0 to {2**self.bits - 1}")


E4M3 = Minifloat(4, 3, specials="nan")
"""FP8 for weights and activations (OCP): up to 448; in ml_dtypes float8_e4m3fn."""

E5M2 = Minifloat(5, 2, specials="ieee")
"""FP8 for gradients (OCP): float16 with 2 bits of mantissa, up to 57,344."""

E3M2 = Minifloat(3, 2)
"""FP6 of OCP MX: up to 28."""

E2M3 = Minifloat(2, 3)
"""FP6 of OCP MX: up to 7.5."""

E2M1 = Minifloat(2, 1)
"""FP4 of OCP MX: 0, 0.5, 1, 1.5, 2, 3, 4, 6."""

FORMATS = {format.name: format for format in (E4M3, E5M2, E3M2, E2M3, E2M1)}
"""The formats of the OCP's specifications, by name."""


def choose_scale(
    x: Tensor,
    format: Minifloat,
    *,
    method: ScaleMethod = "max",
    axis: int | None = None,
    power_of_two: bool = False,
) -> Tensor:
    """A scale with which ``x / scale`` lies well in the format's range.

    Args:
        x: numbers, of any shape.
        format: what ``x / scale`` will be rounded to.
        method: ``"max"`` puts the largest magnitude at the format's largest number; ``"mse"``
            takes, of that scale and others about it, the one with the least squared error.
        axis: along which each index gets its own scale; None for one scale.
        power_of_two: whether the scale is a power of two: the least with which all fits, for
            ``"max"``. (OCP MX takes it for ``2^(floor(log2 max|x|) - largest exponent)``, which
            may be half of that and saturate the numbers at the top.)

    Returns:
        float32 without axes, or in a shape that broadcasts against ``x``, as [8, 1, 1, 1]. Where
        all numbers are 0, the scale is 1.

    Raises:
        InputError: there is no number, one is not finite, or ``method`` is unknown.

    >>> choose_scale(torch.tensor([0.1, -3.0]), E2M1)
    tensor(0.5000)
    """
    _check_choice(x, method)
    rows = x.detach().float()
    rows = rows.reshape(1, -1) if axis is None else rows.movedim(axis, 0).flatten(1)
    greatest = rows.abs().amax(1)
    scale = greatest / format.largest
    if power_of_two:
        below = _power_of_two_below(scale)
        scale = torch.where(below < scale, 2 * below, below)
    if method == "mse":
        scale = _least_error(rows, format, scale, 1 if power_of_two else _STEPS_PER_OCTAVE)
    scale = torch.where(greatest > 0, scale.clamp(_LEAST_SCALE, _GREATEST_SCALE), 1)
    if axis is None:
        return scale[0]
    shape = [1] * x.ndim
    shape[axis] = -1
    return scale.reshape(shape)


def quantize_dequantize(x: Tensor, format: Minifloat, scale: Tensor | float) -> Tensor:
    """What ``x`` stands for once ``x / scale`` is a number of the format, in the type of ``x``.

    The gradient goes straight through, and is 0 where a number was saturated.

    Args:
        x: float32 or float64.
        format: what to round to.
        scale: above 0; broadcasts against ``x``. It gets no gradient.

    Raises:
        InputError: a scale is not above 0 or not finite, or :meth:`Minifloat.round` refuses ``x``.

    >>> quantize_dequantize(torch.tensor([1.1, -2.6, 9.0]), E2M1, 0.5)
    tensor([ 1., -3.,  3.])
    """
    return FakeMinifloat.apply(x, scale, format)


class FakeMinifloat(torch.autograd.Function):
    """Rounds forwards, and lets the gradient through backwards where nothing was saturated.

    A number just above the largest that would be rounded to it in any case is not saturated.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor | float, format: Minifloat) -> Tensor:
        """``scale`` times the numbers of ``format`` that are nearest to ``x / scale``."""
        format._check_rounding(x, saturate=True)
        scales = torch.as_tensor(scale, dtype=x.dtype, device=x.device)
        if not bool(((scales > 0) & scales.isfinite()).all()):
            raise InputError("a scale is not above 0 or not finite; use choose_scale")
        nearest = format._nearest(x / scales)
        ctx.save_for_backward(nearest.abs() <= format.largest)
        return nearest.clamp(-format.largest, format.largest) * scales

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        """The gradient of ``x``; scale and format have none."""
        (inside,) = ctx.saved_tensors
        return gradients[0] * inside, None, None


def _power_of_two_below(x: Tensor) -> Tensor:
    """``2^floor(log2 |x|)``: the number without sign and mantissa. 0 stays 0, infinity infinity.

    A number that is subnormal in its own type, below ``2^-126`` in float32, becomes 0.
    """
    integer, exponent_field = _EXPONENT_FIELD[x.dtype]
    return (x.view(integer) & exponent_field).view(x.dtype)


def _as_tensor(x: Tensor | NDArray[Any]) -> Tensor:
    return x.detach() if isinstance(x, Tensor) else torch.tensor(x)


def _like(x: Numbers, result: Tensor) -> Numbers:
    """``result`` as an array where ``x`` is one."""
    return result if isinstance(x, Tensor) else result.numpy()


def _check_choice(x: Tensor, method: str) -> None:
    if method not in get_args(ScaleMethod):
        raise InputError(f"method {method!r}: must be one of {', '.join(get_args(ScaleMethod))}")
    if x.numel() == 0:
        raise InputError("there is no number to choose a scale for; give some weights")
    if not bool(torch.isfinite(x).all()):
        raise InputError("some numbers are NaN or infinite; train the network again")


def _least_error(rows: Tensor, format: Minifloat, scale: Tensor, steps: int) -> Tensor:
    """Of scales about that of each row, ``steps`` an octave, the one with the least error."""
    best, least = scale, torch.full_like(scale, math.inf)
    for step in range(_OCTAVES_ABOVE * steps, -_OCTAVES_BELOW * steps - 1, -1):
        tried = (scale * 2.0 ** (step / steps)).clamp(_LEAST_SCALE, _GREATEST_SCALE)
        found = format.round(rows / tried[:, None]) * tried[:, None]
        error = (found - rows).square().sum(1)
        best = torch.where(error < least, tried, best)
        least = torch.minimum(error, least)
    return best
