"""Fit a network to a task: one pass after another, each kept, so that a kill costs one at most.

All randomness of an epoch derives from the seed and the epoch's number, which makes a resumed
run equal to one that was never interrupted.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from kwslib import models
from kwslib.data.dataset import Dataset, Examples
from kwslib.data.task import Split
from kwslib.errors import InputError
from kwslib.evaluation import Evaluation, evaluate_split
from kwslib.files import write_json
from kwslib.models.checkpoint import NetworkInfo, load, load_tensors, save, save_tensors
from kwslib.models.standardise import Standardised, pixel_statistics
from kwslib.threads import one_thread
from kwslib.training.passes import Batches, Training, optimizer_for, preparation, train_pass
from kwslib.training.predict import predictor
from kwslib.training.recipe import Recipe

BEST, LAST, HISTORY = "best.safetensors", "last.safetensors", "history.json"


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


@dataclass
class _Run:
    """The state of a fit between two epochs."""

    network: Standardised
    optimizer: torch.optim.AdamW
    history: list[Epoch] = field(default_factory=list)


def fit(
    model: str,
    dataset: Dataset,
    recipe: Recipe,
    seed: int,
    folder: Path | str,
    progress: bool = True,
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

    Returns:
        The network with the best validation accuracy, and its history.

    Raises:
        InputError: ``folder`` holds a run with other settings.
    """
    folder = Path(folder)
    settings = _settings(model, dataset, recipe, seed)
    training, validation = dataset.examples("training"), dataset.examples("validation")
    torch.manual_seed(seed)
    network = models.create(model, len(dataset.task.labels))
    mean, deviation = pixel_statistics(torch.from_numpy(training.images))
    run = _start(Standardised(network, mean, deviation), recipe)
    _resume(run, folder / LAST, settings)
    prepare = preparation(dataset, recipe)
    first = len(run.history)
    with (
        one_thread(),
        tqdm(
            total=recipe.epochs, initial=first, desc=model, unit="epoch", disable=not progress
        ) as bar,
    ):
        for number in range(first, recipe.epochs):
            epoch = _epoch(run, number, training, validation, recipe, prepare, seed)
            _keep(run, epoch, folder, settings, dataset)
            bar.set_postfix(validation=f"{epoch.validation_accuracy:.3f}", refresh=False)
            bar.update()
    best, info = load(folder / BEST)
    return Fitted(best, info, run.history, folder / BEST)


def _settings(model: str, dataset: Dataset, recipe: Recipe, seed: int) -> dict[str, Any]:
    return {
        "model": model,
        "labels": list(dataset.task.labels),
        "task": asdict(dataset.task),
        "data": dataset.identity(),
        "recipe": recipe.as_json(),
        "seed": seed,
    }


def _start(network: Standardised, recipe: Recipe) -> _Run:
    """A fit before its first epoch."""
    return _Run(network, optimizer_for(network, recipe, rates_by_inputs=True))


def _epoch(
    run: _Run,
    number: int,
    training: Examples,
    validation: Examples,
    recipe: Recipe,
    prepare: Batches,
    seed: int,
) -> Epoch:
    """One pass over the training clips and one look at the validation clips."""
    began = time.perf_counter()
    steps = Training(run.network, run.optimizer, training, prepare, recipe, seed)
    loss, correct, rate = train_pass(steps, number)
    validation_loss, validation_accuracy = _validate(run.network, validation)
    return Epoch(
        number=number + 1,
        training_loss=loss / len(training),
        training_accuracy=correct / len(training),
        validation_loss=validation_loss,
        validation_accuracy=validation_accuracy,
        learning_rate=rate,
        seconds=time.perf_counter() - began,
    )


def _validate(network: nn.Module, examples: Examples) -> tuple[float, float]:
    """Cross-entropy and accuracy on fixed clips."""
    scores = torch.from_numpy(predictor(network)(examples.deployed))
    labels = torch.from_numpy(examples.labels)
    loss = F.nll_loss(scores.clamp_min(1e-12).log(), labels).item()
    return loss, (scores.argmax(1) == labels).float().mean().item()


def _keep(
    run: _Run, epoch: Epoch, folder: Path, settings: Mapping[str, Any], dataset: Dataset
) -> None:
    """Save the state, and the weights apart if they are the best so far.

    The best weights are written first: a kill between the two files then repeats an epoch and
    writes the same weights again.
    """
    run.history.append(epoch)
    if min(run.history, key=_rank) is epoch:
        training = {**settings, "best": asdict(epoch)}
        info = NetworkInfo(settings["model"], dataset.task.labels, training)
        save(folder / BEST, run.network.folded(), info)
    state = {f"network.{name}": tensor for name, tensor in run.network.state_dict().items()}
    for index, moments in run.optimizer.state_dict()["state"].items():
        state |= {f"optimizer.{index}.{name}": tensor for name, tensor in moments.items()}
    history = [asdict(epoch) for epoch in run.history]
    write_json(folder / HISTORY, history)
    save_tensors(folder / LAST, state, {"settings": settings, "history": history})


def _resume(run: _Run, path: Path, settings: Mapping[str, Any]) -> None:
    """Continue the run saved at ``path``, if there is one."""
    if not path.exists():
        return
    tensors, facts = load_tensors(path)
    if facts.get("settings") != _as_json(settings):
        raise InputError(
            f"{path}: holds a run with other settings; name another folder with --out, "
            "or remove it to start anew"
        )
    weights = {
        name.removeprefix("network."): tensor
        for name, tensor in tensors.items()
        if name.startswith("network.")
    }
    run.network.load_state_dict(weights)
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, moment = name.split(".")
            moments.setdefault(int(index), {})[moment] = tensor
    run.optimizer.load_state_dict({**run.optimizer.state_dict(), "state": moments})
    run.history = [Epoch(**entry) for entry in facts["history"]]


def _as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def score(network: nn.Module, dataset: Dataset, split: Split) -> Evaluation:
    """Evaluate a PyTorch network on a split of its data set."""
    return evaluate_split(predictor(network), dataset, split)
