"""``kws evaluate``: score a network on a split."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kwslib.cli.output import data_option, json_option, show, target_option
from kwslib.data.task import SPLITS, Split

if TYPE_CHECKING:
    from kwslib.evaluation import Predict


@click.command("evaluate")
@click.argument("model", metavar="MODEL")
@click.option("--split", type=click.Choice(SPLITS), default="testing", show_default=True)
@data_option
@click.option("--keywords", help="Check that the checkpoint has these keywords.")
@click.option(
    "--predictions",
    type=click.Path(dir_okay=False, path_type=Path),
    help="CSV file, a row a clip.",
)
@target_option("Run the C code there: ")
@json_option
def command(
    model: str,
    split: Split,
    data: str | None,
    keywords: str | None,
    predictions: Path | None,
    target: str | None,
    as_json: bool,
) -> None:
    """Score MODEL, a checkpoint, a .tflite file or a published network, on the clips of a split.

    A checkpoint is run by PyTorch, a .tflite file by the reference interpreter; with --target the
    C code that the file compiles to is run, on a board too. A published network has both forms.
    """
    from kwslib.board.target import check_target
    from kwslib.data.dataset import Dataset, open_source
    from kwslib.data.task import Task
    from kwslib.deploy.predictors import predictor_of, tflite_of
    from kwslib.evaluation import evaluate_split, write_predictions
    from kwslib.models.checkpoint import task_of

    if target:
        check_target(target)
        model = str(tflite_of(model))
    predict, info = predictor_of(model)
    task = task_of(model, info, Task.of(keywords) if keywords else None)
    dataset = Dataset(open_source(data), task)
    with _board(target, model) if target else nullcontext(predict) as predict:
        evaluation = evaluate_split(predict, dataset, split)
    if predictions:
        write_predictions(predictions, evaluation)
    result = {
        "model": info.model,
        "target": target,
        "split": split,
        "dataset": dataset.source.name,
        **evaluation.summary(),
    }
    show(result, as_json, _text(result))


@contextmanager
def _board(target: str, model: str) -> "Iterator[Predict]":
    """The predictor of the board that a target is, with a bar where people watch."""
    from tqdm import tqdm

    from kwslib.board.target import board_predictor, open_board
    from kwslib.deploy.reader import read_graph

    with open_board(target, read_graph(model), model) as board:
        scored = board_predictor(board)
        yield lambda images: scored(tqdm(images, "clips", leave=False, disable=None))


def _text(result: dict[str, Any]) -> str:
    low, high = result["interval"]
    lines = [
        f"{result['model']} on {result['n']:,} {result['split']} clips of {result['dataset']}",
        f"accuracy {result['accuracy']:.4f} (95 % interval {low:.4f} to {high:.4f})",
        "",
        f"{'true label':<12}{'clips':>8}{'recall':>9}   predicted {' '.join(result['labels'])}",
    ]
    for label, row in zip(result["labels"], result["confusion"], strict=True):
        scores = result["per_label"][label]
        recall = f"{scores['accuracy']:.4f}" if scores["n"] else "-"
        lines.append(f"{label:<12}{scores['n']:>8,}{recall:>9}   {row}")
    return "\n".join(lines)
