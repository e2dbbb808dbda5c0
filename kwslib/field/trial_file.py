"""The file of trials: written after each, so that an interrupted test goes on where it stopped.

A device or pipe is not read, and is written once, when the sitting has ended.

The file is a list of records. A record holds the trials of one sitting, one a line, with what all
of them share: network, its hash, target, microphone, who spoke.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from kwslib.board.client import Streaming
from kwslib.errors import InputError
from kwslib.field.trials import Trial
from kwslib.files import is_stream, lock_file
from kwslib.records import Method, Record, read_records, write_records

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
