"""``kws evaluate``: score a network on a split."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kwslib.cli.output import data_option, json_option, show, target_option
from kwslib.cli.sweeps import keep_records, records_file, seeds_of, sweep_options, sweep_workers
from kwslib.data.task import SPLITS, Split

if TYPE_CHECKING:
    from kwslib.data.disturb import Disturbance
    from kwslib.evaluation.accuracy import Evaluation, Predict
    from kwslib.sweep.runs import Backend, Workers


_SWEEPS = ("snr", "shift", "level", "transfer")


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
@click.option("--snr", type=float, metavar="DB", help="Mix noise into the clips, at this ratio.")
@click.option(
    "--noise", metavar="NAME", help="Which; a recording of the data, or synthetic_babble."
)
@click.option("--shift", type=int, default=0, metavar="MS", help="Move the clips later.")
@click.option("--level", type=float, default=0.0, metavar="DB", help="Make the clips louder.")
@click.option(
    "--sweep",
    type=click.Choice(_SWEEPS),
    help="Score many disturbances instead: every noise, shifts, levels; or, of networks trained "
    "like MODEL, real speech by embedded and the other way round.",
)
@click.option("--seeds", default="0", show_default=True, help="Of transfer, comma-separated.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The records of a sweep, .json.",
)
@sweep_options
@target_option("Run the C code there: ")
@json_option
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
    sweep: str | None,
    seeds: str,
    out: Path | None,
    jobs: int | None,
    backend: "Backend",
    scheduler: str | None,
    target: str | None,
    as_json: bool,
) -> None:
    """Score MODEL, a checkpoint, a .tflite file or a published network, on the clips of a split.

    A checkpoint is run by PyTorch, a .tflite file by the reference interpreter; with --target the
    C code that the file compiles to is run, on a board too. A published network has both forms.
    Clips can be made harder, by noise, a shift or another level; a sweep does so in many ways.
    """
    from kwslib.data.disturb import Disturbance

    if sweep:
        workers = sweep_workers(jobs, backend, scheduler)
        _sweep(model, sweep, seeds_of(seeds), workers, data, out, as_json)
        return
    disturbance = Disturbance(shift, noise or "", snr, level)
    evaluation, facts = _evaluated(model, split, data, keywords, target, disturbance)
    if predictions:
        from kwslib.evaluation.accuracy import write_predictions

        write_predictions(predictions, evaluation)
    result = {**facts, **evaluation.summary()}
    show(result, as_json, _text(result))


def _evaluated(
    model: str,
    split: Split,
    data: str | None,
    keywords: str | None,
    target: str | None,
    disturbance: "Disturbance",
) -> "tuple[Evaluation, dict[str, Any]]":
    """Scores of the clips, and what was scored on what."""
    from dataclasses import asdict

    from kwslib.board.target import check_target
    from kwslib.data.dataset import Dataset, open_source
    from kwslib.data.task import Task
    from kwslib.deploy.predictors import predictor_of, tflite_of
    from kwslib.evaluation.accuracy import evaluate_disturbed, evaluate_split
    from kwslib.models.checkpoint import task_of

    if target:
        check_target(target)
        model = str(tflite_of(model))
    predict, info = predictor_of(model)
    task = task_of(model, info, Task.of(keywords) if keywords else None)
    dataset = Dataset(open_source(data), task)
    undisturbed = disturbance == type(disturbance)()
    with _board(target, model) if target else nullcontext(predict) as predict:
        if undisturbed:
            evaluation = evaluate_split(predict, dataset, split)
        else:
            evaluation = evaluate_disturbed(predict, dataset, split, disturbance)
    facts = {
        "model": info.model,
        "target": target,
        "split": split,
        "dataset": dataset.source.name,
        "disturbance": None if undisturbed else asdict(disturbance),
    }
    return evaluation, facts


def _sweep(
    model: str,
    kind: str,
    seeds: list[int],
    workers: "Workers",
    data: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Measure the settings of a sweep and write their records."""
    from kwslib.studies.robustness import study

    path = records_file(out)
    records = study(kind, model, data=data or "", seeds=seeds, **workers)  # type: ignore[arg-type]
    keep_records(kind, records, path, as_json)


@contextmanager
def _board(target: str, model: str) -> "Iterator[Predict]":
    """The predictor of the board that a target is, with a bar where people watch."""
    from tqdm import tqdm

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
    return "\n".join(lines)


def _disturbance(told: dict[str, Any] | None) -> str:
    if told is None:
        return ""
    parts = [
        f"{told['snr_db']:g} dB above {told['noise']}" if told["noise"] else "",
        f"{told['shift_ms']:+} ms" if told["shift_ms"] else "",
        f"{told['level_db']:+g} dB" if told["level_db"] else "",
    ]
    return f", disturbed: {', '.join(part for part in parts if part)}"
