"""``kws quantize``: a checkpoint in few bits."""

from pathlib import Path
from typing import Any

import click

from kwslib.cli.output import Output, data_option, json_option, show
from kwslib.cli.sweeps import sweep_options, swept_by
from kwslib.data.task import SPLITS, Split
from kwslib.records import Record


def _study(kind: Any, model: str, data: str, seeds: list[int], **workers: Any) -> list[Record]:
    """The records of a sweep, of networks trained as ``model`` was."""
    from kwslib.studies.base import Base
    from kwslib.studies.quantization import study

    return study(kind, seeds, Base.like(model, data), **workers)


@click.command("quantize")
@click.argument("model", metavar="CHECKPOINT")
@click.option(
    "--method",
    type=click.Choice(["ptq", "qat"]),
    default="ptq",
    show_default=True,
    help="After training, or within it.",
)
@click.option("--weights", default="8", show_default=True, help="Bits, or E4M3 and the like.")
@click.option("--activations", default="8", show_default=True, help="Likewise; or float.")
@click.option("--epochs", type=click.IntRange(min=1), help="Of quantization-aware training.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--split", type=click.Choice(SPLITS), default="validation", show_default=True)
@click.option(
    "--out",
    type=Output(),
    help="F.tflite, or the file of records of a sweep.",
)
@click.option(
    "--sweep",
    type=click.Choice(["widths", "ablations", "minifloat"]),
    help="Measure many settings instead, of networks trained as CHECKPOINT was.",
)
@click.option("--seeds", default="0", show_default=True, help="Of a sweep, comma-separated.")
@sweep_options
@data_option
@json_option
@swept_by(_study)
def command(
    model: str,
    method: str,
    weights: str,
    activations: str,
    epochs: int | None,
    seed: int,
    split: Split,
    out: Path | None,
    data: str | None,
    as_json: bool,
) -> None:
    """Quantize CHECKPOINT, a checkpoint or a published network, and score it beside its floats.

    Integers of 2 to 8 bits, and small floats by their exponent and mantissa. With --out, integer
    weights and activations of 8 bits become a .tflite file that 'kws compile' packs. A sweep goes
    on where an earlier call of it stopped.
    """
    from kwslib.deploy.compressed import quantize_checkpoint
    from kwslib.quantize.network import Widths
    from kwslib.quantize.qat import number_of

    widths = Widths(number_of(weights), number_of(activations))
    _, summary = quantize_checkpoint(
        model, method, widths, data, split=split, seed=seed, epochs=epochs, out=out  # type: ignore[arg-type]
    )  # fmt: skip
    show(summary, as_json, _text(summary))


def _text(result: dict[str, Any]) -> str:
    low, high = result["interval"]
    lines = [
        f"{result['model']} by {result['method']}: weights {result['weights']}, "
        f"activations {result['activations']}, {result['seconds']:.0f} s",
        f"accuracy on {result['n']:,} {result['split']} clips of {result['dataset']}: "
        f"{result['accuracy']:.4f} (95 % interval {low:.4f} to {high:.4f}), "
        f"float {result['float_accuracy']:.4f}",
    ]
    if "integer_accuracy" in result:
        lines.append(
            f"in integers {result['integer_accuracy']:.4f}; "
            f"{result['integer_differing']} clips are told otherwise"
        )
    if "tflite" in result:
        lines.append(f"{result['tflite']}: {result['bytes']:,} bytes")
    return "\n".join(lines)
