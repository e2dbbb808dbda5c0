"""Fine-tuning: a pruned network learns to do without what was pruned.

A network is trained on in the standardised coordinates in which it was trained
(:mod:`kwslib.models.standardise`): the change of variables keeps every zero. Dropout is off: it
keeps a network that is too large from learning its clips by heart, and a pruned one is small. (S.
Han et al., "Learning both Weights and Connections for Efficient Neural Networks", NIPS 2015, 3.2,
lower it as weights go; on validation clips none at all did best.)
"""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import nn

from kwslib.data.dataset import Dataset
from kwslib.errors import InputError
from kwslib.models.standardise import Standardised, pixel_statistics
from kwslib.prune.masks import Held, weights_of, zeros_of
from kwslib.prune.unstructured import Choose, check_amount
from kwslib.training.passes import Hooks
from kwslib.training.recipe import Recipe
from kwslib.training.tuning import tune

Schedule = Literal["one_shot", "iterative", "gradual"]
SCHEDULES: tuple[Schedule, ...] = ("one_shot", "iterative", "gradual")

GRADUAL_STEPS = 10
"""Steps of the training from one choice of weights to the next, in the gradual schedule."""


@dataclass(frozen=True)
class FineTuning:
    """How a network is trained on while, or after, it is pruned.

    Attributes:
        training: passes, rates and augmentation, as of any training. With ``rewind`` it is the
            recipe by which the network was trained.
        schedule: prune all at once and train (``one_shot``); prune and train in ``rounds``, each of
            which leaves the same share of what the one before left (``iterative``); or prune while
            it trains, by :func:`gradual_amount` (``gradual``).
        rounds: of the iterative schedule, which share the passes.
        until: share of the steps after which gradual pruning is done.
        rewind: passes at the end of ``training`` that are repeated, at the learning rates that they
            had then; None for a cycle of rates of its own. Weights stay as trained: A. Renda,
            J. Frankle and M. Carbin, "Comparing Rewinding and Fine-tuning in Neural Network
            Pruning" (ICLR 2020), found that to reach what rewinding the weights to those of an
            early pass does (J. Frankle et al., "Linear Mode Connectivity and the Lottery Ticket
            Hypothesis", ICML 2020), and it needs no checkpoint of that pass.
    """

    training: Recipe
    schedule: Schedule = "one_shot"
    rounds: int = 4
    until: float = 0.6
    rewind: int | None = None

    def first_pass(self, rounds: int = 1) -> int:
        """The pass of the recipe with which each of some rounds begins, from 0."""
        if self.rewind is None:
            return 0
        return self.training.epochs - max(self.rewind // rounds, 1)

    def pruning_passes(self) -> int:
        """Passes after which gradual pruning is done; the last pass is none of them, but ends
        with all pruned.
        """
        passes = self.training.epochs - self.first_pass()
        return min(math.ceil(self.until * passes), passes - 1)

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise InputError(f"schedule {self.schedule!r}: must be one of {', '.join(SCHEDULES)}")
        if self.rewind is not None and not 1 <= self.rewind <= self.training.epochs:
            raise InputError(
                f"rewind {self.rewind}: the training had {self.training.epochs} epochs; "
                "give so many or fewer"
            )
        if self.rounds < 1:
            raise InputError(f"rounds {self.rounds}: must be at least 1")
        if not 0 < self.until < 1:
            raise InputError(f"until {self.until:g}: must be a share above 0 and below 1")


def gradual_amount(amount: float, share: float) -> float:
    """The share of the weights that is pruned when ``share`` of the pruning's time has passed.

    ``amount * (1 - (1 - share)^3)``: fast at first, when many weights are of little use.

    Source: M. Zhu and S. Gupta, "To prune, or not to prune" (2017), equation 1, from a sparsity of
    0 on.

    >>> gradual_amount(0.8, 0.5)
    0.7
    """
    return amount * (1 - (1 - min(share, 1.0)) ** 3)


def prune_and_tune(
    network: nn.Module,
    choose: Choose,
    amount: float,
    dataset: Dataset,
    how: FineTuning,
    seed: int,
) -> nn.Module:
    """A pruned and fine-tuned copy of a network, ready to evaluate.

    Args:
        network: of the registry, trained.
        choose: which weights remain.
        amount: share that is pruned in the end, as ``choose`` takes it.
        dataset: the task and its clips.
        how: when weights go, and how it is trained.
        seed: of the order of clips, augmentation and dropout.

    Raises:
        InputError: ``amount`` is no share.
    """
    check_amount(amount)
    if how.schedule == "gradual":
        return _trained(
            network, dataset, how, seed, lambda own: [Gradual(own, choose, amount, how)],
            keep_from=how.pruning_passes(),
        )  # fmt: skip
    pruned, rounds = network, how.rounds if how.schedule == "iterative" else 1
    for number in range(1, rounds + 1):
        pruned = copy.deepcopy(pruned)
        choose(pruned, 1 - (1 - amount) ** (number / rounds)).apply(pruned)
        pruned = finetune(pruned, dataset, how, seed, rounds=rounds)
    return pruned


def finetune(
    network: nn.Module,
    dataset: Dataset,
    how: FineTuning,
    seed: int,
    *,
    rounds: int = 1,
) -> nn.Module:
    """A copy of a network trained on, ready to evaluate. Weights that are zero stay zero.

    Args:
        network: of the registry, pruned; it may have lost channels.
        dataset: the task and its clips.
        how: how it is trained; the schedule, which tells when something is pruned, plays no part.
        seed: of the order of clips, augmentation and dropout.
        rounds: of which this is one, so that it takes so many times fewer passes.
    """

    def hooks(own: Standardised) -> list[Hooks]:
        return [zeros_of(network).hold(weights_of(own.network))]

    return _trained(network, dataset, how, seed, hooks, rounds)


class Gradual(Held):
    """Prunes ever more of a network while it is trained."""

    def __init__(
        self, network: Standardised, choose: Choose, amount: float, how: FineTuning
    ) -> None:
        """Begin with what is pruned already, which stays so."""
        super().__init__(zeros_of(network.network), weights_of(network.network))
        self._network, self._choose, self._amount, self._how = network, choose, amount, how
        # Weights are compared as they will be deployed, not as they are trained.
        self._deployed = copy.deepcopy(network.network)
        self._done = False

    def before_step(self, step: int, steps: int) -> None:
        """Choose anew, every few steps, until all is pruned that shall be."""
        skipped = self._how.first_pass() / self._how.training.epochs * steps
        share = (step - skipped) / (self._how.until * (steps - skipped))
        last = share >= 1 or step == steps - 1
        if not self._done and (last or step % GRADUAL_STEPS == 0):
            self._deployed.load_state_dict(self._network.folded())
            amount = gradual_amount(self._amount, 1.0 if last else share)
            self.replace(self._choose(self._deployed, amount) & self.masks)
            self._done = last


def _trained(
    network: nn.Module,
    dataset: Dataset,
    how: FineTuning,
    seed: int,
    hooks: Callable[[Standardised], Sequence[Hooks]],
    rounds: int = 1,
    keep_from: int = 0,
) -> nn.Module:
    """A copy trained in standardised coordinates; ``hooks`` are given it in those.

    Its weights are those of the best pass after the first ``keep_from``.
    """
    images = torch.from_numpy(dataset.examples("training").images)
    own = Standardised.of_trained(copy.deepcopy(network), *pixel_statistics(images))
    recipe, first = how.training, how.first_pass(rounds)
    if how.rewind is None:
        recipe = replace(recipe, epochs=max(recipe.epochs // rounds, 1))
    with _without_dropout(own):
        tune(
            own, dataset, recipe, seed,
            hooks=hooks(own), rates_by_inputs=True, first=first, keep_from=first + keep_from,
        )  # fmt: skip
    return own.restore()


@contextmanager
def _without_dropout(network: nn.Module) -> Iterator[None]:
    layers = [each for each in network.modules() if isinstance(each, nn.Dropout)]
    before = [each.p for each in layers]
    try:
        for each in layers:
            each.p = 0.0
        yield
    finally:
        for each, p in zip(layers, before, strict=True):
            each.p = p
