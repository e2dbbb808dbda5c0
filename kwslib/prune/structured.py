"""Structured pruning: channels that are removed, which leaves a smaller network.

The dependencies between layers are our own (:mod:`kwslib.models.channels`): Torch-Pruning takes
every flatten for one with channels first, which is not how the board has them. Tests compare the
two where they agree.
"""

from collections.abc import Mapping

from torch import Tensor, nn

from kwslib.data.dataset import Dataset
from kwslib.errors import InputError
from kwslib.models.channels import channels_of, check_widths, narrowed
from kwslib.prune.finetune import FineTuning, finetune
from kwslib.prune.importance import Criterion, importance
from kwslib.prune.unstructured import check_amount


def widths_without(network: nn.Module, amount: float, what: str = "amount") -> dict[str, int]:
    """How many channels each group keeps when each loses the same share.

    Args:
        network: takes images ``[n, 1, 49, 40]``.
        amount: share of the channels of each group; ``round(amount * n)`` of n go.
        what: the amount is called, for the message.

    Raises:
        InputError: ``amount`` is no share, or all channels of a group would go.
    """
    check_amount(amount, what)
    sizes = channels_of(network).sizes
    widths = {group: size - round(amount * size) for group, size in sizes.items()}
    for group, width in widths.items():
        if width == 0:
            raise InputError(
                f"{what} {amount:g}: removes all {sizes[group]} channels of layer {group}; "
                "give less, so that one is left"
            )
    return widths


def without_channels(
    network: nn.Module, widths: Mapping[str, int], scores: Mapping[str, Tensor]
) -> nn.Module:
    """A smaller copy of a network with the most important channels of each group.

    Args:
        network: takes images ``[n, 1, 49, 40]``.
        widths: channels to keep, by group; a group that is not named stays whole.
        scores: how important each channel is, of :func:`kwslib.prune.importance.importance`; of
            equals the first stay.

    Raises:
        InputError: no such group, or a width that it cannot have.
    """
    check_widths(widths, {group: len(each) for group, each in scores.items()})
    ranked = {group: each.argsort(descending=True, stable=True) for group, each in scores.items()}
    return narrowed(
        network, {group: ranked[group][:width].tolist() for group, width in widths.items()}
    )


def remove_and_tune(
    network: nn.Module,
    widths: Mapping[str, int],
    criterion: Criterion,
    dataset: Dataset,
    how: FineTuning,
    seed: int,
) -> nn.Module:
    """A smaller, fine-tuned copy of a network, ready to evaluate.

    Args:
        network: of the registry, trained.
        widths: channels to keep, by group.
        criterion: which channels those are.
        dataset: the task and its clips.
        how: when channels go, and how it is trained. The iterative schedule judges the channels
            anew after each round.
        seed: of the order of clips, augmentation and dropout.

    Raises:
        InputError: a width or the criterion is none, or the schedule is ``gradual``.
    """
    if how.schedule == "gradual":
        raise InputError("schedule 'gradual': a channel goes at once; take one_shot or iterative")
    sizes = channels_of(network).sizes
    smaller = network
    for number in range(1, how.rounds + 1):
        step = {
            group: _between(sizes.get(group, width), width, number / how.rounds)
            for group, width in widths.items()
        }
        scores = importance(smaller, criterion, dataset.examples("training"))
        smaller = without_channels(smaller, step, scores)
        smaller = finetune(smaller, dataset, how, seed, rounds=how.rounds)
    return smaller


def _between(size: int, width: int, share: float) -> int:
    """A width on the way from ``size`` to ``width``, each part of which keeps the same share."""
    return round(size * (width / size) ** share)
