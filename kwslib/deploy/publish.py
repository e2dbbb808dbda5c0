"""Convert a published checkpoint to int8 and keep the file and what was found about it.

``python -m kwslib.deploy.publish --data DIR`` makes the committed files again.
"""

from pathlib import Path
from typing import Any

import click

from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import SPLITS
from kwslib.deploy.export import export
from kwslib.deploy.predictors import predictor_of
from kwslib.evaluation import evaluate_split
from kwslib.files import sha256_of_file
from kwslib.measurements import Record, machine_name, write_records
from kwslib.models.checkpoint import PUBLISHED, task_of


def publish(name: str, data: str, folder: Path = PUBLISHED) -> Path:
    """Write ``<name>.tflite`` and its records ``<name>-int8.json``.

    Args:
        name: a published network, e.g. ``"tiny_conv-yes_no"``.
        data: the folder of Speech Commands that it was trained on.
        folder: where to write.

    Returns:
        The file of records.
    """
    tflite = folder / f"{name}.tflite"
    summary = export(name, tflite, data).summary
    predict, info = predictor_of(str(tflite))
    dataset = Dataset(open_source(data), task_of(tflite, info))
    subject = {
        "model": info.model,
        "task": dataset.task.name,
        "labels": list(info.labels),
        "seed": info.training["seed"],
        "checkpoint": sha256_of_file(PUBLISHED / f"{name}.safetensors"),
        "numbers": "int8",
        "tflite": sha256_of_file(tflite),
    }

    def record(metric: str, value: Any, unit: str, split: str = "", **more: Any) -> Record:
        where = {**dataset.identity(), "split": split} if split else {}
        return Record(
            metric, value, unit, "measured", subject, where,
            machine=machine_name(), target="tflite-micro", **more,
        )  # fmt: skip

    records = [
        record("size", summary["bytes"], "bytes"),
        record("logit_difference", summary["logit_difference"], "logit", "training"),
    ]
    for split in SPLITS:
        result = evaluate_split(predict, dataset, split)
        records.append(
            record("accuracy", result.accuracy, "fraction", split, interval=result.interval)
        )
    path = folder / f"{name}-int8.json"
    write_records(path, records)
    return path


@click.command()
@click.option("--data", required=True, help="Folder of Speech Commands.")
@click.option("--name", default="tiny_conv-yes_no", show_default=True)
def main(data: str, name: str) -> None:
    """Make the published int8 file of a network again."""
    click.echo(publish(name, data))


if __name__ == "__main__":
    main()
