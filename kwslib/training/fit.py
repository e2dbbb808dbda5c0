"""Fit a network to a task: one pass after another, each kept, so that a kill costs one at most.

All randomness of an epoch derives from the seed and the epoch's number, which makes a resumed
run equal to one that was never interrupted.
"""

import copy
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import convert_conv2d_weight_memory_format
from tqdm import tqdm

from kwslib import models
from kwslib.data.dataset import Dataset, Examples
from kwslib.data.task import Split
from kwslib.errors import InputError
from kwslib.evaluation.accuracy import Evaluation, evaluate_split
from kwslib.features.threads import one_thread
from kwslib.files import sha256_of_sources, sha256_of_text, write_json
from kwslib.folders import cache_folder, lock_folder
from kwslib.models.checkpoint import NetworkInfo, load, load_tensors, save, save_tensors
from kwslib.models.standardise import Standardised, pixel_statistics
from kwslib.training.passes import (
    FirstOutputs,
    Hooks,
    Training,
    Words,
    first_outputs,
    optimizer_for,
    preparation,
    train_pass,
    words_of,
)
from kwslib.training.predict import predictor
from kwslib.training.recipe import Recipe
from kwslib.training.sampling import stock_of


class Average(Hooks):
    """Follows a network's weights, and BatchNorm's statistics among them, step by step.

    Attributes:
        network: the average, a network like the other.
    """

    def __init__(self, network: Standardised, decay: float) -> None:
        """Begin with the weights of ``network`` as they are.

        Args:
            network: what learns.
            decay: of the average, from 0 to below 1; see :func:`decay_at`.
        """
        self.network = copy.deepcopy(network)
        self._learning, self._decay, self._step = network, decay, 0

    def before_step(self, step: int, steps: int) -> None:
        """Know which step it is."""
        self._step = step

    @torch.no_grad()
    def after_step(self) -> None:
        """Move towards the new weights; BatchNorm's count of steps is taken as it is."""
        share = 1 - decay_at(self._decay, self._step)
        means, news = self.network.state_dict(), self._learning.state_dict()
        for mean, new in zip(means.values(), news.values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(new, share)
            else:
                mean.copy_(new)


def decay_at(decay: float, step: int) -> float:
    """Decay of the moving average at ``step``, from 0: at first the mean of about all steps."""
    return min(decay, (1 + step) / (10 + step))


class Run:
    """A network that learns, its optimizer, and the moving average of its weights.

    Attributes:
        network: what is trained.
        average: of its weights, where the recipe asks for one.
        optimizer: of :func:`kwslib.training.passes.optimizer_for`.
    """

    def __init__(self, network: Standardised, recipe: Recipe) -> None:
        """Begin with the weights of ``network`` as they are.

        They are laid out channels last, in which convolutions of few channels train in two thirds
        of the time.
        """
        convert_conv2d_weight_memory_format(network, torch.channels_last)
        self.network = network
        self.average = Average(network, recipe.averaging) if recipe.averaging else None
        self.optimizer = optimizer_for(network, recipe, rates_by_inputs=True)

    @property
    def hooks(self) -> Sequence[Hooks]:
        """What is done around each step of a pass."""
        return () if self.average is None else (self.average,)

    @property
    def result(self) -> Standardised:
        """What is validated and kept: the average where there is one."""
        return self.network if self.average is None else self.average.network

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Everything that another run needs to go on from here, by name."""
        for name, tensor in self.network.state_dict().items():
            yield f"network.{name}", tensor
        if self.average is not None:
            for name, tensor in self.average.network.state_dict().items():
                yield f"average.{name}", tensor
        for index, moments in self.optimizer.state_dict()["state"].items():
            for name, tensor in moments.items():
                yield f"optimizer.{index}.{name}", tensor

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Go on from what :meth:`tensors` gave."""
        parts: dict[str, dict[str, Tensor]] = {"network": {}, "average": {}, "optimizer": {}}
        for name, tensor in tensors.items():
            part, _, rest = name.partition(".")
            parts[part][rest] = tensor
        self.network.load_state_dict(parts["network"])
        if self.average is not None:
            self.average.network.load_state_dict(parts["average"])
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in parts["optimizer"].items():
            index, _, moment = name.partition(".")
            moments.setdefault(int(index), {})[moment] = tensor
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": moments})


BEST, LAST, HISTORY = "best.safetensors", "last.safetensors", "history.json"

_TRAIN_NOTHING = [f"training/{name}.py" for name in ("recipe", "study", "comparison")]


@dataclass(frozen=True)
class Epoch:
    """What one pass gave. Losses are cross-entropies in nats, accuracies fractions.

    ``training_*`` are taken while the network learns, with dropout and augmentation;
    ``validation_*`` after the pass, without either.
    """

    number: int
    training_loss: float
    training_accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class Fitted:
    """The outcome of a fit.

    Attributes:
        network: with the weights of the best epoch, ready to evaluate.
        info: what the checkpoint says of it.
        history: one entry an epoch.
        checkpoint: path of the best weights.
    """

    network: nn.Module
    info: NetworkInfo
    history: list[Epoch]
    checkpoint: Path

    @property
    def best(self) -> Epoch:
        """The epoch whose weights were kept: highest validation accuracy, then lowest loss."""
        return min(self.history, key=_rank)

    @property
    def seconds(self) -> float:
        """Time spent training, all epochs together."""
        return sum(epoch.seconds for epoch in self.history)


def _rank(epoch: Epoch) -> tuple[float, float]:
    return (-epoch.validation_accuracy, epoch.validation_loss)


def fit(
    model: str,
    dataset: Dataset,
    recipe: Recipe,
    seed: int,
    folder: Path | str,
    progress: bool = True,
    wait: bool = False,
) -> Fitted:
    """Train a network; resume where an interrupted run in ``folder`` stopped.

    Args:
        model: name in the registry.
        dataset: the task and its clips.
        recipe: how to train.
        seed: of the initial weights, the order of clips, augmentation and dropout.
        folder: takes ``best.safetensors``, ``last.safetensors`` and, to be read while the run
            goes on, ``history.json``.
        progress: show a bar on standard error.
        wait: for another process that trains in ``folder``, and go on from there.

    Returns:
        The network with the best validation accuracy, and its history.

    Raises:
        InputError: ``folder`` holds a run with other settings, or another process trains there
            and ``wait`` is false, or a keyword has no clips in a split.
    """
    dataset.check_complete()
    with lock_folder(folder, wait):
        return _fit(model, dataset, recipe, seed, Path(folder), progress)


def _fit(
    model: str, dataset: Dataset, recipe: Recipe, seed: int, folder: Path, progress: bool
) -> Fitted:
    settings = _settings(model, dataset, recipe, seed)
    validation, stock = dataset.examples("validation"), stock_of(dataset, recipe)
    words = words_of(stock.examples.names) if recipe.words_weight else None
    run = Run(_beginning(model, dataset, seed, words), recipe)
    history = _resume(run, folder / LAST, settings)
    first = len(history)
    steps = Training(
        run.network, run.optimizer, stock, preparation(dataset, recipe), recipe, seed,
        hooks=run.hooks, words=words,
    )  # fmt: skip
    deployed = FirstOutputs(run.result, len(dataset.task.labels))
    with (
        one_thread(),
        tqdm(
            total=recipe.epochs, initial=first, desc=model, unit="epoch", disable=not progress
        ) as bar,
    ):
        for number in range(first, recipe.epochs):
            epoch = _epoch(steps, number, deployed, validation)
            history.append(epoch)
            _keep(run, history, folder, settings, dataset)
            bar.set_postfix(validation=f"{epoch.validation_accuracy:.3f}", refresh=False)
            bar.update()
    best, info = load(folder / BEST)
    return Fitted(best, info, history, folder / BEST)


def fitted(model: str, dataset: Dataset, recipe: Recipe, seed: int) -> Fitted:
    """A network trained now, or by an earlier call of the same code; it is kept in the cache."""
    parts = code_of_training(), repr(recipe), dataset.source.identity(), repr(dataset.task)
    folder = cache_folder("published", sha256_of_text(*parts)[:16], f"{model}-seed{seed}")
    return fit(model, dataset, recipe, seed, folder, wait=True)


def code_of_training() -> str:
    """Hash of the sources that decide how a network comes out, but for the recipes.

    What is left out of :mod:`kwslib.training` scores, compares or shows. Settings are data, which
    whoever keeps a network keeps beside it.
    """
    return sha256_of_sources(
        "config.py", "data", "features", "models", "training", without=_TRAIN_NOTHING
    )


def _beginning(model: str, dataset: Dataset, seed: int, words: Words | None) -> Standardised:
    """A network that has learned nothing yet."""
    torch.manual_seed(seed)
    outputs = len(dataset.task.labels) + (len(words.names) if words else 0)
    network = models.create(model, outputs)
    statistics = pixel_statistics(torch.from_numpy(dataset.examples("training").images))
    return Standardised(network, *statistics)


def _settings(model: str, dataset: Dataset, recipe: Recipe, seed: int) -> dict[str, Any]:
    return {
        "model": model,
        "labels": list(dataset.task.labels),
        "task": dataset.task.as_json(),
        "data": dataset.identity(),
        "recipe": recipe.as_json(),
        "seed": seed,
    }


def _epoch(steps: Training, number: int, result: nn.Module, validation: Examples) -> Epoch:
    """One pass over the training clips and one look at the validation clips."""
    began = time.perf_counter()
    learned = train_pass(steps, number)
    validation_loss, validation_accuracy = _validate(result, validation)
    return Epoch(
        number=number + 1,
        training_loss=learned.loss,
        training_accuracy=learned.accuracy,
        validation_loss=validation_loss,
        validation_accuracy=validation_accuracy,
        learning_rate=learned.learning_rate,
        seconds=time.perf_counter() - began,
    )


def _validate(network: nn.Module, examples: Examples) -> tuple[float, float]:
    """Cross-entropy and accuracy on fixed clips."""
    scores = torch.from_numpy(predictor(network)(examples.deployed))
    labels = torch.from_numpy(examples.labels)
    loss = F.nll_loss(scores.clamp_min(1e-12).log(), labels).item()
    return loss, (scores.argmax(1) == labels).float().mean().item()


def _keep(
    run: Run,
    history: Sequence[Epoch],
    folder: Path,
    settings: Mapping[str, Any],
    dataset: Dataset,
) -> None:
    """Save the state, and the weights apart if they are the best so far.

    The best weights are written first: a kill between the two files then repeats an epoch and
    writes the same weights again.
    """
    epoch = history[-1]
    if min(history, key=_rank) is epoch:
        training = {**settings, "best": asdict(epoch)}
        info = NetworkInfo(settings["model"], dataset.task.labels, training)
        smaller = models.create(info.model, len(info.labels)).state_dict()
        save(folder / BEST, first_outputs(run.result.folded(), smaller), info)
    entries = [asdict(each) for each in history]
    write_json(folder / HISTORY, entries)
    save_tensors(folder / LAST, dict(run.tensors()), {"settings": settings, "history": entries})


def _resume(run: Run, path: Path, settings: Mapping[str, Any]) -> list[Epoch]:
    """Continue the run saved at ``path``, if there is one; what its passes gave."""
    if not path.exists():
        return []
    tensors, facts = load_tensors(path)
    if facts.get("settings") != json.loads(json.dumps(settings)):
        raise InputError(
            f"{path}: holds a run with other settings; name another folder with --out, "
            "or remove it to start anew"
        )
    run.load(tensors)
    return [Epoch(**entry) for entry in facts["history"]]


def score(network: nn.Module, dataset: Dataset, split: Split) -> Evaluation:
    """Evaluate a PyTorch network on a split of its data set."""
    return evaluate_split(predictor(network), dataset, split)
