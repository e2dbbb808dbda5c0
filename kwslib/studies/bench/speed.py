"""How many clips a second the front end processes, and each network learns from."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from kwslib import models
from kwslib.config import CLIP_SAMPLES, DEPLOYED, TRAINING
from kwslib.data.augment import Augmentation, ImageAugmenter
from kwslib.data.dataset import Examples
from kwslib.features.logmel import logmel_images
from kwslib.features.threads import one_thread
from kwslib.features.views import VIEWS, view_of
from kwslib.models.standardise import Standardised
from kwslib.training.fit import Run
from kwslib.training.passes import Training, train_pass
from kwslib.training.predict import to_input
from kwslib.training.recipe import Recipe, recipe_for
from kwslib.training.sampling import Stock

_CLIPS = 500
_BATCHES = 8
_LABELS = 4


@dataclass(frozen=True)
class Row:
    """One figure of a benchmark.

    Attributes:
        what: what was timed.
        value: the figure.
        unit: e.g. ``"clips/s"``.
        how: repetitions, batch, threads: what one needs to time it again.
    """

    what: str
    value: float
    unit: str
    how: str


def median_seconds(action: Callable[[], object], repetitions: int = 5) -> float:
    """Median duration of ``action`` over ``repetitions``, after one that does not count."""
    action()
    durations = []
    for _ in range(repetitions):
        start = time.perf_counter()
        action()
        durations.append(time.perf_counter() - start)
    return statistics.median(durations)


def features() -> Sequence[Row]:
    """Clips a second: deployed image, its 10 ms sister, and every view."""
    clips = _noise()
    how = f"{_CLIPS} clips, one thread, median of 5"
    rows = [
        Row(
            f"log-mel image {config.frames} x {config.bands}",
            _CLIPS / median_seconds(partial(logmel_images, clips, config)),
            "clips/s",
            how,
        )
        for config in (DEPLOYED, TRAINING)
    ]
    rows += [
        Row(
            f"view {kind}",
            _CLIPS / median_seconds(partial(view_of, clips, kind), repetitions=3),
            "clips/s",
            f"{_CLIPS} clips, one thread, median of 3",
        )
        for kind in VIEWS
    ]
    return rows


def _noise() -> NDArray[np.int16]:
    samples = np.random.default_rng(0).normal(0, 1000, (_CLIPS, CLIP_SAMPLES))
    return samples.astype(np.int16)


def training() -> Sequence[Row]:
    """Each network by its recipe, on images of noise."""
    return [_training_of(name) for name in models.names()]


def _training_of(name: str) -> Row:
    """The second of two passes, as training makes them, and as many batches through the network
    and back.
    """
    recipe = recipe_for(name)
    count = _BATCHES * recipe.batch
    clips = _examples(count)
    noise = {"white": np.random.default_rng(1).normal(0, 500, 160_000).astype(np.int16)}
    prepare = ImageAugmenter(noise, recipe.augmentation or Augmentation())
    run = _run(name, recipe)
    steps = Training(
        run.network, run.optimizer, Stock(clips, {}), prepare, recipe, 0, hooks=run.hooks
    )
    network = _run(name, recipe).network.train()
    batch = to_input(torch.from_numpy(clips.deployed[: recipe.batch]))
    wanted = torch.from_numpy(clips.labels[: recipe.batch])

    def learn_alone() -> None:
        for _ in range(_BATCHES):
            F.cross_entropy(network(batch), wanted).backward()

    with one_thread():
        whole = median_seconds(partial(train_pass, steps, 0), 1)
        alone = median_seconds(learn_alone, 1)
    return Row(
        f"training {name}",
        count / whole,
        "clips/s",
        f"batch {recipe.batch}, one thread, {1 - min(alone / whole, 1):.0%} of the time "
        "outside the network (augmentation, optimizer, average)",
    )


def _examples(count: int) -> Examples:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, TRAINING.frames, TRAINING.bands)).astype(np.uint8)
    return Examples(("",) * count, random.integers(0, _LABELS, count), images)


def _run(name: str, recipe: Recipe) -> Run:
    return Run(Standardised(models.create(name, _LABELS), 0.5, 0.2), recipe)
