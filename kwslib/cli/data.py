"""``kws data``: what a task consists of."""

from typing import Any

import click

from kwslib.cli.output import (
    data_option,
    few_lines,
    homophone_lines,
    homophones_option,
    json_option,
    keywords_option,
    note,
    show,
)
from kwslib.data.task import Task
from kwslib.errors import InputError


@click.command("data")
@data_option
@keywords_option
@homophones_option
@click.option("--download", is_flag=True, help="Fetch the official data set into --data first.")
@json_option
def command(
    data: str | None, keywords: str, keep_homophones: bool, download: bool, as_json: bool
) -> None:
    """Summarise a task's labels, splits, speakers and hours.

    Words that sound like a keyword are left out of the unknown ones, and named.
    """
    from kwslib.data.dataset import Dataset, open_source
    from kwslib.evaluation.accuracy import few_clips

    if download and not data:
        raise InputError("--download: say where to with --data DIR")
    if download:
        note(f"fetching Speech Commands v0.02 into {data} where it is absent")
    task = Task.of(keywords, keep_homophones)
    dataset = Dataset(open_source(data, download), task)
    result: dict[str, Any] = {
        "dataset": dataset.source.name,
        "hash": dataset.source.identity(),
        "labels": list(task.labels),
        "counts": dataset.counts(),
        "per_label": dataset.per_label(),
        "speakers": dataset.speakers(),
        "hours": {split: clips / 3600 for split, clips in dataset.counts().items()},
        "homophones": dataset.homophones,
    }
    result["few_clips"] = few_clips(dataset.keyword_counts("testing"))
    show(result, as_json, _text(result))


def _text(result: dict[str, Any]) -> str:
    splits = list(result["counts"])
    cells = result["per_label"]
    rows = [
        ["", *splits],
        *([label, *(f"{cells[each][label]:,}" for each in splits)] for label in result["labels"]),
        ["clips", *(f"{result['counts'][each]:,}" for each in splits)],
        ["speakers", *(f"{result['speakers'][each]:,}" for each in splits)],
        ["hours", *(f"{result['hours'][each]:.2f}" for each in splits)],
    ]
    lines = [f"{row[0]:<12}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in rows]
    left_out = homophone_lines(result["homophones"])
    return "\n".join([result["dataset"], *lines, *left_out, *few_lines(result["few_clips"])])
