"""What an extra keyword costs: the published networks without and with it, compared."""

from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

from torch import nn

from kwslib.data.dataset import Dataset
from kwslib.data.task import Task
from kwslib.errors import InputError
from kwslib.models.checkpoint import PUBLISHED
from kwslib.records import Record, machine_name, of_version, read_records, select, write_records
from kwslib.training.comparison import Comparison, Pair, compare
from kwslib.training.fit import fitted, score
from kwslib.training.recipe import Recipe, recipe_for
from kwslib.training.study import Study, published

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
