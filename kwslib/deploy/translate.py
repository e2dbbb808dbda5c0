"""A PyTorch network as a channels-last TensorFlow function with the same weights.

The network is traced with ``torch.fx`` and each step is said again in TensorFlow. Images are
``[n, time, frequency, channels]`` there, as TFLite and the board hold them, so that the converter
has nothing to transpose.
"""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional as F

from kwslib.deploy.predictors import quiet_tensorflow
from kwslib.errors import InputError
from kwslib.models.layers import SameConv2d, same_padding
from kwslib.models.traced import folded_trace, module_of, step_name

tf: Any = quiet_tensorflow()
_ADVICE = "; say it with layers that can be converted, or teach kwslib/deploy/translate.py"


@dataclass(frozen=True)
class _Value:
    """A tensor of TensorFlow and how PyTorch sees it.

    Attributes:
        tensor: channels last.
        channels_first: whether PyTorch has its channels in front.
        flattened: ``(channels, height, width)`` where PyTorch flattened channels first.
    """

    tensor: Any
    channels_first: bool = True
    flattened: tuple[int, int, int] | None = None


class Translation:
    """A traced network whose BatchNorm is folded; :meth:`run` says it in TensorFlow."""

    def __init__(self, network: nn.Module) -> None:
        """Trace ``network``, which is left as it is.

        Raises:
            InputError: it has a step that has no translation.
        """
        self._traced = folded_trace(network)
        self._values: dict[str, _Value] = {}

    def run(self, images: Any, name: str = "output") -> Any:
        """Logits ``[n, labels]`` of images ``[n, time, frequency, 1]`` in TensorFlow, or the tensor
        of another step of the trace.

        Raises:
            InputError: a step has no translation.
        """
        values = self._values
        for node in self._traced.graph.nodes:
            if node.op == "placeholder":
                values[node.name] = _Value(images)
            elif node.op != "output":
                values[node.name] = self._step(node, values)
            elif isinstance(node.args[0], fx.Node):
                values[node.name] = values[node.args[0].name]
            else:
                raise InputError(f"the network must give one tensor, its logits{_ADVICE}")
        return values[name].tensor

    def torch_layers(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """What each step that computes gives in PyTorch, its channels where PyTorch has them."""
        found: dict[str, torch.Tensor] = {}

        class Recorder(fx.Interpreter):
            def run_node(self, n: fx.Node) -> Any:
                result = super().run_node(n)
                if n.op.startswith("call"):
                    found[n.name] = result
                return result

        with torch.inference_mode():
            Recorder(self._traced).run(images)
        return found

    def channels_last(self, name: str, found: torch.Tensor) -> torch.Tensor:
        """What PyTorch gives for a layer, ordered as :meth:`run`, called before, orders it."""
        value = self._values[name]
        if value.flattened is not None:
            return found.unflatten(1, value.flattened).permute(0, 2, 3, 1).flatten(1)
        return found.permute(0, 2, 3, 1) if value.channels_first and found.ndim == 4 else found

    def _step(self, node: fx.Node, values: dict[str, Any]) -> _Value:
        arguments = fx.map_arg(node.args, lambda n: values[n.name])
        keywords = fx.map_arg(node.kwargs, lambda n: values[n.name])
        module = module_of(node, self._traced)
        what = step_name(node, self._traced)
        translate = _CALLS.get(node.target) if module is None else _module_translation(module)
        if translate is None:
            raise InputError(f"layer {node.name}: {what} has no translation{_ADVICE}")
        try:
            return translate(*arguments, **keywords)
        except InputError as error:
            raise InputError(f"layer {node.name}: {error}") from error
        except (TypeError, ValueError, AttributeError) as error:
            raise InputError(f"layer {node.name}: {what} does not convert so{_ADVICE}") from error


def _module_translation(module: nn.Module) -> Callable[..., _Value] | None:
    for kind, translate in _MODULES.items():
        if isinstance(module, kind):
            return partial(translate, module)
    return None


def _check_channels_first(value: _Value) -> None:
    if not value.channels_first:
        raise InputError("takes images [n, channels, time, frequency]; permute only to flatten")


def _array(parameter: torch.Tensor | None) -> Any:
    return None if parameter is None else parameter.detach().cpu().numpy()


def _padding(conv: nn.Conv2d, height: int, width: int) -> str:
    """TensorFlow's name for a convolution's padding."""
    if conv.padding_mode != "zeros" or (isinstance(conv, SameConv2d) and conv.padding_value):
        raise InputError("a convolution is padded with other values than 0; pad with zeros")
    if isinstance(conv, SameConv2d) or conv.padding == "same":
        return "SAME"
    if conv.padding in ((0, 0), "valid"):
        return "VALID"
    reaches = [(k - 1) * d + 1 for k, d in zip(conv.kernel_size, conv.dilation, strict=True)]
    same = [
        same_padding(size, reach, stride)
        for size, reach, stride in zip((height, width), reaches, conv.stride, strict=True)
    ]
    if [(p, p) for p in conv.padding] == same:
        return "SAME"
    raise InputError(
        f"a convolution is padded by {conv.padding}, which TensorFlow's SAME is not; "
        "take kwslib.models.layers.SameConv2d"
    )


def _conv2d(conv: nn.Conv2d, value: _Value) -> _Value:
    _check_channels_first(value)
    _, height, width, channels = value.tensor.shape
    padding = _padding(conv, height, width)
    weights = conv.weight.detach().permute(2, 3, 1, 0)  # [height, width, in / groups, out]
    stride, dilation = list(conv.stride), list(conv.dilation)
    if conv.groups == 1:
        result = tf.nn.conv2d(value.tensor, _array(weights), stride, padding, dilations=dilation)
    elif conv.groups == channels:
        factor = conv.out_channels // channels
        weights = weights.reshape(*conv.kernel_size, channels, factor)
        result = tf.nn.depthwise_conv2d(
            value.tensor, _array(weights), [1, *stride, 1], padding, dilations=dilation
        )
    else:
        raise InputError(f"a convolution has {conv.groups} groups: one, or one a channel, convert")
    return _Value(result if conv.bias is None else tf.nn.bias_add(result, _array(conv.bias)))


def _linear(linear: nn.Linear, value: _Value) -> _Value:
    if len(value.tensor.shape) != 2:
        raise InputError("a fully connected layer converts after flatten(1) or a mean only")
    weights = linear.weight.detach()
    if value.flattened is not None:
        channels, height, width = value.flattened
        weights = weights.reshape(-1, channels, height, width).permute(0, 2, 3, 1).flatten(1)
    result = tf.matmul(value.tensor, _array(weights), transpose_b=True)
    if linear.bias is not None:
        result = tf.nn.bias_add(result, _array(linear.bias))
    return _Value(result, channels_first=False)


def _activation(name: str) -> Callable[..., _Value]:
    def translate(*arguments: Any, **_: Any) -> _Value:
        value = next(a for a in arguments if isinstance(a, _Value))
        function = getattr(tf.nn, name)
        return _Value(function(value.tensor), value.channels_first, value.flattened)

    return translate


def _same(*arguments: Any, **_: Any) -> _Value:
    return next(a for a in arguments if isinstance(a, _Value))


def _pool(
    name: str,
    value: _Value,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    **others: Any,
) -> _Value:
    """A pooling; ``others`` are PyTorch's further settings, which must be left alone."""
    _check_channels_first(value)
    usual = {"ceil_mode": False, "divisor_override": None, "dilation": 1, "return_indices": False}
    odd = [key for key, setting in usual.items() if others.get(key, setting) != setting]
    if padding not in (0, (0, 0)) or odd:
        settings = ", ".join(odd or ["padding"])
        raise InputError(f"a pooling layer with {settings} does not convert; leave it out")
    kernel = _pair(kernel_size)
    return _Value(getattr(tf.nn, name)(value.tensor, kernel, _pair(stride or kernel), "VALID"))


def _by_settings(translate: Callable[..., _Value]) -> Callable[[Any, _Value], _Value]:
    """The translation of a module whose settings are the arguments of its function."""

    def of_module(module: Any, value: _Value) -> _Value:
        return translate(value, **{name: getattr(module, name) for name in module.__constants__})

    return of_module


def _pair(size: Any) -> list[int]:
    return [size, size] if isinstance(size, int) else list(size)


def _global_average(value: _Value, output_size: Any) -> _Value:
    if output_size not in (1, (1, 1), [1, 1]):
        raise InputError("adaptive pooling converts to one value a channel only")
    return _mean(value, (2, 3), keepdim=True)


def _mean(value: _Value, dim: Any = None, keepdim: bool = False) -> _Value:
    axes = {axis % 4 for axis in ([dim] if isinstance(dim, int) else dim or ())}
    if not value.channels_first or axes != {2, 3}:
        raise InputError(f"a mean over {dim} does not convert; take it over time and frequency")
    return _Value(tf.reduce_mean(value.tensor, [1, 2], keepdims=keepdim), channels_first=keepdim)


def _flatten(value: _Value, start_dim: int = 0, end_dim: int = -1) -> _Value:
    if start_dim != 1 or end_dim != -1:
        raise InputError("flatten converts from axis 1 on only")
    _, *extents = value.tensor.shape
    flattened = None
    if value.channels_first and len(extents) == 3 and extents[0] * extents[1] > 1:
        flattened = (extents[2], extents[0], extents[1])
    return _Value(tf.reshape(value.tensor, [-1, math.prod(extents)]), False, flattened)


def _permute(value: _Value, *axes: Any) -> _Value:
    order = axes[0] if len(axes) == 1 else axes
    if tuple(order) != (0, 2, 3, 1) or not value.channels_first:
        raise InputError(f"permute{tuple(order)} does not convert; (0, 2, 3, 1) does")
    return _Value(value.tensor, channels_first=False)


def _add(first: Any, second: Any) -> _Value:
    if not (isinstance(first, _Value) and isinstance(second, _Value)):
        raise InputError("adding a constant does not convert; put it into a bias")
    if (first.channels_first, first.flattened, first.tensor.shape) != (
        second.channels_first, second.flattened, second.tensor.shape,
    ):  # fmt: skip
        raise InputError("an addition converts for two tensors of one shape and order only")
    return _Value(first.tensor + second.tensor, first.channels_first, first.flattened)


_MODULES: dict[type[nn.Module], Callable[..., _Value]] = {
    nn.Conv2d: _conv2d,
    nn.Linear: _linear,
    nn.ReLU6: _activation("relu6"),
    nn.ReLU: _activation("relu"),
    nn.AvgPool2d: _by_settings(partial(_pool, "avg_pool2d")),
    nn.MaxPool2d: _by_settings(partial(_pool, "max_pool2d")),
    nn.AdaptiveAvgPool2d: _by_settings(_global_average),
    nn.Flatten: _by_settings(_flatten),
    nn.Dropout: _same,
    nn.Dropout2d: _same,
    nn.Identity: _same,
}

_CALLS: dict[Any, Callable[..., _Value]] = {
    F.relu: _activation("relu"),
    torch.relu: _activation("relu"),
    F.relu6: _activation("relu6"),
    "relu": _activation("relu"),
    F.dropout: _same,
    F.avg_pool2d: partial(_pool, "avg_pool2d"),
    F.max_pool2d: partial(_pool, "max_pool2d"),
    F.adaptive_avg_pool2d: _global_average,
    operator.add: _add,
    operator.iadd: _add,
    torch.add: _add,
    torch.flatten: _flatten,
    "flatten": _flatten,
    "permute": _permute,
    "mean": _mean,
    torch.mean: _mean,
}
