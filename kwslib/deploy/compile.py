"""From a ``.tflite`` file to C for a target, and to the program it makes."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from kwslib.config import DEPLOYED
from kwslib.deploy.choice import Sparse
from kwslib.deploy.codegen import Kernels, NetworkSource, generate
from kwslib.deploy.frontend import HEADER, frontend_tables
from kwslib.deploy.toolchain import (
    CORE,
    DEVICE,
    MAILBOX,
    NANO33BLE_PORT,
    QEMU_PORT,
    WASM_PORT,
    Compiler,
    cortex_m4,
    cortex_m4_object,
    shared_library,
    web_assembly,
)
from kwslib.errors import InputError, naming
from kwslib.evaluation.smoothing import MAX_LABELS
from kwslib.files import write_beside, write_text
from kwslib.folders import lock_folder
from kwslib.network.graph import Graph

Target = Literal["host", "emulator", "qemu", "arduino", "wasm"]

SKETCH = "kws_nano33ble"
"""The Arduino sketch: the name of its folder, and of the ``.ino`` in it, which must be the same."""

_LONGEST_LABEL = 32


@dataclass(frozen=True)
class Compiled:
    """A network compiled for a target.

    Attributes:
        source: its C.
        program: shared library of the host, ELF file of an emulator, Arduino sketch, WebAssembly
            module.
        files: all that was written, the program last.
        elf: tells flash and RAM; None for the host and for WebAssembly. That of the Arduino sketch
            is without Arduino's core, and no program for the board.
    """

    source: NetworkSource
    program: Path
    files: tuple[Path, ...]
    elf: Path | None = None


def spots_keywords(graph: Graph) -> bool:
    """Whether a network takes the deployed image and names its outputs, keywords among them.

    Only around such a network can a board's whole program be built.
    """
    labels = graph.labels
    return (
        len(graph.inputs) == len(graph.outputs) == 1
        and graph.input.size == DEPLOYED.frames * DEPLOYED.bands
        and 2 < len(labels) == graph.output.size <= MAX_LABELS
        and all(0 < len(label.encode()) <= _LONGEST_LABEL for label in labels)
    )


def compile_network(
    graph: Graph,
    target: Target,
    folder: Path | str,
    kernels: Kernels = "dsp",
    compiler: Compiler = "zig",
    sparse: Sparse = "auto",
    model: str = "the network",
) -> Compiled:
    """Write a network's C with the core (kernels, front end, smoothing), and build it all.

    A network that spots keywords comes with the device around it, which answers the protocol.
    For ``"wasm"`` the protocol is left out: a web page calls the functions of ``page.h``.
    For ``"arduino"`` the folder gets a sketch of its own, :data:`SKETCH`, to be opened or uploaded
    with Arduino's tools; it is compiled as a check.

    Args:
        graph: the network.
        target: where it is to run.
        folder: where to write; it is created.
        kernels: ``"dsp"``, which pays on every machine, or the simpler ``"portable"``.
        compiler: ``"zig"``, or ``"gcc"`` for the emulators.
        sparse: which layers skip their zeros; by default those where it pays.
        model: what messages call the network.

    Raises:
        InputError: the compiler is missing or cannot build for the target, or the network does not
            spot keywords where it must, or does not fit the board, or another process writes into
            the folder.
    """
    place = _place_of(target, graph, compiler)
    folder = Path(folder)
    code = folder / place.code
    with naming(model):
        source = generate(graph, kernels, sparse)
    texts = {"network.h": source.header, "network.c": source.source, HEADER: frontend_tables()}
    parts = [CORE, DEVICE, place.port] if spots_keywords(graph) else [CORE]
    with lock_folder(folder):
        for name, text in texts.items():
            write_text(code / name, text)
        copies = [_copy(path, code) for part in parts for path in sorted(part.glob("*.[ch]"))]
        files = [*(code / name for name in texts), *copies]
        sources = [path for path in files if path.suffix == ".c"]
        settings = {"compiler": compiler} if len(place.compilers) > 1 else {}
        *others, program = place.build(sources, folder, **settings)
    elf = next((path for path in (*others, program) if path.suffix == ".elf"), None)
    return Compiled(source, program, (*files, *others, program), elf)


def _copy(path: Path, folder: Path) -> Path:
    """A copy of a file, so that the folder can be compiled wherever it is taken."""
    copy = folder / path.name
    with write_beside(copy) as temporary:
        shutil.copyfile(path, temporary)
    return copy


def _build(
    make: Callable[..., Path], name: str, sources: Sequence[Path], folder: Path, **settings: Any
) -> list[Path]:
    return [make(sources, folder / name, include=[sources[0].parent], **settings)]


def _build_sketch(sources: Sequence[Path], folder: Path) -> list[Path]:
    """Arduino's tools compile the sketch; here it is compiled against an empty Arduino core."""
    sketch = _copy(NANO33BLE_PORT / f"{SKETCH}.ino", folder / SKETCH)
    stubs = NANO33BLE_PORT / "stubs"
    checked = folder / f"{SKETCH}-check"
    checked.mkdir(exist_ok=True)
    objects = [
        cortex_m4_object(source, checked / f"{source.stem}.o", include=[stubs])
        for source in (sketch, stubs / "arduino.cpp")
    ]
    include = [sources[0].parent]
    elf = cortex_m4([*sources, *objects], checked / "kws.elf", include=include)
    return [*objects, elf, sketch]


@dataclass(frozen=True)
class _Place:
    """What is special about a target.

    Attributes:
        port: the folder of C that joins the device to it.
        build: makes the program of sources, in a folder, with a compiler where there is a choice:
            the files that it writes, the program last.
        compilers: that can build for it.
        needs_keywords: it runs the whole device, and a network by itself is of no use there.
        code: where in the folder the C belongs.
    """

    port: Path
    build: Callable[..., list[Path]]
    compilers: tuple[Compiler, ...] = ("zig",)
    needs_keywords: bool = False
    code: str = "."


_HOST = partial(_build, shared_library, "libkws.so", define=['KWS_MAILBOX_BOARD="this computer"'])
_BARE = partial(_build, cortex_m4, "kws.elf")
_EMULATED = partial(_BARE, define=['KWS_MAILBOX_BOARD="emulated Cortex-M4F"'])
_WASM = partial(_build, web_assembly, "kws.wasm")

_PLACES: dict[Target, _Place] = {
    "host": _Place(MAILBOX, _HOST),
    "emulator": _Place(MAILBOX, _EMULATED, ("zig", "gcc")),
    "qemu": _Place(QEMU_PORT, _BARE, ("zig", "gcc"), needs_keywords=True),
    "arduino": _Place(NANO33BLE_PORT, _build_sketch, needs_keywords=True, code=f"{SKETCH}/src"),
    "wasm": _Place(WASM_PORT, _WASM, needs_keywords=True),
}

TARGETS: tuple[Target, ...] = tuple(_PLACES)


def _place_of(target: Target, graph: Graph, compiler: Compiler) -> _Place:
    """What is special about a target, which must suit the network and the compiler."""
    place = _PLACES[target]
    if place.needs_keywords and not spots_keywords(graph):
        raise InputError(
            f"target {target}: the network takes no image of {DEPLOYED.frames} x {DEPLOYED.bands} "
            "or does not name its labels; 'kws convert' makes networks for a board"
        )
    if compiler not in place.compilers:
        raise InputError(
            f"target {target}: is built by {' or '.join(place.compilers)}, not {compiler}"
        )
    return place
