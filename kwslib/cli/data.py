"""``kws data``: what a task consists of."""

from typing import Any

import click

from kwslib.cli.output import data_option, json_option, keywords_option, note, show


@click.command("data")
@data_option
@keywords_option
@click.option("--download", is_flag=True, help="Fetch the official data set into --data first.")
@json_option
def command(data: str | None, keywords: str, download: bool, as_json: bool) -> None:
    """Summarise a task's labels, splits, speakers and hours."""
    from kwslib.data.dataset import Dataset, open_source
    from kwslib.data.task import Task
    from kwslib.errors import InputError

    if download and not data:
        raise InputError("--download: say where to with --data DIR")
    if download:
        note(f"fetching Speech Commands v0.02 into {data} where it is absent")
    dataset = Dataset(open_source(data, download), Task.of(keywords))
    result = {
        "dataset": dataset.source.name,
        "hash": dataset.source.identity(),
        "labels": list(dataset.task.labels),
        "counts": dataset.counts(),
        "per_label": dataset.per_label(),
        "speakers": dataset.speakers(),
        "hours": {split: clips / 3600 for split, clips in dataset.counts().items()},
    }
    show(result, as_json, _text(result))


def _text(result: dict[str, Any]) -> str:
    splits = list(result["counts"])
    rows = [["", *splits]]
    for label in result["labels"]:
        rows.append([label, *(f"{result['per_label'][split][label]:,}" for split in splits)])
    rows.append(["clips", *(f"{result['counts'][split]:,}" for split in splits)])
    rows.append(["speakers", *(f"{result['speakers'][split]:,}" for split in splits)])
    rows.append(["hours", *(f"{result['hours'][split]:.2f}" for split in splits)])
    lines = [f"{row[0]:<12}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in rows]
    return "\n".join([result["dataset"], *lines])
