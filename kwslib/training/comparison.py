"""Networks without and with an extra keyword, on the test clips that both know by one label.

Their test sets differ: the clips of the extra word are unknown to one and have a label for the
other, and with more keywords come more unknown and silence clips. The clips compared are those
that stand in both test sets under the same label. These are all test clips of the smaller task
but those of the extra word, since the order in which unknown and silence clips are taken
depends on their names alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from kwslib.data.dataset import Dataset
from kwslib.data.task import Task
from kwslib.errors import InputError
from kwslib.training.paired import Pair, change_interval, differences_of, tally
from kwslib.training.predict import predictor

Networks = tuple[int, nn.Module, nn.Module]
"""A seed, the network without the extra keyword, and the one with it."""


@dataclass(frozen=True)
class Comparison:
    """Networks without and with an extra keyword on the test clips that both know by one label.

    Attributes:
        extra: the word.
        seeds: one a pair of networks.
        pairs: for each seed and label, how the network without it did, and the one with it.
        tallies: for each label, clips by how many seeds were right without and with it.
        heard: for each seed, the extra word's clips by what the network without it hears.
        data: name and hash of the data.
    """

    extra: str
    seeds: tuple[int, ...]
    pairs: tuple[Mapping[str, Pair], ...]
    tallies: Mapping[str, Sequence[Sequence[int]]]
    heard: tuple[Mapping[str, int], ...]
    data: Mapping[str, str]

    @property
    def labels(self) -> list[str]:
        """Labels that both networks know and that clips were compared of."""
        return list(self.tallies)

    @property
    def clips(self) -> int:
        """Clips compared."""
        return self.pair(0).clips

    def pair(self, index: int) -> Pair:
        """The pair of networks of a seed, by its place, on all labels together."""
        first, *others = self.pairs[index].values()
        return sum(others, first)

    def change(self, label: str | None = None) -> tuple[float, tuple[float, float]]:
        """Mean over seeds of the change in recall of a label, or of all, with 95 % interval.

        The interval says what other clips might have given; seeds are to be shown beside it.
        """
        tables = [self.tallies[label]] if label else list(self.tallies.values())
        differences = np.concatenate([differences_of(table) for table in tables])
        return float(differences.mean()), change_interval(differences)


def compare(smaller: Dataset, larger: Dataset, networks: Iterable[Networks]) -> Comparison:
    """Compare networks on the test clips.

    Args:
        smaller: what the networks without the extra keyword were trained on.
        larger: the same data with a keyword more.
        networks: one pair a seed.

    Raises:
        InputError: the keywords differ by something else than one word more.
    """
    extra = extra_word(smaller.task, larger.task)
    clips, truth = larger.examples("testing"), _names(larger, larger.labels("testing"))
    masks = _shared(smaller, clips.names, truth)
    seeds, right_first, right_second, heard = [], [], [], []
    for seed, network, larger_network in networks:
        first = _names(smaller, predictor(network)(clips.deployed).argmax(axis=1))
        second = _names(larger, predictor(larger_network)(clips.deployed).argmax(axis=1))
        seeds.append(seed)
        right_first.append(first == truth)
        right_second.append(second == truth)
        heard.append(_counts(first[truth == extra], smaller.task))
    pairs = [
        {label: Pair.of(one[mask], other[mask]) for label, mask in masks.items()}
        for one, other in zip(right_first, right_second, strict=True)
    ]
    tallies = {
        label: tally([each[mask] for each in right_first], [each[mask] for each in right_second])
        for label, mask in masks.items()
    }
    data = {**larger.identity(), "split": "testing"}
    return Comparison(extra, tuple(seeds), tuple(pairs), tallies, tuple(heard), data)


def _shared(
    smaller: Dataset, names: Sequence[str], truth: NDArray[np.str_]
) -> dict[str, NDArray[np.bool_]]:
    """For each label, which clips of the larger task have it in the smaller task too."""
    labels = _names(smaller, smaller.labels("testing"))
    before = dict(zip(smaller.names["testing"], labels, strict=True))
    same = np.array([before.get(name) for name in names]) == truth
    masks = {label: same & (truth == label) for label in smaller.task.labels}
    return {label: mask for label, mask in masks.items() if mask.any()}


def _counts(heard: NDArray[np.str_], task: Task) -> dict[str, int]:
    return {label: int((heard == label).sum()) for label in task.labels}


def extra_word(smaller: Task, larger: Task) -> str:
    """The keyword that the larger task has more.

    Raises:
        InputError: the keywords differ by something else than one word.
    """
    more = [word for word in larger.keywords if word not in smaller.keywords]
    if len(more) != 1 or len(larger.keywords) != len(smaller.keywords) + 1:
        raise InputError(
            f"keywords {','.join(larger.keywords)}: must be {','.join(smaller.keywords)} and one "
            "word more"
        )
    return more[0]


def _names(dataset: Dataset, indices: NDArray[np.int64]) -> NDArray[np.str_]:
    """The labels that indices stand for."""
    return np.array(dataset.task.labels)[indices]
