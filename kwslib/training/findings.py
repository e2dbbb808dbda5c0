"""What a chapter shows of training: a run made now, the published one, or both."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import nn

from kwslib.data.dataset import Dataset, open_source
from kwslib.data.source import Source
from kwslib.data.task import SILENCE, Task
from kwslib.errors import InputError
from kwslib.models.checkpoint import PUBLISHED, load
from kwslib.training.fit import Fitted, fitted
from kwslib.training.recipe import Recipe, recipe_for
from kwslib.training.study import Study, published, published_paths, study_of

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
