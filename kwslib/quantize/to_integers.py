"""From a network with quantizers to the same network in integers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from kwslib.config import DEPLOYED
from kwslib.errors import InputError
from kwslib.models.padding import SameConv2d
from kwslib.quantize.affine import quantize
from kwslib.quantize.integer import INPUT, IntegerNetwork
from kwslib.quantize.integer_layers import (
    OUTPUT,
    Activation,
    Add,
    Conv2d,
    DepthwiseConv2d,
    FullyConnected,
    Layer,
    Mean,
    Reshape,
    Softmax,
)
from kwslib.quantize.integer_tensor import IntegerTensor
from kwslib.quantize.network import QuantizedLayer, QuantizedNetwork
from kwslib.quantize.quantizers import ActivationQuantizer

_PASSED = ("dropout", "contiguous")
_PASSED_LAYERS = (nn.Dropout, nn.Dropout2d, nn.Identity)
_RELUS: Mapping[str, Activation] = {
    "relu": "RELU", "relu_": "RELU", "ReLU": "RELU", "relu6": "RELU6", "ReLU6": "RELU6",
}  # fmt: skip
_CHANNELS_LAST = (0, 2, 3, 1)


@dataclass(frozen=True)
class _Pending:
    """A layer that lacks its output until the quantizer of what it gives is met.

    Attributes:
        make: gives the layer for its output and fused activation.
        shape: of the output, channels last.
        activation: fused.
    """

    make: Callable[[IntegerTensor, Activation], Layer]
    shape: tuple[int, ...]
    activation: Activation = "NONE"


@dataclass(frozen=True)
class _Stored:
    """A tensor, and whether PyTorch too has its channels last by now."""

    tensor: IntegerTensor
    channels_last: bool = False


def integers_of(
    network: QuantizedNetwork, labels: Sequence[str], facts: Mapping[str, Any] | None = None
) -> IntegerNetwork:
    """The network in integers, which the board runs.

    Its predictions are those of ``network`` but where a rounding decides: biases are rounded to 32
    bits, and multiplications to multipliers of 31.

    Args:
        network: quantized, weights and activations.
        labels: names of the outputs.
        facts: what it is to say of itself.

    Raises:
        InputError: weights or activations are left as floats, or a step has no integer kernel.
    """
    widths = network.widths
    if not widths.are_integers:
        raise InputError(
            f"weights {widths.weights}, activations {widths.activations}: a network in integers "
            "needs a width of 2 to 8 bits for either"
        )
    return _Conversion(network).run(tuple(labels), facts or {})


class _Conversion:
    """A walk over the trace; layers are made when the quantizer of their output is met."""

    def __init__(self, network: QuantizedNetwork) -> None:
        self._traced = network.traced
        self._layers: list[Layer] = []
        self._values: dict[fx.Node, _Stored | _Pending] = {}
        image = torch.zeros(1, 1, DEPLOYED.frames, DEPLOYED.bands)
        was_training = network.training
        network.eval()
        ShapeProp(self._traced).propagate(image)
        network.train(was_training)

    def run(self, labels: tuple[str, ...], facts: Mapping[str, Any]) -> IntegerNetwork:
        shape = (1, DEPLOYED.frames, DEPLOYED.bands, 1)
        image = IntegerTensor("image", shape, *INPUT)
        for node in self._traced.graph.nodes:
            if node.op == "placeholder":
                self._values[node] = _Stored(image)
            elif node.op == "output":
                logits = self._stored(node).tensor
                scores = IntegerTensor("scores", logits.shape, *OUTPUT)
                self._layers.append(Softmax((logits,), scores))
            else:
                self._values[node] = self._step(node)
        return IntegerNetwork(image, tuple(self._layers), labels, facts)

    def _step(self, node: fx.Node) -> _Stored | _Pending:
        if node.op == "call_module":
            return self._module(node, self._traced.get_submodule(str(node.target)))
        name = getattr(node.target, "__name__", str(node.target))
        if name in _RELUS:
            return self._activated(node, _RELUS[name])
        if name in _PASSED:
            return self._stored(node)
        steps: dict[str, Callable[[fx.Node], _Stored | _Pending]] = {
            "add": self._add,
            "iadd": self._add,
            "mean": self._mean,
            "permute": self._permute,
            "flatten": self._flatten,
        }
        if name not in steps:
            raise self._unknown(node, name)
        return steps[name](node)

    def _module(self, node: fx.Node, module: nn.Module) -> _Stored | _Pending:
        if isinstance(module, ActivationQuantizer):
            return self._finish(node, module)
        if isinstance(module, QuantizedLayer):
            return self._weighted(node, module)
        if isinstance(module, _PASSED_LAYERS):
            return self._stored(node)
        name = type(module).__name__
        if name in _RELUS:
            return self._activated(node, _RELUS[name])
        raise self._unknown(node, name)

    def _finish(self, node: fx.Node, quantizer: ActivationQuantizer) -> _Stored:
        """Give the pending layer its output."""
        pending = self._values[_source(node)]
        assert isinstance(pending, _Pending)
        grid = quantizer.qparams()
        bits = (grid.high - grid.low).bit_length()
        tensor = IntegerTensor(
            node.name, pending.shape, float(grid.scale), int(grid.zero_point), bits
        )
        self._layers.append(pending.make(tensor, pending.activation))
        return _Stored(tensor)

    def _activated(self, node: fx.Node, activation: Activation) -> _Pending:
        pending = self._values[_source(node)]
        if not isinstance(pending, _Pending) or pending.activation != "NONE":
            raise InputError(
                f"step {node.name}: an activation that follows no layer cannot be fused; put it "
                "behind a convolution, an addition or a fully connected layer"
            )
        return _Pending(pending.make, pending.shape, activation)

    def _weighted(self, node: fx.Node, quantized: QuantizedLayer) -> _Pending:
        source, layer = self._stored(node).tensor, quantized.layer
        weight = layer.weight.detach()
        grid = quantized.quantizer.qparams(weight)
        integers = quantize(weight, grid).numpy()
        scales = _scales_of_all(weight, grid.scale.detach()).numpy()
        bias = _bias(layer.bias, source.scale * scales.astype(np.float64))
        bits = quantized.quantizer.number
        shared: dict[str, Any] = {"scales": scales, "bias": bias, "bits": bits}
        if isinstance(layer, nn.Linear):
            return _Pending(
                lambda output, activation: FullyConnected(
                    (source,), output, integers, activation=activation, **shared
                ),
                (1, layer.out_features),
            )
        return _Pending(self._convolution(node, layer, source, integers, shared), _shape(node))

    def _convolution(
        self, node: fx.Node, layer: nn.Conv2d, source: IntegerTensor, integers: Any, shared: Any
    ) -> Callable[[IntegerTensor, Activation], Layer]:
        if max(layer.dilation) > 1 or layer.groups not in (1, layer.in_channels):
            raise self._unknown(node, "a dilated or grouped convolution")
        same = isinstance(layer, SameConv2d)
        if not same and (layer.padding == "same" or max(_pair(layer.padding)) > 0):
            raise self._unknown(node, "a padding other than TensorFlow's")
        shared = {**shared, "stride": _pair(layer.stride), "padding": "SAME" if same else "VALID"}
        if layer.groups > 1:
            taps = integers[:, 0].transpose(1, 2, 0)
            return lambda output, activation: DepthwiseConv2d(
                (source,), output, taps, activation=activation, **shared
            )
        return lambda output, activation: Conv2d(
            (source,), output, integers.transpose(0, 2, 3, 1), activation=activation, **shared
        )

    def _add(self, node: fx.Node) -> _Pending:
        first, second = (self._stored_at(each).tensor for each in node.all_input_nodes)
        return _Pending(
            lambda output, activation: Add((first, second), output, activation), first.shape
        )

    def _mean(self, node: fx.Node) -> _Pending:
        source = self._stored(node).tensor
        if node.meta["tensor_meta"].shape != (1, source.shape[3]):
            raise self._unknown(node, "a mean over other axes than height and width")
        return _Pending(lambda output, _: Mean((source,), output), (1, source.shape[3]))

    def _permute(self, node: fx.Node) -> _Stored:
        order = node.args[1] if isinstance(node.args[1], tuple | list) else node.args[1:]
        stored = self._stored(node)
        if tuple(order) != _CHANNELS_LAST or stored.channels_last:
            raise self._unknown(node, "permute, but for channels last")
        return _Stored(stored.tensor, channels_last=True)

    def _flatten(self, node: fx.Node) -> _Stored:
        stored = self._stored(node)
        source = stored.tensor
        if not stored.channels_last and len(source.shape) == 4 and source.shape[3] > 1:
            raise self._unknown(node, "flatten with channels first")
        flat = IntegerTensor(
            node.name, (1, source.size), source.scale, source.zero_point, source.bits
        )
        self._layers.append(Reshape((source,), flat))
        return _Stored(flat)

    def _stored(self, node: fx.Node) -> _Stored:
        return self._stored_at(_source(node))

    def _stored_at(self, source: fx.Node) -> _Stored:
        value = self._values[source]
        if isinstance(value, _Pending):
            raise self._unknown(source, "a step whose result is not stored")
        return value

    def _unknown(self, node: fx.Node, what: str) -> InputError:
        return InputError(f"step {node.name}: {what} has no integer kernel; say it otherwise")


def _source(node: fx.Node) -> fx.Node:
    return node.all_input_nodes[0]


def _pair(value: Any) -> tuple[int, int]:
    return tuple(value) if isinstance(value, tuple) else (value, value)


def _shape(node: fx.Node) -> tuple[int, ...]:
    """Channels last, of a tensor that PyTorch has channels first."""
    shape = node.meta["tensor_meta"].shape
    return tuple(shape[axis] for axis in _CHANNELS_LAST)


def _scales_of_all(weight: Tensor, scales: Tensor) -> Tensor:
    """The scales, that of the layer's largest for a channel whose weights are all 0.

    Such a channel is its bias alone, in steps of the scale; its own scale would be next to 0.
    """
    silent = ~weight.flatten(1).any(dim=1)
    largest = scales[~silent].max() if not bool(silent.all()) else torch.ones(())
    return torch.where(silent, largest, scales)


def _bias(bias: Tensor | None, scales: Any) -> Any:
    """Biases in steps of the sums, int32.

    Raises:
        InputError: one does not fit 32 bits.
    """
    real = np.zeros(len(scales)) if bias is None else bias.detach().double().numpy()
    steps = np.round(real / scales)
    if np.abs(steps).max(initial=0) >= 2**31:
        raise InputError("a bias does not fit 32 bits; its channel's weights are almost zero")
    return steps.astype(np.int32)
