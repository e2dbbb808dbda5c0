"""Rows of chapter 6's charts and tables, from the records of its sweeps.

A row of a pruned network stands for all seeds: its accuracy is their mean on the test clips, with
the 95 % interval of that mean.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import mean
from typing import Any, Literal

from kwslib.board.cycles import FLASH_WAIT
from kwslib.config import NANO33BLE
from kwslib.data.task import Split
from kwslib.evaluation import mean_interval
from kwslib.measurements import FOLDER, Record, read_records, select
from kwslib.prune.methods import USUAL
from kwslib.results.over_seeds import points, summarised
from kwslib.studies.pruned_boards import COMPILED
from kwslib.studies.pruning import NOT_TUNED, usual
from kwslib.training.summary import percent

AS_PRUNED, TUNED, SCRATCH = "as pruned", "fine-tuned", "small from the start"

OTHERS = "published, measured"

SCOPE_NAMES = {
    "global": "all layers together",
    "layer": "each layer alike",
    "lamp": "all layers, without their scale",
}
CRITERION_NAMES = {
    "l1": "L1", "l2": "L2", "linf": "L-infinity", "taylor": "Taylor", "activation": "activation",
}  # fmt: skip
PATTERN_NAMES = {
    "global": "all layers together",
    "uniform": "each layer alike",
    "blocks": "in blocks of four",
}
KIND_NAMES = {
    "dense": "whole network", "weights": "weights gone", "blocks": "blocks gone",
    "channels": "channels gone",
}  # fmt: skip

CLIFF = 0.05
"""A curve has reached its cliff where it lies so far below the whole network."""

FLASH_BUDGETS = (24, 28, 32, 40)
"""kB of flash, for the whole program."""

TIME_BUDGETS = (1.0, 2.0, 3.0, 5.0)
"""Milliseconds of the network on the board."""

BOARD_TIMES = FOLDER / "board" / "published.json"

Subject = Mapping[str, Any]
_LEFT = ("parameters", "macs", "flops")


def dense_accuracy(records: Sequence[Record], split: Split = "testing") -> float:
    """Accuracy of the networks before they are pruned, the mean over seeds."""
    found = select(records, "accuracy", split=split, method="dense", quantized="float")
    return mean(record.value for record in found)


def curve_rows(
    records: Sequence[Record], series: Callable[[Subject], str | None]
) -> list[dict[str, Any]]:
    """A row for each amount of each curve, with what is left of the network.

    Args:
        records: of a sweep of pruning, or of this run.
        series: the curve that a subject belongs to, or None.
    """
    found: dict[tuple[str, float], list[Record]] = {}
    for record in records:
        name = series(record.subject) if "amount" in record.subject else None
        if name is not None:
            found.setdefault((name, record.subject["amount"]), []).append(record)
    return [
        {
            "series": name,
            "amount": amount,
            **summarised(select(own, "accuracy", split="testing")),
            **{metric: mean(r.value for r in select(own, metric)) for metric in _LEFT},
        }
        for (name, amount), own in found.items()
    ]


def weights(subject: Subject) -> str | None:
    """The usual way to prune weights: as pruned, or fine-tuned."""
    return _as_usual(subject, "weights")


def channels(subject: Subject) -> str | None:
    """The usual way to prune channels likewise, or a network that was small from the start."""
    return SCRATCH if subject["method"] == "scratch" else _as_usual(subject, "channels")


def _as_usual(subject: Subject, method: Literal["weights", "channels"]) -> str | None:
    if (subject["method"], subject["criterion"]) != (method, USUAL[method]):
        return None
    if subject["quantized"] != "float":
        return None
    names = {NOT_TUNED: AS_PRUNED, usual(method, subject["amount"]).tuning: TUNED}
    return names.get(subject["tuning"])


def scopes(subject: Subject) -> str | None:
    """Weights that went by each criterion, not fine-tuned."""
    if subject["method"] != "weights" or subject["tuning"] != NOT_TUNED:
        return None
    return SCOPE_NAMES[subject["criterion"]]


def criteria(method: str, *, tuned: bool) -> Callable[[Subject], str | None]:
    """Blocks or channels that went by each criterion."""

    def series(subject: Subject) -> str | None:
        if subject["method"] != method or (subject["tuning"] != NOT_TUNED) != tuned:
            return None
        return CRITERION_NAMES[subject["criterion"]]

    return series


def cliff(rows: Sequence[Mapping[str, Any]], series: str, dense: float) -> dict[str, float] | None:
    """Where a curve has fallen by :data:`CLIFF`, on a straight line between two of its points.

    Lines are straight over the logarithm of the parameters that are left.

    Returns:
        ``amount`` and ``parameters``; None where the curve never falls so far.
    """
    before: Mapping[str, Any] | None = None
    for row in sorted((r for r in rows if r["series"] == series), key=lambda r: r["amount"]):
        if row["accuracy"] <= dense - CLIFF:
            if before is None:
                return {name: row[name] for name in ("amount", "parameters")}
            fallen = before["accuracy"] - row["accuracy"]
            part = (before["accuracy"] - (dense - CLIFF)) / fallen
            left = _between(1 - before["amount"], 1 - row["amount"], part)
            return {
                "amount": 1 - left,
                "parameters": _between(before["parameters"], row["parameters"], part),
            }
        before = row
    return None


def _between(start: float, end: float, part: float) -> float:
    return math.exp(math.log(start) + part * (math.log(end) - math.log(start)))


def schedule_rows(records: Sequence[Record]) -> list[dict[str, str]]:
    """Accuracy of every way to train on, by the share of weights that went, for a table."""
    amounts = sorted({r.subject["amount"] for r in select(records, "accuracy", method="weights")})
    rows = []
    for criterion, tuning in ways(records):
        row = {"ranked": SCOPE_NAMES[criterion], "trained": trained(tuning)}
        for amount in amounts:
            own = select(
                records, "accuracy", split="testing", method="weights", criterion=criterion,
                tuning=tuning, amount=amount,
            )  # fmt: skip
            found = summarised(own)
            half = (found["high"] - found["low"]) / 2
            row[f"{share(amount)} gone"] = f"{percent(found['accuracy'])} ± {100 * half:.1f}"
        rows.append(row)
    return rows


def ways(records: Sequence[Record]) -> list[tuple[str, str]]:
    """Criteria and schedules by which weights were pruned."""
    found = select(records, "accuracy", method="weights", split="testing")
    return list(dict.fromkeys((r.subject["criterion"], r.subject["tuning"]) for r in found))


def trained(tuning: str) -> str:
    """A schedule in words."""
    schedule, _, rewind = tuning.partition("+")
    words = {"one_shot": "at once", "iterative": "in rounds", "gradual": "while training"}
    return words[schedule] + (", rates rewound" if rewind else "")


def way(criterion: str, tuning: str) -> str:
    """A criterion and a schedule in words."""
    return f"“{SCOPE_NAMES[criterion]}, {trained(tuning)}”"


def sensitivity_rows(records: Sequence[Record], metric: str) -> list[dict[str, Any]]:
    """Accuracy on validation clips when one layer alone loses a share, the mean over seeds."""
    found: dict[tuple[str, float], list[float]] = {}
    for record in select(records, metric):
        for each in record.value:
            found.setdefault((each["layer"], each["amount"]), []).append(each["accuracy"])
    return [
        {"layer": layer, "amount": amount, "accuracy": mean(values)}
        for (layer, amount), values in found.items()
    ]


def norm_rows(records: Mapping[str, Sequence[Record]]) -> list[dict[str, str]]:
    """How much better or worse each criterion is than L2 at equal size, for a table.

    The difference is taken seed by seed over the mean of all amounts, and its interval is that of
    the mean over seeds.
    """
    rows = []
    for method, kind in (("blocks", "norms"), ("channels", "channels")):
        own = select(records.get(kind, ()), "accuracy", split="testing", method=method)
        others = dict.fromkeys(
            r.subject["criterion"] for r in own if r.subject["criterion"] != "l2"
        )
        for other in others:
            for name, tuned in ((AS_PRUNED, False), (TUNED, True)):
                value, (low, high) = compared(own, other, "l2", tuned=tuned)
                rows.append(
                    {
                        "what": method,
                        "criterion": CRITERION_NAMES[other],
                        "network": name,
                        "against L2": points(value),
                        "95 % interval": f"{points(low).removesuffix(' points')} to {points(high)}",
                        "so": _verdict(low, high),
                    }
                )
    return rows


def compared(
    records: Sequence[Record], one: str, other: str, *, tuned: bool
) -> tuple[float, tuple[float, float]]:
    """Accuracy by one criterion less that by another, over all amounts: mean and its interval."""
    seeds: dict[int, list[float]] = {}
    for record in records:
        subject = record.subject
        if subject["criterion"] == one and (subject["tuning"] != NOT_TUNED) == tuned:
            (against,) = select(
                records, "accuracy", criterion=other,
                **{name: subject[name] for name in ("tuning", "amount", "seed")},
            )  # fmt: skip
            seeds.setdefault(subject["seed"], []).append(record.value - against.value)
    differences = [mean(values) for values in seeds.values()]
    if len(differences) == 1:
        return differences[0], (-1.0, 1.0)
    return mean(differences), mean_interval(differences)


def _verdict(low: float, high: float) -> str:
    if low > 0:
        return "better"
    return "worse" if high < 0 else "no difference shown"


# What is left, in fewer bits and on the board.


def together_rows(records: Sequence[Record]) -> list[dict[str, str]]:
    """Accuracy of pruned networks in few bits, after training and within it, for a table."""
    return [
        {"network": "whole" if method == "dense" else f"{share(amount)} of {method} gone"}
        | {
            name: percent(in_few_bits(records, method, amount, quantized, bits))
            for (quantized, bits), name in _IN_BITS.items()
        }
        for method, amount in pruned_networks(records)
    ]


def pruned_networks(records: Sequence[Record]) -> list[tuple[str, float]]:
    """Methods and amounts of a sweep."""
    return list(dict.fromkeys((r.subject["method"], r.subject["amount"]) for r in records))


def in_few_bits(
    records: Sequence[Record], method: str, amount: float, quantized: str, bits: int
) -> float:
    """Accuracy of a pruned and quantized network on the test clips, the mean over seeds."""
    found = select(
        records, "accuracy", split="testing", method=method, amount=amount, quantized=quantized,
        bits=bits,
    )  # fmt: skip
    return float(summarised(found)["accuracy"])


_IN_BITS = {
    ("ptq", 8): "8 bits after training",
    ("qat", 8): "8 bits within",
    ("ptq", 4): "4 bits after training",
    ("qat", 4): "4 bits within",
}


def board_rows(records: Sequence[Record]) -> list[dict[str, Any]]:
    """The deployed networks, all seeds in one: accuracy in integers and what they take."""
    found: dict[tuple[str, float, int], list[Record]] = {}
    for record in records:
        subject = record.subject
        key = (subject["method"], subject["amount"], subject["bits"])
        found.setdefault(key, []).append(record)
    return [_deployed(*key, own) for key, own in found.items()]


def _deployed(method: str, amount: float, bits: int, own: Sequence[Record]) -> dict[str, Any]:
    def value(metric: str, **wanted: Any) -> float:
        return mean(record.value for record in select(own, metric, **wanted))

    compiled = select(own, "run_time", runtime=COMPILED)
    eager = [record for record in select(own, "run_time") if record not in compiled]
    cycles = value("cycles")
    return {
        "series": KIND_NAMES[method],
        "method": method,
        "amount": amount,
        "bits": bits,
        "name": _named(method, amount, bits),
        **summarised(select(own, "integer_accuracy", split="testing")),
        "validation": value("integer_accuracy", split="validation"),
        "flash": value("flash"),
        "flash_kB": value("flash") / 1024,
        "ram_kB": (value("ram") + value("stack")) / 1024,
        "weights": value("weights"),
        "cycles": cycles,
        "ms": 1000 * cycles / NANO33BLE.clock_hz,
        "ms_with_waits": 1000 * (cycles + FLASH_WAIT * value("flash_reads"))
        / NANO33BLE.clock_hz,
        "host_us": mean(record.value for record in compiled),
        "eager_us": mean(record.value for record in eager),
    }  # fmt: skip


def _named(method: str, amount: float, bits: int) -> str:
    if method == "dense":
        return f"whole, {bits} bits"
    return f"{share(amount)} of {method} gone, {bits} bits"


def share(amount: float) -> str:
    """A share in percent, with a decimal where it has one.

    >>> share(0.5), share(0.875)
    ('50 %', '87.5 %')
    """
    return percent(amount, 0 if round(1000 * amount) % 10 == 0 else 1)


def ship_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The network that is best on validation clips in so much flash and time, for a table."""
    table = []
    for kilobytes in FLASH_BUDGETS:
        line = {"flash": f"{kilobytes} kB"}
        for ms in TIME_BUDGETS:
            fit = [row for row in rows if row["flash_kB"] <= kilobytes and row["ms"] <= ms]
            best = max(fit, key=lambda row: row["validation"], default=None)
            line[f"in {ms:g} ms"] = (
                "none" if best is None else f"{best['name']}: {percent(best['accuracy'])}"
            )
        table.append(line)
    return table


