"""Layers of a quantized network, in integers.

Whatever is constructed is consistent: the shapes fit, no scale is NaN, no weight is outside of its
width and no sum can leave 32 bits.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from kwslib.errors import InputError
from kwslib.quantize.affine import check_bits, integer_range
from kwslib.quantize.exponential import softmax_exponentials
from kwslib.quantize.integer_tensor import IntegerTensor, Padding, Window
from kwslib.quantize.multipliers import (
    add_multipliers,
    channel_multipliers,
    farthest,
    mean_multiplier,
    sum_bounds,
    sum_fits,
)
from kwslib.quantize.requantization import Clamp, Multiplier, activation_clamp

Activation = Literal["NONE", "RELU", "RELU6"]

OUTPUT = (1 / 256, -128)
"""Scale and zero point of the output, which holds probabilities."""

_MOST_LABELS = 256


@dataclass(frozen=True)
class Layer:
    """A function of tensors that exist, which writes one more."""

    kind: ClassVar[str]
    inputs: tuple[IntegerTensor, ...]
    output: IntegerTensor

    _n_inputs: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Check the layer.

        Raises:
            InputError: something does not fit.
        """
        try:
            if len(self.inputs) != self._n_inputs:
                raise ValueError(f"has {len(self.inputs)} inputs, not {self._n_inputs}")
            self._check()
        except (ValueError, OverflowError) as error:
            raise InputError(f"layer {self.output.name!r} ({self.kind}): {error}") from error

    def _check(self) -> None:
        """Raise ValueError if something does not fit."""

    @property
    def input(self) -> IntegerTensor:
        """The first input."""
        return self.inputs[0]


