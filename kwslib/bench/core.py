"""Instructions that the C core executes on the emulated Cortex-M4, beside other people's."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kwslib.bench.cmsis import cmsis_convolution
from kwslib.bench.registry import Row, benchmark
from kwslib.board.emulator import Emulator
from kwslib.deploy import frontend
from kwslib.deploy.codegen import Kernels
from kwslib.deploy.compile import compile_network
from kwslib.deploy.graph import Conv2d, Graph
from kwslib.deploy.reader import read_graph
from kwslib.deploy.toolchain import CORE, cortex_m4
from kwslib.models.checkpoint import PUBLISHED

_UNIT = "instr."
_FRAMES = 60
_STAGES = Path(__file__).parent / "c" / "stages.c"


@benchmark
def core() -> Sequence[Row]:
    """The published network, its convolution three ways, the front end and the smoothing."""
    graph = read_graph(PUBLISHED / "tiny_conv-yes_no.tflite")
    values = np.random.default_rng(0).integers(-128, 128, graph.input.size).astype(np.int8)
    with tempfile.TemporaryDirectory(prefix="kws-bench-") as name:
        folder = Path(name)
        return [
            *_convolution(graph, values, folder),
            *_network(graph, values, folder),
            *_stages(folder),
        ]


def _convolution(graph: Graph, values: NDArray[np.int8], folder: Path) -> list[Row]:
    """All three give the same bytes, or there is no row."""
    conv = graph.operators[0]
    assert isinstance(conv, Conv2d)
    alone = replace(graph, operators=(conv,), output=conv.output)
    expected, ours = _run(alone, values, folder / "ours", "dsp")
    nest, loops = _run(alone, values, folder / "loops", "portable")
    candidates = {}
    for flag in ("-O2", "-O3"):
        found, candidates[flag] = cmsis_convolution(conv, values, folder, [flag])
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(nest, expected)
    best = min(candidates, key=candidates.__getitem__)
    flags = "thumb, cortex_m4+vfp4d16sp, zig"
    return [
        Row("tiny_conv convolution, ours", ours, _UNIT, f"-O2 {flags}"),
        Row("the same, loop nest in C", loops, _UNIT, f"-O2 {flags}; {loops / ours:.1f} x ours"),
        Row(
            "the same, CMSIS-NN with DSP", candidates[best], _UNIT,
            f"{best} {flags}, the better of -O2 and -O3; {candidates[best] / ours:.1f} x ours",
        ),
    ]  # fmt: skip


def _run(
    graph: Graph, values: NDArray[np.int8], folder: Path, kernels: Kernels
) -> tuple[NDArray[np.int8], int]:
    board = Emulator(compile_network(graph, "emulator", folder, kernels).program)
    board.write(board.call("kws_network_input").value, values.tobytes())
    instructions = board.call("kws_network_run").instructions
    address = board.call("kws_network_output").value
    return np.frombuffer(board.read(address, graph.output.size), np.int8), instructions


def _network(graph: Graph, values: NDArray[np.int8], folder: Path) -> list[Row]:
    found, ours = _run(graph, values, folder / "network", "dsp")
    expected, loops = _run(graph, values, folder / "network-loops", "portable")
    np.testing.assert_array_equal(found, expected)
    return [
        Row("tiny_conv, whole network, ours", ours, _UNIT, f"{graph.macs:,} MACs"),
        Row("the same, loop nests in C", loops, _UNIT, f"{loops / ours:.1f} x ours"),
    ]


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
