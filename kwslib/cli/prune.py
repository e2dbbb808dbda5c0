"""``kws prune``: a checkpoint without some of its weights or channels."""

from pathlib import Path
from typing import Any

import click

from kwslib.cli.output import Output, data_option, json_option, show
from kwslib.cli.sweeps import sweep_options, swept_by
from kwslib.data.task import SPLITS, Split
from kwslib.errors import InputError
from kwslib.records import Record


def _study(kind: Any, model: str, data: str, seeds: list[int], **workers: Any) -> list[Record]:
    """The records of a sweep, of networks trained as ``model`` was, or of ``model`` itself."""
    from kwslib.studies import pruned_boards, pruning, sparsity
    from kwslib.studies.base import Base

    if kind in ("board", "zeros") and workers["backend"] != "processes":
        raise InputError(
            f"sweep {kind}: measures one network after the other on this machine; "
            "leave --backend and --scheduler out"
        )
    if kind == "zeros":
        return sparsity.study(model)
    base = Base.like(model, data)
    if kind == "board":
        return pruned_boards.study_on_board(seeds, base)
    return pruning.study(kind, seeds, base, **workers)


@click.command("prune")
@click.argument("model", metavar="CHECKPOINT")
@click.option(
    "--method",
    type=click.Choice(["weights", "blocks", "channels"]),
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
    type=click.Choice(["one_shot", "iterative", "gradual"]),
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
    type=Output(),
    help="F.safetensors, F.tflite, or the file of records of a sweep. May be given twice.",
)
@click.option(
    "--sweep",
    type=click.Choice(["weights", "schedules", "norms", "channels", "together", "board", "zeros"]),
    help="Measure many settings instead, of networks trained as CHECKPOINT was; zeros: put into "
    "CHECKPOINT, a .tflite file or a published network.",
)
@click.option("--seeds", default="0", show_default=True, help="Of a sweep, comma-separated.")
@sweep_options
@data_option
@json_option
@swept_by(_study)
def command(
    model: str,
    method: str,
    epochs: int | None,
    schedule: str | None,
    rewind: bool,
    seed: int,
    split: Split,
    out: tuple[Path, ...],
    data: str | None,
    as_json: bool,
    criterion: str | None,
    **how_much: Any,
) -> None:
    """Prune CHECKPOINT, a checkpoint or a published network, and score it beside what it was.

    Pruned weights are zero in every file; removed channels leave a smaller network, which every
    other command takes. A sweep goes on where an earlier call of it stopped.
    """
    from kwslib.deploy.compressed import Wanted, prune_checkpoint, recipe_of
    from kwslib.models.checkpoint import load
    from kwslib.prune.methods import fine_tuning

    wanted = Wanted(method, criterion or "", **how_much)  # type: ignore[arg-type]
    if wanted.amount is None:
        schedule = schedule or "one_shot"
    how = None
    if epochs != 0:
        recipe = recipe_of(load(model)[1])
        how = fine_tuning(recipe, wanted.method, epochs=epochs, schedule=schedule, rewind=rewind)  # type: ignore[arg-type]
    summary = prune_checkpoint(model, wanted, how, data, split=split, seed=seed, out=out)
    show(summary, as_json, _text(summary))


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
