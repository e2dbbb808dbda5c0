"""How many clips a second each network learns from, and what share of the time is not its own."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch.nn import functional as F

from kwslib import models
from kwslib.config import TRAINING
from kwslib.data.augment import Augmentation, ImageAugmenter
from kwslib.data.dataset import Examples
from kwslib.features.threads import one_thread
from kwslib.models.standardise import Standardised
from kwslib.studies.bench.registry import Row, benchmark, median_seconds
from kwslib.training.fit import Run
from kwslib.training.passes import Training, train_pass
from kwslib.training.predict import to_input
from kwslib.training.recipe import Recipe, recipe_for
from kwslib.training.sampling import Stock

_BATCHES = 8
_LABELS = 4


@benchmark
def training() -> Sequence[Row]:
    """Each network by its recipe, on images of noise."""
    return [_row(name) for name in models.names()]


def _row(name: str) -> Row:
    """The second of two passes, as training makes them, and as many batches through the network
    and back.
    """
    recipe = recipe_for(name)
    count = _BATCHES * recipe.batch
    clips = _clips(count)
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


def _clips(count: int) -> Examples:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, TRAINING.frames, TRAINING.bands)).astype(np.uint8)
    return Examples(("",) * count, random.integers(0, _LABELS, count), images)


def _run(name: str, recipe: Recipe) -> Run:
    return Run(Standardised(models.create(name, _LABELS), 0.5, 0.2), recipe)
