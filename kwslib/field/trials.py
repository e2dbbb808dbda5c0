"""A trial: what was said, what was detected, and how the two are compared; and the file of trials.

The file is written after each trial, so that an interrupted test goes on where it stopped. A device
or pipe is not read, and is written once, when the sitting has ended.

The file is a list of records. A record holds the trials of one sitting, one a line, with what all
of them share: network, its hash, target, microphone, who spoke.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from kwslib.board.client import Streaming
from kwslib.data.task import UNKNOWN
from kwslib.errors import InputError
from kwslib.evaluation.smoothing import Detection
from kwslib.files import is_stream, lock_file
from kwslib.records import Method, Record, read_records, write_records

NONE = "_none_"
"""Stands for the word where a sound is played at which nothing must be detected."""

WINDOW_MS = 1500
"""How long after the end of a word its detection still counts. A network hears a second, and its
scores are averaged, so a word is detected up to about a second after it was said."""


@dataclass(frozen=True)
class Heard:
    """A detection within a trial.

    Attributes:
        label: the word that was detected.
        time_ms: milliseconds after the end of the word that was said (negative: before), or
            after the cue to speak where the end is unknown.
        probability: the network's average over its last inferences.
    """

    label: str
    time_ms: int
    probability: float


@dataclass(frozen=True)
class Trial:
    """One word or sound, and what a network made of it.

    Attributes:
        said: the word, :data:`~kwslib.data.task.UNKNOWN` for another word than the keywords, or
            :data:`NONE` for a sound.
        recording: name of the recording; ``word/number`` for a live trial.
        seconds: how long the network listened.
        detected: the first detection within the window, None if there was none.
        delay_ms: from the end of the word to that detection; None where either is unknown.
        detections: all of the stream, those outside the window too.
        clip: the label with the highest score of the second around the word alone, as a test
            clip is scored; None where that was not asked.
        kind: which other word, or what kind of sound.
        speaker: who spoke, where it is known and not the same for all trials.
        noise: kind of the noise, ``"none"`` for no noise but a quiet room's; empty if unknown.
        snr_db: signal-to-noise ratio, None where there is no noise or it is unknown.
        repeats: how often the trial was repeated because the user asked for it.
        notes: what may be wrong with the sound.
    """

    said: str
    recording: str
    seconds: float
    detected: str | None
    delay_ms: int | None = None
    detections: tuple[Heard, ...] = ()
    clip: str | None = None
    kind: str = ""
    speaker: str = ""
    noise: str = ""
    snr_db: float | None = None
    repeats: int = 0
    notes: tuple[str, ...] = ()

    @property
    def is_word(self) -> bool:
        """Whether a keyword was said, so that it should be detected."""
        return self.said not in (NONE, UNKNOWN)

    @property
    def succeeded(self) -> bool:
        """Whether what was detected is what was said: the word, or nothing."""
        return self.detected == (self.said if self.is_word else None)

    def as_json(self) -> dict[str, Any]:
        """The facts that are known, ready for JSON."""
        given = asdict(self)
        return {
            each.name: given[each.name]
            for each in fields(self)
            if each.default is MISSING or given[each.name] != each.default
        }

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> "Trial":
        """What :meth:`as_json` gave.

        Raises:
            TypeError: the entry has other facts than a trial.
        """
        heard = tuple(Heard(**each) for each in entry.get("detections", ()))
        notes = tuple(entry.get("notes", ()))
        return cls(**{**entry, "detections": heard, "notes": notes})


@dataclass(frozen=True)
class Span:
    """Where in a stream something was said, in milliseconds since the stream's start.

    Attributes:
        start: of the word or sound, or the cue to speak.
        end: of it; None where it is unknown.
        length: of the stream.
    """

    start: int
    end: int | None
    length: int


def judge(
    said: str,
    recording: str,
    detections: Sequence[Detection],
    labels: Sequence[str],
    span: Span,
    **facts: Any,
) -> Trial:
    """The trial that a stream's detections amount to.

    A word has its window, and the first detection in it is the answer; at a sound or another
    word nothing may be detected in the whole stream.

    Args:
        said: as :attr:`Trial.said`.
        recording: as :attr:`Trial.recording`.
        detections: in the order in which they came.
        labels: names of the network's outputs.
        span: where in the stream it was said.
        facts: further attributes of the trial.
    """
    origin = span.start if span.end is None else span.end  # what times are told from
    first, last = span.start, span.length if span.end is None else span.end + WINDOW_MS
    if said in (NONE, UNKNOWN):
        first, last = 0, span.length
    heard = tuple(
        Heard(labels[each.label], int(each.time) - origin, round(each.probability, 3))
        for each in detections
    )
    answer = next((each for each in heard if first <= each.time_ms + origin <= last), None)
    return Trial(
        said,
        recording,
        round(span.length / 1000, 3),
        answer.label if answer else None,
        answer.time_ms if answer and span.end is not None else None,
        heard,
        **facts,
    )


METRIC = "field_trials"

VERSION = 1
"""Raised by hand when the same data, model and settings can give other records."""

_SETTINGS = ("hops", "inferences", "refractory_ms", "thresholds")


def sitting(
    network: str,
    sha256: str,
    labels: Sequence[str],
    streaming: Streaming,
    target: str,
    machine: str,
    data: Mapping[str, Any],
) -> Record:
    """The record, still without trials, that says what the trials of a sitting share.

    Args:
        network: what the network is called.
        sha256: of its ``.tflite`` file.
        labels: names of its outputs.
        streaming: how it listens.
        target: what runs it.
        machine: the board, or this machine.
        data: ``name`` of what was heard; where known ``sha256`` of the recordings,
            ``microphone``, and ``speaker``, who spoke.
    """
    subject = {
        "network": network,
        "labels": list(labels),
        "sha256": sha256,
        "hops": streaming.hops,
        **asdict(streaming.smoothing),
        "thresholds": list(streaming.smoothing.thresholds),
    }
    method: Method = "emulated" if target == "emulator" else "measured"
    return Record(
        METRIC, [], "trials", method, subject, data, machine, target=target, version=VERSION
    )


class Book:
    """Trials on their way into a file.

    Attributes:
        path: the file.
        sitting: the record without trials that says all that they share.
        earlier: the sittings that the file held when it was opened.
    """

    def __init__(self, path: Path, sitting: Record) -> None:
        """Open ``path``, which may hold earlier trials of the same test.

        Args:
            path: the file; made with the first trial. Of a stream, what it holds is not read.
            sitting: a record without trials that says all that they share.

        Raises:
            InputError: the file holds something else, or trials of another test.
        """
        self.path = path
        self.sitting = sitting
        self._new: list[Trial] = []
        self._waits = is_stream(path)  # to the end of the sitting, as it can be written only once
        there = path.exists() and not self._waits
        self.earlier = read_sittings(path) if there else []
        for name, new in _shared(sitting).items():
            for old in (_shared(record)[name] for record in self.earlier):
                if old != new:
                    raise InputError(
                        f"{path}: holds trials with {name} {old}, not {new}; "
                        "name another file with --out"
                    )

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials, those of earlier sittings first."""
        return (*trials_of(self.earlier), *self._new)

    def add(self, trial: Trial) -> None:
        """Take a trial and write the file, unless it is a stream."""
        self._new.append(trial)
        self._write()

    def take_back(self) -> Trial | None:
        """Remove the last trial of this sitting, or None if there is none."""
        if not self._new:
            return None
        trial = self._new.pop()
        self._write()
        return trial

    def close(self) -> None:
        """Write the trials to a stream; a file has them already."""
        if self._waits and self._new:
            self._waits = False
            self._write()

    def _write(self) -> None:
        if not self._waits:
            new = replace(self.sitting, value=[trial.as_json() for trial in self._new])
            write_records(self.path, [*self.earlier, new])


