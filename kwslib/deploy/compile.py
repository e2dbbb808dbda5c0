"""From a ``.tflite`` file to C for a target, and to the program it makes."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kwslib.deploy.codegen import Kernels, generate
from kwslib.deploy.frontend import HEADER, frontend_tables
from kwslib.deploy.graph import Graph
from kwslib.deploy.toolchain import CORE, cortex_m4, shared_library
from kwslib.files import write_text

Target = Literal["host", "emulator"]
TARGETS: tuple[Target, ...] = ("host", "emulator")


@dataclass(frozen=True)
class Compiled:
    """A network compiled for a target.

    Attributes:
        program: shared library of the host, ELF file of the emulator.
        files: all that was written, the program last.
        arena: bytes of RAM for activations and scratch.
        peak: bytes live at the busiest step.
        layers: C functions of the layers, in order.
    """

    program: Path
    files: tuple[Path, ...]
    arena: int
    peak: int
    layers: tuple[str, ...]


def compile_network(
    graph: Graph, target: Target, folder: Path | str, kernels: Kernels | None = None
) -> Compiled:
    """Write a network's C with the core (kernels, front end, smoothing), and build it all.

    Args:
        graph: the network.
        target: where it is to run.
        folder: where to write; it is created.
        kernels: ``"dsp"`` or ``"portable"``; by default the target's own.

    Raises:
        InputError: the compiler is missing, or the network does not fit the board.
    """
    folder = Path(folder)
    labels = graph.facts.get("labels")
    source = generate(
        graph,
        kernels or ("portable" if target == "host" else "dsp"),
        [str(label) for label in labels] if isinstance(labels, list) else (),
    )
    files = [folder / "network.h", folder / "network.c", folder / HEADER]
    for path, text in zip(files, (source.header, source.source, frontend_tables()), strict=True):
        write_text(path, text)
    files += _copies(folder)
    sources = [path for path in files if path.suffix == ".c"]
    if target == "host":
        program = shared_library(sources, folder / "libkws.so", include=[folder])
    else:
        program = cortex_m4(sources, folder / "kws.elf", include=[folder])
    return Compiled(program, (*files, program), source.arena.size, source.arena.peak, source.layers)


def _copies(folder: Path) -> list[Path]:
    """Copies of the core, so that the folder can be compiled wherever it is taken."""
    copies = []
    for path in sorted(CORE.glob("*.[ch]")):
        copy = folder / path.name
        shutil.copyfile(path, copy)
        copies.append(copy)
    return copies
