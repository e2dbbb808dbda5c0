"""A setting of a sweep and the file of its records."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from kwslib.errors import InputError
from kwslib.files import sha256_of_text, write_json
from kwslib.records import Record

Setting = TypeVar("Setting")
"""A dataclass or a mapping whose values are plain JSON, seeds among them."""


@dataclass(frozen=True)
class Task(Generic[Setting]):
    """One setting and the file of its records; equal to another of the same file."""

    path: Path
    setting: Setting = field(compare=False)
    fields: str = field(compare=False)
    key: str = field(compare=False)

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in json.loads(self.fields).items())

    def kept(self) -> list[Record] | None:
        """The records on disk; None where the file is absent, half, or of something else."""
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            if (content["setting"], content["key"]) != (json.loads(self.fields), self.key):
                return None
            return [Record(**entry) for entry in content["records"]]
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def keep(self, records: Sequence[Record]) -> None:
        """Write the records with the setting, so that a person can tell what a file holds."""
        entries = [asdict(record) for record in records]
        content = {"setting": json.loads(self.fields), "key": self.key, "records": entries}
        write_json(self.path, content)

    def records(self) -> list[Record]:
        """The records on disk, which are there."""
        records = self.kept()
        if records is None:
            raise InputError(f"{self.path}: was changed while its sweep ran; run the sweep again")
        return records


def tasks_of(name: str, settings: Sequence[Setting], key: str, folder: Path) -> list[Task[Setting]]:
    """The tasks of settings, whose files lie in a folder and depend on what ``key`` stands for.

    Raises:
        InputError: a setting is no plain JSON.
    """
    texts = [_canonical(name, setting) for setting in settings]
    return [
        Task(folder / f"{sha256_of_text(fields, key)[:32]}.json", setting, fields, key)
        for setting, fields in zip(settings, texts, strict=True)
    ]


def _canonical(name: str, setting: Any) -> str:
    """A setting as JSON, the same in whatever order and form its fields were given."""
    if is_dataclass(setting) and not isinstance(setting, type):
        setting = asdict(setting)
    if not isinstance(setting, Mapping):
        raise InputError(f"{name}: setting {setting!r} is neither a dataclass nor a mapping")
    try:
        return json.dumps(_plain(setting), sort_keys=True, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{name}: setting {dict(setting)!r}: {error}; "
            "give strings, finite numbers, booleans, None, lists and mappings"
        ) from error


def _plain(value: Any) -> Any:
    """``value`` in JSON's own types; json would turn other keys into strings unasked."""
    if isinstance(value, Mapping):
        if strange := [key for key in value if not isinstance(key, str)]:
            raise TypeError(f"the name {strange[0]!r} is not a string")
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def left_of(tasks: Iterable[Task[Setting]]) -> list[Task[Setting]]:
    """The tasks without records on disk, each once, in order."""
    return [task for task in dict.fromkeys(tasks) if task.kept() is None]
