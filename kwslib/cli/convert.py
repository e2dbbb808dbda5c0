"""``kws convert``: a checkpoint as a full-int8 ``.tflite`` file."""

from pathlib import Path
from typing import Any

import click

from kwslib.cli.output import Output, data_option, json_option, note, show


@click.command("convert")
@click.argument("checkpoint", metavar="CHECKPOINT")
@click.option("--out", required=True, type=Output(), help="F.tflite")
@click.option("--float", "with_float", is_flag=True, help="A float file beside it, -float.tflite.")
@click.option("--c-array", is_flag=True, help="C for TensorFlow Lite Micro beside it, .cc and .h.")
@data_option
@json_option
def command(
    checkpoint: str,
    out: Path,
    with_float: bool,
    c_array: bool,
    data: str | None,
    as_json: bool,
) -> None:
    """Convert CHECKPOINT to a full-int8 .tflite, calibrated on training clips."""
    from kwslib.deploy.export import export

    summary, remarks = export(checkpoint, out, data, with_float=with_float, c_array=c_array)
    for remark in remarks:
        note(remark)
    show(summary, as_json, _text(summary))


def _text(result: dict[str, Any]) -> str:
    return "\n".join(
        [
            f"{result['tflite']}: {result['bytes']:,} bytes",
            f"calibrated on {result['calibration_clips']} training clips of {result['dataset']}",
            f"accuracy on {result['split']}: int8 {result['int8_accuracy']:.4f}, "
            f"float {result['float_accuracy']:.4f}",
            f"float file and PyTorch differ by {result['logit_difference']:.1e} at most",
        ]
    )
