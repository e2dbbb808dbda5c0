"""Operators of a network in integers: what each of them is, with every number worked out.

Whatever is constructed is consistent: the shapes fit, no scale is NaN, no weight is outside of its
width and no sum can leave 32 bits. Neither a kernel nor an interpreter needs a further check to
stay within its buffers. Operators with weights stand in :mod:`kwslib.network.weighted`.
"""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from kwslib.errors import InputError
from kwslib.network.requantization import (
    FUSED_ACTIVATIONS,
    Clamp,
    Multiplier,
    activation_clamp,
    add_multipliers,
    farthest,
    mean_multiplier,
    softmax_exponentials,
    sum_fits,
)
from kwslib.network.tensors import OUTPUT, Padding, Pair, Tensor, Window

Activation = Literal["NONE", "RELU", "RELU6", "RELU_N1_TO_1"]

_MOST_TAPS = 2**16
_MOST_LABELS = 4095
_MOST_PADDING = 2**20


@dataclass(frozen=True)
class Operator:
    """A function of tensors that exist, which writes one more.

    Attributes:
        kind: its name in C.
        n_inputs: activations that it reads.
    """

    kind: ClassVar[str]
    n_inputs: ClassVar[int] = 1

    inputs: tuple[Tensor, ...]
    output: Tensor

    def __post_init__(self) -> None:
        """Check the operator.

        Raises:
            InputError: something does not fit.
        """
        try:
            if len(self.inputs) != self.n_inputs:
                raise ValueError(f"has {len(self.inputs)} inputs, not {self.n_inputs}")
            self._check()
        except (ValueError, OverflowError) as error:
            raise InputError(f"operator {self.output.name!r} ({self.kind}): {error}") from error

    def _check(self) -> None:
        """Raise ValueError if something does not fit."""
        raise NotImplementedError

    def _check_kept(self) -> None:
        if self.input.quantization != self.output.quantization:
            raise ValueError("its input and its output must have one scale, zero point and width")

    @property
    def input(self) -> Tensor:
        """The first input."""
        return self.inputs[0]

    @property
    def macs(self) -> int:
        """Multiply-accumulates; 0 where nothing is multiplied by a weight."""
        return 0

    @property
    def clamp(self) -> Clamp:
        """What the output is clamped to."""
        return Clamp(*self.output.range)


@dataclass(frozen=True)
class Fused(Operator):
    """An operator with an activation function in it."""

    activation: Activation = field(default="NONE", kw_only=True)

    def _check(self) -> None:
        if self.activation not in FUSED_ACTIVATIONS:
            raise ValueError(
                f"activation {self.activation!r} must be one of {', '.join(FUSED_ACTIVATIONS)}"
            )
        _ = self.clamp

    @cached_property
    def clamp(self) -> Clamp:
        """The range of the output's width that the activation leaves."""
        output = self.output
        return activation_clamp(self.activation, output.scale, output.zero_point, *output.range)


@dataclass(frozen=True)
class Sliding(Fused):
    """What slides over height and width.

    Attributes:
        stride: steps between outputs.
        padding: as TensorFlow names it.
        dilation: steps between taps; a pool has none.
    """

    stride: Pair = field(default=(1, 1), kw_only=True)
    padding: Padding = field(default="SAME", kw_only=True)
    dilation: Pair = field(default=(1, 1), kw_only=True)

    @cached_property
    def window(self) -> Window:
        """How it slides."""
        size = self.input.shape[1:3]
        return Window(size, self._kernel(), self.stride, self.padding, self.dilation)

    def _kernel(self) -> Pair:
        raise NotImplementedError

    def _check_window(self) -> None:
        if self.padding not in get_args(Padding):
            raise ValueError(f"padding {self.padding!r} must be SAME or VALID")
        source, output = self.input.shape, self.output.shape
        if len(source) != 4 or len(output) != 4:
            raise ValueError(f"takes {source} to {output}; four axes are needed")
        window = self.window
        extents = (*window.kernel, *window.stride, *window.dilation)
        if min(extents) < 1 or max(extents) > _MOST_TAPS:
            raise ValueError(
                f"kernel {window.kernel}, stride {window.stride} and dilation {window.dilation} "
                f"must be 1 or more, and at most {_MOST_TAPS:,}"
            )
        if window.places != output[1:3]:
            raise ValueError(f"gives {window.places} places, but its output has {output[1:3]}")


