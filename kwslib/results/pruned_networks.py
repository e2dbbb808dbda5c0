"""Chapter 6: what pruned networks cost: cycles, bytes and run times, as values, tables and charts.

Networks of a sweep are in integers and compiled; a value is the mean over the seeds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

import altair as alt

from kwslib.config import NANO33BLE
from kwslib.records import Record, select
from kwslib.results import page
from kwslib.results.charts import pruning_curves as charts
from kwslib.results.charts.pareto import front
from kwslib.results.provenance import resting_on
from kwslib.results.pruned_accuracy import (
    SCRATCH_NAME,
    TUNED_NAME,
    accuracy_by_share,
    curve_rows,
    percent_of,
    unpruned,
)
from kwslib.results.values import Estimate, brief, grouped, load, mean_over_seeds, point
from kwslib.studies.pruned_boards import COMPILED

FLASH_BUDGETS = (24, 28, 32, 40)
"""kB of flash, for the whole program."""

TIME_BUDGETS = (1.0, 2.0, 3.0, 5.0)
"""Milliseconds of the network on the board."""

_SERIES = {
    "dense": "unpruned", "weights": "weights pruned", "blocks": "blocks pruned",
    "channels": "channels removed",
}  # fmt: skip
_LISTED = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
_BOARD_METHOD = "accuracy measured, instructions emulated, cycles modelled"


@dataclass(frozen=True)
class Deployed:
    """A pruned network in integers, compiled.

    Attributes:
        method: what is pruned; ``"dense"`` for the unpruned network.
        share: of the weights, blocks or channels.
        bits: of the weights that remain.
        accuracy: on test clips, in integers.
        validation: accuracy on validation clips.
        flash: bytes of the whole program.
        ram: bytes of its variables and stack.
        weights: bytes of the weights in flash.
        cycles: modelled, of an inference, with memory that never makes the processor wait.
        compiled_us: run time of the same C on the machine of the record.
        pytorch_us: run time of the float network in PyTorch there.
    """

    method: str
    share: float
    bits: int
    accuracy: Estimate
    validation: float
    flash: float
    ram: float
    weights: float
    cycles: float
    compiled_us: float
    pytorch_us: float

    @property
    def ms(self) -> float:
        """Modelled milliseconds of an inference."""
        return 1e3 * self.cycles / NANO33BLE.clock_hz

    @property
    def name(self) -> str:
        """What a table calls it."""
        return f"{network_name(self.method, self.share)}, {self.bits} bits"


def network_name(method: str, share: float) -> str:
    """What a table calls a network of which a share is pruned."""
    return "unpruned" if method == "dense" else f"{percent_of(share)} of {_SERIES[method]}"


def load_deployed(records: Iterable[Record]) -> list[Deployed]:
    """The networks of the sweep of the board."""
    by_network = grouped(records, "method", "amount", "bits")
    return [_deployed(own, *key) for key, own in by_network.items()]


def _deployed(own: Sequence[Record], method: str, share: float, bits: int) -> Deployed:
    def value(metric: str, **wanted: Any) -> float:
        return mean(record.value for record in select(own, metric, **wanted))

    times = select(own, "run_time")
    return Deployed(
        method, share, bits,
        accuracy=mean_over_seeds(select(own, "integer_accuracy", split="testing")),
        validation=value("integer_accuracy", split="validation"),
        ram=value("ram") + value("stack"),
        compiled_us=value("run_time", runtime=COMPILED),
        pytorch_us=mean(r.value for r in times if r.subject["runtime"] != COMPILED),
        **{name: value(name) for name in ("flash", "weights", "cycles")},
    )  # fmt: skip


def pick(networks: Iterable[Deployed], method: str, share: float = 0.0, bits: int = 8) -> Deployed:
    """The network of a method, share and width.

    Raises:
        StopIteration: there is none.
    """
    wanted = (method, share, bits)
    return next(each for each in networks if (each.method, each.share, each.bits) == wanted)


def of_method(networks: Iterable[Deployed], method: str) -> list[Deployed]:
    """The unpruned network and those of a method, weights of 8 bits, the largest first."""
    own = [each for each in networks if each.method in ("dense", method) and each.bits == 8]
    return sorted(own, key=lambda each: each.share)


def best_within(networks: Iterable[Deployed], flash_kb: float, ms: float) -> Deployed | None:
    """The network that is best on validation clips within so much flash and time."""
    fit = [each for each in networks if each.flash <= 1024 * flash_kb and each.ms <= ms]
    return max(fit, key=lambda each: each.validation, default=None)


def published_times() -> dict[int, float]:
    """Milliseconds of the network on a physical board by the channels that remain, by another
    author.
    """
    records = select(load("board/published.json"), "run_time", stage="network")
    return {
        record.subject["channels"]: mean(record.value) if isinstance(record.value, list)
        else record.value
        for record in records
        if "channels" in record.subject and "Beichen-Ma" in record.source
    }  # fmt: skip


def remaining_by_share(records: Iterable[Record], metric: str) -> dict[float, int]:
    """``"parameters"`` or ``"flops"`` by the share of the channels that is removed."""
    own = [r for r in select(records, metric) if r.subject["method"] in ("dense", "channels")]
    return {record.subject["amount"]: record.value for record in own}


def quantized_accuracy(
    records: Iterable[Record], method: str, share: float, quantization: str, bits: int
) -> Estimate:
    """Accuracy of a pruned network in few bits, activations in 8.

    Args:
        records: of the sweep of pruned and quantized networks.
        method: what is pruned.
        share: of it.
        quantization: ``"ptq"`` or ``"qat"``.
        bits: of the weights.
    """
    facts = {"method": method, "amount": share, "quantized": quantization, "bits": bits}
    return mean_over_seeds(select(records, "accuracy", split="testing", **facts))


def pruned_and_quantized(records: Iterable[Record]) -> list[tuple[str, float]]:
    """Methods and shares of that sweep."""
    return list(grouped(select(records, "accuracy"), "method", "amount"))


# Figures and tables.


def tabulate_sparse(networks: Sequence[Deployed], records: Iterable[Record]) -> page.Html:
    """Fine-tuned networks with zeros: accuracy, flash, cycles, and how much faster they are."""
    whole = pick(networks, "dense")
    rows = [
        {
            "network": network_name(own.method, own.share),
            "accuracy": brief(own.accuracy),
            "weights, bytes": f"{own.weights:,.0f}",
            "cycles": f"{own.cycles:,.0f}",
            "speedup, board": f"{whole.cycles / own.cycles:.2f}",
            "speedup, PC": f"{whole.compiled_us / own.compiled_us:.2f}",
        }
        for own in (*of_method(networks, "weights"), *of_method(networks, "blocks")[1:])
        if own.share in _LISTED
    ]
    return _on_board(page.table(rows), records)


def plot_costs(
    sweeps: Mapping[str, Sequence[Record]], networks: Sequence[Deployed]
) -> alt.ConcatChart:
    """Accuracy of networks with fewer channels against parameters, FLOPs, CPU and board time.

    Run times depend on the number of channels alone, so that those of the fine-tuned networks stand
    for the others of that size.
    """
    records = sweeps["channels"]
    curves = {"without fine-tuning": ("channels", False, ""), TUNED_NAME: ("channels", True, ""),
              SCRATCH_NAME: ("scratch", True, "")}  # fmt: skip
    costs = {own.share: own for own in of_method(networks, "channels")}
    rows = [
        {**row, "us": costs[row["share"]].compiled_us, "ms": costs[row["share"]].ms}
        for row in curve_rows(records, curves)
    ]
    axes = {"parameters": "parameters", "flops": "FLOPs", "us": "compiled C on a CPU, µs",
            "ms": "board, ms"}  # fmt: skip
    return resting_on(
        charts.panels(rows, axes, unpruned(records).value),
        [r for r in records if r.metric == "accuracy" and r.data["split"] == "testing"],
        method="accuracy and CPU time measured, board time modelled",
    )


def tabulate_channels(
    sweeps: Mapping[str, Sequence[Record]], networks: Sequence[Deployed], channels: int
) -> page.Html:
    """What networks with fewer channels cost, and their accuracy once fine-tuned."""
    accuracies = {0.0: unpruned(sweeps["channels"]),
                  **accuracy_by_share(sweeps["channels"], "channels")}  # fmt: skip
    remains = {
        metric: remaining_by_share(sweeps["channels"], metric) for metric in ("parameters", "flops")
    }
    return page.table(
        [
            {
                "channels": round(channels * (1 - own.share)),
                "parameters": f"{remains['parameters'][own.share]:,}",
                "FLOPs": f"{remains['flops'][own.share]:,}",
                "PyTorch, µs": f"{own.pytorch_us:#.3g}",
                "compiled C, µs": f"{own.compiled_us:#.3g}",
                "board, ms": f"{own.ms:#.3g}",
                "accuracy": brief(accuracies[own.share]),
            }
            for own in of_method(networks, "channels")
        ],
        [
            *select(sweeps["channels"], "accuracy", split="testing"),
            *select(sweeps["board"], "run_time"),
        ],
        method="accuracy and CPU times measured, board time modelled",
        place=f"{select(sweeps['board'], 'run_time')[0].machine}; {NANO33BLE.name}",
    )


def plot_times(
    networks: Sequence[Deployed], channels: int, records: Iterable[Record]
) -> alt.LayerChart:
    """Board time against channels, ours and another author's."""
    ours = [
        {"series": "here, modelled", "channels": round(channels * (1 - own.share)), "ms": own.ms}
        for own in of_method(networks, "channels")
    ]
    others = [
        {"series": "published, measured", "channels": remain, "ms": ms}
        for remain, ms in published_times().items()
    ]
    return resting_on(charts.by_channels([*ours, *others]), select(records, "cycles"),
                      method="modelled; published", place=NANO33BLE.name)  # fmt: skip


