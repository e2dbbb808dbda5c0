"""A checkpoint made smaller: quantized or pruned, scored beside what it was, and written."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from kwslib.cost import cost_of
from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Split
from kwslib.errors import InputError
from kwslib.evaluation.accuracy import Evaluation, evaluate_split
from kwslib.models import create
from kwslib.models.channels import channels_of, widths_of
from kwslib.models.checkpoint import NetworkInfo, load, save, task_of
from kwslib.network.graph import Graph
from kwslib.network.reference import run
from kwslib.network.writer import write_tflite
from kwslib.prune.finetune import FineTuning
from kwslib.prune.masks import Masks, remaining_cost, zeros_of
from kwslib.prune.methods import (
    USUAL,
    Method,
    check_criterion,
    prune_network,
    remove_channels,
    zero_weights,
)
from kwslib.prune.unstructured import below, check_amount
from kwslib.quantize import qat
from kwslib.quantize.minifloat import Minifloat
from kwslib.quantize.network import QuantizedNetwork, Widths
from kwslib.quantize.quantizers import Number
from kwslib.quantize.to_integers import integers_of
from kwslib.training.predict import predictor
from kwslib.training.recipe import Recipe, recipe_for

_WAYS: Mapping[str, tuple[str, ...]] = {
    "weights": ("amount", "threshold", "mask"),
    "blocks": ("amount",),
    "channels": ("amount", "channels"),
}
"""How much may be said of each method."""


def quantize_checkpoint(
    checkpoint: str,
    method: qat.Method,
    widths: Widths,
    data: str | None,
    *,
    split: Split = "validation",
    seed: int = 0,
    epochs: int | None = None,
    out: Path | None = None,
) -> tuple[QuantizedNetwork, dict[str, Any]]:
    """Quantize a checkpoint, score it beside its floats, and write it as a file if asked.

    Args:
        checkpoint: a path, or the name of a published network.
        method: after training, or within it.
        widths: of weights and activations.
        data: a folder of Speech Commands; embedded speech without it.
        split: that is scored.
        seed: of quantization-aware training.
        epochs: of it; None for the recipe's.
        out: the ``.tflite`` file to write.

    Returns:
        The network with quantizers, and what ``kws quantize --json`` prints.

    Raises:
        InputError: the checkpoint or the data do not suit, or the widths have no such file.
    """
    _check_file(out, widths)
    network, info = load(checkpoint)
    dataset = Dataset(open_source(data), task_of(checkpoint, info))
    hold = zeros_of(network).hold  # what was pruned stays so
    start = time.perf_counter()
    quantized = qat.quantize_network(network, method, widths, dataset, seed, epochs, hold)
    seconds = time.perf_counter() - start
    found = evaluate_split(predictor(quantized), dataset, split)
    summary = {
        "model": info.model,
        "method": method,
        **{what: _number_told(number) for what, number in vars(widths).items()},
        "seed": seed,
        **scores_of(found, dataset, split),
        "float_accuracy": evaluate_split(predictor(network), dataset, split).accuracy,
        "seconds": seconds,
    }
    if widths.are_integers:
        integers = integers_of(quantized, info.labels, _facts(info, dataset, method, seed))
        summary |= _in_integers(integers, dataset, split, found.predicted, out)
    return quantized, summary


def scores_of(found: Evaluation, dataset: Dataset, split: Split) -> dict[str, Any]:
    """What a summary says of a network's scores on a split."""
    return {
        "dataset": dataset.source.name,
        "split": split,
        "n": len(found.truth),
        "accuracy": found.accuracy,
        "interval": list(found.interval),
    }


def _facts(info: NetworkInfo, dataset: Dataset, method: qat.Method, seed: int) -> dict[str, Any]:
    """What the network in integers says of itself."""
    return {
        "model": info.model,
        "training": {"task": info.training["task"], "seed": info.training.get("seed")},
        "quantization": {"method": method, "seed": seed},
        "calibration": dataset.identity(),
    }


