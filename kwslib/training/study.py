"""A study: a network trained on a task and everything the report says about it, as records.

A study is made by a run, written to ``measurements/published/`` and read back, so that a page
draws a live run and the published one by the same code.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from kwslib.data.dataset import Dataset
from kwslib.data.task import SPLITS, Task
from kwslib.errors import InputError
from kwslib.evaluation.accuracy import Evaluation
from kwslib.files import sha256_of_file, write_beside
from kwslib.models.checkpoint import PUBLISHED, NetworkInfo, load
from kwslib.records import Record, machine_name, read_records, select, write_records
from kwslib.training.fit import Epoch, Fitted, score

VERSION = 1
"""Raised by hand when the same data, model and settings can give other records."""

HARDEST = 12
"""How many of the hardest test clips a study keeps."""


@dataclass(frozen=True)
class Study:
    """What was found about one network, task and seed, as the records that say it."""

    records: tuple[Record, ...]

    def value(self, metric: str, **wanted: Any) -> Any:
        """The value of the only record of ``metric`` with the wanted facts."""
        return self.record(metric, **wanted).value

    def record(self, metric: str, **wanted: Any) -> Record:
        """The only record of ``metric`` with the wanted facts.

        Raises:
            ValueError: there is none, or there are several.
        """
        (record,) = select(self.records, metric, **wanted)
        return record

    @property
    def subject(self) -> Mapping[str, Any]:
        """Model, task, recipe, seed and hash of the checkpoint."""
        return self.record("history").subject

    @property
    def dataset_name(self) -> str:
        """What the data are called."""
        return self.record("history").data["name"]

    @property
    def labels(self) -> list[str]:
        """Names of the labels."""
        return list(self.subject["labels"])

    @property
    def counts(self) -> dict[str, int]:
        """Clips in each split."""
        return {split: sum(labels.values()) for split, labels in self.value("clips").items()}

    @cached_property
    def history(self) -> list[Epoch]:
        """What each epoch gave."""
        return [Epoch(**entry) for entry in self.value("history")]

    @property
    def best(self) -> Epoch:
        """The epoch whose weights were kept."""
        return self.history[self.subject["best_epoch"] - 1]


def study_of(fitted: Fitted, dataset: Dataset) -> Study:
    """Score a fitted network on all splits and put what was found into records."""
    info, history = fitted.info, [asdict(epoch) for epoch in fitted.history]
    subject = {
        "model": info.model,
        "labels": list(info.labels),
        "task": dataset.task.name,
        "recipe": info.training["recipe"],
        "seed": info.training["seed"],
        "best_epoch": info.training["best"]["number"],
        "checkpoint": sha256_of_file(fitted.checkpoint),
    }

    def record(metric: str, value: Any, unit: str, split: str = "", **more: Any) -> Record:
        where = {**dataset.identity(), "split": split} if split else dataset.identity()
        facts = {"machine": machine_name(), "version": VERSION, **more}
        return Record(metric, value, unit, "measured", subject, where, **facts)

    records = [
        record("clips", dataset.per_label(), "clips"),
        record("speakers", dataset.speakers(), "speakers"),
        record("history", history, "per epoch"),
        record("training_time", fitted.seconds, "s"),
    ]
    for split in SPLITS:
        result = score(fitted.network, dataset, split)
        records += [
            record("accuracy", result.accuracy, "fraction", split, interval=result.interval),
            record("per_label", result.per_label(), "fraction", split),
            record("confusion", result.confusion.tolist(), "clips", split),
            record("hardest", hardest_clips(result), "probability", split),
        ]
    return Study(tuple(records))


def hardest_clips(result: Evaluation) -> list[dict[str, Any]]:
    """The clips that the network got most wrong: name, label, prediction and both scores."""
    return [
        {
            "clip": result.names[i],
            "label": result.labels[result.truth[i]],
            "predicted": result.labels[result.predicted[i]],
            "score": round(float(result.scores[i, result.truth[i]]), 4),
            "predicted_score": round(float(result.scores[i].max()), 4),
        }
        for i in result.hardest(HARDEST)
    ]


def published_paths(model: str, task: Task, folder: Path = PUBLISHED) -> tuple[Path, Path]:
    """Where the checkpoint and the records of a published network lie."""
    stem = f"{model}-{task.name}"
    return folder / f"{stem}.safetensors", folder / f"{stem}.json"


def published(model: str, task: Task, folder: Path = PUBLISHED) -> list[Study]:
    """The published studies of a network and task, one a seed, lowest seed first.

    Raises:
        InputError: none is published.
    """
    path = published_paths(model, task, folder)[1]
    if not path.exists():
        raise InputError(
            f"no published run of {model} on {','.join(task.keywords)}; "
            "name a data folder to train it, or leave the parameters as they are"
        )
    return studies_in(path)


def studies_in(path: Path) -> list[Study]:
    """The studies in a file of records, one a seed, lowest seed first."""
    records = read_records(path)
    seeds = sorted({record.subject["seed"] for record in records})
    return [Study(tuple(r for r in records if r.subject["seed"] == seed)) for seed in seeds]


def published_network(model: str, task: Task, folder: Path = PUBLISHED) -> tuple[Any, NetworkInfo]:
    """The published weights of the lowest seed."""
    return load(published_paths(model, task, folder)[0])


def write_published(
    checkpoint: Path, studies: Sequence[Study], model: str, task: Task, folder: Path = PUBLISHED
) -> Path:
    """Write weights and records where published ones lie.

    Args:
        checkpoint: the weights of the first study.
        studies: one a seed.
        model: name in the registry.
        task: that was learned.
        folder: takes both.

    Returns:
        The file of records.
    """
    weights, records = published_paths(model, task, folder)
    with write_beside(weights) as temporary:
        shutil.copyfile(checkpoint, temporary)
    write_records(records, [record for study in studies for record in study.records])
    return records