def tabulate_quantized(records: Sequence[Record]) -> page.Html:
    """Accuracy of pruned networks in 8 and 4 bits, by how they were quantized."""
    columns = {
        ("ptq", 8): "8 bits, post-training", ("qat", 8): "8 bits, quantization-aware",
        ("ptq", 4): "4 bits, post-training", ("qat", 4): "4 bits, quantization-aware",
    }  # fmt: skip
    rows = [
        {"network": network_name(method, share)}
        | {
            name: f"{quantized_accuracy(records, method, share, *how):.1%}".replace("%", " %")
            for how, name in columns.items()
        }
        for method, share in pruned_and_quantized(records)
    ]
    own = [r for r in select(records, "accuracy", split="testing") if r.subject["bits"] < 32]
    return page.table(rows, own)


def plot_networks(
    networks: Sequence[Deployed], cost: str, records: Iterable[Record]
) -> alt.LayerChart:
    """Accuracy against what a network costs; those that no other beats on validation are joined.

    Args:
        networks: all.
        cost: ``"flash"``, ``"ram"`` or ``"ms"``.
        records: of the sweep.
    """
    titles = {"flash": "flash of the program, kB", "ram": "RAM and stack, kB",
              "ms": "time per inference on the board, ms"}  # fmt: skip
    divisor = 1 if cost == "ms" else 1024
    rows = [
        {"series": _SERIES[own.method], "bits": own.bits, "name": own.name,
         cost: getattr(own, cost) / divisor, **point(own.accuracy), "validation": own.validation}
        for own in networks
    ]  # fmt: skip
    return _on_board(
        charts.pareto(rows, front(rows, cost, "validation"), cost, titles[cost]), records
    )


