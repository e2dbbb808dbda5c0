"""A checkpoint in few bits: quantized after training or within it, scored, and as a file."""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Split
from kwslib.errors import InputError
from kwslib.evaluation.accuracy import Evaluation, evaluate_split
from kwslib.models.checkpoint import NetworkInfo, load, task_of
from kwslib.network.graph import Graph
from kwslib.network.reference import run
from kwslib.network.writer import write_tflite
from kwslib.prune.masks import zeros_of
from kwslib.quantize.minifloat import Minifloat
from kwslib.quantize.network import QuantizedNetwork, Widths
from kwslib.quantize.qat import Method, quantize_network
from kwslib.quantize.quantizers import Number
from kwslib.quantize.to_integers import integers_of
from kwslib.training.predict import predictor


@dataclass(frozen=True)
class Quantized:
    """A quantized network and how it does.

    Attributes:
        network: with quantizers.
        integers: the same in integers, None for small floats.
        summary: what ``kws quantize --json`` prints.
    """

    network: QuantizedNetwork
    integers: Graph | None
    summary: dict[str, Any]


def quantize_checkpoint(
    checkpoint: str,
    method: Method,
    widths: Widths,
    data: str | None,
    *,
    split: Split = "validation",
    seed: int = 0,
    epochs: int | None = None,
    out: Path | None = None,
) -> Quantized:
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

    Raises:
        InputError: the checkpoint or the data do not suit, or the widths have no such file.
    """
    _check_file(out, widths)
    network, info = load(checkpoint)
    dataset = Dataset(open_source(data), task_of(checkpoint, info))
    hold = zeros_of(network).hold  # what was pruned stays so
    start = time.perf_counter()
    quantized = quantize_network(network, method, widths, dataset, seed, epochs, hold)
    seconds = time.perf_counter() - start
    found = evaluate_split(predictor(quantized), dataset, split)
    summary = {
        "model": info.model,
        "method": method,
        "weights": _told(widths.weights),
        "activations": _told(widths.activations),
        "seed": seed,
        **scores_of(found, dataset, split),
        "float_accuracy": evaluate_split(predictor(network), dataset, split).accuracy,
        "seconds": seconds,
    }
    integers = None
    if widths.are_integers:
        facts = _facts(info, dataset, method, seed)
        integers = integers_of(quantized, info.labels, facts)
        summary |= _in_integers(integers, dataset, split, found.predicted, out)
    return Quantized(quantized, integers, summary)


def scores_of(found: Evaluation, dataset: Dataset, split: Split) -> dict[str, Any]:
    """What a summary says of a network's scores on a split."""
    return {
        "dataset": dataset.source.name,
        "split": split,
        "n": len(found.truth),
        "accuracy": found.accuracy,
        "interval": list(found.interval),
    }


def _facts(info: NetworkInfo, dataset: Dataset, method: Method, seed: int) -> dict[str, Any]:
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


def _told(number: Number | None) -> int | str:
    if number is None:
        return "float"
    return number.name if isinstance(number, Minifloat) else number
