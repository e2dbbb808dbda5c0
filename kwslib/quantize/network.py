"""A network with quantizers in it: on its weights, and where its activations are stored.

The network is traced with ``torch.fx``, BatchNorm is folded into the convolution before it, and
every layer with weights, addition, mean and activation function is followed by a quantizer, but for
what an integer kernel does in one go: a ReLU belongs to the layer before it. The image is in
integers already, so it has no quantizer. Weights stay floats; what a layer computes with is what
they stand for on their grid.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn

from kwslib.errors import InputError
from kwslib.models.traced import RELUS, folded_trace, module_of, replace_module, step_name
from kwslib.network.tensors import check_bits
from kwslib.quantize.affine import Method
from kwslib.quantize.quantizers import ActivationQuantizer, Number, WeightQuantizer

_STORED = ("QuantizedLayer", "add", "iadd", "mean")
"""Steps whose results have a grid of their own, unless a ReLU follows."""


@dataclass(frozen=True)
class Widths:
    """What weights and activations are kept as.

    Attributes:
        weights: bits of an integer, 2 to 8, or a small float; None leaves them as they are.
        activations: likewise; logits are integers of 8 bits unless activations stay as they are,
            as the ends of a network usually are kept wide.
    """

    weights: Number | None = 8
    activations: Number | None = 8

    def __post_init__(self) -> None:
        for what, number in (("weights", self.weights), ("activations", self.activations)):
            if isinstance(number, int):
                check_bits(number, what)

    @property
    def are_integers(self) -> bool:
        """Whether weights and activations are."""
        return isinstance(self.weights, int) and isinstance(self.activations, int)


class QuantizedLayer(nn.Module):
    """A convolution or fully connected layer that computes with quantized weights.

    Attributes:
        layer: with the float weights, which training changes.
        quantizer: of the weights.
    """

    def __init__(self, layer: nn.Conv2d | nn.Linear, quantizer: WeightQuantizer) -> None:
        super().__init__()
        self.layer, self.quantizer = layer, quantizer

    def forward(self, x: Tensor) -> Tensor:
        """As the layer does, with what its weights stand for."""
        weight = self.quantizer(self.layer.weight)
        return torch.func.functional_call(self.layer, {"weight": weight}, (x,))


class QuantizedNetwork(nn.Module):
    """A copy of a network with quantizers in it; images in 0 to 1 to logits, as before."""

    def __init__(
        self, network: nn.Module, widths: Widths, weight_method: Method = "minmax"
    ) -> None:
        """Trace ``network``, which is left as it is.

        Args:
            network: of the registry, ready to evaluate.
            widths: of weights and activations.
            weight_method: how the grids of the weights are chosen.

        Raises:
            InputError: it cannot be traced, has a BatchNorm that no convolution stands before, or
                weights that are not finite.
        """
        super().__init__()
        self.widths = widths
        self.traced = folded_trace(network)
        self._quantize_layers(weight_method)
        self._quantize_activations()
        self.traced.recompile()
        self.traced.train(network.training)

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``[n, labels]`` of images ``[n, 1, frames, bands]`` in 0 to 1."""
        return self.traced(x)

    def layers(self) -> Iterator[tuple[str, QuantizedLayer]]:
        """Name and layer of everything with weights, in order."""
        for node in self.traced.graph.nodes:
            layer = module_of(node, self.traced)
            if isinstance(layer, QuantizedLayer):
                yield str(node.target), layer

    def activations(self) -> Iterator[ActivationQuantizer]:
        """The quantizers of activations, in order."""
        for node in self.traced.graph.nodes:
            quantizer = module_of(node, self.traced)
            if isinstance(quantizer, ActivationQuantizer):
                yield quantizer

    def _quantize_layers(self, method: Method) -> None:
        for node in self.traced.graph.nodes:
            layer = module_of(node, self.traced)
            if isinstance(layer, nn.Conv2d | nn.Linear):
                if not bool(torch.isfinite(layer.weight).all()):
                    raise InputError(
                        f"layer {node.target}: some weights are NaN or infinite; train it again"
                    )
                quantizer = WeightQuantizer(self.widths.weights, method)
                replace_module(str(node.target), QuantizedLayer(layer, quantizer), self.traced)

    def _quantize_activations(self) -> None:
        graph = self.traced.graph
        for i, node in enumerate(list(graph.nodes)):
            if not self._is_stored(node):
                continue
            name = f"stored_{i}"
            users = list(node.users)
            logits = any(user.op == "output" for user in users)
            number = self.widths.activations
            own = 8 if logits and number is not None else number
            self.traced.add_submodule(name, ActivationQuantizer(own, logits))
            with graph.inserting_after(node):
                stored = graph.call_module(name, (node,))
            for user in users:
                user.replace_input_with(node, stored)

    def _is_stored(self, node: fx.Node) -> bool:
        """Whether what a step gives is written to memory on the board."""
        name = step_name(node, self.traced)
        followed = any(step_name(user, self.traced) in RELUS for user in node.users)
        return name in RELUS or (name in _STORED and not followed)
