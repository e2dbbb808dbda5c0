"""A trained network trained on, while something is done to it: quantized, or pruned."""

from collections.abc import Sequence

from torch import nn

from kwslib.data.dataset import Dataset, Examples
from kwslib.features.threads import one_thread
from kwslib.training.passes import Hooks, Training, optimizer_for, preparation, train_pass
from kwslib.training.predict import predictor
from kwslib.training.recipe import Recipe
from kwslib.training.stock import stock_of


def tune(
    network: nn.Module,
    dataset: Dataset,
    recipe: Recipe,
    seed: int,
    *,
    hooks: Sequence[Hooks] = (),
    rates_by_inputs: bool = False,
    first: int = 0,
    keep_from: int = 0,
) -> float:
    """Train a network on, and leave it with the weights of its best pass, ready to evaluate.

    Args:
        network: images in 0 to 1 to logits; it is changed.
        dataset: the task and its clips.
        recipe: how to train, from the labels alone. Averaging plays no part: what hooks hold, such
            as zeros, holds of the weights themselves and not of a mean of earlier ones.
        seed: of the order of clips, augmentation and dropout.
        hooks: what is done around each step.
        rates_by_inputs: as of :func:`kwslib.training.passes.optimizer_for`.
        first: pass of the recipe to begin with, from 0: the learning rate is then that of a
            training which has come so far.
        keep_from: pass whose weights are the first that may be kept.

    Returns:
        The best accuracy on validation; of two passes with the same, the later was kept.
    """
    stock, validation = stock_of(dataset, recipe), dataset.examples("validation")
    optimizer = optimizer_for(network, recipe, rates_by_inputs=rates_by_inputs)
    prepare = preparation(dataset, recipe)
    run = Training(network, optimizer, stock, prepare, recipe, seed, hooks)
    best, kept = -1.0, network.state_dict()
    with one_thread():
        for number in range(first, recipe.epochs):
            train_pass(run, number)
            accuracy = accuracy_on(network, validation)
            if number >= keep_from and accuracy >= best:
                best = accuracy
                kept = {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(kept)
    network.eval()
    return best


def accuracy_on(network: nn.Module, examples: Examples) -> float:
    """Share of the clips that a network tells right."""
    return float((predictor(network)(examples.deployed).argmax(1) == examples.labels).mean())