@contextmanager
def open_book(path: Path, sitting: Record) -> Iterator[Book]:
    """Keep other processes from writing ``path``, and yield its trials, which are kept in the end.

    Raises:
        InputError: as of :class:`Book`, or another process writes the file.
    """
    with lock_file(path):
        book = Book(path, sitting)
        try:
            yield book
        finally:
            book.close()


def _shared(record: Record) -> Mapping[str, Any]:
    """What the trials of one test have in common, by what a user calls it."""
    subject, data = record.subject, record.data
    return {
        "network": subject.get("network"),
        "model hash": str(subject.get("sha256"))[:12],
        "settings of smoothing": [subject.get(name) for name in _SETTINGS],
        "target": record.target,
        "microphone": data.get("microphone"),
        "recordings": str(data.get("sha256"))[:12],
        "name": data.get("speaker"),
    }


def read_sittings(path: Path) -> list[Record]:
    """The records of a file of trials.

    Raises:
        InputError: the file is missing or holds something else.
    """
    records = read_records(path)
    try:
        if not records or any(record.metric != METRIC for record in records):
            raise ValueError("no trials, or other measurements")
        trials_of(records)
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path}: is not a file of trials ({error}); name another file with --out"
        ) from error
    return records


def trials_of(records: Sequence[Record]) -> list[Trial]:
    """The trials in records, in the order in which they were made."""
    return [Trial.from_json(entry) for record in records for entry in record.value]