@dataclass(frozen=True)
class Weighted(Layer):
    """What convolutions and fully connected layers share.

    Attributes:
        weights: int8, symmetric.
        scales: of the weights, float32, one or one for each output channel.
        bias: int32 ``[outputs]``; its scale is the input's times the weights'.
        bits: width of the weights, 2 to 8.
        activation: fused.
    """

    weights: NDArray[np.int8]
    scales: NDArray[np.float32]
    bias: NDArray[np.int32]
    bits: int = 8
    activation: Activation = "NONE"

    _weight_axes: ClassVar[int]

    def _check(self) -> None:
        check_bits(self.bits, f"layer {self.output.name!r}: bits")
        _check_activation(self.activation)
        weights = _integers("weights", self.weights, *integer_range(self.bits))
        if weights.ndim != self._weight_axes or weights.size == 0:
            raise ValueError(
                f"weights have the shape {weights.shape}; {self._weight_axes} axes are needed"
            )
        object.__setattr__(self, "weights", weights.astype(np.int8))
        bias = _integers("biases", self.bias, -(2**31), 2**31 - 1)
        if bias.shape != (self.outputs,):
            raise ValueError(f"biases have the shape {bias.shape}, not {(self.outputs,)}")
        object.__setattr__(self, "bias", bias.astype(np.int32))
        object.__setattr__(self, "scales", self._checked_scales())
        self._check_bias_scales()
        self._check_shapes()
        self._check_sums()
        _ = self.clamp

    def _checked_scales(self) -> NDArray[np.float32]:
        scales = np.atleast_1d(np.asarray(self.scales, np.float32))
        if scales.shape not in ((1,), (self.outputs,)):
            raise ValueError(f"scales have the shape {scales.shape}, not {(self.outputs,)}")
        wrong = np.flatnonzero(~(np.isfinite(scales) & (scales > 0)))
        if len(wrong):
            raise ValueError(
                f"scale {wrong[0]} of its weights is {scales[wrong[0]]}; "
                "it must be finite and above 0"
            )
        return scales

    def _check_bias_scales(self) -> None:
        if not np.isfinite(self.bias_scales).all():
            raise ValueError("the scale of its biases is beyond single precision")

    def _check_shapes(self) -> None:
        """Raise ValueError if weights and tensors do not fit."""
        raise NotImplementedError

    def _check_sums(self) -> None:
        bounds = sum_bounds(self.taps, self.bias, self.input.zero_point)
        for channel, (bound, by) in enumerate(zip(bounds, self.multipliers, strict=True)):
            if not sum_fits(int(bound), by):
                raise ValueError(
                    f"sums of channel {channel} can exceed 32 bits; "
                    "its weights' scale or its bias is not sane"
                )

    @property
    def outputs(self) -> int:
        """Output channels."""
        return self.weights.shape[0]

    @property
    def taps(self) -> NDArray[np.int8]:
        """The weights that meet in each output, ``[outputs, taps]``."""
        return self.weights.reshape(self.outputs, -1)

    @property
    def bias_scales(self) -> NDArray[np.float32]:
        """The input's scale times each of the weights'."""
        with np.errstate(over="ignore"):
            return np.float32(self.input.scale) * self.scales

    @property
    def multipliers(self) -> tuple[Multiplier, ...]:
        """One for each output channel."""
        found = channel_multipliers(self.input.scale, self.scales, self.output.scale)
        return found * (self.outputs // len(found))

    @property
    def clamp(self) -> Clamp:
        """What the output is clamped to."""
        return _clamp(self.output, self.activation)


@dataclass(frozen=True)
class Convolution(Weighted):
    """What slides over height and width.

    Attributes:
        stride: steps between outputs, (height, width).
        padding: as TensorFlow names it.
    """

    stride: tuple[int, int] = (1, 1)
    padding: Padding = "SAME"

    _height_axis: ClassVar[int]
    """Of the weights; the width's is the next."""

    @property
    def window(self) -> Window:
        """How it slides."""
        height, width = self.weights.shape[self._height_axis : self._height_axis + 2]
        return Window((height, width), self.stride, self.padding)


@dataclass(frozen=True)
class Conv2d(Convolution):
    """Weights ``[out, height, width, in]``."""

    kind = "conv2d"

    _weight_axes = 4
    _height_axis = 1

    def _check_shapes(self) -> None:
        self.window.check(self.input, self.output)
        expected = self.output.shape[3], self.input.shape[3]
        if (self.outputs, self.weights.shape[3]) != expected:
            raise ValueError(
                f"weights {self.weights.shape} do not fit {expected[1]} channels in and "
                f"{expected[0]} out"
            )


@dataclass(frozen=True)
class DepthwiseConv2d(Convolution):
    """Weights ``[height, width, out]``; output ``c`` sees input ``c // depth_multiplier``."""

    kind = "depthwise_conv2d"

    _weight_axes = 3
    _height_axis = 0

    def _check_shapes(self) -> None:
        self.window.check(self.input, self.output)
        if self.outputs != self.output.shape[3] or self.outputs % self.input.shape[3]:
            raise ValueError(
                f"weights {self.weights.shape} do not fit {self.input.shape[3]} channels in and "
                f"{self.output.shape[3]} out"
            )

    @property
    def outputs(self) -> int:
        """Output channels."""
        return self.weights.shape[-1]

    @property
    def taps(self) -> NDArray[np.int8]:
        """The weights that meet in each output, ``[outputs, taps]``."""
        return self.weights.reshape(-1, self.outputs).T

    @property
    def depth_multiplier(self) -> int:
        """Outputs for each input channel."""
        return self.outputs // self.input.shape[3]


@dataclass(frozen=True)
class FullyConnected(Weighted):
    """Weights ``[out, in]``; the input is flattened."""

    kind = "fully_connected"

    _weight_axes = 2

    def _check_shapes(self) -> None:
        if self.weights.shape[1] != self.input.size or self.output.shape != (1, self.outputs):
            raise ValueError(
                f"weights {self.weights.shape} do not fit {self.input.shape} in and "
                f"{self.output.shape} out"
            )


@dataclass(frozen=True)
class Add(Layer):
    """Elementwise sum of two tensors of one shape."""

    kind = "add"
    activation: Activation = "NONE"

    _n_inputs = 2

    def _check(self) -> None:
        _check_activation(self.activation)
        shapes = [tensor.shape for tensor in (*self.inputs, self.output)]
        if len(set(shapes)) != 1:
            raise ValueError(f"adds {shapes[0]} and {shapes[1]} to {shapes[2]}; take one shape")
        _ = self.multipliers, self.clamp

    @property
    def multipliers(self) -> tuple[tuple[Multiplier, Multiplier], Multiplier]:
        """Those of the inputs, and that of their sum."""
        return add_multipliers(self.inputs[0].scale, self.inputs[1].scale, self.output.scale)

    @property
    def clamp(self) -> Clamp:
        """What the output is clamped to."""
        return _clamp(self.output, self.activation)


@dataclass(frozen=True)
class Pool(Layer):
    """Over the part of a window that lies inside the input; scale and zero point stay.

    Attributes:
        kernel: extents of the window, (height, width).
        stride: steps between outputs.
        padding: as TensorFlow names it.
        activation: fused.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: Padding = "SAME"
    activation: Activation = "NONE"

    def _check(self) -> None:
        _check_activation(self.activation)
        self.window.check(self.input, self.output)
        if self.input.shape[3] != self.output.shape[3]:
            raise ValueError(f"has {self.input.shape[3]} channels in, {self.output.shape[3]} out")
        _check_kept(self.input, self.output)
        _ = self.clamp

    @property
    def window(self) -> Window:
        """How it slides."""
        return Window(self.kernel, self.stride, self.padding)

    @property
    def clamp(self) -> Clamp:
        """What the output is clamped to."""
        return _clamp(self.output, self.activation)


@dataclass(frozen=True)
class AveragePool(Pool):
    """Halves are rounded away from zero."""

    kind = "average_pool"


@dataclass(frozen=True)
class MaxPool(Pool):
    """Padding never wins."""

    kind = "max_pool"


@dataclass(frozen=True)
class Mean(Layer):
    """Over height and width: ``[1, height, width, channels]`` to ``[1, channels]``."""

    kind = "mean"

    def _check(self) -> None:
        shape = self.input.shape
        if len(shape) != 4 or self.output.shape != (1, shape[3]):
            raise ValueError(f"takes {shape} to {self.output.shape}, not (1, channels)")
        if not sum_fits(self.reduced * farthest(self.input.zero_point), self.multiplier):
            raise ValueError("its sums can exceed 32 bits; its output's scale is not sane")

    @property
    def reduced(self) -> int:
        """Values in a mean."""
        return self.input.shape[1] * self.input.shape[2]

    @property
    def multiplier(self) -> Multiplier:
        """Of a sum."""
        return mean_multiplier(self.input.scale, self.output.scale, self.reduced)


@dataclass(frozen=True)
class Reshape(Layer):
    """The same integers under another shape."""

    kind = "reshape"

    def _check(self) -> None:
        if self.input.size != self.output.size:
            raise ValueError(f"{self.input.shape} and {self.output.shape} differ in size")
        _check_kept(self.input, self.output)


@dataclass(frozen=True)
class Softmax(Layer):
    """Probabilities of ``[1, labels]``, the last layer."""

    kind = "softmax"

    def _check(self) -> None:
        if self.input.shape != self.output.shape or len(self.input.shape) != 2:
            raise ValueError(f"takes {self.input.shape} to {self.output.shape}, not (1, labels)")
        if self.input.size > _MOST_LABELS:
            raise ValueError(f"has {self.input.size} labels, more than {_MOST_LABELS}")
        if self.output.quantization != OUTPUT or self.output.bits != 8:
            raise ValueError("its output needs the scale 1/256, the zero point -128 and 8 bits")
        _ = self.exponentials

    @property
    def exponentials(self) -> NDArray[np.int32]:
        """For each distance to the greatest input, in Q0.31; beyond the table it is 0."""
        return softmax_exponentials(1.0, self.input.scale)


def _integers(what: str, values: Any, low: int, high: int) -> NDArray[np.int64]:
    """``values`` as int64.

    Raises:
        ValueError: they are no integers, or one is outside of ``low`` to ``high``.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise ValueError(f"{what} are {array.dtype}; quantize them to integers")
    outside = array[(array < low) | (array > high)]
    if outside.size:
        raise ValueError(f"{what} reach {outside[0]}, outside of {low} to {high}; quantize anew")
    return array.astype(np.int64)


def _check_activation(activation: str) -> None:
    if activation not in get_args(Activation):
        raise ValueError(
            f"activation {activation!r} must be one of {', '.join(get_args(Activation))}"
        )


def _check_kept(source: IntegerTensor, output: IntegerTensor) -> None:
    if source.quantization != output.quantization or source.bits != output.bits:
        raise ValueError("its input and its output must have one scale, zero point and width")


def _clamp(output: IntegerTensor, activation: Activation) -> Clamp:
    """The range of the output's width that the activation leaves.

    Raises:
        OverflowError: a bound of the activation is beyond 32 bits.
    """
    clamp = activation_clamp(activation, output.scale, output.zero_point)
    low, high = output.range
    return Clamp(max(clamp.low, low), min(clamp.high, high))
