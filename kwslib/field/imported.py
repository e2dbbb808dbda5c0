"""A field test that a reader made in the browser: a file from elsewhere, checked fact by fact.

Nothing of the file is taken over that was not checked; what its trials came to is judged anew.
"""

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from kwslib.errors import InputError
from kwslib.evaluation.smoothing import FIRST_KEYWORD, MAX_INFERENCES
from kwslib.field.book import METRIC, Book, open_book
from kwslib.field.trials import Heard, Trial
from kwslib.records import Record

TARGET = "wasm"
MICROPHONE = "browser"

_LARGEST = 2**20
_MOST_TRIALS = 200
_MOST_DETECTIONS = 60
_LONGEST_TEXT = 100
_LONGEST_MS = 60_000

_RECORD = {
    "metric", "value", "unit", "method", "subject", "data", "machine", "interval", "target",
    "when", "code", "source",
}  # fmt: skip
_SUBJECT = {"network", "labels", "sha256", "hops", "thresholds", "inferences", "refractory_ms"}
_DATA = {"name", "microphone"}
_TRIAL = {"said", "recording", "seconds", "detected", "detections"}


@dataclass(frozen=True)
class Expected:
    """The network that the trials must be of.

    Attributes:
        network: what it is called.
        sha256: of its ``.tflite`` file.
        labels: names of its outputs.
    """

    network: str
    sha256: str
    labels: tuple[str, ...]

    @property
    def keywords(self) -> tuple[str, ...]:
        """What it spots."""
        return self.labels[FIRST_KEYWORD:]


class _WrongError(Exception):
    """A fact of the file that cannot be."""


def import_trials(path: Path, expected: Expected, out: Path) -> Book:
    """Add the trials of a file that the page "Try it" saved to those in ``out``.

    Args:
        path: the saved file.
        expected: the network that was tested.
        out: file of trials; made if it is not there.

    Raises:
        InputError: the file is no such file, or of another network, or its trials are in ``out``
            already, or ``out`` holds another test's trials, or another process writes it.
    """
    sitting, trials = read_saved(path, expected)
    with open_book(out, sitting) as book:
        if any(record.when == sitting.when for record in book.earlier):
            raise InputError(f"{path}: its trials are in {out} already")
        for trial in trials:
            book.add(trial)
    return book


def read_saved(path: Path, expected: Expected) -> tuple[Record, list[Trial]]:
    """The record of a saved file, without trials, and its trials.

    Raises:
        InputError: the file is no such file, or of another network.
    """
    try:
        entry = _only_record(_json(path))
        return _sitting(entry, expected), _trials(entry["value"], expected.keywords)
    except _WrongError as wrong:
        raise InputError(
            f"{path}: is no field test saved by the page 'Try it' ({wrong}); save it there again"
        ) from wrong


