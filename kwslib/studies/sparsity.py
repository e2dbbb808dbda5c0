"""What zeros buy: time and flash of dense and sparse code, and bytes of compressed weights.

Every build of a network, dense or sparse, has to give the same bytes. The emulated board counts
instructions and models cycles; this machine's processor is timed with the builds in turn, so that
what slows it down for a while slows all of them.
"""

import statistics
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from kwslib.board.cycles import FLASH_WAIT
from kwslib.board.emulator import Emulator, FlashWatch, static_memory
from kwslib.cost.compression import compressed_bytes
from kwslib.deploy.choice import Sparse
from kwslib.deploy.compile import compile_network
from kwslib.deploy.host import HostNetwork
from kwslib.deploy.packing import filled
from kwslib.deploy.predictors import tflite_of
from kwslib.deploy.sparse_packing import BLOCK
from kwslib.errors import InputError
from kwslib.network.graph import Graph
from kwslib.network.operators import Operator
from kwslib.network.reader import read_graph
from kwslib.network.weighted import DepthwiseConv2d, FullyConnected, Weighted
from kwslib.records import Method, Record, machine_name, of_version, select
from kwslib.sweep.runs import sweep

Pattern = Literal["global", "uniform", "blocks"]
"""Where the zeros are: the smallest weights of all layers together, the smallest of each layer, or
each fully connected layer's blocks of the smallest sums and the smallest weights of the others."""

PATTERNS: tuple[Pattern, ...] = get_args(Pattern)

VERSION = 1
"""Raised by hand when the same data, model and settings can give other records."""

BUILDS: Mapping[str, Sparse] = {
    "dense": "never",
    "sparse": "auto",
    "lists": ("single", "taps"),
    "straight": ("single", "straight"),
    "blocks": ("blocks", "straight"),
}
"""Dense, what pays layer by layer, and forms that are forced on every layer that can have them."""

ZEROS = (0.0, 0.25, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.995)

_INPUTS = 3
_ROUNDS = 50
_RUNS_A_ROUND = 50


@dataclass(frozen=True)
class Setting:
    """Zeros in a network.

    Attributes:
        pattern: where they are.
        zeros: their share of the weights, or of the blocks.
    """

    pattern: Pattern
    zeros: float


@dataclass(frozen=True)
class Built:
    """A network as one of :data:`BUILDS` on the emulated board.

    Attributes:
        instructions: of an inference, executed.
        cycles: modelled for them, with memory that never makes the processor wait.
        flash_reads: constants read from flash, for each of which it does wait; None where they
            could not be counted.
        flash: bytes of the whole program.
        ram: bytes of its variables.
        kernels: of each layer, by the layer's name.
        layer_cycles: likewise.
        outputs: int8 ``[inputs, size]``.
    """

    instructions: int
    cycles: int
    flash_reads: int | None
    flash: int
    ram: int
    kernels: Mapping[str, str]
    layer_cycles: Mapping[str, int]
    outputs: NDArray[np.int8]


def built(graph: Graph, sparse: Sparse) -> Built:
    """A network on the emulated board, dense or sparse.

    Args:
        graph: the network.
        sparse: see :mod:`kwslib.deploy.choice`.
    """
    with tempfile.TemporaryDirectory(prefix="kws-sparsity-") as folder:
        compiled = compile_network(graph, "emulator", folder, sparse=sparse)
        board = Emulator(compiled.program)
        watch = FlashWatch(board)
        flash, ram = static_memory(compiled.program)
    to, at = (board.call(f"kws_network_{end}put").value for end in ("in", "out"))
    outputs = []
    for values in _inputs(graph):
        board.write(to, values.tobytes())
        board.call("kws_network_run")
        outputs.append(np.frombuffer(board.read(at, graph.output.size), np.int8))
    board.write(to, values.tobytes())
    call, flash_reads = watch.call("kws_network_run")
    board.write(to, values.tobytes())
    cycles = {layer: board.call(layer).cycles for layer in compiled.source.layers}
    kernels = dict(
        zip(compiled.source.layers, map(" + ".join, compiled.source.kernels), strict=True)
    )
    return Built(
        call.instructions, call.cycles, flash_reads, flash, ram, kernels, cycles, np.stack(outputs)
    )


def _inputs(graph: Graph) -> NDArray[np.int8]:
    """The same for everyone; what they are makes a difference to a softmax alone."""
    rng = np.random.default_rng(0)
    return rng.integers(-128, 128, (_INPUTS, graph.input.size)).astype(np.int8)


