"""Networks without and with an extra keyword, on the test clips that both know by one label.

Their test sets differ: the clips of the extra word are unknown to one and have a label for the
other, and with more keywords come more unknown and silence clips. The clips compared are those
that stand in both test sets under the same label. These are all test clips of the smaller task
but those of the extra word, since the order in which unknown and silence clips are taken
depends on their names alone.

Clips on which both are right, or both wrong, say nothing of a difference; what counts is how
many clips were gained and lost. Comparing two intervals instead would drown a difference in
what makes clips hard for both.

The published networks without and with an extra keyword tell what it costs.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from kwslib.data.dataset import Dataset
from kwslib.data.task import Task
from kwslib.errors import InputError
from kwslib.evaluation.accuracy import Z_95
from kwslib.models.checkpoint import PUBLISHED
from kwslib.records import Record, machine_name, of_version, read_records, select, write_records
from kwslib.training.fit import fitted, score
from kwslib.training.predict import predictor
from kwslib.training.recipe import Recipe, recipe_for
from kwslib.training.study import Study, published

Networks = tuple[int, nn.Module, nn.Module]
"""A seed, the network without the extra keyword, and the one with it."""


@dataclass(frozen=True)
class Pair:
    """How two networks, a first and a second one, did on the same clips.

    Attributes:
        both: clips that both got right.
        lost: those that only the first got right.
        gained: those that only the second got right.
        neither: those that both got wrong.
    """

    both: int
    lost: int
    gained: int
    neither: int

    @classmethod
    def of(cls, first: NDArray[np.bool_], second: NDArray[np.bool_]) -> "Pair":
        """From whether each network was right on each clip, two arrays ``[clips]``."""
        groups = (first & second, first & ~second, ~first & second, ~first & ~second)
        return cls(*(int(group.sum()) for group in groups))

    @property
    def clips(self) -> int:
        """Clips compared."""
        return self.both + self.lost + self.gained + self.neither

    @property
    def first(self) -> int:
        """Clips that the first network got right."""
        return self.both + self.lost

    @property
    def second(self) -> int:
        """Clips that the second network got right."""
        return self.both + self.gained

    @property
    def change(self) -> float:
        """Share of right clips of the second network less that of the first."""
        return (self.gained - self.lost) / self.clips


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
        counts = np.sum([astuple(pair) for pair in self.pairs[index].values()], axis=0)
        return Pair(*counts.tolist())

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


def change_interval(differences: NDArray[np.float64]) -> tuple[float, float]:
    """95 % interval of a mean difference over clips, ``[clips]``, each between -1 and 1.

    One made-up clip gained and one lost are added, which keeps the interval honest where clips
    are few or all agree. For one network against one this is Bonett and Price's interval; with
    several seeds a clip's difference is the mean over seeds. Clips are taken for independent,
    though a speaker says several.

    Source: D. Bonett and R. Price, "Adjusted Wald confidence interval for a difference of
    binomial proportions based on paired data", J. Educ. Behav. Stat. 37 (2012).
    """
    adjusted = np.concatenate([differences, [1.0, -1.0]])
    margin = Z_95 * adjusted.std() / math.sqrt(len(adjusted))
    return max(adjusted.mean() - margin, -1.0), min(adjusted.mean() + margin, 1.0)


def tally(
    first: Sequence[NDArray[np.bool_]], second: Sequence[NDArray[np.bool_]]
) -> list[list[int]]:
    """Clips by the number of seeds that were right, ``[seeds + 1, seeds + 1]``.

    Rows are the first network, columns the second; arguments are one array ``[clips]`` a seed.
    It holds all that :func:`differences_of` needs, in a few numbers.
    """
    table = np.zeros((len(first) + 1, len(second) + 1), np.int64)
    np.add.at(table, (np.sum(first, axis=0), np.sum(second, axis=0)), 1)
    return table.tolist()


def differences_of(table: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """The differences ``[clips]`` that a :func:`tally` was made of, in some order: for each clip
    the share of seeds that were right in the second network less that in the first.
    """
    counts = np.asarray(table)
    rows, columns = np.indices(counts.shape)
    seeds_first, seeds_second = counts.shape[0] - 1, counts.shape[1] - 1
    shares = columns / seeds_second - rows / seeds_first
    return np.repeat(shares.ravel(), counts.ravel())


VERSION = 1
"""Raised by hand when the same data, model and settings can give other records."""


def records_path(model: str, larger: Task, folder: Path = PUBLISHED) -> Path:
    """Where the comparison of published networks lies."""
    return folder / f"{model}-{larger.name}-extra.json"


def committed_comparison(
    model: str, task: Task, larger: Task, folder: Path = PUBLISHED
) -> Comparison | None:
    """The comparison of the published networks, or None where none is committed."""
    path = records_path(model, larger, folder)
    if not path.exists():
        return None
    records = select(read_records(path), "extra_keyword_pairs", task=task.name)
    (tallies,) = select(read_records(path), "extra_keyword_tallies", task=task.name)
    return Comparison(
        tallies.subject["extra"],
        tuple(record.subject["seed"] for record in records),
        tuple(
            {label: Pair(*counts) for label, counts in record.value["pairs"].items()}
            for record in records
        ),
        tallies.value,
        tuple(record.value["heard"] for record in records),
        tallies.data,
    )


def publish(
    model: str,
    smaller: Dataset,
    larger: Dataset,
    recipe: Recipe | None = None,
    folder: Path = PUBLISHED,
) -> Path:
    """Compare the published networks of all seeds and write what was found.

    Only the weights of one seed are committed; the others are trained again, the same to the
    bit on the same kind of machine, or taken from the cache.

    Returns:
        The file of records.

    Raises:
        InputError: a network came out other than the published one of its seed.
    """
    recipe = recipe or recipe_for(model)
    pairs = list(
        zip(
            published(model, smaller.task, folder),
            published(model, larger.task, folder),
            strict=True,
        )
    )
    networks = [
        (first.subject["seed"], _again(first, smaller, recipe), _again(second, larger, recipe))
        for first, second in pairs
    ]
    found = compare(smaller, larger, networks)
    path = records_path(model, larger.task, folder)
    write_records(path, of_version(_records(found, pairs), VERSION))
    return path


def _again(study: Study, dataset: Dataset, recipe: Recipe) -> nn.Module:
    """The network of a published study."""
    model, seed = study.subject["model"], study.subject["seed"]
    network = fitted(model, dataset, recipe, seed).network
    confusion = score(network, dataset, "testing").confusion.tolist()
    if confusion != study.value("confusion", split="testing"):
        raise InputError(
            f"seed {seed} of {model} on {','.join(dataset.task.keywords)} is another network here "
            "than the published one: processors round differently; measure where it was trained"
        )
    return network


def _records(found: Comparison, pairs: Sequence[tuple[Study, Study]]) -> list[Record]:
    """A comparison as records: one a seed, and the tallies over all seeds."""
    first, second = (study.subject for study in pairs[0])
    subject = {
        "model": first["model"],
        "task": first["task"],
        "larger_task": second["task"],
        "extra": found.extra,
    }

    def record(metric: str, value: Any, **more: Any) -> Record:
        return Record(
            metric,
            value,
            "clips",
            "measured",
            {**subject, **more},
            found.data,
            machine=machine_name(),
        )

    records = [
        record(
            "extra_keyword_pairs",
            {
                "pairs": {label: astuple(pair) for label, pair in found.pairs[index].items()},
                "heard": found.heard[index],
            },
            seed=seed,
            checkpoints=[study.subject["checkpoint"] for study in pairs[index]],
        )
        for index, seed in enumerate(found.seeds)
    ]
    return [*records, record("extra_keyword_tallies", found.tallies, seeds=found.seeds)]