@dataclass(frozen=True)
class Add(Fused):
    """Elementwise sum of two tensors of one shape."""

    kind = "add"
    n_inputs = 2

    def _check(self) -> None:
        super()._check()
        shapes = [tensor.shape for tensor in (*self.inputs, self.output)]
        if len(set(shapes)) != 1:
            raise ValueError(f"adds {shapes[0]} and {shapes[1]} to {shapes[2]}; take one shape")
        _ = self.multipliers

    @cached_property
    def multipliers(self) -> tuple[tuple[Multiplier, Multiplier], Multiplier]:
        """Those of the inputs, and that of their sum."""
        return add_multipliers(self.inputs[0].scale, self.inputs[1].scale, self.output.scale)


@dataclass(frozen=True)
class Pool(Sliding):
    """Over the part of a window that lies inside the input; scale and zero point stay.

    Attributes:
        kernel: extents of the window.
    """

    kernel: Pair

    def _kernel(self) -> Pair:
        return self.kernel

    def _check(self) -> None:
        super()._check()
        self._check_window()
        if self.input.shape[3] != self.output.shape[3]:
            raise ValueError(f"has {self.input.shape[3]} channels in, {self.output.shape[3]} out")
        self._check_kept()


@dataclass(frozen=True)
class AveragePool(Pool):
    """Halves are rounded away from zero."""

    kind = "average_pool"


@dataclass(frozen=True)
class MaxPool(Pool):
    """Padding never wins."""

    kind = "max_pool"


@dataclass(frozen=True)
class Mean(Operator):
    """Over axes side by side.

    Attributes:
        axes: of the input, in order.
    """

    axes: tuple[int, ...] = (1, 2)

    kind = "mean"

    def _check(self) -> None:
        source, rank = self.input, len(self.input.shape)
        if not self.axes or not 0 <= self.axes[0] <= self.axes[-1] < rank:
            raise ValueError(f"its axes {self.axes} do not fit a tensor of {rank}")
        if self.axes != tuple(range(self.axes[0], self.axes[-1] + 1)):
            raise ValueError(f"reduces the axes {self.axes}, which are not side by side")
        outer, reduced, inner = self.extents
        if self.output.size != outer * inner:
            raise ValueError(
                f"its output {self.output.shape} is not what its axes {self.axes} leave"
            )
        if not sum_fits(reduced * farthest(source.zero_point), self.multiplier):
            raise ValueError("its sums can exceed 32 bits; its output's scale is not sane")

    @property
    def extents(self) -> tuple[int, int, int]:
        """Outer, reduced and inner size: the input is ``[outer, reduced, inner]``."""
        shape, first, last = self.input.shape, self.axes[0], self.axes[-1] + 1
        return math.prod(shape[:first]), math.prod(shape[first:last]), math.prod(shape[last:])

    @cached_property
    def multiplier(self) -> Multiplier:
        """Of a sum, the division in it."""
        return mean_multiplier(self.input.scale, self.output.scale, self.extents[1])


@dataclass(frozen=True)
class Pad(Operator):
    """Zero points around a tensor.

    Attributes:
        paddings: elements before and after each axis.
    """

    paddings: tuple[Pair, ...]

    kind = "pad"

    def _check(self) -> None:
        shape = self.input.shape
        if len(self.paddings) != len(shape):
            raise ValueError("needs two paddings an axis")
        if not all(0 <= each <= _MOST_PADDING for pair in self.paddings for each in pair):
            raise ValueError("has a padding that is out of range")
        expected = tuple(size + sum(pair) for size, pair in zip(shape, self.paddings, strict=True))
        if self.output.shape != expected:
            raise ValueError(f"its output is {self.output.shape}, not {expected}")
        self._check_kept()


@dataclass(frozen=True)
class Reshape(Operator):
    """The same integers under another shape; no code."""

    kind = "reshape"

    def _check(self) -> None:
        if self.input.size != self.output.size:
            raise ValueError(f"{self.input.shape} and {self.output.shape} differ in size")
        self._check_kept()


@dataclass(frozen=True)
class Softmax(Operator):
    """Probabilities, over the last axis."""

    beta: float = 1.0

    kind = "softmax"

    def _check(self) -> None:
        if self.input.shape != self.output.shape:
            raise ValueError(f"takes {self.input.shape} to {self.output.shape}, not to its shape")
        if self.input.shape[-1] > _MOST_LABELS:
            raise ValueError(f"has {self.input.shape[-1]} labels, more than {_MOST_LABELS:,}")
        if self.output.quantization != (*OUTPUT, 8):
            raise ValueError("its output needs the scale 1/256, the zero point -128 and 8 bits")
        _ = self.exponentials

    @cached_property
    def exponentials(self) -> NDArray[np.int32]:
        """For each distance to the greatest input, in Q0.31; beyond the table it is 0."""
        return softmax_exponentials(self.beta, self.input.scale)