def measure_graph(
    graph: Graph, subject: Mapping[str, Any], builds: Iterable[str] = tuple(BUILDS)
) -> list[Record]:
    """The records of a network, which may have zeros or not.

    On the emulated board: instructions, cycles without and with waits for flash, flash and RAM of
    each build, and the cycles of each layer. On this machine: the run time of each build, and how
    many times faster it is than the first of them. Of the weights: bytes by encoding.

    Args:
        graph: the network.
        subject: whose records these are.
        builds: names in :data:`BUILDS`.

    Raises:
        ValueError: two builds give different bytes.
    """
    names = list(builds)
    found = {name: built(graph, BUILDS[name]) for name in names}
    for name in names:
        if not np.array_equal(found[name].outputs, found[names[0]].outputs):
            raise ValueError(f"{subject}: the builds {names[0]} and {name} give different bytes")
    records = [record for name in names for record in _of_board(found[name], subject, name)]
    records += _of_host(host_times(graph, names), subject)
    weights = [operator.weights for operator in graph.operators if isinstance(operator, Weighted)]
    return records + [
        Record("weight_bytes", size, "bytes", "measured", {**subject, "encoding": encoding})
        for encoding, size in compressed_bytes(weights).items()
    ]


def _of_board(found: Built, subject: Mapping[str, Any], build: str) -> list[Record]:
    def record(metric: str, value: int, unit: str, method: Method, **more: str) -> Record:
        about = {**subject, "build": build, **more}
        return Record(
            metric, value, unit, method, about, machine="emulated Cortex-M4", target="emulator"
        )

    waits = []
    if found.flash_reads is not None:
        cycles = found.cycles + FLASH_WAIT * found.flash_reads
        waits = [record("cycles_with_flash_waits", cycles, "count", "modelled")]
    return [
        record("instructions", found.instructions, "count", "emulated"),
        record("cycles", found.cycles, "count", "modelled"),
        *waits,
        record("flash", found.flash, "bytes", "measured"),
        record("ram", found.ram, "bytes", "measured"),
        *(
            record("layer_cycles", cycles, "count", "modelled", layer=layer,
                   kernel=found.kernels[layer])
            for layer, cycles in found.layer_cycles.items()
        ),
    ]  # fmt: skip


def host_times(graph: Graph, builds: Sequence[str]) -> dict[str, list[float]]:
    """Microseconds of an inference on this machine, by build: one mean a round, in turn.

    Time that other programs have the processor does not count.
    """
    with tempfile.TemporaryDirectory(prefix="kws-sparsity-") as folder:
        networks = {
            name: HostNetwork(
                compile_network(graph, "host", Path(folder) / name, sparse=BUILDS[name]).program,
                graph,
            )
            for name in builds
        }
    times: dict[str, list[float]] = {name: [] for name in builds}
    for _ in range(1 + _ROUNDS):
        for name, network in networks.items():
            start = time.thread_time()
            network.repeat(_RUNS_A_ROUND)
            times[name].append(1e6 * (time.thread_time() - start) / _RUNS_A_ROUND)
    return {name: each[1:] for name, each in times.items()}  # the first warms up


def _of_host(times: Mapping[str, Sequence[float]], subject: Mapping[str, Any]) -> list[Record]:
    """Medians; a ratio is the median of the rounds' ratios."""
    first = next(iter(times.values()))
    records = []
    for name, each in times.items():
        ratios = [one / other for one, other in zip(first, each, strict=True)]
        for metric, value, unit in (
            ("run_time", statistics.median(each), "us"),
            ("speed", statistics.median(ratios), "ratio"),
        ):
            about = {**subject, "build": name}
            records.append(Record(metric, value, unit, "measured", about, machine=machine_name()))
    return records


def settings(
    patterns: Sequence[Pattern] = PATTERNS, zeros: Sequence[float] = ZEROS
) -> list[Setting]:
    """Every share of zeros in every pattern."""
    return [Setting(pattern, share) for pattern in patterns for share in zeros]


def measure(
    setting: Setting, *, model: str, builds: tuple[str, ...] = tuple(BUILDS)
) -> list[Record]:
    """The records of a network with zeros put into it.

    Args:
        setting: which zeros.
        model: a ``.tflite`` file, or the name of a published network.
        builds: names in :data:`BUILDS`.
    """
    graph = read_graph(tflite_of(model))
    subject = {"network": Path(model).stem, "tflite": graph.sha256, **asdict(setting)}
    return measure_graph(with_zeros(graph, setting.pattern, setting.zeros), subject, builds)


def study(
    model: str,
    patterns: Sequence[Pattern] = PATTERNS,
    zeros: Sequence[float] = ZEROS,
    *,
    builds: tuple[str, ...] = tuple(BUILDS),
    folder: Path | None = None,
) -> list[Record]:
    """The records of a sweep; settings that an earlier call finished are not measured again.

    One setting after the other: run times want the machine for themselves.

    Args:
        model: a ``.tflite`` file, or the name of a published network.
        patterns: of :data:`PATTERNS`.
        zeros: shares of the weights.
        builds: names in :data:`BUILDS`.
        folder: where finished settings are kept, by default in the cache.

    Raises:
        InputError: no such network, pattern or share.
    """
    sha256 = read_graph(tflite_of(model)).sha256
    results = sweep(
        f"sparsity-{Path(model).stem}", settings(patterns, zeros),
        partial(measure, model=model, builds=builds),
        key=f"{VERSION} {sha256} {builds}", jobs=1, folder=folder,
    )  # fmt: skip
    return of_version((record for records in results for record in records), VERSION)


