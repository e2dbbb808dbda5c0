"""How much each layer can lose: one layer is pruned alone, and the network is not trained again."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from kwslib.data.dataset import Examples
from kwslib.prune.importance import Criterion, importance
from kwslib.prune.masks import Masks, weights_of
from kwslib.prune.structured import without_channels
from kwslib.prune.unstructured import smallest
from kwslib.training.tuning import accuracy_on


@dataclass(frozen=True)
class Sensitivity:
    """What is left of a network when one layer is pruned.

    Attributes:
        layer: the layer; where channels are removed, the first of those that make them.
        amount: share of its weights, or of the channels, that are gone.
        accuracy: of the whole network.
    """

    layer: str
    amount: float
    accuracy: float


def weight_sensitivity(
    network: nn.Module, amounts: Sequence[float], examples: Examples
) -> list[Sensitivity]:
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
            found.append(Sensitivity(layer, amount, accuracy_on(pruned, examples)))
    return found


def channel_sensitivity(
    network: nn.Module, criterion: Criterion, training: Examples, examples: Examples
) -> list[Sensitivity]:
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
    found = []
    for group, each in scores.items():
        size = len(each)
        for width in range(size, 0, -1):
            smaller = without_channels(network, {group: width}, scores)
            accuracy = accuracy_on(smaller, examples)
            found.append(Sensitivity(group, 1 - width / size, accuracy))
    return found
