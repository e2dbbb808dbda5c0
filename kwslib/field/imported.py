"""A field test that a reader made in the browser: a file from elsewhere, checked fact by fact.

Nothing of the file is taken over that was not checked; what its trials came to is judged anew.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator, FormatChecker

from kwslib.errors import InputError
from kwslib.evaluation.smoothing import FIRST_KEYWORD, MAX_INFERENCES, MAX_LABELS
from kwslib.field.trials import METRIC, Book, Heard, Trial, open_book
from kwslib.files import read_bounded
from kwslib.records import Record

TARGET = "wasm"
MICROPHONE = "browser"

_LARGEST = 2**20
_LONGEST_MS = 60_000


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
        entries = _json(path)
        if not isinstance(entries, list) or len(entries) != 1:
            raise _WrongError("not one record")
        sitting = _sitting(entries[0], expected)
        return sitting, _trials(entries[0]["value"], expected.labels[FIRST_KEYWORD:])
    except _WrongError as wrong:
        raise InputError(
            f"{path}: is no field test saved by the page 'Try it' ({wrong}); save it there again"
        ) from wrong


def _json(path: Path) -> Any:
    data = read_bounded(path, _LARGEST, "name a file that the page 'Try it' saved")
    try:
        return json.loads(data.decode("utf-8"), parse_constant=int)  # NaN is none: a ValueError
    except (ValueError, RecursionError) as error:
        raise _WrongError("no JSON") from error


def _facts(
    title: str, properties: Mapping[str, Any], optional: Collection[str] = ()
) -> dict[str, Any]:
    """The schema of an object with these properties and no others."""
    return {
        "title": title, "type": "object", "required": sorted(properties.keys() - optional),
        "additionalProperties": False, "properties": properties,
    }  # fmt: skip


_TEXT = {"type": "string", "maxLength": 100, "format": "printable"}

_SUBJECT = {
    "network": {"title": "network", **_TEXT},
    "labels": {},
    "sha256": {},
    "hops": {"title": "hops", "type": "integer", "minimum": 1, "maximum": 255},
    "thresholds": {
        "title": "thresholds", "type": "array", "maxItems": MAX_LABELS,
        "items": {"title": "a threshold", "type": "integer", "minimum": 0, "maximum": 255},
    },
    "inferences": {
        "title": "inferences", "type": "integer", "minimum": 1, "maximum": MAX_INFERENCES,
    },
    "refractory_ms": {
        "title": "refractory_ms", "type": "integer", "minimum": 0, "maximum": 65_535,
    },
}  # fmt: skip

_RECORD = _facts("the record", {
    "metric": {"title": "metric is not", "enum": [METRIC]},
    "unit": {"title": "unit is not", "enum": ["trials"]},
    "method": {"title": "method is not", "enum": ["measured"]},
    "target": {"title": "target is not", "enum": [TARGET]},
    "data": _facts("data", {
        "microphone": {"title": "microphone is not", "enum": [MICROPHONE]},
        "name": {"title": "data name", **_TEXT},
        "speaker": {"title": "data speaker", **_TEXT},
    }, optional={"speaker"}),
    "subject": _facts("subject", _SUBJECT),
    "machine": {"title": "machine", **_TEXT},
    "code": {"title": "code", **_TEXT},
    "interval": {}, "source": {}, "value": {}, "when": {},
})  # fmt: skip


def _trials_schema(keywords: Sequence[str]) -> Mapping[str, Any]:
    heard = {
        "label": {"title": "a detected label is none of", "enum": keywords},
        "time_ms": {
            "title": "time_ms", "type": "integer", "minimum": -_LONGEST_MS, "maximum": _LONGEST_MS,
        },
        "probability": {"title": "probability", "type": "number", "minimum": 0, "maximum": 1},
    }  # fmt: skip
    trial = {
        "said": {"title": "said is none of", "enum": keywords},
        "recording": {},
        "detections": {
            "title": "detections", "type": "array", "maxItems": 60,
            "items": _facts("a detection", heard),
        },
        "detected": {},
        "seconds": {
            "title": "seconds", "type": "number", "minimum": 0, "maximum": _LONGEST_MS // 1000,
        },
        "repeats": {"title": "repeats", "type": "integer", "minimum": 0, "maximum": 100},
    }  # fmt: skip
    trials = _facts("a trial", trial, optional={"repeats"})
    return {"title": "trials", "type": "array", "maxItems": 200, "items": trials}


_WRONG = {
    "object": "{title} has no facts",
    "array": "{title} are no list, or one of more than {maxItems}",
    "string": "{title} is no text of up to {maxLength} letters",
    "integer": "{title} is no whole number from {minimum} to {maximum}",
    "number": "{title} is no number from {minimum} to {maximum}",
}
"""What is told of a value that is not as its schema says."""


def _check(value: Any, schema: Mapping[str, Any]) -> None:
    """Make sure that a value is as its schema says, or tell what is wrong first."""
    formats = FormatChecker(formats=())
    formats.checks("printable")(str.isprintable)
    for error in Draft4Validator(schema, format_checker=formats).iter_errors(value):
        rule, title = error.schema, error.schema["title"]
        if error.validator == "required":
            raise _WrongError(f"{title} lacks {min({*rule['required']} - error.instance.keys())}")
        if error.validator == "additionalProperties":
            raise _WrongError(f"{title} has facts that do not belong there")
        if error.validator == "enum":
            raise _WrongError(f"{title} {', '.join(rule['enum'])}")
        raise _WrongError(_WRONG[rule["type"]].format(**rule))


def _sitting(entry: Any, expected: Expected) -> Record:
    _check(entry, _RECORD)
    given = entry["subject"]
    if given["sha256"] != expected.sha256 or given["labels"] != list(expected.labels):
        raise InputError(
            f"the trials are of the network {given['network']}, or of another version of "
            f"{expected.network}; name the network that was tested"
        )
    if len(given["thresholds"]) != len(expected.labels) - FIRST_KEYWORD:
        raise _WrongError("not a threshold for each keyword")
    subject = {name: given[name] for name in _SUBJECT} | {"network": expected.network}
    return Record(
        METRIC, [], "trials", "measured", subject, entry["data"], entry["machine"], target=TARGET,
        when=_moment(entry["when"]), code=entry["code"],
    )  # fmt: skip


def _trials(entries: Any, keywords: Sequence[str]) -> list[Trial]:
    _check(entries, _trials_schema(keywords))
    if not entries:
        raise _WrongError("no trials")
    trials = [_trial(entry) for entry in entries]
    if len({trial.recording for trial in trials}) < len(trials):
        raise _WrongError("a trial stands there twice")
    return trials


def _trial(entry: Mapping[str, Any]) -> Trial:
    said, recording = entry["said"], entry["recording"]
    if not re.fullmatch(rf"{said}/[1-9]\d{{0,3}}", str(recording)):
        raise _WrongError(f"a trial of {said} is not called {said}/ and a number")
    heard = [
        Heard(each["label"], each["time_ms"], float(each["probability"]))
        for each in entry["detections"]
    ]
    if [each.time_ms for each in heard] != sorted(each.time_ms for each in heard):
        raise _WrongError("detections are not in the order of their times")
    # from the cue on, as the end of the word is not known
    answer = next((each.label for each in heard if each.time_ms >= 0), None)
    if entry["detected"] != answer:
        raise _WrongError(f"{recording}: what was detected is not the first after the cue")
    seconds, repeats = float(entry["seconds"]), entry.get("repeats", 0)
    return Trial(said, recording, seconds, answer, detections=tuple(heard), repeats=repeats)


def _moment(value: Any) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise _WrongError("when is no time") from error
    if moment.tzinfo is None:
        raise _WrongError("when does not tell its time zone")
    return moment.isoformat(timespec="seconds")
