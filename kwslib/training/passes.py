"""A pass over the training clips, the same for a first training and for one that goes on.

All randomness of a pass derives from the seed and the pass's number.

Beside a task's own lesson a network can learn to tell all words of the data apart. What a task
calls unknown is many words, and their names say more of how words differ than that one label does.
While a network learns, its last layer has an output for each word after those of the labels; what
is validated and kept goes without them.

Source: Caruana, "Multitask Learning", Machine Learning 28, 1997.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kwslib.data.augment import ImageAugmenter, noise_recordings
from kwslib.data.dataset import Dataset, Examples
from kwslib.data.task import SILENCE
from kwslib.features.threads import one_thread
from kwslib.training.predict import predictor, to_input
from kwslib.training.recipe import Recipe
from kwslib.training.sampling import Stock, stock_of

_SILENT = -1


@dataclass(frozen=True)
class Words:
    """The words of some clips.

    Attributes:
        names: each word once, in alphabetical order.
        said: place in ``names`` of each clip's word, int64 ``[clips]``; -1 of silence.
    """

    names: tuple[str, ...]
    said: Tensor

    def loss(self, logits: Tensor, clips: Tensor) -> Tensor:
        """Mean cross-entropy in nats, where silence adds nothing.

        Args:
            logits: of the words, ``[n, words]``.
            clips: places in :attr:`said`, ``[n]``.
        """
        wanted = self.said[clips]
        return F.cross_entropy(logits, wanted, ignore_index=_SILENT, reduction="sum") / len(clips)


def words_of(clips: Sequence[str]) -> Words:
    """The words of clips that are called ``word/file``."""
    words = [clip.split("/")[0] for clip in clips]
    names = sorted(set(words) - {SILENCE})
    places = {SILENCE: _SILENT} | {name: place for place, name in enumerate(names)}
    return Words(tuple(names), torch.tensor([places[word] for word in words]))


class FirstOutputs(nn.Module):
    """The first outputs of a network: the labels', without the words'."""

    def __init__(self, network: nn.Module, count: int) -> None:
        super().__init__()
        self.network, self.count = network, count

    def forward(self, x: Tensor) -> Tensor:
        """Input of the network to logits ``[n, count]``."""
        return self.network(x)[:, : self.count]


def first_outputs(state: Mapping[str, Tensor], smaller: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a network, of which the last layer keeps its first outputs alone.

    Args:
        state: of the network.
        smaller: of a network of the same kind with fewer outputs.
    """
    return {
        name: tensor if tensor.shape == smaller[name].shape else tensor[: len(smaller[name])]
        for name, tensor in state.items()
    }


Batches = Callable[[Tensor, torch.Generator], Tensor]
"""Training images uint8 ``[n, 98, 40]`` to deployed ones, ``[n, 49, 40]``."""


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
        stock: of :func:`kwslib.training.sampling.stock_of`; the training clips.
        prepare: of :func:`preparation`.
        recipe: how to train.
        seed: of the order of clips, augmentation and dropout.
        hooks: what is done around each step, in this order.
        words: of the stock's clips, where they are learned too; the network's logits are then
            those of the labels and, after them, of these.
    """

    network: nn.Module
    optimizer: torch.optim.AdamW
    stock: Stock
    prepare: Batches
    recipe: Recipe
    seed: int
    hooks: Sequence[Hooks] = ()
    words: Words | None = None


@dataclass(frozen=True)
class Pass:
    """What a pass over the training clips gave.

    Attributes:
        loss: mean over the clips, in nats.
        accuracy: share of the clips, varied as they were, that were told right.
        learning_rate: of the last step.
    """

    loss: float
    accuracy: float
    learning_rate: float


def optimizer_for(
    network: nn.Module, recipe: Recipe, *, rates_by_inputs: bool
) -> torch.optim.AdamW:
    """AdamW with a group for each rate and decay; both follow from a parameter's shape.

    Args:
        network: whose parameters.
        recipe: rates, momenta and decay.
        rates_by_inputs: whether layers of many inputs learn at the lower rate that
            ``Recipe.full_rate_inputs`` tells of.
    """
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for parameter in network.parameters():
        scale = _rate_scale(parameter, recipe) if rates_by_inputs else 1.0
        decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((scale, decay), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": parameters, "scale": scale, "weight_decay": decay}
            for (scale, decay), parameters in groups.items()
        ],
        lr=recipe.learning_rate,
        betas=recipe.momenta,
        foreach=True,  # one call for all parameters of a group: networks of many small layers
    )


def _rate_scale(parameter: Tensor, recipe: Recipe) -> float:
    """Lower where a unit's inputs, the product of all axes but the first, are many."""
    inputs = parameter[0].numel() if parameter.ndim > 1 else 1
    return min(recipe.full_rate_inputs / max(inputs, 1), 1.0)


def preparation(dataset: Dataset, recipe: Recipe) -> Batches:
    """How a batch of training images (10 ms a frame) becomes deployed images, augmented or not."""
    if recipe.augmentation is None:
        return lambda images, generator: images[:, ::2]
    return ImageAugmenter(noise_recordings(dataset.source), recipe.augmentation)


def train_pass(training: Training, number: int) -> Pass:
    """Learn from the clips of a pass once, in an order of its own: the steps of pass ``number``,
    from 0.
    """
    recipe = training.recipe
    pass_seed = training.seed * 1_000_003 + number
    generator = torch.Generator().manual_seed(pass_seed)
    torch.manual_seed(pass_seed)  # dropout draws from the global generator
    images = torch.from_numpy(training.stock.examples.images)
    labels = torch.from_numpy(training.stock.examples.labels)
    clips = training.stock.draw(generator)
    batches = clips.split(recipe.batch)
    steps = recipe.epochs * len(batches)
    training.network.train()
    total, correct = 0.0, 0
    for step, batch in enumerate(batches, number * len(batches)):
        for hooks in training.hooks:
            hooks.before_step(step, steps)
        seen = to_input(training.prepare(images[batch], generator))
        logits, loss = _logits_and_loss(training, seen, labels, batch)
        _step(training, loss, learning_rate_at(recipe, step, steps))
        total += loss.item() * len(batch)
        correct += int((logits.argmax(1) == labels[batch]).sum())
    last = learning_rate_at(recipe, (number + 1) * len(batches) - 1, steps)
    return Pass(total / len(clips), correct / len(clips), last)


def _logits_and_loss(
    training: Training, seen: Tensor, labels: Tensor, batch: Tensor
) -> tuple[Tensor, Tensor]:
    """Logits of the labels, ``[n, labels]``, and the loss of a batch in nats, the words' part in
    it.
    """
    logits, words = training.network(seen), training.words
    if words is None:
        return logits, _loss(training, logits, labels[batch])
    own = logits.shape[1] - len(words.names)
    loss = _loss(training, logits[:, :own], labels[batch])
    told_apart = words.loss(logits[:, own:], batch)
    return logits[:, :own], loss + training.recipe.words_weight * told_apart


def _loss(training: Training, logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the labels in nats, as if a pass had the task's own shares of clips."""
    shown = logits + training.stock.log_shares(logits.shape[1])
    return F.cross_entropy(shown, labels, label_smoothing=training.recipe.label_smoothing)


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
        rates_by_inputs: as of :func:`optimizer_for`.
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