def _json(path: Path) -> Any:
    try:
        with open(path, "rb") as stream:
            data = stream.read(_LARGEST + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    if len(data) > _LARGEST:
        raise _WrongError("larger than a megabyte")
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise _WrongError("no JSON") from error


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _only_record(entries: Any) -> Mapping[str, Any]:
    if not isinstance(entries, list) or len(entries) != 1:
        raise _WrongError("not one record")
    return _mapping(entries[0], "the record", _RECORD)


def _sitting(entry: Mapping[str, Any], expected: Expected) -> Record:
    fixed = {"metric": METRIC, "unit": "trials", "method": "measured", "target": TARGET}
    for name, value in fixed.items():
        if entry[name] != value:
            raise _WrongError(f"{name} is not {value}")
    data = _mapping(entry["data"], "data", _DATA, {"speaker"})
    if data["microphone"] != MICROPHONE:
        raise _WrongError(f"microphone is not {MICROPHONE}")
    return Record(
        METRIC,
        [],
        "trials",
        "measured",
        _subject(entry["subject"], expected),
        {name: _text(value, f"data {name}") for name, value in data.items()},
        machine=_text(entry["machine"], "machine"),
        target=TARGET,
        when=_moment(entry["when"]),
        code=_text(entry["code"], "code"),
    )


def _subject(given: Any, expected: Expected) -> dict[str, Any]:
    subject = _mapping(given, "subject", _SUBJECT)
    if subject["sha256"] != expected.sha256 or subject["labels"] != list(expected.labels):
        network = _text(subject["network"], "network")
        raise InputError(
            f"the trials are of the network {network}, or of another version of "
            f"{expected.network}; name the network that was tested"
        )
    thresholds = _sequence(subject["thresholds"], "thresholds", len(expected.keywords))
    if len(thresholds) != len(expected.keywords):
        raise _WrongError("not a threshold for each keyword")
    return {
        "network": expected.network,
        "labels": list(expected.labels),
        "sha256": expected.sha256,
        "hops": _whole(subject["hops"], "hops", 1, 255),
        "thresholds": [_whole(each, "a threshold", 0, 255) for each in thresholds],
        "inferences": _whole(subject["inferences"], "inferences", 1, MAX_INFERENCES),
        "refractory_ms": _whole(subject["refractory_ms"], "refractory_ms", 0, 65_535),
    }


def _trials(given: Any, keywords: Sequence[str]) -> list[Trial]:
    entries = _sequence(given, "trials", _MOST_TRIALS)
    if not entries:
        raise _WrongError("no trials")
    trials = [_trial(entry, keywords) for entry in entries]
    if len({trial.recording for trial in trials}) < len(trials):
        raise _WrongError("a trial stands there twice")
    return trials


def _trial(given: Any, keywords: Sequence[str]) -> Trial:
    entry = _mapping(given, "a trial", _TRIAL, {"repeats"})
    said = _one_of(entry["said"], keywords, "said")
    recording = entry["recording"]
    if not isinstance(recording, str) or not re.fullmatch(rf"{said}/[1-9]\d{{0,3}}", recording):
        raise _WrongError(f"a trial of {said} is not called {said}/ and a number")
    entries = _sequence(entry["detections"], "detections", _MOST_DETECTIONS)
    heard = [_heard(each, keywords) for each in entries]
    if [each.time_ms for each in heard] != sorted(each.time_ms for each in heard):
        raise _WrongError("detections are not in the order of their times")
    # from the cue on, as the end of the word is not known
    answer = next((each.label for each in heard if each.time_ms >= 0), None)
    if entry["detected"] != answer:
        raise _WrongError(f"{recording}: what was detected is not the first after the cue")
    return Trial(
        said,
        recording,
        _number(entry["seconds"], "seconds", 0.0, _LONGEST_MS / 1000),
        answer,
        detections=tuple(heard),
        repeats=_whole(entry.get("repeats", 0), "repeats", 0, 100),
    )


def _heard(given: Any, keywords: Sequence[str]) -> Heard:
    entry = _mapping(given, "a detection", {"label", "time_ms", "probability"})
    return Heard(
        _one_of(entry["label"], keywords, "a detected label"),
        _whole(entry["time_ms"], "time_ms", -_LONGEST_MS, _LONGEST_MS),
        _number(entry["probability"], "probability", 0.0, 1.0),
    )


def _mapping(
    value: Any, what: str, names: set[str], optional: Collection[str] = ()
) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _WrongError(f"{what} has no facts")
    if missing := sorted(names - value.keys()):
        raise _WrongError(f"{what} lacks {missing[0]}")
    if value.keys() - names - set(optional):
        raise _WrongError(f"{what} has facts that do not belong there")
    return value


def _sequence(value: Any, what: str, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise _WrongError(f"{what} are no list, or one of more than {most}")
    return value


def _one_of(value: Any, allowed: Sequence[str], what: str) -> str:
    if value not in allowed:
        raise _WrongError(f"{what} is none of {', '.join(allowed)}")
    return str(value)


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or not value.isprintable():
        raise _WrongError(f"{what} is no text of up to {_LONGEST_TEXT} letters")
    return value


def _whole(value: Any, what: str, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise _WrongError(f"{what} is no whole number from {low} to {high}")
    return value


def _number(value: Any, what: str, low: float, high: float) -> float:
    if type(value) not in (int, float) or not math.isfinite(value) or not low <= value <= high:
        raise _WrongError(f"{what} is no number from {low:g} to {high:g}")
    return float(value)


def _moment(value: Any) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise _WrongError("when is no time") from error
    if moment.tzinfo is None:
        raise _WrongError("when does not tell its time zone")
    return moment.isoformat(timespec="seconds")
