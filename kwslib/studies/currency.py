"""Whether a committed record is current: data, network, settings and version of its study.

The library's source takes no part: whoever changes what a study can give raises its version.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from kwslib.data.dataset import open_source
from kwslib.files import sha256_of_file
from kwslib.models.checkpoint import PUBLISHED
from kwslib.records import Record, read_records
from kwslib.studies.catalogue import Committed, Settings

_HASHES = ("tflite", "sha256", "checkpoint")


def outdated(record: Committed, data: str = "") -> list[str]:
    """Why a record is not current; empty where it is.

    Args:
        record: the file.
        data: folder of Speech Commands; where it is empty, the data of a record are not compared.
    """
    if record.kind.command is None:
        return []
    ours = [each for each in record.records if each.method != "published"]
    return [
        *_of_version(ours, record.kind.version),
        *_of_networks(ours),
        *(_of_data(ours, data) if data else []),
        *_of_settings(record, data),
    ]


def _of_version(records: Iterable[Record], version: int) -> Iterable[str]:
    for each in sorted({each.version for each in records} - {version}):
        yield f"made by version {each} of its study, which is at {version}"
    for code in sorted({each.code for each in records if "+" in each.code}):
        yield f"made by code with uncommitted changes, {code}"


def _of_networks(records: Iterable[Record]) -> Iterable[str]:
    named = {sha256 for each in records for sha256 in _hashes(each.subject)}
    for sha256 in sorted(named - _published_hashes()):
        yield f"made of a network that is no longer published, {sha256[:12]}"


def _hashes(subject: Mapping[str, Any]) -> list[str]:
    one = [subject[name] for name in _HASHES if name in subject]
    return [*one, *subject.get("checkpoints", [])]


@cache
def _published_hashes() -> frozenset[str]:
    """Of the published files, and of the weights of further seeds, which are not published."""
    found = {sha256_of_file(path) for path in PUBLISHED.iterdir() if path.suffix != ".json"}
    for path in PUBLISHED.glob("*.json"):
        trained = [each.subject for each in read_records(path) if each.metric == "history"]
        first = min((each["seed"] for each in trained), default=0)
        found |= {each["checkpoint"] for each in trained if each["seed"] != first}
    return frozenset(found)


def _of_data(records: Iterable[Record], folder: str) -> Iterable[str]:
    name, known = _identity(folder)
    named = {each.data["hash"] for each in records if each.data.get("name") == name}
    for sha256 in sorted(named - {known}):
        yield f"made on other data, {sha256}"


@cache
def _identity(folder: str) -> tuple[str, str]:
    """What records say of the data in a folder: name and hash."""
    source = open_source(folder)
    return source.name, source.identity()[:16]


def _of_settings(record: Committed, data: str) -> Iterable[str]:
    if record.kind.settings is None:
        return
    now, made = map(_canonical, record.kind.settings(record, data))
    if now and now != made:
        yield (
            f"made with other settings: {len(now - made)} of {len(now)} are missing, "
            f"{len(made - now)} are no longer measured"
        )


def _canonical(settings: Settings) -> set[str]:
    return {json.dumps(each, sort_keys=True) for each in settings}