def break_even(
    records: Sequence[Record], pattern: Pattern, build: str, metric: str = "cycles", **layer: str
) -> float | None:
    """The share of zeros from which on a build takes less than the dense one.

    Between two shares that were measured, both are taken to change in a straight line.

    Args:
        records: of :func:`study`.
        pattern: where the zeros are.
        build: one of :data:`BUILDS`.
        metric: ``"cycles"``, ``"instructions"``, ``"flash"`` or ``"run_time"``; ``"layer_cycles"``
            with ``layer="layer_0_conv2d"``.
        **layer: what else a record's subject must say.

    Returns:
        The share; 0 where the build takes less from the start, None where it never does. The build
        ``"sparse"`` takes as much as the dense one until it takes less, so its share is the last
        one that was measured with both alike.

    Raises:
        InputError: there are no such records.
    """
    dense, other = (
        {record.subject["zeros"]: record.value
         for record in select(records, metric, pattern=pattern, build=name, **layer)}
        for name in ("dense", build)
    )  # fmt: skip
    if not dense or dense.keys() != other.keys():
        raise InputError(f"no records of {metric} for zeros {pattern} as {build} and as dense")
    shares = sorted(dense)
    more = [other[share] - dense[share] for share in shares]
    above = [i for i, value in enumerate(more) if value >= 0]
    if not above:
        return 0.0
    last = above[-1]
    if last == len(shares) - 1:
        return None
    part = more[last] / (more[last] - more[last + 1])
    return shares[last] + part * (shares[last + 1] - shares[last])


def with_zeros(graph: Graph, pattern: Pattern, share: float) -> Graph:
    """The network with a share of its weights set to zero, the smallest first.

    Args:
        graph: the network.
        pattern: one of :data:`PATTERNS`.
        share: of the weights, or of the blocks, from 0 to 1.

    Raises:
        InputError: no such pattern, or no such share.
    """
    if pattern not in PATTERNS:
        raise InputError(f"pattern {pattern!r}: must be one of {', '.join(PATTERNS)}")
    if not 0 <= share <= 1:
        raise InputError(f"zeros {share}: give a share from 0 to 1")
    weighted = [operator for operator in graph.operators if isinstance(operator, Weighted)]
    if pattern == "global":
        sizes = [_magnitudes(operator).reshape(-1) for operator in weighted]
        kept = _largest(np.concatenate(sizes), share)
        masks = np.split(kept, np.cumsum([len(size) for size in sizes])[:-1])
    else:
        masks = [_mask(operator, pattern, share) for operator in weighted]
    each = iter(masks)
    operators = tuple(
        _masked(operator, next(each)) if isinstance(operator, Weighted) else operator
        for operator in graph.operators
    )
    return replace(graph, operators=operators)


def _magnitudes(operator: Weighted) -> NDArray[np.float64]:
    """What the weights stand for, without signs.

    A multiplier is the input's scale times the weights' over the output's.
    """
    scales = np.array([by.mantissa * 2.0 ** (by.exponent - 31) for by in operator.multipliers])
    scales *= operator.output.scale / operator.input.scale
    shape = [1] * operator.weights.ndim
    shape[-1 if isinstance(operator, DepthwiseConv2d) else 0] = -1
    return np.abs(operator.weights.astype(np.float64)) * scales.reshape(shape)


def _largest(sizes: NDArray[np.floating], share: float) -> NDArray[np.bool_]:
    """Whether each is among those that are left when a share of them, the smallest, is gone."""
    kept = np.ones(len(sizes), bool)
    kept[np.argsort(sizes, kind="stable")[: round(share * len(sizes))]] = False
    return kept


def _mask(operator: Weighted, pattern: Pattern, share: float) -> NDArray[np.bool_]:
    """Which weights of a layer stay, flat."""
    sizes = np.abs(operator.weights.astype(np.float64)).reshape(-1)
    if pattern != "blocks" or not isinstance(operator, FullyConnected):
        return _largest(sizes, share)
    outputs, depth = operator.weights.shape
    blocks = filled(sizes.reshape(outputs, depth), (1, BLOCK)).reshape(-1, BLOCK)
    kept = np.repeat(_largest(blocks.sum(axis=1), share), BLOCK)
    return kept.reshape(outputs, -1)[:, :depth].reshape(-1)


def _masked(operator: Weighted, kept: NDArray[np.bool_]) -> Operator:
    return replace(operator, weights=operator.weights * kept.reshape(operator.weights.shape))
