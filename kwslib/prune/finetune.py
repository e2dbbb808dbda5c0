"""Fine-tuning: a pruned network learns to do without what was pruned.

A network is trained on in the standardised coordinates in which it was trained
(:mod:`kwslib.models.standardise`): the change of variables keeps every zero. Dropout is off: it
keeps a network that is too large from learning its clips by heart, and a pruned one is small. (S.
Han et al., "Learning both Weights and Connections for Efficient Neural Networks", NIPS 2015, 3.2,
lower it as weights go; on validation clips none at all did best.)
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import torch
from torch import nn

from kwslib.data.dataset import Dataset
from kwslib.errors import InputError, check_one_of
from kwslib.models.standardise import Standardised, pixel_statistics
from kwslib.prune.masks import Held, weights_of, zeros_of
from kwslib.prune.unstructured import Choose, check_amount
from kwslib.training.passes import tune
from kwslib.training.recipe import Recipe

Schedule = Literal["one_shot", "iterative", "gradual"]
SCHEDULES: tuple[Schedule, ...] = ("one_shot", "iterative", "gradual")

ROUNDS = 4
"""Of the iterative schedule, which share the passes."""

UNTIL = 0.6
"""Share of the steps after which gradual pruning is done."""

GRADUAL_STEPS = 10
"""Steps of the training from one choice of weights to the next, in the gradual schedule."""


@dataclass(frozen=True)
class FineTuning:
    """How a network is trained on while, or after, it is pruned.

    Attributes:
        training: passes, rates and augmentation, as of any training. With ``rewind`` it is the
            recipe by which the network was trained.
        schedule: prune all at once and train (``one_shot``); prune and train in :data:`ROUNDS`,
            each of which leaves the same share of what the one before left (``iterative``); or
            prune while it trains, by :func:`gradual_amount` (``gradual``).
        rewind: passes at the end of ``training`` that are repeated, at the learning rates that they
            had then; None for a cycle of rates of its own. Weights stay as trained: A. Renda,
            J. Frankle and M. Carbin, "Comparing Rewinding and Fine-tuning in Neural Network
            Pruning" (ICLR 2020), found that to reach what rewinding the weights to those of an
            early pass does (J. Frankle et al., "Linear Mode Connectivity and the Lottery Ticket
            Hypothesis", ICML 2020), and it needs no checkpoint of that pass.
    """

    training: Recipe
    schedule: Schedule = "one_shot"
    rewind: int | None = None

    @property
    def rounds(self) -> int:
        """In how many it prunes and trains."""
        return ROUNDS if self.schedule == "iterative" else 1

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
        return min(math.ceil(UNTIL * passes), passes - 1)

    def __post_init__(self) -> None:
        check_one_of("schedule", self.schedule, SCHEDULES)
        if self.rewind is not None and not 1 <= self.rewind <= self.training.epochs:
            raise InputError(
                f"rewind {self.rewind}: the training had {self.training.epochs} epochs; "
                "give so many or fewer"
            )


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
        hold = partial(Gradual, choose=choose, amount=amount, how=how)
        return finetune(network, dataset, how, seed, hold=hold, keep_from=how.pruning_passes())
    pruned = network
    for number in range(1, how.rounds + 1):
        pruned = copy.deepcopy(pruned)
        choose(pruned, 1 - (1 - amount) ** (number / how.rounds)).apply(pruned)
        pruned = finetune(pruned, dataset, how, seed, rounds=how.rounds)
    return pruned


def zeros_held(network: Standardised) -> Held:
    """What keeps the zeros of a network as they are."""
    return zeros_of(network.network).hold(weights_of(network.network))


def finetune(
    network: nn.Module,
    dataset: Dataset,
    how: FineTuning,
    seed: int,
    *,
    rounds: int = 1,
    hold: Callable[[Standardised], Held] = zeros_held,
    keep_from: int = 0,
) -> nn.Module:
    """A copy of a network trained on, ready to evaluate. Weights that are zero stay zero.

    It is trained in standardised coordinates, without dropout.

    Args:
        network: of the registry, pruned; it may have lost channels.
        dataset: the task and its clips.
        how: how it is trained; the schedule, which tells when something is pruned, plays no part.
        seed: of the order of clips, augmentation and dropout.
        rounds: of which this is one, so that it takes so many times fewer passes.
        hold: what is done to its weights around each step.
        keep_from: passes after which weights may be kept; those of the best one are.
    """
    images = torch.from_numpy(dataset.examples("training").images)
    own = Standardised.of_trained(copy.deepcopy(network), *pixel_statistics(images))
    recipe, first = how.training, how.first_pass(rounds)
    if how.rewind is None:
        recipe = replace(recipe, epochs=max(recipe.epochs // rounds, 1))
    dropouts = [(each, each.p) for each in own.modules() if isinstance(each, nn.Dropout)]
    for each, _ in dropouts:
        each.p = 0.0
    tune(
        own, dataset, recipe, seed,
        hooks=[hold(own)], rates_by_inputs=True, first=first, keep_from=first + keep_from,
    )  # fmt: skip
    for each, p in dropouts:
        each.p = p
    return own.restore()


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
        share = (step - skipped) / (UNTIL * (steps - skipped))
        last = share >= 1 or step == steps - 1
        if not self._done and (last or step % GRADUAL_STEPS == 0):
            self._deployed.load_state_dict(self._network.folded())
            amount = gradual_amount(self._amount, 1.0 if last else share)
            self.replace(self._choose(self._deployed, amount) & self.masks)
            self._done = last
