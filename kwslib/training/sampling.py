"""The clips of each pass: all of the keywords, and silence and other words from a larger stock."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from kwslib.data.dataset import Dataset, Examples
from kwslib.data.task import SILENCE, UNKNOWN
from kwslib.training.recipe import Recipe


@dataclass(frozen=True)
class Stock:
    """Training clips of which a pass takes some.

    Attributes:
        examples: all of them.
        taken: label index to how many clips of it a pass takes; all of labels that are not there.
        shares: label index to how many times as many clips of it a pass takes as the task has;
            as many of labels that are not there.
    """

    examples: Examples
    taken: Mapping[int, int]
    shares: Mapping[int, float] = field(default_factory=dict)

    def draw(self, generator: torch.Generator) -> Tensor:
        """Places of a pass's clips in :attr:`examples`, in random order, ``[clips]``."""
        order = torch.randperm(len(self.examples), generator=generator)
        if not self.taken:
            return order
        keep = torch.ones(len(order), dtype=torch.bool)
        labels = self._labels[order]
        for label, wanted in self.taken.items():
            own = labels == label
            keep &= ~own | (own.cumsum(0) <= wanted)
        taken = order[keep]  # what few are taken of stands at the front
        return taken[torch.randperm(len(taken), generator=generator)]

    def log_shares(self, labels: int) -> Tensor:
        """Logarithms of the shares of so many labels, ``[labels]``.

        Added to the logits of a network that learns from such passes, they leave it with the
        probabilities of the task's own clips.

        Source: Menon et al., "Long-tail learning via logit adjustment", arXiv:2007.07314, (10).
        """
        return torch.tensor([self.shares.get(label, 1.0) for label in range(labels)]).log()

    @property
    def _labels(self) -> Tensor:
        return torch.from_numpy(self.examples.labels)


def stock_of(dataset: Dataset, recipe: Recipe) -> Stock:
    """The stock of a recipe: so many times the silence and the other words of the task, of the same
    split, or as many other words as the data have. A pass takes as much silence as the task has,
    and ``recipe.unknown_share`` times as many other words, or all of them.
    """
    own = dataset.examples("training")
    if recipe.stock == 1:
        return Stock(own, {})
    task = dataset.task
    larger = replace(
        task,
        silence_percent=recipe.stock * task.silence_percent,
        unknown_percent=recipe.stock * task.unknown_percent,
    )
    stock = Dataset(dataset.source, larger).examples("training")
    silence, unknown = task.labels.index(SILENCE), task.labels.index(UNKNOWN)
    has, there = (int((each.labels == unknown).sum()) for each in (own, stock))
    taken = min(recipe.unknown_share * has, there)
    return Stock(
        stock,
        {silence: int((own.labels == silence).sum()), unknown: taken},
        {unknown: taken / has} if has else {},
    )
