"""A pass over the training clips, the same for a first training and for one that goes on.

All randomness of a pass derives from the seed and the pass's number.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kwslib.data.augment import ImageAugmenter, noise_recordings
from kwslib.data.dataset import Dataset, Examples
from kwslib.training.predict import to_input
from kwslib.training.recipe import Recipe

Batches = Callable[[Tensor, torch.Generator], Tensor]


class Hooks:
    """What is done around each step of a training; nothing but what a subclass says."""

    def before_step(self, step: int, steps: int) -> None:
        """Before step ``step``, from 0, of ``steps``."""

    def after_backward(self) -> None:
        """When the gradients are there, and before they are clipped."""

    def after_step(self) -> None:
        """When the weights have changed."""


@dataclass(frozen=True)
class Training:
    """What the passes of a training share.

    Attributes:
        network: what learns.
        optimizer: of :func:`optimizer_for`.
        examples: the training clips.
        prepare: of :func:`preparation`.
        recipe: how to train.
        seed: of the order of clips, augmentation and dropout.
        hooks: what is done around each step.
    """

    network: nn.Module
    optimizer: torch.optim.AdamW
    examples: Examples
    prepare: Batches
    recipe: Recipe
    seed: int
    hooks: Sequence[Hooks] = ()


def optimizer_for(
    network: nn.Module, recipe: Recipe, *, rates_by_inputs: bool
) -> torch.optim.AdamW:
    """AdamW with a group for each parameter: rate and decay follow from its shape.

    Args:
        network: whose parameters.
        recipe: rates, momenta and decay.
        rates_by_inputs: whether layers of many inputs learn at the lower rate that
            ``Recipe.full_rate_inputs`` tells of.
    """
    groups = [
        {
            "params": [parameter],
            "scale": _rate_scale(parameter, recipe) if rates_by_inputs else 1.0,
            "weight_decay": recipe.weight_decay if parameter.ndim > 1 else 0.0,
        }
        for parameter in network.parameters()
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=recipe.momenta)


def _rate_scale(parameter: Tensor, recipe: Recipe) -> float:
    """Lower where a unit's inputs, the product of all axes but the first, are many."""
    inputs = parameter[0].numel() if parameter.ndim > 1 else 1
    return min(recipe.full_rate_inputs / max(inputs, 1), 1.0)


def preparation(dataset: Dataset, recipe: Recipe) -> Batches:
    """How a batch of training images (10 ms a frame) becomes deployed images, augmented or not."""
    if recipe.augmentation is None:
        return lambda images, generator: images[:, ::2]
    return ImageAugmenter(noise_recordings(dataset.source), recipe.augmentation)


def train_pass(training: Training, number: int) -> tuple[float, int, float]:
    """Take the steps of pass ``number``, from 0.

    Returns:
        Sum of losses, correct clips and the last learning rate.
    """
    recipe, network = training.recipe, training.network
    pass_seed = training.seed * 1_000_003 + number
    generator = torch.Generator().manual_seed(pass_seed)
    torch.manual_seed(pass_seed)  # dropout draws from the global generator
    images = torch.from_numpy(training.examples.images)
    labels = torch.from_numpy(training.examples.labels)
    batches = torch.randperm(len(images), generator=generator).split(recipe.batch)
    steps = recipe.epochs * len(batches)
    network.train()
    total, correct, rate = 0.0, 0, 0.0
    for index, batch in enumerate(batches):
        step = number * len(batches) + index
        rate = recipe.learning_rate_at(step, steps)
        for hooks in training.hooks:
            hooks.before_step(step, steps)
        logits = network(to_input(training.prepare(images[batch], generator)))
        loss = F.cross_entropy(logits, labels[batch], label_smoothing=recipe.label_smoothing)
        _step(training, loss, rate)
        total += loss.item() * len(batch)
        correct += int((logits.argmax(1) == labels[batch]).sum())
    return total, correct, rate


def _step(training: Training, loss: Tensor, rate: float) -> None:
    """Follow the gradient of a batch's loss."""
    optimizer = training.optimizer
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    for hooks in training.hooks:
        hooks.after_backward()
    nn.utils.clip_grad_norm_(training.network.parameters(), training.recipe.gradient_norm)
    optimizer.step()
    for hooks in training.hooks:
        hooks.after_step()
