"""A network as the compiler sees it: tensors, and operators with every number worked out.

All activations are int8 with one scale and zero point, batch 1. The reader
(:mod:`kwslib.deploy.reader`) makes a graph of a ``.tflite`` file and checks it; what stands here
is consistent, and a kernel needs no further check to stay within its buffers.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from kwslib.quantize.requantization import Clamp, Multiplier

Shape = tuple[int, ...]

WEIGHT_BITS = range(2, 9)
"""Widths that weights may have; a file's are 8 where it does not tell them."""


@dataclass(frozen=True)
class Tensor:
    """An int8 activation.

    Attributes:
        index: its number in the file.
        name: its name in the file, for messages.
        shape: with the batch of 1 in front, channels last.
        scale: real value of one step.
        zero_point: the integer that stands for 0.
    """

    index: int
    name: str
    shape: Shape
    scale: float
    zero_point: int

    @property
    def size(self) -> int:
        """Elements, which are bytes."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Window:
    """How a kernel slides over height and width; pairs are (height, width).

    Attributes:
        kernel: taps.
        stride: steps between outputs.
        before: padding above and to the left.
        dilation: steps between taps.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    before: tuple[int, int]
    dilation: tuple[int, int] = (1, 1)


@dataclass(frozen=True)
class Operator:
    """One step: a function of its inputs that writes its output."""

    name: ClassVar[str]
    inputs: tuple[Tensor, ...]
    output: Tensor

    @property
    def input(self) -> Tensor:
        """The first input."""
        return self.inputs[0]

    @property
    def macs(self) -> int:
        """Multiply-accumulates; 0 where nothing is multiplied by a weight."""
        return 0


@dataclass(frozen=True)
class Weighted(Operator):
    """What conv, depthwise conv and fully connected share.

    Attributes:
        weights: int8, symmetric.
        bias: int32 ``[outputs]``.
        multipliers: one an output channel.
        clamp: of the output.
        bits: 2 to 8; every weight lies within ``-2 ** (bits - 1)`` to ``2 ** (bits - 1) - 1``.
    """

    weights: NDArray[np.int8]
    bias: NDArray[np.int32]
    multipliers: tuple[Multiplier, ...]
    clamp: Clamp
    bits: int = field(default=WEIGHT_BITS[-1], kw_only=True)


@dataclass(frozen=True)
class Conv2d(Weighted):
    """Weights ``[out, height, width, in]``."""

    name = "conv2d"
    window: Window

    @property
    def macs(self) -> int:
        """Padding counts as multiplied."""
        return self.output.size * math.prod(self.weights.shape[1:])


@dataclass(frozen=True)
class DepthwiseConv2d(Weighted):
    """Weights ``[height, width, out]``; output ``c`` sees input ``c // depth_multiplier``."""

    name = "depthwise_conv2d"
    window: Window
    depth_multiplier: int

    @property
    def macs(self) -> int:
        """Padding counts as multiplied."""
        return self.output.size * math.prod(self.weights.shape[:2])


@dataclass(frozen=True)
class FullyConnected(Weighted):
    """Weights ``[out, in]``; the input is rows of ``in``, flattened."""

    name = "fully_connected"

    @property
    def macs(self) -> int:
        """Every output sees every input of its row."""
        return self.output.size * self.weights.shape[1]


@dataclass(frozen=True)
class Add(Operator):
    """Elementwise sum of two tensors of one shape.

    Attributes:
        left_shift: bits by which both are widened first.
        input_multipliers: one an input.
        multiplier: of the sum.
        clamp: of the output.
    """

    name = "add"
    left_shift: int
    input_multipliers: tuple[Multiplier, Multiplier]
    multiplier: Multiplier
    clamp: Clamp


@dataclass(frozen=True)
class Pool(Operator):
    """Over the part of the window that lies inside the input; scales stay."""

    window: Window
    clamp: Clamp


@dataclass(frozen=True)
class AveragePool(Pool):
    """Halves are rounded away from zero."""

    name = "average_pool"


@dataclass(frozen=True)
class MaxPool(Pool):
    """Padding never wins."""

    name = "max_pool"


@dataclass(frozen=True)
class Mean(Operator):
    """Over all but the last axis, or over the last ``reduced`` ones: ``[outer, reduced, inner]``.

    Attributes:
        extents: outer, reduced and inner size; the output is ``[outer, inner]``.
        multiplier: that scales a sum, the division by ``reduced`` in it.
    """

    name = "mean"
    extents: tuple[int, int, int]
    multiplier: Multiplier


@dataclass(frozen=True)
class Pad(Operator):
    """Zero points around a tensor of up to four axes.

    Attributes:
        before: elements before each axis of the input.
    """

    name = "pad"
    before: tuple[int, ...]


@dataclass(frozen=True)
class Reshape(Operator):
    """The same bytes under another shape; no code."""

    name = "reshape"


@dataclass(frozen=True)
class Softmax(Operator):
    """Over the last axis.

    Attributes:
        exponentials: ``exp(beta * scale * -d)`` in Q0.31 for a distance ``d`` to the greatest
            input of 0, 1, 2 ...; beyond the table it is 0.
    """

    name = "softmax"
    exponentials: NDArray[np.int32]


@dataclass(frozen=True)
class Graph:
    """A chain of operators in the order of execution.

    Attributes:
        input: the only one.
        output: the only one.
        operators: each reads tensors that exist by then.
        sha256: of the file.
        facts: what the file says of itself (labels, network, training), possibly nothing.
    """

    input: Tensor
    output: Tensor
    operators: tuple[Operator, ...]
    sha256: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def weight_bits(self) -> tuple[int, ...]:
        """Bits of the weights of each operator that has some."""
        return tuple(each.bits for each in self.operators if isinstance(each, Weighted))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all operators."""
        return sum(operator.macs for operator in self.operators)
