"""Each operator of a file turned into the graph's, with its integers worked out and checked."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kwslib.deploy.flatfile import FileOperator, FileTensor
from kwslib.deploy.graph import (
    Add,
    AveragePool,
    Conv2d,
    DepthwiseConv2d,
    FullyConnected,
    MaxPool,
    Mean,
    Operator,
    Pad,
    Reshape,
    Softmax,
    Tensor,
    Window,
)
from kwslib.quantize.exponential import softmax_exponentials
from kwslib.quantize.multipliers import (
    ADD_LEFT_SHIFT,
    add_multipliers,
    channel_multipliers,
    farthest,
    mean_multiplier,
    sum_bounds,
    sum_fits,
)
from kwslib.quantize.requantization import (
    FUSED_ACTIVATIONS,
    Clamp,
    Multiplier,
    activation_clamp,
)

_MOST_TAPS = 2**16
_BIAS_TOLERANCE = 0.02


class Refusal(Exception):  # noqa: N818 - it refuses a file, which is an answer
    """Why something cannot be compiled."""


@dataclass(frozen=True)
class Operands:
    """An operator of the file with what it reads and writes."""

    operator: FileOperator
    operands: tuple[Tensor | FileTensor | None, ...]
    output: Tensor

    def option(self, name: str) -> Any:
        """An option of the operator by its name in the schema."""
        return self.operator.options[name]

    def activation(self, position: int = 0) -> Tensor:
        """The operand at ``position``, which must be an activation."""
        tensor = self._at(position)
        if not isinstance(tensor, Tensor):
            raise Refusal(f"operand {position} must be an activation")
        return tensor

    def constant(self, position: int, kind: str) -> FileTensor | None:
        """The operand at ``position``, a constant of type ``kind``; None where it is left out."""
        tensor = self._at(position)
        if tensor is None:
            return None
        if not isinstance(tensor, FileTensor) or tensor.type != kind:
            raise Refusal(f"operand {position} must be a constant of {kind}")
        return tensor

    def _at(self, position: int) -> Tensor | FileTensor | None:
        return self.operands[position] if position < len(self.operands) else None

    def clamp(self) -> Clamp:
        """The output's range after the fused activation."""
        activation = self.option("FusedActivationFunction")
        if activation not in FUSED_ACTIVATIONS:
            raise Refusal(f"the fused activation {activation} cannot be compiled")
        try:
            clamp = activation_clamp(activation, self.output.scale, self.output.zero_point)
        except OverflowError as error:
            raise Refusal(str(error)) from error
        if clamp.low > clamp.high:
            raise Refusal(f"its activation leaves nothing between {clamp.low} and {clamp.high}")
        return clamp


def _elements(tensor: FileTensor) -> NDArray[Any]:
    try:
        return tensor.elements()
    except ValueError as error:
        raise Refusal(f"constant {tensor.name!r} does not fill its shape ({error})") from error


def _weights(operands: Operands, rank: int) -> tuple[FileTensor, NDArray[np.int8]]:
    tensor = operands.constant(1, "INT8")
    if tensor is None:
        raise Refusal("has no weights")
    if len(tensor.shape) != rank or any(extent < 1 for extent in tensor.shape):
        raise Refusal(f"weights {tensor.name!r} have the shape {list(tensor.shape)}")
    if np.any(tensor.zero_points) or not len(tensor.scales):
        raise Refusal(f"weights {tensor.name!r} must be symmetric, with a zero point of 0")
    if not (np.all(np.isfinite(tensor.scales)) and np.all(tensor.scales > 0)):
        raise Refusal(f"weights {tensor.name!r} have a scale that is not positive")
    return tensor, _elements(tensor)


def _bias(operands: Operands, outputs: int) -> NDArray[np.int32]:
    tensor = operands.constant(2, "INT32")
    if tensor is None:
        return np.zeros(outputs, np.int32)
    if tensor.shape != (outputs,):
        raise Refusal(f"bias {tensor.name!r} has the shape {list(tensor.shape)}, not [{outputs}]")
    return _elements(tensor)


