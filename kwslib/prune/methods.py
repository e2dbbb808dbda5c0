"""The kinds of pruning by name, the settings that were chosen, and how much each layer can lose.

For the last, one layer is pruned alone, and the network is not trained again. An entry has the
``layer`` (where channels are removed, the first of those that make them), the ``amount``, share of
its weights or channels that are gone, and the ``accuracy`` of the network.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import torch
from torch import nn

from kwslib.data.dataset import Dataset, Examples
from kwslib.errors import InputError, check_one_of
from kwslib.prune.finetune import FineTuning, Schedule, finetune, prune_and_tune
from kwslib.prune.importance import CRITERIA, Criterion, importance
from kwslib.prune.masks import Masks, weights_of
from kwslib.prune.norms import NORMS
from kwslib.prune.structured import remove_and_tune, widths_without, without_channels
from kwslib.prune.unstructured import SCOPES, Choose, smallest, smallest_blocks
from kwslib.training.passes import accuracy_on
from kwslib.training.recipe import Recipe

Method = Literal["weights", "blocks", "channels"]

CRITERIA_OF: Mapping[str, tuple[str, ...]] = {
    "weights": SCOPES,
    "blocks": NORMS,
    "channels": CRITERIA,
}
"""What can be pruned, and by which criteria it is chosen. Of weights the least magnitudes go; there
the criterion tells which are ranked together."""

METHODS: tuple[Method, ...] = ("weights", "blocks", "channels")

USUAL: Mapping[str, str] = {"weights": "lamp", "blocks": "l2", "channels": "l2"}
"""The criterion where none is named."""

USUAL_SCHEDULES: Mapping[Method, Schedule] = {
    "weights": "gradual",
    "blocks": "gradual",
    "channels": "one_shot",
}
"""How a network is fine-tuned where no schedule is named."""

EPOCHS: Mapping[str, int] = {"weights": 30, "blocks": 20, "channels": 12}
"""Passes of fine-tuning; chosen, as the rate, on the validation clips of yes and no."""

RATE = 0.5
"""The learning rate of fine-tuning, as a share of that by which the network was trained."""


def fine_tuning(
    recipe: Recipe,
    method: Method,
    *,
    epochs: int | None = None,
    schedule: Schedule | None = None,
    rewind: bool = False,
) -> FineTuning:
    """How a network is trained on when it is pruned.

    Args:
        recipe: by which it was trained.
        method: what is pruned.
        epochs: passes over the training clips; None for those of :data:`EPOCHS`. Their rates are
            lower by :data:`RATE`.
        schedule: None for that of :data:`USUAL_SCHEDULES`.
        rewind: whether the passes are the last of the network's own training again, at the rates
            that they had, rather than a cycle of rates of their own.

    Raises:
        InputError: the training had fewer passes than are to be repeated.
    """
    passes = epochs or EPOCHS[method]
    schedule = schedule or USUAL_SCHEDULES[method]
    if rewind:
        passes = passes if epochs else min(passes, recipe.epochs)
        return FineTuning(recipe, schedule, rewind=passes)
    rate = RATE * recipe.learning_rate
    return FineTuning(replace(recipe, epochs=passes, learning_rate=rate), schedule)


def check_criterion(method: str, criterion: str) -> None:
    """Refuse what is no method or no criterion of it.

    Raises:
        InputError: it is none.
    """
    check_one_of("method", method, METHODS)
    if criterion not in CRITERIA_OF[method]:
        raise InputError(
            f"criterion {criterion!r}: {method} are chosen by one of "
            f"{', '.join(CRITERIA_OF[method])}"
        )


def prune_network(
    network: nn.Module,
    method: Method,
    amount: float,
    dataset: Dataset,
    how: FineTuning | None,
    seed: int,
    criterion: str | None = None,
) -> nn.Module:
    """A pruned copy of a network, ready to evaluate.

    Args:
        network: of the registry, trained.
        method: single weights or blocks of them become zero, or channels are removed.
        amount: share of the weights, of the fully connected layers' blocks, or of each group's
            channels.
        dataset: the task and its clips.
        how: how it is trained on; None leaves it as it is.
        seed: of the order of clips, augmentation and dropout.
        criterion: one of :data:`CRITERIA_OF`; None for that of :data:`USUAL`.

    Raises:
        InputError: one of these is none, or all channels of a layer would go.
    """
    chosen: Any = criterion or USUAL.get(method, "")
    check_criterion(method, chosen)
    if method == "channels":
        widths = widths_without(network, amount)
        return remove_channels(network, widths, dataset, how, seed, chosen)
    choose: Choose = partial(smallest, scope=chosen)
    if method == "blocks":
        choose = partial(smallest_blocks, kind=chosen)
    if how is None:
        return zero_weights(network, choose(network, amount), dataset, None, seed)
    return prune_and_tune(network, choose, amount, dataset, how, seed)


def zero_weights(
    network: nn.Module, masks: Masks, dataset: Dataset, how: FineTuning | None, seed: int
) -> nn.Module:
    """As :func:`prune_network`, for weights that are known.

    Raises:
        InputError: the masks are for another network, or the schedule is not ``one_shot``.
    """
    if how is not None and how.schedule != "one_shot":
        raise InputError(
            f"schedule {how.schedule!r}: chooses weights by an amount; with a mask or a threshold "
            "take one_shot"
        )
    pruned = copy.deepcopy(network).eval()
    masks.apply(pruned)
    return pruned if how is None else finetune(pruned, dataset, how, seed)


def remove_channels(
    network: nn.Module,
    widths: Mapping[str, int],
    dataset: Dataset,
    how: FineTuning | None,
    seed: int,
    criterion: Any = USUAL["channels"],
) -> nn.Module:
    """As :func:`prune_network`, for channels of which so many stay in each group.

    Raises:
        InputError: a group is not known, or cannot have so many.
    """
    check_criterion("channels", criterion)
    if how is None:
        scores = importance(network, criterion, dataset.examples("training"))
        return without_channels(network, widths, scores).eval()
    return remove_and_tune(network, widths, criterion, dataset, how, seed)


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
