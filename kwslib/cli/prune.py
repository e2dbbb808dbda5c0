"""``kws prune``: a checkpoint without some of its weights or channels."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kwslib.cli.output import data_option, json_option, show
from kwslib.cli.sweeps import (
    keep_records,
    records_file,
    seeds_of,
    sweep_options,
    sweep_workers,
)
from kwslib.data.task import SPLITS, Split

if TYPE_CHECKING:
    from kwslib.sweep.runs import Backend, Workers

_METHODS = ("weights", "blocks", "channels")
_SCHEDULES = ("one_shot", "iterative", "gradual")
_SWEEPS = ("weights", "schedules", "norms", "channels", "together", "board", "zeros")
_OF_THIS_MACHINE = ("board", "zeros")


@click.command("prune")
@click.argument("checkpoint", metavar="CHECKPOINT")
@click.option(
    "--method",
    type=click.Choice(_METHODS),
    default="weights",
    show_default=True,
    help="Single weights or 1x4 blocks of them become zero, or channels are removed.",
)
@click.option("--amount", type=float, help="Share that goes, from 0 to below 1.")
@click.option("--threshold", type=float, help="Or: weights of less magnitude go.")
@click.option("--channels", metavar="N", help="Or: channels that stay, N or LAYER=N,LAYER=N.")
@click.option("--mask", metavar="CHECKPOINT", help="Or: the weights that are zero there go.")
@click.option(
    "--criterion",
    help="Weights: global, layer or lamp, what is ranked together. Blocks: l1, l2 or linf. "
    "Channels: also taylor or activation.",
)
@click.option(
    "--epochs", type=click.IntRange(min=0), help="Of fine-tuning; 0 leaves the network as it is."
)
@click.option(
    "--schedule",
    type=click.Choice(_SCHEDULES),
    help="At once and then trained, in rounds, or while it trains.",
)
@click.option(
    "--rewind",
    is_flag=True,
    help="Repeat the last epochs of the network's training, at the rates that they had.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--split", type=click.Choice(SPLITS), default="validation", show_default=True)
@click.option(
    "--out",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="F.safetensors, F.tflite, or the file of records of a sweep. May be given twice.",
)
@click.option(
    "--sweep",
    type=click.Choice(_SWEEPS),
    help="Measure many settings instead, of networks trained as CHECKPOINT was; zeros: put into "
    "CHECKPOINT, a .tflite file or a published network.",
)
@click.option("--seeds", default="0", show_default=True, help="Of a sweep, comma-separated.")
@sweep_options
@data_option
@json_option
def command(
    checkpoint: str,
    method: str,
    epochs: int | None,
    schedule: str | None,
    rewind: bool,
    seed: int,
    split: Split,
    out: tuple[Path, ...],
    sweep: str | None,
    seeds: str,
    jobs: int | None,
    backend: "Backend",
    scheduler: str | None,
    data: str | None,
    as_json: bool,
    criterion: str | None,
    **how_much: Any,
) -> None:
    """Prune CHECKPOINT, a checkpoint or a published network, and score it beside what it was.

    Pruned weights are zero in every file; removed channels leave a smaller network, which every
    other command takes. A sweep goes on where an earlier call of it stopped.
    """
    if sweep:
        workers = sweep_workers(jobs, backend, scheduler)
        _sweep(checkpoint, sweep, seeds, workers, data, out, as_json)
        return
    from kwslib.deploy.pruned import Wanted, prune_checkpoint, recipe_of
    from kwslib.models.checkpoint import load
    from kwslib.prune.methods import fine_tuning

    wanted = Wanted(method, criterion or "", **how_much)  # type: ignore[arg-type]
    usual = None if wanted.amount is not None else "one_shot"
    how = None
    if epochs != 0:
        recipe = recipe_of(load(checkpoint)[1])
        how = fine_tuning(
            recipe, wanted.method, epochs=epochs, schedule=schedule or usual, rewind=rewind  # type: ignore[arg-type]
        )  # fmt: skip
    summary = prune_checkpoint(checkpoint, wanted, how, data, split=split, seed=seed, out=out)
    show(summary, as_json, _text(summary))


def _sweep(
    checkpoint: str,
    kind: str,
    seeds: str,
    workers: "Workers",
    data: str | None,
    out: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Measure the settings of a sweep and write their records."""
    from kwslib.errors import InputError
    from kwslib.studies import pruned_boards, pruning, sparsity
    from kwslib.studies.base import Base

    path = records_file(*out)
    if kind in _OF_THIS_MACHINE and workers["backend"] != "processes":
        raise InputError(
            f"sweep {kind}: measures one network after the other on this machine; "
            "leave --backend and --scheduler out"
        )
    if kind == "zeros":
        keep_records(kind, sparsity.study(checkpoint), path, as_json)
        return
    numbers = seeds_of(seeds)
    base = Base.like(checkpoint, data or "")
    if kind == "board":
        records = pruned_boards.study_on_board(numbers, base)
    else:
        records = pruning.study(kind, numbers, base, **workers)  # type: ignore[arg-type]
    keep_records(kind, records, path, as_json)


def _text(result: dict[str, Any]) -> str:
    low, high = result["interval"]
    trained = f"{result['epochs']} epochs of fine-tuning" if result["epochs"] else "not fine-tuned"
    lines = [
        f"{result['model']}, {result['method']} pruned by {result['criterion']}, {trained}, "
        f"{result['seconds']:.0f} s",
        f"accuracy on {result['n']:,} {result['split']} clips of {result['dataset']}: "
        f"{result['accuracy']:.4f} (95 % interval {low:.4f} to {high:.4f}), "
        f"before {result['accuracy_before']:.4f}",
        f"{result['parameters']:,} of {result['parameters_before']:,} parameters are left "
        f"({result['sparsity']:.1%} of the weights are zero), {result['macs']:,} "
        f"multiply-accumulates",
    ]
    if result["widths"]:
        widths = ", ".join(f"{name} {width}" for name, width in result["widths"].items())
        lines.append(f"channels: {widths}")
    if "int8_accuracy" in result:
        lines.append(f"in int8 {result['int8_accuracy']:.4f}, {result['bytes']:,} bytes")
    lines += [f"written to {path}" for path in result["files"]]
    return "\n".join(lines)
