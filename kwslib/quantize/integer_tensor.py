"""Tensors of integers, with a scale and a zero point, and windows that slide over them."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from kwslib.errors import InputError
from kwslib.models.padding import same_padding
from kwslib.quantize.affine import check_bits, integer_range

Padding = Literal["SAME", "VALID"]


@dataclass(frozen=True)
class IntegerTensor:
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
    def size(self) -> int:
        """Elements."""
        return math.prod(self.shape)

    @property
    def range(self) -> tuple[int, int]:
        """The least and the greatest integer."""
        return integer_range(self.bits)

    @property
    def quantization(self) -> tuple[float, int]:
        """Scale and zero point."""
        return self.scale, self.zero_point


@dataclass(frozen=True)
class Window:
    """How a kernel slides over height and width; pairs are (height, width)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: Padding

    def paddings(self, shape: tuple[int, ...]) -> tuple[tuple[int, int], tuple[int, int]]:
        """What is added before and after height and width of ``[1, height, width, channels]``."""
        if self.padding == "VALID":
            return (0, 0), (0, 0)
        height, width = (
            same_padding(*sizes) for sizes in zip(shape[1:3], self.kernel, self.stride, strict=True)
        )
        return height, width

    def check(self, source: IntegerTensor, output: IntegerTensor) -> None:
        """Raise ValueError unless it slides over ``source`` as often as ``output`` has places."""
        if self.padding not in get_args(Padding):
            raise ValueError(f"padding {self.padding!r} must be SAME or VALID")
        if len(source.shape) != 4 or len(output.shape) != 4:
            raise ValueError(f"takes {source.shape} to {output.shape}; four axes are needed")
        if min(*self.kernel, *self.stride) < 1:
            raise ValueError(f"kernel {self.kernel} and stride {self.stride} must be 1 or more")
        places = tuple(
            (size + sum(padding) - kernel) // stride + 1
            for size, padding, kernel, stride in zip(
                source.shape[1:3], self.paddings(source.shape), self.kernel, self.stride,
                strict=True,
            )
        )  # fmt: skip
        if places != output.shape[1:3]:
            raise ValueError(f"gives {places} places, but its output has {output.shape[1:3]}")
