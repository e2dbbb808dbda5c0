"""``kws evaluate``: score a network on a split."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from tqdm import tqdm

from kwslib.cli.output import (
    Output,
    data_option,
    few_lines,
    homophone_lines,
    json_option,
    show,
    target_option,
)
from kwslib.cli.sweeps import sweep_options, swept_by
from kwslib.data.disturb import UNDISTURBED, Disturbance
from kwslib.data.task import SPLITS, Split, Task
from kwslib.records import Record

if TYPE_CHECKING:
    from kwslib.evaluation.accuracy import Predict


def _study(kind: Any, model: str, data: str, seeds: list[int], **workers: Any) -> list[Record]:
    """The records of a sweep."""
    from kwslib.studies.robustness import study

    return study(kind, model, data=data, seeds=seeds, **workers)


@click.command("evaluate")
@click.argument("model", metavar="MODEL")
@click.option("--split", type=click.Choice(SPLITS), default="testing", show_default=True)
@data_option
@click.option("--keywords", help="Check that the checkpoint has these keywords.")
@click.option(
    "--predictions",
    type=Output(),
    help="CSV file, a row a clip.",
)
@click.option("--snr", type=float, metavar="DB", help="Mix noise into the clips, at this ratio.")
@click.option(
    "--noise", metavar="NAME", help="Which; a recording of the data, or synthetic_babble."
)
@click.option("--shift", type=int, default=0, metavar="MS", help="Move the clips later.")
@click.option("--level", type=float, default=0.0, metavar="DB", help="Make the clips louder.")
@click.option(
    "--sweep",
    type=click.Choice(["snr", "shift", "level", "transfer"]),
    help="Score many disturbances instead: every noise, shifts, levels; or, of networks trained "
    "like MODEL, real speech by embedded and the other way round.",
)
@click.option("--seeds", default="0", show_default=True, help="Of transfer, comma-separated.")
@click.option(
    "--out",
    type=Output(),
    metavar="FILE",
    help="The records of a sweep, .json.",
)
@sweep_options
@target_option("Run the C code there: ")
@json_option
@swept_by(_study)
def command(
    model: str,
    split: Split,
    data: str | None,
    keywords: str | None,
    predictions: Path | None,
    snr: float | None,
    noise: str | None,
    shift: int,
    level: float,
    out: Path | None,
    target: str | None,
    as_json: bool,
) -> None:
    """Score MODEL, a checkpoint, a .tflite file or a published network, on the clips of a split.

    A checkpoint is run by PyTorch, a .tflite file by the reference interpreter; with --target the
    C code that the file compiles to is run, on a board too. A published network has both forms.
    Clips can be made harder, by noise, a shift or another level; a sweep does so in many ways.
    """
    from kwslib.board.target import check_target
    from kwslib.data.dataset import Dataset, open_source
    from kwslib.deploy.predictors import predictor_of, tflite_of
    from kwslib.evaluation import accuracy
    from kwslib.models.checkpoint import task_of

    disturbance = Disturbance(shift, noise or "", snr, level)
    if target:
        check_target(target)
        model = str(tflite_of(model))
    predict, info = predictor_of(model)
    task = task_of(model, info, Task.of(keywords) if keywords else None)
    dataset = Dataset(open_source(data), task)
    result: dict[str, Any] = {
        "model": info.model,
        "target": target,
        "split": split,
        "dataset": dataset.source.name,
        "homophones": dataset.homophones,
        "disturbance": None if disturbance == UNDISTURBED else asdict(disturbance),
    }
    with _board(target, model) if target else nullcontext(predict) as predict:
        evaluation = accuracy.evaluate_split(predict, dataset, split, disturbance)
    if predictions:
        accuracy.write_predictions(predictions, evaluation)
    result |= evaluation.summary()
    result["few_clips"] = accuracy.few_clips(dataset.keyword_counts(split))
    show(result, as_json, _text(result))


@contextmanager
def _board(target: str, model: str) -> "Iterator[Predict]":
    """The predictor of the board that a target is, with a bar where people watch."""
    from kwslib.board.target import board_predictor, open_board
    from kwslib.network.reader import read_graph

    with open_board(target, read_graph(model), model) as board:
        scored = board_predictor(board)
        yield lambda images: scored(tqdm(images, "clips", leave=False, disable=None))


def _text(result: dict[str, Any]) -> str:
    low, high = result["interval"]
    lines = [
        f"{result['model']} on {result['n']:,} {result['split']} clips of {result['dataset']}"
        + _disturbance(result["disturbance"]),
        f"accuracy {result['accuracy']:.4f} (95 % interval {low:.4f} to {high:.4f})",
        "",
        f"{'true label':<12}{'clips':>8}{'recall':>9}   predicted {' '.join(result['labels'])}",
    ]
    for label, row in zip(result["labels"], result["confusion"], strict=True):
        scores = result["per_label"][label]
        recall = f"{scores['accuracy']:.4f}" if scores["n"] else "-"
        lines.append(f"{label:<12}{scores['n']:>8,}{recall:>9}   {row}")
    left_out = homophone_lines(result["homophones"])
    return "\n".join([*lines, *left_out, *few_lines(result["few_clips"])])


def _disturbance(told: dict[str, Any] | None) -> str:
    if told is None:
        return ""
    parts = [
        f"{told['snr_db']:g} dB above {told['noise']}" if told["noise"] else "",
        f"{told['shift_ms']:+} ms" if told["shift_ms"] else "",
        f"{told['level_db']:+g} dB" if told["level_db"] else "",
    ]
    return f", disturbed: {', '.join(filter(None, parts))}"
