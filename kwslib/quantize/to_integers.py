"""From a network with quantizers to the same network in integers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from kwslib.config import DEPLOYED
from kwslib.errors import InputError
from kwslib.models.layers import SameConv2d
from kwslib.models.traced import PASSED, RELUS, module_of, step_name
from kwslib.network.graph import Graph
from kwslib.network.operators import Activation, Add, Mean, Operator, Reshape, Softmax
from kwslib.network.tensors import INPUT, OUTPUT, Tensor
from kwslib.network.weighted import Conv2d, DepthwiseConv2d, FullyConnected
from kwslib.quantize.affine import quantize
from kwslib.quantize.network import QuantizedLayer, QuantizedNetwork
from kwslib.quantize.quantizers import ActivationQuantizer

_CHANNELS_LAST = (0, 2, 3, 1)


@dataclass(frozen=True)
class _Pending:
    """An operator that lacks its output until the quantizer of what it gives is met.

    Attributes:
        make: gives the operator for its ``output``.
        shape: of the output, channels last.
    """

    make: partial[Any]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class _Stored:
    """A tensor, and whether PyTorch too has its channels last by now."""

    tensor: Tensor
    channels_last: bool = False


def integers_of(
    network: QuantizedNetwork, labels: Sequence[str], facts: Mapping[str, Any] | None = None
) -> Graph:
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
    return _Conversion(network).run({**(facts or {}), "labels": list(labels)})


class _Conversion:
    """A walk over the trace; operators are made when the quantizer of their output is met."""

    def __init__(self, network: QuantizedNetwork) -> None:
        self._traced = network.traced
        self._operators: list[Operator] = []
        self._values: dict[fx.Node, _Stored | _Pending] = {}
        image = torch.zeros(1, 1, DEPLOYED.frames, DEPLOYED.bands)
        was_training = network.training
        network.eval()
        ShapeProp(self._traced).propagate(image)
        network.train(was_training)

    def run(self, facts: Mapping[str, Any]) -> Graph:
        image = Tensor("image", (1, DEPLOYED.frames, DEPLOYED.bands, 1), *INPUT)
        for node in self._traced.graph.nodes:
            if node.op == "placeholder":
                self._values[node] = _Stored(image)
            elif node.op == "output":
                logits = self._stored(node).tensor
                scores = Tensor("scores", logits.shape, *OUTPUT)
                self._operators.append(Softmax((logits,), scores))
            else:
                self._values[node] = self._step(node)
        return Graph((image,), (scores,), tuple(self._operators), facts)

    def _step(self, node: fx.Node) -> _Stored | _Pending:
        called, name = module_of(node, self._traced), step_name(node, self._traced)
        if isinstance(called, ActivationQuantizer):
            return self._finish(node, called)
        if isinstance(called, QuantizedLayer):
            return self._weighted(node, called)
        if name in RELUS:
            return self._activated(node, RELUS[name])
        if name in PASSED:
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

    def _finish(self, node: fx.Node, quantizer: ActivationQuantizer) -> _Stored:
        """Give the pending operator its output."""
        pending = self._values[_source(node)]
        assert isinstance(pending, _Pending)
        grid = quantizer.qparams()
        bits = (grid.high - grid.low).bit_length()
        tensor = Tensor(node.name, pending.shape, float(grid.scale), int(grid.zero_point), bits)
        self._operators.append(pending.make(output=tensor))
        return _Stored(tensor)

    def _activated(self, node: fx.Node, activation: Activation) -> _Pending:
        pending = self._values[_source(node)]
        if (
            not isinstance(pending, _Pending)
            or pending.make.func is Mean
            or "activation" in pending.make.keywords
        ):
            raise InputError(
                f"step {node.name}: an activation that follows no layer cannot be fused; put it "
                "behind a convolution, an addition or a fully connected layer"
            )
        return replace(pending, make=partial(pending.make, activation=activation))

    def _weighted(self, node: fx.Node, quantized: QuantizedLayer) -> _Pending:
        source, layer = self._stored(node).tensor, quantized.layer
        weight = layer.weight.detach()
        grid = quantized.quantizer.qparams(weight)
        weights = quantize(weight, grid).numpy()
        scales = _scales_of_all(weight, grid.scale.detach()).numpy()
        bias = _bias(layer.bias, source.scale * scales.astype(np.float64))
        bits = quantized.quantizer.number
        shared: dict[str, Any] = {"inputs": (source,), "scales": scales, "bias": bias, "bits": bits}
        if isinstance(layer, nn.Linear):
            make = partial(FullyConnected, weights=weights, **shared)
            return _Pending(make, (1, layer.out_features))
        if layer.groups not in (1, layer.in_channels):
            raise self._unknown(node, "a grouped convolution")
        is_same = isinstance(layer, SameConv2d)
        if not is_same and (layer.padding == "same" or max(_pair(layer.padding)) > 0):
            raise self._unknown(node, "a padding other than TensorFlow's")
        shared |= {"stride": _pair(layer.stride), "dilation": _pair(layer.dilation)}
        shared["padding"] = "SAME" if is_same else "VALID"
        if layer.groups > 1:
            taps = weights[:, 0].transpose(1, 2, 0)
            return _Pending(partial(DepthwiseConv2d, weights=taps, **shared), _shape(node))
        taps = weights.transpose(0, 2, 3, 1)
        return _Pending(partial(Conv2d, weights=taps, **shared), _shape(node))

    def _add(self, node: fx.Node) -> _Pending:
        inputs = tuple(self._stored_at(each).tensor for each in node.all_input_nodes)
        return _Pending(partial(Add, inputs), inputs[0].shape)

    def _mean(self, node: fx.Node) -> _Pending:
        source = self._stored(node).tensor
        if node.meta["tensor_meta"].shape != (1, source.shape[3]):
            raise self._unknown(node, "a mean over other axes than height and width")
        return _Pending(partial(Mean, (source,)), (1, source.shape[3]))

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
        flat = replace(source, name=node.name, shape=(1, source.size))
        self._operators.append(Reshape((source,), flat))
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


def _scales_of_all(weight: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    """The scales, that of the layer's largest for a channel whose weights are all 0.

    Such a channel is its bias alone, in steps of the scale; its own scale would be next to 0.
    """
    silent = ~weight.flatten(1).any(dim=1)
    largest = scales[~silent].max() if not bool(silent.all()) else torch.ones(())
    return torch.where(silent, largest, scales)


def _bias(bias: torch.Tensor | None, scales: Any) -> Any:
    """Biases in steps of the sums, int32.

    Raises:
        InputError: one does not fit 32 bits.
    """
    real = np.zeros(len(scales)) if bias is None else bias.detach().double().numpy()
    steps = np.round(real / scales)
    if np.abs(steps).max(initial=0) >= 2**31:
        raise InputError("a bias does not fit 32 bits; its channel's weights are almost zero")
    return steps.astype(np.int32)