def structured_rows(sweep: Sequence[Record], boards: Sequence[Record]) -> list[dict[str, Any]]:
    """Accuracy of networks of fewer channels beside what they cost.

    Run times depend on the number of channels alone, so those of the fine-tuned network stand for
    the one that was not.
    """
    costs = {row["amount"]: row for row in board_rows(boards)
             if row["method"] in ("dense", "channels") and row["bits"] == 8}  # fmt: skip
    rows = curve_rows(sweep, channels)
    for row in rows:
        cost = costs.get(row["amount"])
        if cost is not None:
            row |= {name: cost[name] for name in ("ms", "host_us", "eager_us", "cycles")}
    return rows


def channel_time_rows(rows: Sequence[Mapping[str, Any]], whole: int) -> list[dict[str, Any]]:
    """Milliseconds on the board by channels that are left: ours, and others' as published.

    Args:
        rows: of :func:`board_rows`.
        whole: channels of the network before it is pruned.
    """
    ours = [
        {
            "series": name,
            "channels": round(whole * (1 - row["amount"])),
            "ms": row[field],
        }
        for field, name in (("ms", "ours, modelled"), ("ms_with_waits", "ours, with flash waits"))
        for row in rows
        if row["method"] in ("dense", "channels") and row["bits"] == 8
    ]
    known = [
        record
        for record in select(read_records(BOARD_TIMES), "run_time", stage="network")
        if "channels" in record.subject and "Beichen-Ma" in record.source
    ]
    return ours + [
        {
            "series": OTHERS,
            "channels": record.subject["channels"],
            "ms": mean(record.value) if isinstance(record.value, list) else record.value,
        }
        for record in known
    ]


