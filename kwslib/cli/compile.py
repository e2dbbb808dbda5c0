"""``kws compile``: turn a ``.tflite`` file into C and build it for a target."""

from pathlib import Path
from typing import Any

import click

from kwslib.cli.output import json_option, show

_TARGETS = ("host", "emulator")
_KERNELS = ("dsp", "portable")


@click.command("compile")
@click.argument("model", metavar="F.tflite")
@click.option("--target", type=click.Choice(_TARGETS), required=True, help="Where it is to run.")
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder."
)
@click.option(
    "--kernels",
    type=click.Choice(_KERNELS),
    help="With the Cortex-M4's DSP instructions, or portable C; by default what suits the target.",
)
@json_option
def command(model: str, target: str, out: Path, kernels: str | None, as_json: bool) -> None:
    """Compile a full-int8 .tflite file to C with static memory, and build it."""
    from kwslib.board.emulator import static_memory
    from kwslib.deploy.compile import compile_network
    from kwslib.deploy.reader import read_graph

    graph = read_graph(model)
    compiled = compile_network(graph, target, out, kernels)  # type: ignore[arg-type]
    flash, ram = static_memory(compiled.program) if target == "emulator" else (None, None)
    result: dict[str, Any] = {
        "model": model,
        "target": target,
        "flash": flash,
        "ram": ram,
        "arena": compiled.arena,
        "peak": compiled.peak,
        "macs": graph.macs,
        "layers": list(compiled.layers),
        "files": [str(path) for path in compiled.files],
    }
    show(result, as_json, _text(result))


def _text(result: dict[str, Any]) -> str:
    lines = [
        f"{result['model']} for {result['target']}: {result['files'][-1]}",
        f"arena {result['arena']:,} bytes, {result['peak']:,} of them live at the peak",
    ]
    if result["flash"] is not None:
        lines.append(f"flash {result['flash']:,} bytes, RAM {result['ram']:,} bytes without stack")
    return "\n".join([*lines, "layers " + ", ".join(result["layers"])])
