"""Operators with weights: convolutions and fully connected layers."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from kwslib.network.operators import Fused, Sliding
from kwslib.network.requantization import Multiplier, channel_multipliers, sum_bounds, sum_fits
from kwslib.network.tensors import Pair, check_bits, integer_range


@dataclass(frozen=True)
class Weighted(Fused):
    """What convolutions and fully connected layers share.

    Attributes:
        weights: int8, symmetric.
        scales: of the weights, float32, one or one for each output channel.
        bias: int32 ``[outputs]``; its scale is the input's times the weights'.
        bits: width of the weights, 2 to 8.
    """

    weights: NDArray[np.int8]
    scales: NDArray[np.float32]
    bias: NDArray[np.int32]
    bits: int = 8

    axes: ClassVar[int]
    """Of the weights."""
    output_axis: ClassVar[int] = 0
    """The axis of the weights along which the output channels stand."""

    def _check(self) -> None:
        super()._check()
        check_bits(self.bits, f"operator {self.output.name!r}: bits")
        weights = _integers("weights", self.weights, *integer_range(self.bits))
        if weights.ndim != self.axes or weights.size == 0:
            raise ValueError(f"weights have the shape {weights.shape}; {self.axes} axes are needed")
        object.__setattr__(self, "weights", weights.astype(np.int8))
        self._check_shapes()
        bias = _integers("biases", self.bias, -(2**31), 2**31 - 1)
        if bias.shape != (self.outputs,):
            raise ValueError(f"biases have the shape {bias.shape}, not {(self.outputs,)}")
        object.__setattr__(self, "bias", bias.astype(np.int32))
        object.__setattr__(self, "scales", self._checked_scales())
        if not np.isfinite(self.bias_scales).all():
            raise ValueError("the scale of its biases is beyond single precision")
        for channel, (bound, by) in enumerate(zip(self.bounds, self.multipliers, strict=True)):
            if not sum_fits(int(bound), by):
                raise ValueError(
                    f"sums of channel {channel} can exceed 32 bits; "
                    "its weights' scale or its bias is not sane"
                )

    def _check_shapes(self) -> None:
        """Raise ValueError if weights and tensors do not fit."""
        raise NotImplementedError

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

    def _misfit(self) -> ValueError:
        return ValueError(
            f"weights {self.weights.shape} do not fit {self.input.shape} in and "
            f"{self.output.shape} out"
        )

    @property
    def by_output(self) -> NDArray[np.int8]:
        """The weights with the output channels in front."""
        return np.moveaxis(self.weights, self.output_axis, 0)

    @property
    def outputs(self) -> int:
        """Output channels."""
        return self.weights.shape[self.output_axis]

    @property
    def taps(self) -> NDArray[np.int8]:
        """The weights that meet in each output, ``[outputs, taps]``."""
        return self.by_output.reshape(self.outputs, -1)

    @property
    def bounds(self) -> NDArray[np.int64]:
        """What the magnitude of each output's sum cannot exceed."""
        return sum_bounds(self.taps, self.bias, self.input.zero_point)

    @property
    def bias_scales(self) -> NDArray[np.float32]:
        """The input's scale times each of the weights'."""
        with np.errstate(over="ignore"):
            return np.float32(self.input.scale) * self.scales

    @cached_property
    def multipliers(self) -> tuple[Multiplier, ...]:
        """One for each output channel."""
        found = channel_multipliers(self.input.scale, self.scales, self.output.scale)
        return found * (self.outputs // len(found))

    @property
    def macs(self) -> int:
        """Every output sums its taps; padding counts as multiplied."""
        return self.output.size * self.taps.shape[1]


@dataclass(frozen=True)
class Convolution(Weighted, Sliding):
    """What has taps in height and width."""

    def _kernel(self) -> Pair:
        return self.by_output.shape[1:3]


@dataclass(frozen=True)
class Conv2d(Convolution):
    """Weights ``[out, height, width, in]``."""

    kind = "conv2d"
    axes = 4

    def _check_shapes(self) -> None:
        self._check_window()
        expected = self.output.shape[3], self.input.shape[3]
        if (self.outputs, self.weights.shape[3]) != expected:
            raise self._misfit()


@dataclass(frozen=True)
class DepthwiseConv2d(Convolution):
    """Weights ``[height, width, out]``; output ``c`` sees input ``c // depth_multiplier``."""

    kind = "depthwise_conv2d"
    axes = 3
    output_axis = -1

    def _check_shapes(self) -> None:
        self._check_window()
        if self.outputs != self.output.shape[3] or self.outputs % self.input.shape[3]:
            raise self._misfit()

    @property
    def depth_multiplier(self) -> int:
        """Outputs for each input channel."""
        return self.outputs // self.input.shape[3]


@dataclass(frozen=True)
class FullyConnected(Weighted):
    """Weights ``[out, in]``; the input is rows of ``in``, flattened."""

    weights_format: ClassVar[int] = 0
    """That of the schema in which the weights are not shuffled."""

    kind = "fully_connected"
    axes = 2

    def _check_shapes(self) -> None:
        outputs, depth = self.weights.shape
        rows, rest = divmod(self.input.size, depth)
        if rest or self.output.size != rows * outputs or self.output.shape[-1] != outputs:
            raise self._misfit()


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
        raise ValueError(
            f"{what} reach {outside[0]}, outside of {low} to {high}; quantize anew, or state the "
            "bits that they have"
        )
    return array.astype(np.int64)
