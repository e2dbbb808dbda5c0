"""From a ``.tflite`` file to C for a target, and to the program it makes."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kwslib.deploy.codegen import Kernels, generate
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
    """Write a network's C with the kernels it includes, and build it.

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
    files = [folder / "network.h", folder / "network.c"]
    write_text(files[0], source.header)
    write_text(files[1], source.source)
    files += _headers(folder)
    if target == "host":
        program = shared_library([files[1]], folder / "libkws.so", include=[folder])
    else:
        program = cortex_m4([files[1]], folder / "kws.elf", include=[folder])
    return Compiled(program, (*files, program), source.arena.size, source.arena.peak, source.layers)


def _headers(folder: Path) -> Sequence[Path]:
    """Copies of the kernels, so that the folder can be compiled wherever it is taken."""
    copies = []
    for header in sorted(CORE.glob("*.h")):
        copy = folder / header.name
        shutil.copyfile(header, copy)
        copies.append(copy)
    return copies
