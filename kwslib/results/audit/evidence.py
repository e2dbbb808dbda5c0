"""What the audit rests on: records of ours, claims of the original, figures of others."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from kwslib.measurements import FOLDER, Record, read_records, select
from kwslib.results.literature import repository_of
from kwslib.results.over_seeds import summarised
from kwslib.training.summary import interval_text, percent

NETWORK = "tiny_conv-yes_no"
"""The original's network and task, as our records name them."""


@dataclass(frozen=True)
class Evidence:
    """The folder of the records.

    Attributes:
        folder: with the layout of ``measurements/``.
    """

    folder: Path = FOLDER

    def read(self, name: str) -> list[Record]:
        """The records of a file; none where it is not there yet."""
        path = self.folder / name
        return read_records(path) if path.exists() else []

    def named(self, pattern: str) -> dict[str, list[Record]]:
        """The records of every file whose name fits, by the name without suffix."""
        return {path.stem: read_records(path) for path in sorted(self.folder.glob(pattern))}

    def claim(self, topic: str) -> str:
        """What the original claimed in words."""
        (record,) = select(self.read("original_claims.json"), "claim", topic=topic)
        return str(record.value)

    def original(self, metric: str, **wanted: Any) -> Record:
        """A figure of the original."""
        records = self.read("original_report.json") + select(
            self.read("literature.json"), metric, network="original report"
        )
        return select(records, metric, **wanted)[0]

    def others(self, metric: str, **wanted: Any) -> list[Record]:
        """Figures of others, from every file of literature."""
        records = [each for found in self.named("literature*.json").values() for each in found]
        return select(records, metric, **wanted)


def cited(records: Iterable[Record], told: Callable[[Any], str]) -> str:
    """Figures with those who published them: ``90.6 % (kpan02/tinyml-keyword-spotting)``."""
    return "; ".join(f"{told(record.value)} ({repository_of(record.source)})" for record in records)


def shares(value: Any) -> str:
    """A share, or a range of shares, in percent."""
    if isinstance(value, list):
        return f"{100 * value[0]:.1f} to {percent(value[1])}"
    return percent(value)


def over_seeds(records: Sequence[Record]) -> str:
    """``92.9 % (3 seeds, 95 % interval 92.3 to 93.5 %)`` of accuracies that differ by seed."""
    found = summarised(records)
    seeds = f"mean of {found['seeds']} seeds, " if found["seeds"] > 1 else ""
    interval = interval_text((found["low"], found["high"]))
    return f"{percent(found['accuracy'])} ({seeds}95 % interval {interval})"


def average(records: Sequence[Record]) -> float:
    """The mean of values that differ by seed."""
    return mean(float(record.value) for record in records)
