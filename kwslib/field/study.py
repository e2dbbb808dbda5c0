"""The trials of a field test, read from its file, and those of the original report."""

from dataclasses import dataclass
from pathlib import Path

from kwslib.evaluation.smoothing import FIRST_KEYWORD
from kwslib.field.book import read_sittings, trials_of
from kwslib.field.scores import Share, by_word
from kwslib.field.trials import Trial
from kwslib.records import FOLDER, Record, read_records, select

PUBLISHED = FOLDER / "field"
"""This repository's own field tests, as ``<network>-<task>.json``."""

_ORIGINAL = FOLDER / "original_report.json"


@dataclass(frozen=True)
class FieldStudy:
    """A file of trials.

    Attributes:
        records: one a sitting.
        trials: all of them.
    """

    records: tuple[Record, ...]
    trials: tuple[Trial, ...]

    @property
    def network(self) -> str:
        """What was tested."""
        return str(self.records[0].subject["network"])

    @property
    def keywords(self) -> tuple[str, ...]:
        """What the network spots."""
        return tuple(self.records[0].subject["labels"][FIRST_KEYWORD:])

    def by_keyword(self) -> dict[str, list[Trial]]:
        """The trials of each keyword that was said, in the network's order."""
        said = by_word(self.trials)
        return {word: said[word] for word in self.keywords if word in said}

    def spoken(self) -> list[Trial]:
        """Trials in which a keyword was said."""
        return [trial for trial in self.trials if trial.is_word]

    def of(self, said: str) -> list[Trial]:
        """Trials with ``_none_``, ``_unknown_`` or a keyword."""
        return [trial for trial in self.trials if trial.said == said]


def read_study(path: Path) -> FieldStudy:
    """What ``kws field-test --out`` wrote.

    Raises:
        InputError: the file is missing or holds something else.
    """
    records = read_sittings(path)
    return FieldStudy(tuple(records), tuple(trials_of(records)))


def published(network: str = "tiny_conv-yes_no") -> FieldStudy:
    """This repository's own test of a published network.

    Raises:
        InputError: there is none.
    """
    return read_study(PUBLISHED / f"{network}.json")


def original(word: str) -> Share:
    """The original report's trials with ``yes`` or ``no``."""
    (claim,) = select(read_records(_ORIGINAL), "field_success", word=word)
    return Share(claim.data["successes"], claim.data["trials"])
