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
    }
    subject["thresholds"] = list(streaming.smoothing.thresholds)
    method: Method = "emulated" if target == "emulator" else "measured"
    return Record(
        METRIC, [], "trials", method, subject, data, machine, target=target, version=VERSION
    )


class Book:
    """Trials on their way into a file."""

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
        self._earlier: list[Record] = []
        self._new: list[Trial] = []
        self._is_stream = is_stream(path)
        if path.exists() and not self._is_stream:
            self._earlier = read_sittings(path)
            self._check_same_test()

    def _check_same_test(self) -> None:
        for record in self._earlier:
            pairs = _shared(record), _shared(self.sitting)
            for name in pairs[1]:
                old, new = (pair.get(name) for pair in pairs)
                if old != new:
                    raise InputError(
                        f"{self.path}: holds trials with {name} {old}, not {new}; "
                        "name another file with --out"
                    )

    @property
    def earlier(self) -> tuple[Record, ...]:
        """The sittings that the file held when it was opened."""
        return tuple(self._earlier)

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials, those of earlier sittings first."""
        return (*trials_of(self._earlier), *self._new)

    def add(self, trial: Trial) -> None:
        """Take a trial and write the file, unless it is a stream."""
        self._new.append(trial)
        self._keep()

    def take_back(self) -> Trial | None:
        """Remove the last trial of this sitting, or None if there is none."""
        if not self._new:
            return None
        trial = self._new.pop()
        self._keep()
        return trial

    def close(self) -> None:
        """Write the trials to a stream; a file has them already."""
        if self._is_stream and self._new:
            self._write()

    def _keep(self) -> None:
        if not self._is_stream:
            self._write()

    def _write(self) -> None:
        new = replace(self.sitting, value=[trial.as_json() for trial in self._new])
        write_records(self.path, [*self._earlier, new])


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
        list(trials_of(records))
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path}: is not a file of trials ({error}); name another file with --out"
        ) from error
    return records


def trials_of(records: Sequence[Record]) -> Iterator[Trial]:
    """The trials in records, in the order in which they were made."""
    for record in records:
        for entry in record.value:
            yield Trial.from_json(entry)
