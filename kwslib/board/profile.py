"""How long each stage takes on a board: instructions, cycles, microseconds.

The same three functions of the firmware are looked at everywhere: the front end of one frame, the
network (layer by layer too), and the postprocessing. The emulated board counts their instructions
from outside and models their cycles; a real board times them with its own counter, over the
protocol; this machine times them with its clock. What a place cannot tell is None.
"""

import ctypes
import math
import timeit
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kwslib.board.client import Board, BoardError, Counts
from kwslib.board.cycles import FLASH_WAIT
from kwslib.board.emulator import FlashWatch, static_memory
from kwslib.board.footprint import Part, memory_parts
from kwslib.board.target import open_board
from kwslib.board.transport import EmulatorLink, HostLink
from kwslib.config import CLIP_SAMPLES, DEPLOYED, NANO33BLE, SAMPLE_RATE
from kwslib.deploy.codegen import generate
from kwslib.models.checkpoint import PUBLISHED
from kwslib.network.graph import Graph
from kwslib.network.reader import read_graph
from kwslib.records import Method, Record, machine_name

VERSION = 1
"""Raised by hand when the same data, model and settings can give other records."""

STAGES = {
    "features": "kws_stage_features",
    "image": "kws_stage_image",
    "network": "kws_network_run",
    "postprocess": "kws_stage_postprocess",
}
"""Names of the stages and the functions of the firmware that they are: a frame of the front end,
then once an inference the image as the network's input, the network and the smoothing."""

RECORDS = PUBLISHED.parent / "board"
"""Where the records of profiles lie that the report shows."""

_HOP_US = 1_000_000 * DEPLOYED.hop / SAMPLE_RATE
_REPETITIONS = 200
_WARM_UP = 20
_CALLS = 10


@dataclass(frozen=True)
class Cost:
    """What something took; None for what was not counted.

    Attributes:
        instructions: executed.
        cycles: of the processor.
        us: microseconds.
        flash_reads: constants read from flash, for which a board waits and the model does not.
    """

    instructions: float | None = None
    cycles: float | None = None
    us: float | None = None
    flash_reads: float | None = None

    @property
    def us_with_waits(self) -> float | None:
        """Microseconds with what an nRF52840 waits for each constant from flash."""
        if self.us is None or self.flash_reads is None:
            return None
        return self.us + 1e6 * FLASH_WAIT * self.flash_reads / NANO33BLE.clock_hz

    def times(self, n: float) -> "Cost":
        """The cost of doing it ``n`` times."""
        return Cost(*(None if value is None else value * n for value in astuple(self)))

    def __add__(self, other: "Cost") -> "Cost":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Cost(*(None if a is None or b is None else a + b for a, b in pairs))


@dataclass(frozen=True)
class Profile:
    """A network's run time in one place.

    Attributes:
        target: where.
        board: what the board calls itself, or this machine.
        method: how microseconds came about: ``"measured"`` or ``"modelled"``, or ``"emulated"``
            where there are only instructions.
        clock_hz: of the processor; None where it is not known.
        stages: by the names of :data:`STAGES`.
        layers: of the network.
        flash, ram, stack: bytes of the whole program, or None.
        parts: what fills flash and RAM, where that is known.
        repetitions: of which the medians are.
    """

    target: str
    board: str
    method: Method
    clock_hz: int | None
    stages: Mapping[str, Cost]
    layers: Mapping[str, Cost]
    flash: int | None
    ram: int | None
    stack: int | None
    repetitions: int
    parts: tuple[Part, ...] = ()

    @property
    def inference(self) -> Cost:
        """What comes once an inference: image, network and postprocessing."""
        return self.stages["image"] + self.stages["network"] + self.stages["postprocess"]

    @property
    def per_second(self) -> Cost:
        """A second of audio: its frames, and one inference."""
        return self.stages["features"].times(DEPLOYED.frames) + self.inference

    @property
    def per_hop(self) -> Cost:
        """20 ms of audio: one frame, and an inference after each."""
        return self.stages["features"] + self.inference

    @property
    def least_hops(self) -> int | None:
        """The fewest frames from one inference to the next with which the board keeps up with
        sound; None where times are not known, or frames alone take all of it.
        """
        frame, inference = self.stages["features"].us, self.inference.us
        if frame is None or inference is None or frame >= _HOP_US:
            return None
        return max(1, math.ceil(inference / (_HOP_US - frame)))

    def as_dict(self) -> dict[str, Any]:
        """What ``kws profile --json`` prints, but for the network's name."""
        return {
            "target": self.target,
            "board": self.board,
            "method": self.method,
            "clock_hz": self.clock_hz,
            "stages": {name: asdict(cost) for name, cost in self.stages.items()},
            "layers": [{"name": name, **asdict(cost)} for name, cost in self.layers.items()],
            "per_second": asdict(self.per_second),
            "per_hop": asdict(self.per_hop),
            "flash": self.flash,
            "ram": self.ram,
            "stack": self.stack,
            "repetitions": self.repetitions,
            "parts": [asdict(part) for part in self.parts],
        }

    def record(self, subject: Mapping[str, Any]) -> Record:
        """The latency record that the report reads.

        Args:
            subject: whose run time it is: network, task, hash of its file.
        """
        return Record(
            "profile", self.as_dict(), "instructions, cycles, us", self.method, subject,
            machine=self.board, target=self.target.partition(":")[0], version=VERSION,
        )  # fmt: skip


def profile_of(record: Record) -> Profile:
    """The profile in a record."""
    value = dict(record.value)
    return Profile(
        **{key: value[key] for key in ("target", "board", "method", "clock_hz", "flash", "ram",
                                       "stack", "repetitions")},
        stages={name: Cost(**cost) for name, cost in value["stages"].items()},
        layers={
            layer["name"]: Cost(**{key: cost for key, cost in layer.items() if key != "name"})
            for layer in value["layers"]
        },
        parts=tuple(Part(**part) for part in value["parts"]),
    )  # fmt: skip


