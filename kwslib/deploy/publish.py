"""Published checkpoints as files in integers, and what was found about them; ``kws measure`` makes
them again.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import SPLITS
from kwslib.deploy.compressed import quantize_checkpoint
from kwslib.deploy.export import export
from kwslib.deploy.predictors import info_of, predictor_of
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
    summary, _ = export(str(checkpoint), tflite, data or None)
    more = {"numbers": "int8"}
    if _validated(checkpoint, data) - _validated(tflite, data) > LOST:
        quantize_checkpoint(str(checkpoint), "ptq", Widths(8, 8), data or None, out=tflite)
        more |= {"method": "ptq"}
    path = folder / f"{name}-int8.json"
    write_records(path, _records(name, tflite, data, more, summary["logit_difference"]))
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
    facts = {"numbers": f"w{bits}", "method": method, "weights": bits, "activations": 8}
    path = folder / f"{name}-w{bits}.json"
    write_records(path, _records(name, tflite, data, facts))
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


def _records(
    name: str, tflite: Path, data: str, facts: Mapping[str, Any], difference: float | None = None
) -> list[Record]:
    """Size of a file that was made of the published network ``name``, how far its float form is
    from PyTorch where that is known, and its accuracy on each split in the reference interpreter.
    """
    predict, dataset = _scoring(tflite, data)
    info = info_of(tflite)
    subject = {
        "model": info.model,
        "task": dataset.task.name,
        "labels": list(info.labels),
        "seed": info.training["seed"],
        "checkpoint": sha256_of_file(_checkpoint(name, tflite.parent)),
        **facts,
        "tflite": sha256_of_file(tflite),
    }

    def record(metric: str, value: Any, unit: str, split: str = "", **more: Any) -> Record:
        where = {**dataset.identity(), "split": split} if split else {}
        return Record(
            metric, value, unit, "measured", subject, where,
            machine=machine_name(), target="tflite-micro", version=VERSION, **more,
        )  # fmt: skip

    records = [record("size", tflite.stat().st_size, "bytes")]
    if difference is not None:
        records.append(record("logit_difference", difference, "logit", "training"))
    for split in SPLITS:
        found = evaluate_split(predict, dataset, split)
        records.append(
            record("accuracy", found.accuracy, "fraction", split, interval=found.interval)
        )
    return records
