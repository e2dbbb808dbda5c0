"""What trials amount to: successes with their intervals, by word, noise and kind of sound.

The trials come from a file of ``kws field-test``, or from the original report.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from kwslib.data.task import SILENCE, UNKNOWN
from kwslib.evaluation.accuracy import wilson_interval
from kwslib.evaluation.smoothing import FIRST_KEYWORD
from kwslib.field.trials import NONE, Trial, read_sittings, trials_of
from kwslib.records import FOLDER, Record, read_records, select

QUIET = "quiet"
"""The condition of a recording to which no noise was added."""


@dataclass(frozen=True)
class Share:
    """How many of some trials had an outcome.

    Attributes:
        count: those that had it.
        trials: all; not 0.
    """

    count: int
    trials: int

    @property
    def share(self) -> float:
        """Their share."""
        return self.count / self.trials

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson 95 % interval of the share, as if all trials were independent."""
        return wilson_interval(self.count, self.trials)

    def as_json(self, outcome: str) -> dict[str, Any]:
        """Count (by what it counts), trials, share and interval."""
        return {
            outcome: self.count,
            "trials": self.trials,
            "share": self.share,
            "interval": list(self.interval),
        }


def _share(outcomes: Sequence[bool]) -> Share:
    return Share(sum(outcomes), len(outcomes))


def successes(trials: Iterable[Trial]) -> Share:
    """How many trials had the outcome that they should have."""
    return _share([trial.succeeded for trial in trials])


def false_accepts(trials: Iterable[Trial]) -> Share:
    """In how many trials something was detected that should not have been."""
    return _share([trial.detected is not None for trial in trials])


def clips_right(trials: Iterable[Trial]) -> Share | None:
    """How many of the words were recognised from their second alone; None where that is unknown.

    A second without a keyword is right if the network says so, by either of the labels for it.
    """
    outcomes = [
        trial.clip == trial.said if trial.is_word else trial.clip in (SILENCE, UNKNOWN)
        for trial in trials
        if trial.clip is not None
    ]
    return _share(outcomes) if outcomes else None


def grouped(trials: Iterable[Trial], key: Callable[[Trial], str | None]) -> dict[str, list[Trial]]:
    """Trials by ``key``, in the order of their first; those without one are left out."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        if (name := key(trial)) is not None:
            groups.setdefault(name, []).append(trial)
    return groups


def by_word(trials: Iterable[Trial]) -> dict[str, list[Trial]]:
    """The trials of each keyword."""
    return grouped(trials, lambda trial: trial.said if trial.is_word else None)


def by_kind(trials: Iterable[Trial], said: str) -> dict[str, list[Trial]]:
    """The trials of each kind of sound (``said`` is ``_none_``) or each other word."""
    return grouped(trials, lambda trial: (trial.kind or said) if trial.said == said else None)


def condition(trial: Trial) -> str | None:
    """The signal-to-noise ratio in words; None where it is unknown."""
    if trial.snr_db is not None:
        return f"{trial.snr_db:g} dB"
    return QUIET if trial.noise == "none" else None


def _noise_db(trial: Trial) -> float:
    """The noise relative to the word."""
    return -math.inf if trial.snr_db is None else -trial.snr_db


def by_condition(trials: Iterable[Trial]) -> dict[str, list[Trial]]:
    """Trials by signal-to-noise ratio, the quiet ones first, then the most noise last."""
    groups = grouped(trials, condition).items()
    return dict(sorted(groups, key=lambda group: _noise_db(group[1][0])))


def summary(trials: Sequence[Trial]) -> dict[str, Any]:
    """All of it, ready for JSON.

    ``words``: successes of each keyword, what was heard instead, median delay; ``conditions``:
    successes by signal-to-noise ratio; ``sounds`` and ``other_words``: false accepts, by kind too;
    ``clips`` in each: what the network makes of the second around the word alone.
    """
    words = by_word(trials)
    said = [trial for group in words.values() for trial in group]
    return {
        "trials": len(trials),
        "words": {word: _word(group) for word, group in words.items()},
        "conditions": {
            name: {
                word: successes(group).as_json("successes")
                for word, group in by_word(group).items()
            }
            for name, group in by_condition(said).items()
        },
        "sounds": _negatives(trials, NONE),
        "other_words": _negatives(trials, UNKNOWN),
    }


def _word(trials: Sequence[Trial]) -> dict[str, Any]:
    heard = Counter(trial.detected for trial in trials if not trial.succeeded)
    delays = [t.delay_ms for t in trials if t.succeeded and t.delay_ms is not None]
    return {
        **successes(trials).as_json("successes"),
        "missed": heard.pop(None, 0),
        "taken_for": dict(heard),
        "median_delay_ms": float(median(delays)) if delays else None,
        "clips": _clips(trials),
    }


def _clips(trials: Sequence[Trial]) -> dict[str, Any] | None:
    right = clips_right(trials)
    return right.as_json("right") if right else None


def _negatives(trials: Sequence[Trial], said: str) -> dict[str, Any] | None:
    kinds = by_kind(trials, said)
    if not kinds:
        return None
    every = [trial for group in kinds.values() for trial in group]
    seconds = sum(trial.seconds for trial in every)
    return {
        **false_accepts(every).as_json("false_accepts"),
        "seconds": round(seconds, 3),
        "clips": _clips(every),
        "kinds": {
            kind: {
                **false_accepts(group).as_json("false_accepts"),
                "detected": dict(Counter(each.detected for each in group if each.detected)),
            }
            for kind, group in kinds.items()
        },
    }


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