def profile(graph: Graph, target: str, model: str) -> Profile:
    """Profile a network.

    Args:
        graph: the network.
        target: one of :data:`kwslib.board.target.TARGETS`.
        model: what messages call it.

    Raises:
        InputError: no such target, or the network does not fit the board.
        BoardError: no board answers, it runs another network, or it cannot count.
    """
    layers = generate(graph, "dsp").layers
    with open_board(target, graph, model) as board:
        board.stop()
        board.hear(_noise(CLIP_SAMPLES))
        if isinstance(board.link, EmulatorLink):
            return _emulated(board, board.link, layers)
        if isinstance(board.link, HostLink):
            return _timed(board, board.link, layers)
        return _counted_by_itself(board, target, layers)


def _noise(samples: int) -> NDArray[np.int16]:
    """The same sound for everyone; what it is makes no difference to the run time but in the
    softmax, by a few instructions.
    """
    return np.random.default_rng(0).normal(0, 2000, samples).astype(np.int16)


def _costs(
    layers: Sequence[str], cost_of: Callable[[str], Cost]
) -> tuple[dict[str, Cost], dict[str, Cost]]:
    """Costs of functions: of the stages, and of the layers, which need an image again."""
    stages = {name: cost_of(function) for name, function in STAGES.items()}
    cost_of(STAGES["image"])
    return stages, {name: cost_of(name) for name in layers}


def _emulated(board: Board, link: EmulatorLink, layers: Sequence[str]) -> Profile:
    board.profile(_noise(DEPLOYED.hop))  # tells the stages what to work on
    stack, watch = link.stack, FlashWatch(link.board)

    def cost_of(function: str) -> Cost:
        nonlocal stack
        call, flash_reads = watch.call(function)
        stack = max(stack, call.stack)
        us = 1e6 * call.cycles / NANO33BLE.clock_hz
        return Cost(call.instructions, call.cycles, us, flash_reads)

    stages, by_layer = _costs(layers, cost_of)
    flash, ram = static_memory(link.board.program)
    return Profile(
        "emulator", board.info.board, "modelled", NANO33BLE.clock_hz, stages, by_layer,
        flash, ram, stack, 1, memory_parts(link.board),
    )  # fmt: skip


def _timed(board: Board, link: HostLink, layers: Sequence[str]) -> Profile:
    board.profile(_noise(DEPLOYED.hop))
    library = link.library
    nothing = _median_us(library, library.kws_stage_nothing)
    table = (ctypes.c_void_p * len(layers)).in_dll(library, "kws_network_layers")
    functions = {name: ctypes.c_void_p(at) for name, at in zip(layers, table, strict=True)}

    def cost_of(name: str) -> Cost:
        function = functions.get(name) or getattr(library, name)
        return Cost(us=max(0.0, _median_us(library, function) - nothing))

    stages, by_layer = _costs(layers, cost_of)
    return Profile(
        "host", machine_name(), "measured", None, stages, by_layer, None, None, None, _REPETITIONS
    )


def _median_us(library: ctypes.CDLL, function: Any) -> float:
    """Microseconds of a call, timed over so many calls that the clock's grain does not show."""
    repeat = partial(library.kws_mailbox_repeat, function, ctypes.c_uint32(_CALLS))
    times = timeit.repeat(repeat, repeat=_WARM_UP + _REPETITIONS, number=1)
    return 1e6 * float(np.median(times[_WARM_UP:])) / _CALLS


def _counted_by_itself(board: Board, target: str, layers: Sequence[str]) -> Profile:
    info = board.info
    if info.counts == Counts.NOTHING:
        raise BoardError(f"{target}: the board there has no counter to time with")
    rows = [board.profile(_noise(DEPLOYED.hop)) for _ in range(_REPETITIONS)]
    nothing, *ticks = np.median(rows, axis=0).tolist()
    counts = [(each - nothing) * info.numerator / info.denominator for each in ticks]
    costs = iter([_own_cost(count, info.counts, info.clock_hz) for count in counts])
    stages = {name: next(costs) for name in STAGES}
    by_layer = {name: next(costs) for name in layers}
    method: Method = "measured" if info.counts == Counts.CYCLES else "emulated"
    return Profile(
        target, info.board, method, info.clock_hz or None, stages, by_layer, None, None, None,
        len(rows),
    )  # fmt: skip


def _own_cost(count: float, counts: Counts, clock_hz: int) -> Cost:
    if counts == Counts.INSTRUCTIONS:
        return Cost(instructions=1 + round(count))  # what returns at once has executed one too
    return Cost(cycles=count, us=1e6 * count / clock_hz if clock_hz else None)


def profile_record(tflite: Path, target: str) -> Record:
    """The latency record of a network's file, profiled now.

    Args:
        tflite: the file.
        target: as of :func:`profile`.

    Raises:
        InputError: the file cannot be compiled, or there is no such target.
        BoardError: the board does not answer as it should.
    """
    graph = read_graph(tflite)
    found = profile(graph, target, str(tflite))
    subject = {
        "model": graph.facts.get("model"),
        "network": tflite.stem,
        "labels": list(graph.labels),
        "tflite": graph.sha256,
        "macs": graph.macs,
    }
    return found.record(subject)


def record_path(folder: Path, network: str, target: str) -> Path:
    """Where the record of a profile belongs, e.g. ``tiny_conv-yes_no-emulator.json``; a board at
    the end of a link is ``serial`` or ``socket``, whatever its port.
    """
    return folder / f"{network}-{target.partition(':')[0]}.json"
