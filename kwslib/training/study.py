"""A study: a network trained on a task and everything the report says about it, as records.

A study is made by a run, written to ``measurements/published/`` and read back, so that a page
draws a live run and the published one by the same code.

What a chapter shows of training is a run made now, the published one, or both: its findings.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import nn

from kwslib.data.dataset import Dataset, open_source
from kwslib.data.source import Source
from kwslib.data.task import SILENCE, SPLITS, Task
from kwslib.errors import InputError
from kwslib.evaluation.accuracy import Evaluation
from kwslib.files import sha256_of_file, write_beside
from kwslib.models.checkpoint import PUBLISHED, NetworkInfo, load
from kwslib.records import Record, machine_name, read_records, select, write_records
from kwslib.training.fit import Epoch, Fitted, fitted, score
from kwslib.training.recipe import Recipe, recipe_for

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


_OF_TRAINING = ("history", "training_time")

DEMO_EPOCHS = 15
"""Enough for embedded speech, which is easier than people are, and quick."""


@dataclass(frozen=True)
class Findings:
    """What there is to show.

    Attributes:
        study: the subject of the page: a run made now, or a published one.
        origin: whether ``study`` was trained now, or is the published one, scored now or not.
        published: all published studies of the same network and task, one a seed.
        dataset: the data of ``study``; None where they are not at hand.
        network: that of ``study``, ready to evaluate; None where it was only read about.
        sounds: a source whose clips can be heard.
    """

    study: Study
    origin: Literal["trained", "scored", "published"]
    published: Sequence[Study]
    dataset: Dataset | None
    network: nn.Module | None
    sounds: Source

    @property
    def live(self) -> tuple[nn.Module, Dataset] | None:
        """The network and its data, where both are at hand."""
        if self.network is None or self.dataset is None:
            return None
        return self.network, self.dataset

    @property
    def run(self) -> str:
        """What the charts call ``study``."""
        return "this run" if self.origin == "trained" else "published run"

    def hear(self, clip: str) -> NDArray[np.int16]:
        """A test clip as sound, int16 ``[16000]``.

        Where the clip itself cannot be had, embedded speech says its word.
        """
        if self.dataset is None or self.dataset.source is not self.sounds:
            word = clip.split("/")[0]
            if word == SILENCE:
                (clip,) = self.sounds.silence_clips("testing", 1)
            else:
                clip = self.sounds.keyword_clips(word, "testing")[0]
        return self.sounds.audio([clip])[0]

    def examples(self) -> dict[str, str]:
        """The name of a test clip of each label, to be heard with :meth:`hear`."""
        task = Task.of(self.study.labels[2:])
        dataset = self.dataset or Dataset(self.sounds, task)
        labels = dataset.labels("testing")
        return {
            label: dataset.names["testing"][int(np.argmax(labels == index))]
            for index, label in enumerate(task.labels)
        }


def findings(
    profile: str, data: str, model: str, keywords: str, epochs: int, seed: int,
    folder: Path = PUBLISHED,
) -> Findings:  # fmt: skip
    """Train, or take the published run, as the profile and the parameters ask.

    The profile ``full`` without a data folder shows the published run. With a data folder it
    takes the published weights if they were trained with these very settings, and scores them
    now; otherwise, and in ``demo``, it trains now.

    Args:
        profile: ``"demo"`` or ``"full"``.
        data: folder of Speech Commands, or empty.
        model: name in the registry.
        keywords: comma-separated.
        epochs: passes over the clips; 0 for the recipe's own, or a few in ``demo``.
        seed: of the training.
        folder: where published networks lie.

    Raises:
        InputError: ``full`` without data, and no published run has these settings.
    """
    task = Task.of(keywords)
    if profile == "demo" and not epochs:
        epochs = DEMO_EPOCHS
    recipe = recipe_for(model, epochs=epochs or None)
    is_published = published_paths(model, task, folder)[1].exists()
    known = published(model, task, folder) if is_published else []
    study = _with_settings(known, recipe, seed)
    if profile == "full" and not data:
        if study is None:
            raise InputError(
                f"no published run of {model} on {keywords} has these settings; name a data "
                "folder with --data to train it, or leave the parameters as they are"
            )
        return Findings(study, "published", known, None, None, open_source(None))
    dataset = Dataset(open_source(data), task)
    origin: Literal["trained", "scored"]
    # the weights of the lowest seed alone are published
    if profile == "full" and study and study is known[0] and _same_data(study, dataset):
        study, network = _scored_again(study, model, dataset, folder)
        origin = "scored"
    else:
        run = fitted(model, dataset, recipe, seed)
        study, network = study_of(run, dataset), run.network
        origin = "trained"
    sounds = dataset.source if dataset.source.has_audio("testing") else open_source(None)
    return Findings(study, origin, known, dataset, network, sounds)


def _same_data(study: Study, dataset: Dataset) -> bool:
    return study.record("history").data["hash"] == dataset.identity()["hash"]


def _with_settings(studies: Sequence[Study], recipe: Recipe, seed: int) -> Study | None:
    for study in studies:
        if study.subject["seed"] == seed and Recipe.from_json(study.subject["recipe"]) == recipe:
            return study
    return None


def _scored_again(
    study: Study, model: str, dataset: Dataset, folder: Path
) -> tuple[Study, nn.Module]:
    """The published weights scored now; how they were trained stays as the records know it."""
    checkpoint = published_paths(model, dataset.task, folder)[0]
    network, info = load(checkpoint)
    scored = study_of(Fitted(network, info, study.history, checkpoint), dataset)
    trained = [record for record in study.records if record.metric in _OF_TRAINING]
    rest = [record for record in scored.records if record.metric not in _OF_TRAINING]
    return Study((*trained, *rest)), network
