"""Tensors of integers, with a scale and a zero point, and windows that slide over them."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kwslib.errors import InputError, check

Padding = Literal["SAME", "VALID"]
Pair = tuple[int, ...]
"""One number for height and one for width."""

INPUT = (float(np.float32(1 / 255)), -128)
"""Scale and zero point of an image: a pixel minus 128 stands for the pixel over 255."""

OUTPUT = (1 / 256, -128)
"""Scale and zero point of probabilities."""

MIN_BITS, MAX_BITS = 2, 8

_MOST_ELEMENTS = 2**24


def check_bits(bits: int, what: str = "bits") -> None:
    """Refuse a width that no grid here has.

    Raises:
        InputError: ``bits`` is not 2 to 8.
    """
    check(f"{what} {bits}", MIN_BITS <= bits <= MAX_BITS, f"{MIN_BITS} to {MAX_BITS}")


def integer_range(bits: int, *, narrow: bool = False) -> tuple[int, int]:
    """The integers of a width: ``[-2^(b-1), 2^(b-1) - 1]``, without the first if ``narrow``.

    >>> integer_range(4), integer_range(8, narrow=True)
    ((-8, 7), (-127, 127))
    """
    check_bits(bits)
    half = 2 ** (bits - 1)
    return -half + narrow, half - 1


@dataclass(frozen=True)
class Tensor:
    """A place for activations.

    Attributes:
        name: its own in the network.
        shape: with the batch of 1 in front, channels last.
        scale: real value of one step; a number of single precision.
        zero_point: the integer that stands for 0.
        bits: width, 2 to 8; values are clamped to ``[-2^(bits-1), 2^(bits-1) - 1]``.
    """

    name: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int
    bits: int = 8

    def __post_init__(self) -> None:
        """Round the scale to single precision.

        Raises:
            InputError: shape, scale, zero point or width are of no tensor.
        """
        what = f"tensor {self.name!r}:"
        check_bits(self.bits, f"{what} bits")
        shape = tuple(self.shape)
        if not 2 <= len(shape) <= 4 or shape[0] != 1 or min(shape) < 1:
            raise InputError(f"{what} has the shape {shape}; it needs 1 and one to three extents")
        if self.size > _MOST_ELEMENTS:
            raise InputError(f"{what} has {self.size:,} elements, too many for a board")
        with np.errstate(over="ignore"):
            scale = float(np.float32(self.scale))
        if not 0 < scale < math.inf:
            raise InputError(f"{what} has the scale {self.scale}; it must be finite and above 0")
        low, high = self.range
        if not low <= self.zero_point <= high:
            raise InputError(
                f"{what} has the zero point {self.zero_point}; "
                f"{self.bits} bits hold {low} to {high}"
            )
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "scale", scale)

    @property
    def type(self) -> str:
        """In which it is stored, by its name in the schema."""
        return "INT8"

    @property
    def size(self) -> int:
        """Elements."""
        return math.prod(self.shape)

    @property
    def range(self) -> tuple[int, int]:
        """The least and the greatest integer."""
        return integer_range(self.bits)

    @property
    def quantization(self) -> tuple[float, int, int]:
        """Scale, zero point and width."""
        return self.scale, self.zero_point, self.bits


@dataclass(frozen=True)
class Window:
    """How a kernel slides over an image.

    Attributes:
        size: of the image.
        kernel: taps.
        stride: steps between outputs.
        padding: as TensorFlow names it.
        dilation: steps between taps.
    """

    size: Pair
    kernel: Pair
    stride: Pair
    padding: Padding
    dilation: Pair

    @property
    def reach(self) -> Pair:
        """From the first tap to the last, both included."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    @property
    def places(self) -> Pair:
        """Outputs."""
        covered = (1, 1) if self.padding == "SAME" else self.reach
        axes = zip(self.size, covered, self.stride, strict=True)
        return tuple((size - reach) // step + 1 for size, reach, step in axes)

    @property
    def added(self) -> Pair:
        """Rows and columns of padding."""
        axes = zip(self.places, self.stride, self.reach, self.size, strict=True)
        return tuple(max((n - 1) * step + reach - size, 0) for n, step, reach, size in axes)

    @property
    def before(self) -> Pair:
        """Padding above and to the left; an odd row or column comes after."""
        return tuple(each // 2 for each in self.added)