def _channel_multipliers(
    operands: Operands, weights: FileTensor, outputs: int, axis: int
) -> tuple[Multiplier, ...]:
    """One multiplier a channel."""
    if len(weights.scales) not in (1, outputs):
        raise Refusal(f"weights {weights.name!r} have {len(weights.scales)} scales")
    if len(weights.scales) > 1 and weights.axis != axis:
        raise Refusal(f"weights {weights.name!r} have their scales along axis {weights.axis}")
    found = channel_multipliers(operands.activation().scale, weights.scales, operands.output.scale)
    return found * (outputs // len(found))


def _check_sums(
    taps: NDArray[np.int8], bias: NDArray[np.int32], source: Tensor,
    multipliers: tuple[Multiplier, ...],
) -> None:  # fmt: skip
    """Refuse if a sum can leave 32 bits; ``taps`` are ``[outputs, taps]``."""
    bounds = sum_bounds(taps, bias, source.zero_point)
    for bound, multiplier in zip(bounds, multipliers, strict=True):
        if not sum_fits(int(bound), multiplier):
            raise Refusal("its sums can exceed 32 bits; its scales or its bias are not sane")


def _window(operands: Operands, kernel: tuple[int, int], dilated: bool) -> Window:
    """The window and its padding; the file's output must have the height and width it gives."""
    source, output = operands.activation(), operands.output
    if len(source.shape) != 4 or len(output.shape) != 4:
        raise Refusal("needs tensors of four axes")
    stride = (operands.option("StrideH"), operands.option("StrideW"))
    dilation = (1, 1)
    if dilated:
        dilation = (operands.option("DilationHFactor"), operands.option("DilationWFactor"))
    padding = operands.option("Padding")
    if min(*kernel, *stride, *dilation) < 1 or max(*kernel, *stride, *dilation) > _MOST_TAPS:
        raise Refusal(f"kernel {kernel}, stride {stride} or dilation {dilation} is out of range")
    before = []
    for axis in (0, 1):
        size, reach = source.shape[1 + axis], (kernel[axis] - 1) * dilation[axis] + 1
        out, ahead = _padded(size, reach, stride[axis], padding)
        if out != output.shape[1 + axis]:
            raise Refusal(f"its output has {output.shape[1 + axis]} rows or columns, not {out}")
        before.append(ahead)
    return Window(kernel, stride, (before[0], before[1]), dilation)


def _padded(size: int, reach: int, stride: int, padding: str) -> tuple[int, int]:
    """Outputs along an axis, and zeros before it."""
    if padding == "SAME":
        out = -(-size // stride)
        return out, max((out - 1) * stride + reach - size, 0) // 2
    if padding != "VALID":
        raise Refusal(f"the padding {padding} cannot be compiled")
    return (size - reach) // stride + 1, 0


def _conv2d(operands: Operands) -> Operator:
    source, output = operands.activation(), operands.output
    tensor, weights = _weights(operands, 4)
    outputs, height, width, depth = weights.shape
    window = _window(operands, (height, width), dilated=True)
    if depth != source.shape[3]:
        raise Refusal(f"is grouped: {depth} of {source.shape[3]} channels an output")
    if outputs != output.shape[3]:
        raise Refusal(f"has {outputs} filters for {output.shape[3]} channels")
    bias = _bias(operands, outputs)
    multipliers = _channel_multipliers(operands, tensor, outputs, axis=0)
    _check_sums(weights.reshape(outputs, -1), bias, source, multipliers)
    return Conv2d((source,), output, weights, bias, multipliers, operands.clamp(), window)


def _depthwise_conv2d(operands: Operands) -> Operator:
    source, output = operands.activation(), operands.output
    tensor, weights = _weights(operands, 4)
    _, height, width, outputs = weights.shape
    window = _window(operands, (height, width), dilated=True)
    factor = operands.option("DepthMultiplier")
    if weights.shape[0] != 1 or source.shape[3] * factor != outputs:
        raise Refusal(
            f"weights {list(weights.shape)} do not fit {source.shape[3]} channels times {factor}"
        )
    if outputs != output.shape[3]:
        raise Refusal(f"has {outputs} filters for {output.shape[3]} channels")
    bias = _bias(operands, outputs)
    multipliers = _channel_multipliers(operands, tensor, outputs, axis=3)
    _check_sums(weights.reshape(-1, outputs).T, bias, source, multipliers)
    return DepthwiseConv2d(
        (source,), output, weights[0], bias, multipliers, operands.clamp(), window, factor
    )


def _fully_connected(operands: Operands) -> Operator:
    source, output = operands.activation(), operands.output
    tensor, weights = _weights(operands, 2)
    outputs, depth = weights.shape
    if operands.option("WeightsFormat") != 0:
        raise Refusal("its weights are shuffled")
    rows = source.size // depth
    if rows * depth != source.size or output.size != rows * outputs:
        raise Refusal(
            f"weights {list(weights.shape)} do not fit {list(source.shape)} to {list(output.shape)}"
        )
    if output.shape[-1] != outputs:
        raise Refusal(f"has {outputs} outputs for {output.shape[-1]}")
    bias = _bias(operands, outputs)
    if len(tensor.scales) == 1:
        _check_bias_scale(operands, tensor)
    multipliers = _channel_multipliers(operands, tensor, outputs, axis=0)
    _check_sums(weights, bias, source, multipliers)
    return FullyConnected((source,), output, weights, bias, multipliers, operands.clamp())


def _check_bias_scale(operands: Operands, weights: FileTensor) -> None:
    """Refuse a bias whose scale is not that of its sums.

    Source: ``GetQuantizedConvolutionMultipler`` of TensorFlow Lite.
    """
    source, output = operands.activation(), operands.output
    bias = operands.constant(2, "INT32")
    if bias is None:
        return
    if len(bias.scales) != 1:
        raise Refusal(f"bias {bias.name!r} needs one scale")
    product = source.scale * float(weights.scales[0])
    if not abs(product - float(bias.scales[0])) / output.scale <= _BIAS_TOLERANCE:
        raise Refusal(f"bias {bias.name!r} has another scale than input times weights")


def _add(operands: Operands) -> Operator:
    first, second, output = operands.activation(0), operands.activation(1), operands.output
    if not first.shape == second.shape == output.shape:
        raise Refusal(f"adds {list(first.shape)} and {list(second.shape)}: broadcasts")
    try:
        inputs, multiplier = add_multipliers(first.scale, second.scale, output.scale)
    except ValueError as error:
        raise Refusal(str(error)) from error
    return Add((first, second), output, ADD_LEFT_SHIFT, inputs, multiplier, operands.clamp())


def _same_quantization(source: Tensor, output: Tensor) -> None:
    if (source.scale, source.zero_point) != (output.scale, output.zero_point):
        raise Refusal("its input and its output have different scales or zero points")


def _pool(kind: type[AveragePool] | type[MaxPool]) -> Callable[[Operands], Operator]:
    def lower(operands: Operands) -> Operator:
        source, output = operands.activation(), operands.output
        kernel = (operands.option("FilterHeight"), operands.option("FilterWidth"))
        window = _window(operands, kernel, dilated=False)
        if source.shape[3] != output.shape[3]:
            raise Refusal(f"has {source.shape[3]} channels in and {output.shape[3]} out")
        _same_quantization(source, output)
        return kind((source,), output, window, operands.clamp())

    return lower


def _mean(operands: Operands) -> Operator:
    source, output = operands.activation(), operands.output
    axes = sorted(_axes(operands, len(source.shape)))
    first, last = axes[0], axes[-1]
    if axes != list(range(first, last + 1)):
        raise Refusal(f"reduces the axes {axes}, which are not side by side")
    outer, reduced, inner = (
        math.prod(extents)
        for extents in (source.shape[:first], source.shape[first : last + 1],
                        source.shape[last + 1 :])
    )  # fmt: skip
    if output.size != outer * inner:
        raise Refusal(f"its output {list(output.shape)} is not what its axes {axes} leave")
    multiplier = mean_multiplier(source.scale, output.scale, reduced)
    if not sum_fits(reduced * farthest(source.zero_point), multiplier):
        raise Refusal("its sums can exceed 32 bits")
    return Mean((source,), output, (outer, reduced, inner), multiplier)


def _axes(operands: Operands, rank: int) -> set[int]:
    tensor = operands.constant(1, "INT32")
    if tensor is None:
        raise Refusal("has no axes")
    axes = _elements(tensor).reshape(-1)
    if not 1 <= len(axes) <= rank or np.any(axes < -rank) or np.any(axes >= rank):
        raise Refusal(f"its axes do not fit a tensor of {rank}")
    return {int(axis) % rank for axis in axes}


def _pad(operands: Operands) -> Operator:
    source, output = operands.activation(), operands.output
    kind = "INT64" if getattr(operands.operands[1], "type", "") == "INT64" else "INT32"
    tensor = operands.constant(1, kind)
    if tensor is None or tensor.shape != (len(source.shape), 2):
        raise Refusal("needs two paddings an axis")
    paddings = _elements(tensor)
    if np.any(paddings < 0) or np.any(paddings > 2**20):
        raise Refusal("has a padding that is out of range")
    expected = [size + int(b) + int(a) for size, (b, a) in zip(source.shape, paddings, strict=True)]
    if list(output.shape) != expected:
        raise Refusal(f"its output is {list(output.shape)}, not {expected}")
    _same_quantization(source, output)
    return Pad((source,), output, tuple(int(before) for before in paddings[:, 0]))


def _reshape(operands: Operands) -> Operator:
    source, output = operands.activation(), operands.output
    if source.size != output.size:
        raise Refusal(f"{list(source.shape)} and {list(output.shape)} differ in size")
    _same_quantization(source, output)
    return Reshape((source,), output)


def _softmax(operands: Operands) -> Operator:
    source, output = operands.activation(), operands.output
    if source.shape != output.shape:
        raise Refusal(f"its output {list(output.shape)} is not its input {list(source.shape)}")
    if (output.scale, output.zero_point) != (1 / 256, -128):
        raise Refusal("its output must have the scale 1/256 and the zero point -128")
    try:
        exponentials = softmax_exponentials(float(operands.option("Beta")), source.scale)
    except ValueError as error:
        raise Refusal(str(error)) from error
    if source.shape[-1] > 4095:
        raise Refusal("has more than 4,095 inputs a row")
    return Softmax((source,), output, exponentials)


LOWERINGS: dict[str, Callable[[Operands], Operator]] = {
    "CONV_2D": _conv2d,
    "DEPTHWISE_CONV_2D": _depthwise_conv2d,
    "FULLY_CONNECTED": _fully_connected,
    "ADD": _add,
    "AVERAGE_POOL_2D": _pool(AveragePool),
    "MAX_POOL_2D": _pool(MaxPool),
    "MEAN": _mean,
    "PAD": _pad,
    "RESHAPE": _reshape,
    "SOFTMAX": _softmax,
}
