"""Published checkpoints as files in integers, and what was found about them; ``kws measure`` makes
them again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import SPLITS
from kwslib.deploy.export import export
from kwslib.deploy.predictors import info_of, predictor_of
from kwslib.deploy.quantized import quantize_checkpoint
from kwslib.evaluation.accuracy import Predict, evaluate_split
from kwslib.files import sha256_of_file
from kwslib.models.checkpoint import PUBLISHED, task_of
from kwslib.quantize.network import Widths
from kwslib.quantize.qat import Method
from kwslib.records import Record, machine_name, write_records

VERSION = 1
"""Raised by hand when the same data, model and settings can give other records."""

LOST = 0.005
"""Share of the validation clips that TensorFlow's converter may cost."""


def publish(name: str, data: str, folder: Path = PUBLISHED) -> Path:
    """Write ``<name>.tflite`` and its records ``<name>-int8.json``.

    The file is TensorFlow Lite's converter's. Where that costs more than :data:`LOST`, it is the
    library's own, quantized after training: the converter covers all logits with one step, which
    is a coarse one where some logits are far below the others, and twelve labels lie close.

    Args:
        name: a published network, e.g. ``"tiny_conv-yes_no"``.
        data: the folder of Speech Commands that it was trained on, or empty for embedded speech.
        folder: where its checkpoint lies, and where to write.

    Returns:
        The file of records.
    """
    checkpoint, tflite = _checkpoint(name, folder), folder / f"{name}.tflite"
    summary = export(str(checkpoint), tflite, data or None).summary
    more = {"numbers": "int8"}
    if _validated(checkpoint, data) - _validated(tflite, data) > LOST:
        quantize_checkpoint(str(checkpoint), "ptq", Widths(8, 8), data or None, out=tflite)
        more |= {"method": "ptq"}
    file = _File(name, tflite, data, more)
    difference = file.record("logit_difference", summary["logit_difference"], "logit", "training")
    path = folder / f"{name}-int8.json"
    write_records(path, [file.size(), difference, *file.accuracies()])
    return path


def publish_narrow(
    name: str, data: str, bits: int, method: Method, folder: Path = PUBLISHED
) -> Path:
    """Write ``<name>-w<bits>.tflite``, weights of ``bits`` and activations of 8, and its records
    ``<name>-w<bits>.json``.

    Args:
        name: a published network, e.g. ``"tiny_conv-yes_no"``.
        data: the folder of Speech Commands that it was trained on.
        bits: of the weights, 2 to 8.
        method: after training, or within it.
        folder: where its checkpoint lies, and where to write.

    Returns:
        The file of records.
    """
    tflite = folder / f"{name}-w{bits}.tflite"
    quantize_checkpoint(str(_checkpoint(name, folder)), method, Widths(bits, 8), data, out=tflite)
    more = {"numbers": f"w{bits}", "method": method, "weights": bits, "activations": 8}
    file = _File(name, tflite, data, more)
    path = folder / f"{name}-w{bits}.json"
    write_records(path, [file.size(), *file.accuracies()])
    return path


def _checkpoint(name: str, folder: Path) -> Path:
    return folder / f"{name}.safetensors"


def _scoring(network: Path, data: str) -> tuple[Predict, Dataset]:
    """A checkpoint or a file, and the clips of its task."""
    predict, info = predictor_of(str(network))
    return predict, Dataset(open_source(data or None), task_of(network, info))


def _validated(network: Path, data: str) -> float:
    """Accuracy of a checkpoint or a file on validation clips."""
    return evaluate_split(*_scoring(network, data), "validation").accuracy


@dataclass(frozen=True)
class _File:
    """A file in integers, made of the published network ``name`` and scored on ``data``."""

    name: str
    tflite: Path
    data: str
    more: Mapping[str, Any]

    def size(self) -> Record:
        """Its bytes."""
        return self.record("size", self.tflite.stat().st_size, "bytes")

    def accuracies(self) -> list[Record]:
        """Its accuracy on each split, in the reference interpreter."""
        predict, dataset = self._scoring
        scored = {split: evaluate_split(predict, dataset, split) for split in SPLITS}
        return [
            self.record("accuracy", found.accuracy, "fraction", split, interval=found.interval)
            for split, found in scored.items()
        ]

    def record(self, metric: str, value: Any, unit: str, split: str = "", **more: Any) -> Record:
        """A record about it, on a split of the data or on none."""
        where = {**self._scoring[1].identity(), "split": split} if split else {}
        return Record(
            metric, value, unit, "measured", self._subject, where,
            machine=machine_name(), target="tflite-micro", version=VERSION, **more,
        )  # fmt: skip

    @cached_property
    def _scoring(self) -> tuple[Predict, Dataset]:
        return _scoring(self.tflite, self.data)

    @cached_property
    def _subject(self) -> dict[str, Any]:
        info = info_of(self.tflite)
        return {
            "model": info.model,
            "task": self._scoring[1].task.name,
            "labels": list(info.labels),
            "seed": info.training["seed"],
            "checkpoint": sha256_of_file(_checkpoint(self.name, self.tflite.parent)),
            **self.more,
            "tflite": sha256_of_file(self.tflite),
        }