def tabulate_choices(networks: Sequence[Deployed], records: Iterable[Record]) -> page.Html:
    """The best network by flash and time."""
    rows = []
    for kilobytes in FLASH_BUDGETS:
        row = {"flash": f"{kilobytes} kB"}
        for ms in TIME_BUDGETS:
            best = best_within(networks, kilobytes, ms)
            row[f"{ms:g} ms"] = (
                "none" if best is None else f"{best.name}: {100 * best.accuracy.value:.1f} %"
            )
        rows.append(row)
    return _on_board(page.table(rows), records)


def _on_board(shown: Any, records: Iterable[Record]) -> Any:
    own = select(records, "integer_accuracy", split="testing")
    return resting_on(shown, own, method=_BOARD_METHOD, place=NANO33BLE.name)


PATTERN_NAMES = {
    "global": "smallest of all layers", "uniform": "same share in each layer",
    "blocks": "blocks of four weights",
}  # fmt: skip
ENCODING_NAMES = {
    "dense": "every weight", "bitmap": "bitmap", "runs4": "run lengths of 4 bits",
    "csr": "compressed rows", "blocks": "blocks of four",
}  # fmt: skip


def cycles_by_zeros(records: Iterable[Record], pattern: str) -> dict[float, float]:
    """Cycles of the compiled network by the share of zeros; sparse code where it pays.

    Args:
        records: of the sweep of zeros.
        pattern: of :data:`PATTERN_NAMES`.
    """
    own = select(records, "cycles", build="sparse", pattern=pattern)
    return {record.subject["zeros"]: record.value for record in own}


def dense_cycles(records: Iterable[Record]) -> float:
    """Cycles of the dense program, for which a zero is a weight like any other."""
    return float(median(record.value for record in select(records, "cycles", build="dense")))


def bytes_by_encoding(records: Iterable[Record], zeros: float) -> dict[str, int]:
    """Bytes of the weights by encoding, with so many zeros among all layers."""
    own = select(records, "weight_bytes", pattern="global", zeros=zeros)
    sizes = {record.subject["encoding"]: record.value for record in own}
    return {name: sizes[name] for name in ENCODING_NAMES}


def plot_bytes(records: Sequence[Record]) -> alt.LayerChart:
    """Bytes of the weights against the share of zeros, a line for each encoding."""
    own = [
        record
        for record in select(records, "weight_bytes", pattern="global")
        if record.subject["encoding"] in ENCODING_NAMES
    ]
    rows = [
        {"series": ENCODING_NAMES[record.subject["encoding"]],
         "zeros": record.subject["zeros"], "kB": record.value / 1024}
        for record in own
    ]  # fmt: skip
    return resting_on(charts.by_zeros(rows, "kB", "weights, kB"), own)


def plot_cycles(records: Sequence[Record]) -> alt.LayerChart:
    """Cycles of the compiled network against the share of zeros, a line for each pattern."""
    rows = [
        {"series": name, "zeros": zeros, "cycles": cycles}
        for pattern, name in PATTERN_NAMES.items()
        for zeros, cycles in cycles_by_zeros(records, pattern).items()
    ]
    return resting_on(
        charts.by_zeros(rows, "cycles", "cycles per inference", dense_cycles(records)),
        select(records, "cycles"),
    )
