"""``kws compile``: turn a ``.tflite`` file into C and build it for a target."""

from pathlib import Path
from typing import Any

import click

from kwslib.cli.output import Output, json_option, show

# what flash and RAM do not count beside the stack, since only Arduino's tools build it
_LEFT_OUT = {"arduino": "Arduino's core and its library PDM"}


@click.command("compile")
@click.argument("model")
@click.option(
    "--target",
    type=click.Choice(["host", "emulator", "qemu", "arduino", "wasm"]),
    required=True,
    help="Where it is to run.",
)
@click.option("--out", required=True, type=Output(folder=True), help="Folder.")
@click.option(
    "--kernels",
    type=click.Choice(["dsp", "portable"]),
    default="dsp",
    show_default=True,
    help="Kernels of the Cortex-M4's DSP instructions, in C elsewhere, or plain loops.",
)
@click.option(
    "--compiler",
    type=click.Choice(["zig", "gcc"]),
    default="zig",
    show_default=True,
    help="gcc is arm-none-eabi-gcc, for emulator and qemu.",
)
@click.option(
    "--sparse",
    type=click.Choice(["auto", "never"]),
    default="auto",
    show_default=True,
    help="Layers whose zeros are skipped: those where it pays, or none.",
)
@json_option
def command(
    model: str, target: str, out: Path, kernels: str, compiler: str, sparse: str, as_json: bool
) -> None:
    """Compile a full-int8 .tflite file to C with static memory, and build it.

    MODEL is such a file or the name of a published network.

    Target host is a shared library, emulator and qemu are programs for an emulated Cortex-M4F,
    arduino is the sketch kws_nano33ble for the Arduino Nano 33 BLE Sense, in a folder of its own,
    wasm is a WebAssembly module with the functions of page.h.
    """
    from kwslib.board.emulator import static_memory
    from kwslib.deploy.compile import compile_network
    from kwslib.deploy.predictors import tflite_of
    from kwslib.network.reader import read_graph

    graph = read_graph(tflite_of(model))
    compiled = compile_network(graph, target, out, kernels, compiler, sparse, model)  # type: ignore[arg-type]
    flash, ram = static_memory(compiled.elf) if compiled.elf else (None, None)
    result: dict[str, Any] = {
        "model": model,
        "target": target,
        "flash": flash,
        "ram": ram,
        "left_out": _LEFT_OUT.get(target),
        "program": compiled.program.stat().st_size,
        "arena": compiled.source.arena.size,
        "peak": compiled.source.arena.peak,
        "macs": graph.macs,
        "weights": compiled.source.weights,
        "weight_bits": list(graph.weight_bits),
        "layers": list(compiled.source.layers),
        "kernels": [list(names) for names in compiled.source.kernels],
        "files": [str(path) for path in compiled.files],
    }
    show(result, as_json, _text(result))


def _text(result: dict[str, Any]) -> str:
    lines = [
        f"{result['model']} for {result['target']}: {result['files'][-1]}",
        f"arena {result['arena']:,} bytes, {result['peak']:,} of them live at the peak",
    ]
    if result["weight_bits"]:
        bits = ", ".join(map(str, result["weight_bits"]))
        lines.append(f"weights {result['weights']:,} bytes, of {bits} bits layer by layer")
    if result["target"] == "wasm":
        lines.append(f"the module {result['program']:,} bytes, with all that the network needs")
    if result["flash"] is not None:
        left_out = ", ".join(filter(None, ["stack", result["left_out"]]))
        lines.append(
            f"flash {result['flash']:,} bytes, RAM {result['ram']:,} bytes without {left_out}"
        )
    pairs = zip(result["layers"], result["kernels"], strict=True)
    layers = ", ".join(f"{layer} by {' and '.join(kernels)}" for layer, kernels in pairs)
    return "\n".join([*lines, f"layers {layers}"])
