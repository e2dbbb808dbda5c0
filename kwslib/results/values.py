"""Values of several records: means over seeds, and differences on the same clips."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from kwslib.evaluation.accuracy import mean_interval, wilson_interval
from kwslib.records import Record, format_quantity


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval, which formats itself as a record does.

    Attributes:
        value: a fraction, or a difference in percentage points.
        interval: of the value, or None.
        unit: ``"fraction"``, ``"points"`` or ``"us"``.
        seeds: how many trainings it is the mean of.
    """

    value: float
    interval: tuple[float, float] | None
    unit: str = "fraction"
    seeds: int = 1

    def __format__(self, spec: str) -> str:
        return format_quantity(self.value, self.unit, self.interval, spec)

    def __float__(self) -> float:
        return self.value

    @property
    def low(self) -> float:
        """The lower bound of the interval; the value itself where there is none."""
        return self.interval[0] if self.interval else self.value

    @property
    def high(self) -> float:
        """The upper bound of the interval; the value itself where there is none."""
        return self.interval[1] if self.interval else self.value


def grouped(records: Iterable[Record], *names: str) -> dict[Any, list[Record]]:
    """Records by what their subjects have under a name, or under several: a tuple then."""
    found: dict[Any, list[Record]] = {}
    for record in records:
        key = tuple(record.subject[name] for name in names)
        found.setdefault(key if names[1:] else key[0], []).append(record)
    return found


def brief(share: Estimate | Record) -> str:
    """A share with its interval for a cell of a table, shorter than it formats itself.

    >>> brief(Estimate(0.928, (0.913, 0.941)))
    '92.8 % (91.3–94.1)'
    """
    low, high = share.interval or (share.value, share.value)
    return f"{100 * share.value:.1f} % ({100 * low:.1f}–{100 * high:.1f})"


def point(share: Estimate | Record) -> dict[str, float]:
    """A share with its interval, as the columns ``accuracy``, ``low`` and ``high`` of a chart."""
    low, high = share.interval or (share.value, share.value)
    return {"accuracy": share.value, "low": low, "high": high}


def mean_over_seeds(records: Sequence[Record]) -> Estimate:
    """The mean accuracy of trainings that differ in the seed.

    Its interval is over seeds, by Student's t; of a single record it is that of its clips.

    Args:
        records: one or more, fractions.
    """
    values = [float(record.value) for record in records]
    low, high = mean_interval(values) if len(values) > 1 else records[0].interval or (0.0, 1.0)
    return Estimate(mean(values), (max(low, 0.0), min(high, 1.0)), seeds=len(values))


def mean_over_clips(shares: Sequence[float], clips: int) -> Estimate:
    """The mean of what several seeds gave on the same clips, with Wilson's interval over the clips.

    Args:
        shares: one a seed, fractions of the clips.
        clips: how many there are.
    """
    share = mean(shares)
    return Estimate(share, wilson_interval(round(share * clips), clips), seeds=len(shares))


def mean_time(records: Sequence[Record]) -> Estimate | None:
    """The mean of run times with Student's interval, in microseconds; None if there are none."""
    values = [float(record.value) for record in records]
    if not values:
        return None
    interval = mean_interval(values) if len(values) > 1 else None
    return Estimate(mean(values), interval, "us", len(values))


def paired_change(records: Sequence[Record], reference: Sequence[Record]) -> Estimate:
    """By how many points ``records`` differ from ``reference``, on the same clips, paired by seed.

    Its interval is over seeds, by Student's t; of a single pair there is none.

    Args:
        records: fractions, one a seed.
        reference: likewise, with all of these seeds.
    """
    base = {record.subject["seed"]: float(record.value) for record in reference}
    changes = [100 * (float(record.value) - base[record.subject["seed"]]) for record in records]
    interval = mean_interval(changes) if len(changes) > 1 else None
    return Estimate(mean(changes), interval, "points", len(changes))
