"""Which weights of a network remain: masks as data, by layer.

A pruned weight is zero. So a mask needs no place of its own in a checkpoint, and none in a file of
integers, where zero is zero since weights are symmetric: :func:`zeros_of` reads it back.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kwslib.cost.operations import LayerCost, layer_costs
from kwslib.cost.summary import as_deployed
from kwslib.errors import InputError
from kwslib.training.passes import Hooks


@dataclass(frozen=True)
class Masks:
    """Which weights remain.

    Attributes:
        remaining: for each layer with weights, by its name, a bool for each weight; False where
            it is pruned.
    """

    remaining: Mapping[str, Tensor]

    @property
    def weights(self) -> int:
        """Weights of all layers, pruned or not; biases are not counted and not pruned."""
        return sum(each.numel() for each in self.remaining.values())

    @property
    def left(self) -> int:
        """Weights that remain."""
        return sum(int(each.sum()) for each in self.remaining.values())

    @property
    def sparsity(self) -> float:
        """Share of the weights that are pruned."""
        return 1 - self.left / self.weights

    def __and__(self, other: "Masks") -> "Masks":
        return Masks({name: each & other.remaining[name] for name, each in self.remaining.items()})

    def apply(self, network: nn.Module) -> None:
        """Make the pruned weights of a network zero.

        Raises:
            InputError: the masks are for another network.
        """
        self.hold(weights_of(network))

    def hold(self, weights: Mapping[str, Tensor]) -> "Held":
        """What keeps pruned weights at zero while a network is trained.

        Args:
            weights: the parameters of each layer; they are changed.

        Raises:
            InputError: the masks are for other weights.
        """
        return Held(self, weights)


class Held(Hooks):
    """Keeps pruned weights at zero, and their gradients, which are clipped with the others."""

    def __init__(self, masks: Masks, weights: Mapping[str, Tensor]) -> None:
        """Take the parameters of each layer, and make those that are pruned zero."""
        self._weights = weights
        self.replace(masks)

    def replace(self, masks: Masks) -> None:
        """Hold other masks from now on.

        Raises:
            InputError: they are for another network.
        """
        own, other = _shapes(masks.remaining), _shapes(self._weights)
        if sorted(own) != sorted(other):
            raise InputError(
                f"the mask is for another network: it covers {', '.join(own)}, the network has "
                f"{', '.join(other)}; take a mask that was made for this network"
            )
        self.masks = masks
        self.after_step()

    def after_backward(self) -> None:
        """Clear the gradients of pruned weights."""
        for name, remains in self.masks.remaining.items():
            gradient = self._weights[name].grad
            if gradient is not None:
                gradient.masked_fill_(~remains, 0)

    @torch.no_grad()
    def after_step(self) -> None:
        """Clear what momentum did to weights that were pruned lately."""
        for name, remains in self.masks.remaining.items():
            self._weights[name].masked_fill_(~remains, 0)


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """The weights that can be pruned, by layer: of convolutions and fully connected layers."""
    return {
        name: layer.weight
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    }


def zeros_of(network: nn.Module) -> Masks:
    """The masks of a network that is pruned already: a weight that is zero is pruned."""
    return Masks({name: weight.detach() != 0 for name, weight in weights_of(network).items()})


def _shapes(tensors: Mapping[str, Tensor]) -> list[str]:
    return [f"{name} {'x'.join(map(str, each.shape))}" for name, each in tensors.items()]


def remaining_cost(network: nn.Module) -> dict[str, int]:
    """Count what is left of a network.

    Every weight of a layer is used equally often, so a layer's multiply-accumulates fall as its
    weights do. Of a network without zeros this is what :func:`kwslib.cost.cost_of` counts.

    Args:
        network: of the registry.

    Returns:
        ``parameters``, weights that are not zero, and biases; ``macs``, multiply-accumulates with
        these weights, of one image; and ``flops``, ``2 * macs`` and one for each biased output, as
        of :mod:`kwslib.cost.operations`.
    """
    deployed = as_deployed(network)
    layers = layer_costs(deployed)
    left = [_left(deployed, each) for each in layers]
    macs = sum(each.macs * share for each, share in zip(layers, left, strict=True))
    weights = sum(each.weights * share for each, share in zip(layers, left, strict=True))
    return {
        "parameters": round(weights) + sum(each.biases for each in layers),
        "macs": round(macs),
        "flops": 2 * round(macs) + sum(each.biased_outputs for each in layers),
    }


def _left(network: nn.Module, cost: LayerCost) -> float:
    """Share of a layer's weights that are not zero; those of a BatchNorm that could not be folded
    are not pruned.
    """
    layer = network.get_submodule(cost.name)
    if not isinstance(layer, nn.Conv2d | nn.Linear):
        return 1.0
    return int(layer.weight.count_nonzero()) / layer.weight.numel()
