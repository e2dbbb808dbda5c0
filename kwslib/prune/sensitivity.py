"""How much each layer can lose: one layer is pruned alone, and the network is not trained again.

An entry has the ``layer`` (where channels are removed, the first of those that make them), the
``amount``, share of its weights or channels that are gone, and the ``accuracy`` of the network.
"""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from kwslib.data.dataset import Examples
from kwslib.prune.importance import Criterion, importance
from kwslib.prune.masks import Masks, weights_of
from kwslib.prune.structured import without_channels
from kwslib.prune.unstructured import smallest
from kwslib.training.passes import accuracy_on


def weight_sensitivity(
    network: nn.Module, amounts: Sequence[float], examples: Examples
) -> list[dict[str, Any]]:
    """Accuracy against the share of the smallest weights that each layer loses, layer by layer.

    Args:
        network: of the registry, trained.
        amounts: shares of the layer's weights.
        examples: clips to score, those of validation.

    Raises:
        InputError: an amount is no share.
    """
    weights = weights_of(network)
    whole = {name: torch.ones_like(each, dtype=torch.bool) for name, each in weights.items()}
    found = []
    for layer in weights:
        for amount in amounts:
            remaining = smallest(network, amount, "layer").remaining[layer]
            pruned = copy.deepcopy(network)
            Masks({**whole, layer: remaining}).apply(pruned)
            accuracy = accuracy_on(pruned, examples)
            found.append({"layer": layer, "amount": amount, "accuracy": accuracy})
    return found


def channel_sensitivity(
    network: nn.Module, criterion: Criterion, training: Examples, examples: Examples
) -> list[dict[str, Any]]:
    """Accuracy against the share of the channels that each group loses, down to one channel.

    Args:
        network: of the registry, trained.
        criterion: which channels go first.
        training: clips by which the criterion judges.
        examples: clips to score, those of validation.

    Raises:
        InputError: no such criterion, or the network's channels cannot be followed.
    """
    scores = importance(network, criterion, training)
    widths = [(group, width) for group, each in scores.items() for width in range(len(each), 0, -1)]
    return [
        {
            "layer": group,
            "amount": 1 - width / len(scores[group]),
            "accuracy": accuracy_on(without_channels(network, {group: width}, scores), examples),
        }
        for group, width in widths
    ]
