"""How many clips a second each network learns from, and what share of the time is not its own."""

import time
from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F

from kwslib import models
from kwslib.config import TRAINING
from kwslib.data.augment import Augmentation, ImageAugmenter
from kwslib.data.dataset import Examples
from kwslib.features.threads import one_thread
from kwslib.models.standardise import Standardised
from kwslib.studies.bench.registry import Row, benchmark
from kwslib.training.passes import Training, train_pass
from kwslib.training.predict import to_input
from kwslib.training.recipe import Recipe, recipe_for
from kwslib.training.run import Run
from kwslib.training.stock import Stock

_BATCHES = 8
_LABELS = 4


@benchmark
def training() -> Sequence[Row]:
    """Each network by its recipe, on images of noise."""
    return [_row(name) for name in models.names()]


def _row(name: str) -> Row:
    recipe = recipe_for(name)
    with one_thread():
        whole = _seconds_of_a_pass(name, recipe)
        network = _seconds_of_the_network(name, recipe)
    clips = _BATCHES * recipe.batch
    return Row(
        f"training {name}",
        clips / whole,
        "clips/s",
        f"batch {recipe.batch}, one thread, {1 - min(network / whole, 1):.0%} of the time "
        "outside the network (augmentation, optimizer, average)",
    )


def _clips(recipe: Recipe) -> Examples:
    random = np.random.default_rng(0)
    count = _BATCHES * recipe.batch
    images = random.integers(0, 256, (count, TRAINING.frames, TRAINING.bands)).astype(np.uint8)
    return Examples(("",) * count, random.integers(0, _LABELS, count), images)


def _run(name: str, recipe: Recipe) -> Run:
    return Run(Standardised(models.create(name, _LABELS), 0.5, 0.2), recipe)


def _seconds_of_a_pass(name: str, recipe: Recipe) -> float:
    """The better of two passes, as training makes them."""
    noise = {"white": np.random.default_rng(1).normal(0, 500, 160_000).astype(np.int16)}
    prepare = ImageAugmenter(noise, recipe.augmentation or Augmentation())
    run = _run(name, recipe)
    steps = Training(
        run.network, run.optimizer, Stock(_clips(recipe), {}), prepare, recipe, 0, hooks=run.hooks
    )
    seconds = []
    for number in range(2):
        start = time.perf_counter()
        train_pass(steps, number)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _seconds_of_the_network(name: str, recipe: Recipe) -> float:
    """As many batches through the network and back, the better of two times."""
    network = _run(name, recipe).network.train()
    clips = _clips(recipe)
    batch = to_input(torch.from_numpy(clips.deployed[: recipe.batch]))
    wanted = torch.from_numpy(clips.labels[: recipe.batch])
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        for _ in range(_BATCHES):
            F.cross_entropy(network(batch), wanted).backward()
        seconds.append(time.perf_counter() - start)
    return min(seconds)
