"""What a pruned network costs where zeros are neither kept nor multiplied."""

from torch import nn

from kwslib.cost.operations import LayerCost, layer_costs
from kwslib.cost.summary import as_deployed


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
