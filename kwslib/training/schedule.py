"""The learning rate over the steps of a training."""

import math

from kwslib.training.recipe import Recipe


def learning_rate_at(recipe: Recipe, step: int, steps: int) -> float:
    """Learning rate of ``step`` (from 0) of ``steps``: one cycle, cosine up and down.

    It rises from a 25th of the highest rate and falls to a 10,000th of the start.

    Source: Smith and Topin, "Super-convergence", arXiv:1708.07120.
    """
    start, end = recipe.learning_rate / 25, recipe.learning_rate / 250_000
    rising = max(round(recipe.warm_up * steps), 1)
    if step < rising:
        return _cosine(start, recipe.learning_rate, step / rising)
    return _cosine(recipe.learning_rate, end, (step - rising) / max(steps - rising - 1, 1))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(share, 1.0))) / 2