def _in_integers(
    integers: Graph, dataset: Dataset, split: Split, before: NDArray[np.int64], out: Path | None
) -> dict[str, Any]:
    """How the network does in integers, and what was written."""
    found = evaluate_split(partial(run, integers), dataset, split)
    scored = {
        "integer_accuracy": found.accuracy,
        "integer_differing": int((found.predicted != before).sum()),
    }
    if out is None:
        return scored
    return scored | {"tflite": str(out), "bytes": write_tflite(integers, out)}


def _check_file(out: Path | None, widths: Widths) -> None:
    """Refuse a file that cannot be written, before anything long begins."""
    if out is None:
        return
    if out.suffix != ".tflite":
        raise InputError(f"--out {out}: must end in .tflite")
    if not widths.are_integers or widths.activations != 8:
        raise InputError(
            f"--out {out}: a .tflite file holds integer weights of 2 to 8 bits and activations of 8"
        )


def _number_told(number: Number | None) -> int | str:
    if number is None:
        return "float"
    return number.name if isinstance(number, Minifloat) else number


@dataclass(frozen=True)
class Wanted:
    """What is to be pruned. One of ``amount``, ``threshold``, ``channels`` and ``mask`` says how
    much.

    Attributes:
        method: weights or blocks of them become zero, or channels are removed.
        criterion: one of :data:`kwslib.prune.methods.CRITERIA_OF`; empty for the usual one.
        amount: share of the weights, of the fully connected layers' blocks, or of the channels of
            each group.
        threshold: magnitude below which weights go.
        channels: that stay: a number for a network with one group of them, or ``name=number`` for
            each group, comma-separated.
        mask: a pruned checkpoint, whose zeros become zero here.
    """

    method: Method = "weights"
    criterion: str = ""
    amount: float | None = None
    threshold: float | None = None
    channels: str | None = None
    mask: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be, before anything long begins.

        Raises:
            InputError: no such method or criterion, or not one way of saying how much.
        """
        criterion = self.criterion or USUAL.get(self.method, "")
        check_criterion(self.method, criterion)
        object.__setattr__(self, "criterion", criterion)
        ways = ("amount", "threshold", "channels", "mask")
        given = [name for name in ways if getattr(self, name) is not None]
        if len(given) != 1 or given[0] not in _WAYS[self.method]:
            raise InputError(
                f"{' and '.join(f'--{name}' for name in given) or 'no amount'}: give one of "
                f"{', '.join(f'--{name}' for name in _WAYS[self.method])} for {self.method}"
            )
        if self.amount is not None:
            check_amount(self.amount)


def prune_checkpoint(
    checkpoint: str,
    wanted: Wanted,
    how: FineTuning | None,
    data: str | None,
    *,
    split: Split = "validation",
    seed: int = 0,
    out: Sequence[Path] = (),
) -> dict[str, Any]:
    """Prune a checkpoint, score it beside what it was, and write it if asked.

    Args:
        checkpoint: a path, or the name of a published network.
        wanted: what is to be pruned.
        how: how it is trained on; None leaves it as it is.
        data: a folder of Speech Commands; embedded speech without it.
        split: that is scored.
        seed: of fine-tuning.
        out: files to write: a checkpoint ``.safetensors``, an int8 ``.tflite``, or both.

    Returns:
        What ``kws prune --json`` prints.

    Raises:
        InputError: the checkpoint, the data or the mask do not suit, or all channels would go.
    """
    _check_files(out)
    network, info = load(checkpoint)
    dataset = Dataset(open_source(data), task_of(checkpoint, info))
    start = time.perf_counter()
    pruned = _pruned(network, wanted, how, dataset, seed)
    seconds = time.perf_counter() - start
    settings = {**asdict(wanted), **_tuning_told(how), "seed": seed}
    own = replace(
        info,
        training={**info.training, "pruning": settings},
        widths=widths_of(pruned, create(info.model, len(info.labels))),
    )
    return {
        "model": info.model,
        **settings,
        **scores_of(evaluate_split(predictor(pruned), dataset, split), dataset, split),
        "accuracy_before": evaluate_split(predictor(network), dataset, split).accuracy,
        **_sizes(pruned),
        "parameters_before": remaining_cost(network)["parameters"],
        "widths": own.widths,
        "seconds": seconds,
        **_written(pruned, own, dataset, split, out),
    }


def _check_files(out: Sequence[Path]) -> None:
    for path in out:
        if path.suffix not in (".safetensors", ".tflite"):
            raise InputError(f"--out {path}: must end in .safetensors or .tflite")


def _written(
    network: nn.Module, info: NetworkInfo, dataset: Dataset, split: Split, out: Sequence[Path]
) -> dict[str, Any]:
    """Write the files; what is to be said of them."""
    told: dict[str, Any] = {"files": [str(path) for path in out]}
    for path in out:
        if path.suffix == ".safetensors":
            save(path, network.state_dict(), info)
            continue
        integers = int8_network(network, info, dataset)
        scored = evaluate_split(partial(run, integers), dataset, split)
        told |= {"int8_accuracy": scored.accuracy, "bytes": write_tflite(integers, path)}
    return told


def recipe_of(info: NetworkInfo) -> Recipe:
    """The recipe by which a checkpoint was trained, or that of its network if it does not tell."""
    try:
        return Recipe.from_json(info.training["recipe"])
    except (KeyError, TypeError):
        return recipe_for(info.model)


def int8_network(network: nn.Module, info: NetworkInfo, dataset: Dataset) -> Graph:
    """A network as the board runs it, quantized to 8 bits after training.

    Args:
        network: the network.
        info: what it says of itself.
        dataset: whose training clips calibrate.
    """
    quantized = qat.quantize_network(network, "ptq", Widths(8, 8), dataset, 0)
    keys = ("task", "seed", "pruning")
    facts = {
        "model": info.model,
        "training": {key: info.training[key] for key in keys if key in info.training},
        "widths": dict(info.widths),
        "calibration": dataset.identity(),
    }
    return integers_of(quantized, info.labels, facts)


def _pruned(
    network: nn.Module, wanted: Wanted, how: FineTuning | None, dataset: Dataset, seed: int
) -> nn.Module:
    """The pruned network, by whatever says how much."""
    if wanted.channels is not None:
        widths = _widths(wanted.channels, channels_of(network).sizes)
        return remove_channels(network, widths, dataset, how, seed, wanted.criterion)
    if wanted.amount is not None:
        return prune_network(
            network, wanted.method, wanted.amount, dataset, how, seed, wanted.criterion
        )
    return zero_weights(network, _masks(network, wanted), dataset, how, seed)


def _masks(network: nn.Module, wanted: Wanted) -> Masks:
    if wanted.threshold is not None:
        return below(network, wanted.threshold)
    assert wanted.mask is not None
    masks = zeros_of(load(wanted.mask)[0])
    if masks.left == masks.weights:
        raise InputError(f"--mask {wanted.mask}: has no zeros; name a checkpoint that was pruned")
    return masks


def _widths(text: str, sizes: Mapping[str, int]) -> dict[str, int]:
    """What ``4`` or ``stem=16,body=8`` means for a network with these groups of channels."""
    advice = f"give a number, or name=number for each of {', '.join(sizes)}"
    parts = [part.rpartition("=") for part in text.split(",")]
    if len(parts) == 1 and not parts[0][1]:
        if len(sizes) != 1:
            raise InputError(f"--channels {text}: this network has several groups; {advice}")
        parts = [(next(iter(sizes)), "=", text)]
    try:
        return {name: int(number) for name, _, number in parts}
    except ValueError:
        raise InputError(f"--channels {text}: {advice}") from None


def _tuning_told(how: FineTuning | None) -> dict[str, Any]:
    """The settings of fine-tuning, as a summary has them."""
    if how is None:
        return {"epochs": 0, "schedule": None, "rewind": False}
    passes = how.training.epochs - how.first_pass()
    return {"epochs": passes, "schedule": how.schedule, "rewind": how.rewind is not None}


def _sizes(network: nn.Module) -> dict[str, Any]:
    """What is left of the network."""
    cost = cost_of(network)
    return {
        "sparsity": zeros_of(network).sparsity,
        **remaining_cost(network),
        "flash": cost.flash,
        "ram": cost.ram,
    }
