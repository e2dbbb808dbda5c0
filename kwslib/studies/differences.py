"""Two makings of the same records compared, one by one in their order.

When, where and by which code a record was made is no difference. Durations are never twice the
same: one that has an interval has to lie in it, on the same machine; others are only counted.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from kwslib.records import Record

DURATIONS = frozenset({"run_time", "run_time_quantiles", "speed", "training_time"})
"""Metrics that are durations, or ratios of durations."""

_PROVENANCE = ("when", "code", "machine")


@dataclass(frozen=True)
class Differences:
    """What is not equal in two makings.

    Attributes:
        compared: records in the first.
        lines: one for each difference, readable.
        durations: records that are durations without a verdict: another machine, or no interval.
        within: durations that lie in their interval.
    """

    compared: int
    lines: tuple[str, ...]
    durations: int
    within: int

    @property
    def equal(self) -> bool:
        """Whether there is none."""
        return not self.lines


def differences(old: Sequence[Record], new: Sequence[Record]) -> Differences:
    """Compare records with the same made anew."""
    lines = []
    if len(old) != len(new):
        lines.append(f"{len(old)} records, made anew {len(new)}")
    durations = within = 0
    for number, (one, other) in enumerate(zip(old, new, strict=False), 1):
        if one.method == "measured" and one.metric in DURATIONS and one.metric == other.metric:
            decided = one.interval is not None and one.machine == other.machine
            inside = decided and one.interval[0] <= other.value <= one.interval[1]  # type: ignore[index]
            durations, within = durations + (not decided), within + inside
            if inside or not decided:
                other = replace(other, value=one.value, interval=one.interval)
        lines += [f"record {number}, {one.metric}: {line}" for line in _fields(one, other)]
    return Differences(len(old), tuple(lines), durations, within)


def _fields(old: Record, new: Record) -> list[str]:
    first, second = (_flat(asdict(_without_seconds(each))) for each in (old, new))
    return [
        f"{name} {_short(first.get(name))}, made anew {_short(second.get(name))}"
        + (_inside(old, second[name]) if name == "value" else "")
        for name in first | second
        if name not in _PROVENANCE and first.get(name) != second.get(name)
    ]


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """A record's fields as JSON has them, those of subject and data each by itself."""
    plain = json.loads(json.dumps(facts))
    parts = {
        f"{part}.{name}": value
        for part in ("subject", "data")
        for name, value in plain.pop(part).items()
    }
    return plain | parts


def _without_seconds(record: Record) -> Record:
    """A training's history without how long each epoch took."""
    if record.metric != "history":
        return record
    epochs = [{**epoch, "seconds": None} for epoch in record.value]
    return replace(record, value=epochs)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _inside(record: Record, new: Any) -> str:
    if record.interval is None:
        return ""
    low, high = record.interval
    return f" ({'within' if low <= new <= high else 'outside'} its interval)"