# What zeros buy.


def zero_rows(records: Sequence[Record], metric: str = "cycles") -> list[dict[str, Any]]:
    """What the compiled network takes at every share of zeros, by where the zeros are."""
    return [
        {
            "series": PATTERN_NAMES[record.subject["pattern"]],
            "zeros": record.subject["zeros"],
            "value": record.value,
        }
        for record in select(records, metric, build="sparse")
    ]


def dense_value(records: Sequence[Record], metric: str = "cycles") -> float:
    """The same compiled dense: a median, since zeros make no difference to it."""
    values = sorted(record.value for record in select(records, metric, build="dense"))
    return float(values[len(values) // 2])


def byte_rows(records: Sequence[Record], pattern: str = "global") -> list[dict[str, Any]]:
    """Bytes of the weights by encoding, at every share of zeros of a pattern."""
    return [
        {
            "series": ENCODING_NAMES[record.subject["encoding"]],
            "zeros": record.subject["zeros"],
            "kB": record.value / 1024,
        }
        for record in select(records, "weight_bytes", pattern=pattern)
        if record.subject["encoding"] in ENCODING_NAMES
    ]


ENCODING_NAMES = {
    "dense": "every weight",
    "bitmap": "bitmap",
    "runs4": "run lengths, 4 bits",
    "csr": "compressed rows",
    "blocks": "blocks of four",
}


def faster_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The fine-tuned networks with zeros beside the whole one, for a table."""
    (dense,) = [row for row in rows if row["method"] == "dense" and row["bits"] == 8]
    return [
        {
            "network": row["name"].removesuffix(", 8 bits"),
            "test clips right": percent(row["accuracy"]),
            "weights in flash": f"{row['weights']:,.0f} B",
            "cycles": f"{row['cycles']:,.0f}",
            "board": f"{dense['cycles'] / row['cycles']:.2f} x",
            "this processor": f"{dense['host_us'] / row['host_us']:.2f} x",
        }
        for row in rows
        if row["method"] in ("dense", "weights", "blocks") and row["bits"] == 8
    ]
