"""What committed records say: a file, the original report's, means over seeds, differences on the
same clips.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

from kwslib.evaluation.accuracy import mean_interval, wilson_interval
from kwslib.records import FOLDER, Record, format_quantity, read_records, select

ORIGINAL = "original_report.json"
"""The file of what the original report states; sizes stand with those of other people."""


@cache
def load(name: str, folder: Path = FOLDER) -> Sequence[Record]:
    """The records of a file, such as ``"gpu/tiny_conv.json"``; empty where there is none.

    Raises:
        InputError: the file holds something other than records.
    """
    path = folder / name
    return tuple(read_records(path)) if path.exists() else ()


def load_by_network(
    beginning: str, task: str, folder: Path = FOLDER
) -> dict[str, Sequence[Record]]:
    """The records of the files ``<beginning><network>-<task>.json`` by the network's name.

    Args:
        beginning: of the files' names, such as ``"streaming/"``.
        task: its name.
        folder: with the layout of ``measurements/``.
    """
    ending = f"-{task}.json"
    paths = sorted(folder.glob(f"{beginning}*{ending}"))
    kind = beginning.rpartition("/")[2]
    return {
        path.name.removeprefix(kind).removesuffix(ending): load(
            str(path.relative_to(folder)), folder
        )
        for path in paths
    }


def load_original(metric: str, target: str = "", **facts: Any) -> Record:
    """What the original report states; of several records the first.

    Args:
        metric: of the record.
        target: of a run time: ``"cpu"``, ``"cuda"`` or ``"serial"``, its board.
        facts: of the record's subject or data.

    Raises:
        LookupError: it states nothing of this kind.
    """
    sizes = select(load("literature.json"), metric, network="original report")
    for record in select([*load(ORIGINAL), *sizes], metric, **facts):
        if target in ("", record.target):
            return record
    asked = facts | ({"target": target} if target else {})
    raise LookupError(f"the original report states no {metric} with {asked}")


def repository_of(source: str) -> str:
    """Of code, its repository; of the rest, its first words.

    >>> repository_of("github.com/somebody/project, section 6")
    'somebody/project'
    """
    return source.removeprefix("github.com/").split(",")[0].split(":")[0]


def author_of(source: str) -> str:
    """Of code, its author; of the rest, the source itself.

    >>> author_of("github.com/somebody/project, section 6")
    'somebody'
    """
    return source.split("/")[1] if source.startswith("github.com/") else source


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
