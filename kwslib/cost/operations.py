"""Parameters and operations of a network, layer by layer.

A multiply-accumulate (MAC) is one product added to a sum. The convention for floating-point
operations is two for each MAC and one for each output element to which a bias is added:
``FLOPs = 2 * MAC + biased outputs``. Padding, ReLU, pooling and reshaping count nothing, as
in the literature.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from kwslib.config import DEPLOYED

IMAGE_SHAPE = (1, DEPLOYED.frames, DEPLOYED.bands)
"""Channels, frames and bands of what a network sees."""


@dataclass(frozen=True)
class LayerCost:
    """What one layer costs at batch 1.

    Attributes:
        name: dotted name in the network.
        kind: class of the layer.
        input_shape, output_shape: without the batch.
        weights: learnable numbers but for biases.
        biases: learnable biases.
        macs: multiply-accumulates.
        biased_outputs: output elements to which a bias is added.
    """

    name: str
    kind: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    weights: int
    biases: int
    macs: int
    biased_outputs: int

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return self.weights + self.biases

    @property
    def flops(self) -> int:
        """``2 * macs + biased_outputs``."""
        return 2 * self.macs + self.biased_outputs

    @property
    def input_elements(self) -> int:
        """Numbers that go in."""
        return math.prod(self.input_shape)

    @property
    def output_elements(self) -> int:
        """Numbers that come out."""
        return math.prod(self.output_shape)


_KINDS = (nn.Conv1d, nn.Conv2d, nn.Linear, nn.BatchNorm1d, nn.BatchNorm2d)
"""Layers of which each output sums one product for each weight of its channel. A batch norm has one
for each element, until it is folded into the layer before it."""


def layer_costs(
    network: nn.Module, image_shape: tuple[int, ...] = IMAGE_SHAPE
) -> tuple[LayerCost, ...]:
    """Costs of the layers that have parameters, in the order in which they run.

    A forward pass of one black image shows the shapes. A layer that runs twice is listed
    twice, the second time without parameters: they are stored once.

    Args:
        network: takes ``[1, *image_shape]``.
        image_shape: channels, frames and bands.

    Raises:
        TypeError: a layer with parameters is of a kind whose MACs are not known here.
    """
    costs: list[LayerCost] = []
    seen: set[nn.Module] = set()

    def observe(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def hook(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            costs.append(_layer_cost(name, layer, inputs[0], output, layer in seen))
            seen.add(layer)

        return hook

    layers = [
        (name, layer)
        for name, layer in network.named_modules()
        if next(layer.parameters(recurse=False), None) is not None
    ]
    handles = [layer.register_forward_hook(observe(name)) for name, layer in layers]
    was_training = network.training
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, *image_shape))
    finally:
        network.train(was_training)
        for handle in handles:
            handle.remove()
    return tuple(costs)


def _layer_cost(
    name: str, layer: nn.Module, image: Tensor, output: Tensor, stored_before: bool
) -> LayerCost:
    if not isinstance(layer, _KINDS):
        raise TypeError(
            f"the operations of a {type(layer).__name__} are not known; add it to {__name__}"
        )
    biases = sum(p.numel() for n, p in layer.named_parameters(recurse=False) if n == "bias")
    weights = sum(p.numel() for p in layer.parameters(recurse=False)) - biases
    is_norm = isinstance(layer, _BatchNorm)
    return LayerCost(
        name=name,
        kind=type(layer).__name__,
        input_shape=tuple(image.shape[1:]),
        output_shape=tuple(output.shape[1:]),
        weights=0 if stored_before else weights,
        biases=0 if stored_before else biases,
        macs=output.numel() * layer.weight[0].numel(),
        # the shift of a batch norm is the addition of its MAC
        biased_outputs=output.numel() if biases and not is_norm else 0,
    )
