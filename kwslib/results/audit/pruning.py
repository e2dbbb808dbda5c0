"""Section 6 of the original: how much can be thrown away."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kwslib.config import NANO33BLE
from kwslib.measurements import Record, select
from kwslib.prune.methods import USUAL
from kwslib.prune.norms import NORMS
from kwslib.prune.unstructured import SCOPES
from kwslib.results.audit.evidence import NETWORK, Evidence, average, cited
from kwslib.results.audit.line import Line, Reason
from kwslib.results.literature import repository_of
from kwslib.results.over_seeds import points
from kwslib.results.pruning import percent_of as share
from kwslib.results.sweeps import sweep_command
from kwslib.studies.pruned_boards import COMPILED
from kwslib.studies.pruning import NOT_TUNED
from kwslib.training.summary import listed, percent

TITLE = "Pruning"

_CHANNELS = 8
_ENOUGH = 0.01
"""A difference of a point is told as one."""

_MANY = 0.8
"""Share of the weights that others too state accuracies for."""


def lines(evidence: Evidence) -> list[Line]:
    """The points of this section."""
    return [
        _unstructured(evidence), _speed(evidence), _norms(evidence), _structured(evidence),
        _operations(evidence), _cpu_times(evidence), _board_times(evidence),
    ]  # fmt: skip


def _command(kind: str) -> str:
    return sweep_command("pruning", kind, NETWORK)


def _sweep(evidence: Evidence, kind: str) -> list[Record]:
    return evidence.read(f"sweeps/pruning-{kind}-{NETWORK}.json")


def _accuracies(
    records: Sequence[Record], method: str, *, tuned: bool, **more: Any
) -> dict[float, float]:
    """Test accuracy by the share that went, mean over seeds; floats, by the usual criterion."""
    wanted = {"method": method, "criterion": USUAL[method], "quantized": "float", **more}
    found = [
        record
        for record in select(records, "accuracy", split="testing", **wanted)
        if (record.subject["tuning"] != NOT_TUNED) == tuned
    ]
    amounts = sorted({float(record.subject["amount"]) for record in found})
    return {amount: average(select(found, "accuracy", amount=amount)) for amount in amounts}


def _left(amount: float) -> int:
    return round(_CHANNELS * (1 - amount))


def _unstructured(evidence: Evidence) -> Line:
    records = _sweep(evidence, "weights")
    before, after = (_accuracies(records, "weights", tuned=tuned) for tuned in (False, True))
    common = [amount for amount in before if amount in after]
    told = [
        f"{share(each)} gone {percent(before[each])} before, {percent(after[each])} after"
        for each in common
    ]
    others = "; ".join(
        f"{share(amount)} gone {cited(found, percent)}"
        for amount in common or (0.8, 0.9)
        if (found := evidence.others("accuracy", task="yes_no", method="weights", amount=amount))
    )
    return Line(
        "Single weights: accuracy by parameters, before fine-tuning and after",
        evidence.claim("unstructured"), "; ".join(told), _command("weights"), others=others,
        reasons=(_below_the_cliff(before, after, common), _one_threshold(records)),
    )  # fmt: skip


def _one_threshold(records: Sequence[Record]) -> Reason:
    """What one threshold for all layers does, beside other ways to rank the weights."""
    text = "One threshold for all layers, as the assignment asks for it: "
    found = {
        scope: _accuracies(records, "weights", tuned=False, criterion=scope) for scope in SCOPES
    }
    values = {scope: each[_MANY] for scope, each in found.items() if _MANY in each}
    if len(values) < len(SCOPES):
        return Reason(f"{text}not measured yet.", "open", _command("weights"))
    others = max(value for scope, value in values.items() if scope != "global")
    told = listed([f"{scope} {percent(value)}" for scope, value in values.items()])
    return Reason(
        f"{text}before fine-tuning and with {share(_MANY)} gone, ours has {told}, by what is "
        "ranked together.",
        "shown" if values["global"] < others - _ENOUGH else "not borne out", _command("weights"),
    )  # fmt: skip


def _below_the_cliff(
    before: dict[float, float], after: dict[float, float], common: Sequence[float]
) -> Reason:
    text = "The thresholds took so little that there was nothing to regain: "
    if not common:
        return Reason(f"{text}not measured yet.", "open", _command("weights"))
    near = [each for each in common if abs(after[each] - before[each]) < _ENOUGH]
    most = max(common, key=lambda each: after[each] - before[each])
    regained = points(after[most] - before[most])
    if not near:
        told = f"ours regains more than a point at every amount, {regained} at {share(most)}."
        return Reason(f"{text}{told}", "not borne out", _command("weights"))
    return Reason(
        f"{text}with {share(max(near))} gone and less, ours differs by less than a point too; "
        f"with {share(most)} gone, fine-tuning regains {regained}.", "shown", _command("weights"),
    )  # fmt: skip


def _on_board(evidence: Evidence, metric: str, method: str) -> dict[float, float]:
    """Means over seeds by amount, of networks in 8 bits."""
    records = select(_sweep(evidence, "board"), metric, method=method, bits=8)
    amounts = sorted({float(record.subject["amount"]) for record in records})
    return {amount: average(select(records, metric, amount=amount)) for amount in amounts}


def _milliseconds(cycles: float) -> str:
    return f"{1000 * cycles / NANO33BLE.clock_hz:.1f} ms"


def _speed(evidence: Evidence) -> Line:
    dense = _on_board(evidence, "cycles", "dense")
    sparse = _on_board(evidence, "cycles", "weights")
    told = [f"{share(amount)} gone {_milliseconds(each)}" for amount, each in sparse.items()]
    text = "A zero saves time only where code skips it: "
    ours, reason = "", Reason(f"{text}not measured yet.", "open", _command("board"))
    if dense and sparse:
        ours = f"Dense {_milliseconds(dense[0.0])}; {listed(told)}, modelled."
        first = min(sparse)
        reason = Reason(
            f"{text}ours does, layer by layer where it pays, and takes "
            f"{percent(sparse[first] / dense[0.0], 0)} of the dense time with {share(first)} "
            f"gone, {percent(min(sparse.values()) / dense[0.0], 0)} at best.",
            "shown" if min(sparse.values()) < dense[0.0] else "not borne out", _command("board"),
        )  # fmt: skip
    return Line(
        "How zeros speed up computation", "Explained in words.", ours, _command("board"),
        reasons=(reason,),
    )  # fmt: skip


def _norms(evidence: Evidence) -> Line:
    best, spreads, told = [], [], []
    for kind, method in (("norms", "blocks"), ("channels", "channels")):
        for tuned in (False, True):
            for amount, values in _by_norm(_sweep(evidence, kind), method, tuned).items():
                best.append(max(values, key=lambda norm: values[norm]))
                spreads.append(max(values.values()) - min(values.values()))
                if tuned:
                    by_norm = ", ".join(f"{norm} {percent(each)}" for norm, each in values.items())
                    told.append(f"{share(amount)} of {method} gone {by_norm}")
    return Line(
        "Which norm is best, L1, L2 or L-infinity", evidence.claim("norms"),
        f"Fine-tuned: {'; '.join(told)}." if told else "", _command("norms"),
        reasons=_norm_reasons(best, spreads),
    )  # fmt: skip


def _by_norm(records: Sequence[Record], method: str, tuned: bool) -> dict[float, dict[str, float]]:
    """Accuracy by norm, for every amount at which all three were tried."""
    found = {norm: _accuracies(records, method, tuned=tuned, criterion=norm) for norm in NORMS}
    amounts = [each for each in found[NORMS[0]] if all(each in found[norm] for norm in NORMS)]
    return {amount: {norm: found[norm][amount] for norm in NORMS} for amount in amounts}


def _norm_reasons(best: Sequence[str], spreads: Sequence[float]) -> tuple[Reason, ...]:
    of_single = Reason(
        "Of a single weight all three norms are its magnitude, so they can differ for groups "
        "alone; and a norm only ranks what is to go, so it makes no weights equal.", "counted",
    )  # fmt: skip
    if not best:
        return (of_single, Reason("L1 is best: not measured yet.", "open", _command("norms")))
    wins = {norm: best.count(norm) for norm in NORMS}
    told = listed([f"{norm} {count}" for norm, count in wins.items()])
    judged = Reason(
        f"L1 is best: of {len(best)} comparisons {told} are won; the three lie up to "
        f"{100 * max(spreads):.1f} points apart.",
        "shown" if wins["l1"] > len(best) / 2 else "not borne out", _command("norms"),
    )  # fmt: skip
    return (of_single, judged)


def _structured(evidence: Evidence) -> Line:
    records = _sweep(evidence, "channels")
    before, after = (_accuracies(records, "channels", tuned=tuned) for tuned in (False, True))
    told = [
        f"{_left(amount)} left {percent(before[amount])} before, {percent(after[amount])} after"
        for amount in before
        if amount in after
    ]
    theirs = sorted(
        evidence.others("accuracy", task="yes_no", method="channels"),
        key=lambda record: -int(record.subject["channels"]),
    )
    others = ""
    if theirs:
        steps = [f"{record.subject['channels']} left {percent(record.value)}" for record in theirs]
        others = f"{', '.join(steps)}, fine-tuned ({repository_of(theirs[0].source)})"
    return Line(
        "Channels: accuracy by parameters", evidence.claim("structured"), "; ".join(told),
        _command("channels"), others=others,
    )  # fmt: skip


def _operations(evidence: Evidence) -> Line:
    records = [
        record
        for record in select(_sweep(evidence, "channels"), "macs", method="channels")
        if record.subject["tuning"] != NOT_TUNED
    ]
    amounts = sorted({float(record.subject["amount"]) for record in records})
    told = [
        f"{_left(amount)} left {average(select(records, 'macs', amount=amount)):,.0f}"
        for amount in amounts
    ]
    return Line(
        "Channels really removed: operations", "Asked for; no figure that could be compared.",
        f"Multiply-accumulates: {', '.join(told)}." if told else "", _command("channels"),
    )  # fmt: skip


def _cpu_times(evidence: Evidence) -> Line:
    ours = []
    for runtime, text in ((COMPILED, "compiled"), ("PyTorch", "PyTorch")):
        found = [
            record
            for record in select(_sweep(evidence, "board"), "run_time", method="channels", bits=8)
            if str(record.subject["runtime"]).startswith(runtime)
        ]
        amounts = sorted({float(record.subject["amount"]) for record in found})
        told = [
            f"{_left(each)} left {average(select(found, 'run_time', amount=each)):.0f} µs"
            for each in amounts
        ]
        ours += [f"{text}: {', '.join(told)}"] if told else []
    return Line(
        "Channels: run time on a CPU", "Asked for; no figure that could be compared.",
        "; ".join(ours), _command("board"),
    )  # fmt: skip


def _board_times(evidence: Evidence) -> Line:
    cycles = _on_board(evidence, "cycles", "channels")
    times = {_left(amount): 1000 * each / NANO33BLE.clock_hz for amount, each in cycles.items()}
    known = [
        record
        for record in select(evidence.read("board/published.json"), "run_time", stage="network")
        if "channels" in record.subject
    ]
    theirs = {int(record.subject["channels"]): float(np.mean(record.value)) for record in known}
    reasons: tuple[Reason, ...] = ()
    if len(theirs) > 1:
        reasons = (
            Reason(
                f"The {_line(theirs)[1]:.0f} ms that no channel accounts for are not the network's "
                "arithmetic: interpreter, or preprocessing.", "guess",
            ),
        )  # fmt: skip
    return Line(
        "Channels: run time on the board", "Asked for; no figure that could be compared.",
        f"{_told(times)}, modelled" if times else "", _command("board"),
        others=f"{_told(theirs)} ({repository_of(known[0].source)})" if known else "",
        reasons=reasons,
    )  # fmt: skip


def _told(times: dict[int, float]) -> str:
    """Milliseconds by channels, and the line through them."""
    told = ", ".join(
        f"{channels} left {times[channels]:.3g} ms" for channels in sorted(times)[::-1]
    )
    if len(times) < 2:
        return told
    each, rest = _line(times)
    return f"{told}; about {rest:.3g} ms + {each:.2g} ms a channel"


def _line(times: dict[int, float]) -> tuple[float, float]:
    """Milliseconds a channel, and those of none, by least squares."""
    each, rest = np.polyfit(list(times), list(times.values()), 1)
    return float(each), float(rest)
