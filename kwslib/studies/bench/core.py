"""Instructions that the C core executes on the emulated Cortex-M4, beside other people's and with
zeros among the weights.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kwslib.board.emulator import Emulator
from kwslib.deploy import frontend
from kwslib.deploy.codegen import Kernels, generate
from kwslib.deploy.toolchain import CORE, Compiler, cortex_m4
from kwslib.models.checkpoint import PUBLISHED
from kwslib.network.graph import Graph
from kwslib.network.reader import read_graph
from kwslib.studies.bench.cmsis import CmsisNetwork, one_multiplier
from kwslib.studies.bench.speed import Row
from kwslib.studies.sparsity import PATTERNS, Built, built, with_zeros

_UNIT = "instr."
_FRAMES = 60
_ZEROS = (0.5, 0.8, 0.9, 0.95, 0.99)
_STAGES = Path(__file__).parent / "c" / "stages.c"


def core() -> Sequence[Row]:
    """tiny_conv's convolution and all of it three ways, the front end and the smoothing.

    The weights are the published network's, with one multiplier in the last layer.
    """
    graph = one_multiplier(read_graph(PUBLISHED / "tiny_conv-yes_no.tflite"))
    values = np.random.default_rng(0).integers(-128, 128, graph.input.size).astype(np.int8)
    with tempfile.TemporaryDirectory(prefix="kws-bench-") as name:
        folder = Path(name)
        cmsis = {
            (compiler, flag): CmsisNetwork(
                graph, folder / "cmsis" / f"{compiler}{flag}", [flag], compiler
            )
            for compiler, flag in _builds()
        }
        convolution = _compare(
            "tiny_conv, convolution",
            _convolution_of(graph),
            values,
            folder / "convolution",
            {build: network.convolution(values) for build, network in cmsis.items()},
        )
        network = _compare(
            "tiny_conv, all of it",
            graph,
            values,
            folder / "network",
            {build: network.network(values) for build, network in cmsis.items()},
        )
        return [*convolution, *network, *_stages(folder)]


_Build = tuple[Compiler, str]
"""A compiler and a flag."""


def _builds() -> list[_Build]:
    """What others' code may choose its best from; gcc where it is installed."""
    compilers: list[Compiler] = ["zig", "gcc"] if which("arm-none-eabi-gcc") else ["zig"]
    return [(compiler, flag) for compiler in compilers for flag in ("-O2", "-O3")]


def _convolution_of(graph: Graph) -> Graph:
    """The first layer alone."""
    return replace(graph, operators=graph.operators[:1], outputs=(graph.operators[0].output,))


_Counted = tuple[NDArray[np.int8], int]


def _compare(
    what: str, graph: Graph, values: NDArray[np.int8], folder: Path, cmsis: dict[_Build, _Counted]
) -> list[Row]:
    """Ours as ``kws compile`` builds it, the others as suits them best; all give the same bytes."""
    ours: _Build = ("zig", "-O2")
    expected, least = _run(graph, values, folder / "ours", "dsp", ours)
    nests = {
        build: _run(graph, values, folder / " ".join(build), "portable", build)
        for build in _builds()
    }
    rows = [Row(f"{what}: ours", least, _UNIT, f"{' '.join(ours)}, as kws compile builds it")]
    for name, counts in (("C loop nests", nests), ("CMSIS-NN with DSP", cmsis)):
        for found, _ in counts.values():
            np.testing.assert_array_equal(found, expected)
        best = min(counts, key=lambda build: counts[build][1])
        instructions = counts[best][1]
        others = ", ".join(map(" ".join, counts))
        how = f"{' '.join(best)}, the best of {others}; {instructions / least:.1f} x ours"
        rows.append(Row(f"{what}: {name}", instructions, _UNIT, how))
    return rows


def _run(
    graph: Graph, values: NDArray[np.int8], folder: Path, kernels: Kernels, build: _Build
) -> _Counted:
    """Output and executed instructions of generated code."""
    folder.mkdir(parents=True)
    source = generate(graph, kernels)
    (folder / "network.h").write_text(source.header)
    (folder / "network.c").write_text(source.source)
    program = cortex_m4(
        [folder / "network.c"], folder / "network.elf", include=[folder], flags=[build[1]],
        compiler=build[0],
    )  # fmt: skip
    board = Emulator(program)
    board.write(board.call("kws_network_input").value, values.tobytes())
    instructions = board.call("kws_network_run").instructions
    address = board.call("kws_network_output").value
    return np.frombuffer(board.read(address, graph.output.size), np.int8), instructions


def _stages(folder: Path) -> list[Row]:
    """The front end and the smoothing, each in the state in which it does most."""
    (folder / frontend.HEADER).write_text(frontend.frontend_tables())
    sources = [*frontend.SOURCES, *sorted(CORE.glob("smoothing*.c")), _STAGES]
    board = Emulator(cortex_m4(sources, folder / "stages.elf", include=[folder]))
    board.call("stage_reset")
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 3000, (_FRAMES, 320)).clip(-32768, 32767).astype("<i2")
    scores = rng.integers(-128, 128, (_FRAMES, 12)).astype(np.int8)
    frame = _most(board, "frontend_push", "frontend", "samples", list(noise), lambda _: 320)
    smooth = _most(board, "smoothing_push", "smoothing", "scores", list(scores), lambda i: 20 * i)
    how = f"most of {_FRAMES} frames of noise, 20 ms each"
    return [
        Row("front end, a frame", frame, _UNIT, how),
        Row("smoothing, an inference", smooth, _UNIT, "12 labels, 25 inferences averaged"),
    ]


def _most(
    board: Emulator,
    function: str,
    state: str,
    place: str,
    blocks: Sequence[NDArray[Any]],
    third: Callable[[int], int],
) -> int:
    """The most instructions of calls ``function(state, block, third)``."""
    at, where = board.call(f"stage_{state}").value, board.call(f"stage_{place}").value
    counts = []
    for i, block in enumerate(blocks):
        board.write(where, block.tobytes())
        counts.append(board.call(f"kws_{function}", at, where, third(i)).instructions)
    return max(counts)


def sparsity() -> Sequence[Row]:
    """The published network with its smallest weights set to zero, in every pattern."""
    graph = read_graph(PUBLISHED / "tiny_conv-yes_no.tflite")
    dense = built(graph, "never")
    rows = [Row("dense", dense.cycles, "cycles", _how_sparse(dense, dense))]
    for pattern in PATTERNS:
        for zeros in _ZEROS:
            sparse = built(with_zeros(graph, pattern, zeros), "auto")
            what = f"{zeros:.0%} zeros, {pattern}"
            rows.append(Row(what, sparse.cycles, "cycles", _how_sparse(sparse, dense)))
    return rows


def _how_sparse(found: Built, dense: Built) -> str:
    kernels = ", ".join(list(found.kernels.values())[:-1])
    faster = f"{dense.cycles / found.cycles:.2f} x as fast as dense"
    return f"{faster}, {found.instructions:,} instr., flash {found.flash:,} bytes: {kernels}"
