"""A measured number with its provenance, and the small text files that hold such numbers.

A number without its origin cannot be believed, so a :class:`Record` says what was measured,
of what, on what data, where and how, when, and by which version of the code.
"""

import json
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from kwslib import __version__
from kwslib.errors import InputError
from kwslib.files import read_json, write_text

Method = Literal["measured", "emulated", "modelled", "published"]

FOLDER = Path(__file__).resolve().parent.parent / "measurements"
"""The repository's own measurements."""

_LARGEST_FILE = 2**28


@cache
def machine_name() -> str:
    """Processor and core count of this machine, e.g. ``"AMD EPYC 7B13, 2 cores"``."""
    text = ""
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    told = re.search(r"^model name.*?:\s*(.*\S)", text, re.MULTILINE)
    model = told[1] if told else platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores"


@cache
def code_version() -> str:
    """The package's version, with the commit in a git checkout, and ``+`` if library or firmware
    have changed since.
    """
    root = Path(__file__).resolve().parent.parent
    commit = git(root, "describe", "--always", "--exclude=*")
    changed = git(root, "status", "--porcelain", "--", "kwslib", "firmware")
    if commit is None or changed is None:
        return __version__
    return f"{__version__} ({commit}{'+' if changed else ''})"


def git(root: Path, *arguments: str) -> str | None:
    """What git says of the checkout at ``root``, None where it is none or git fails."""
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


@dataclass(frozen=True)
class Record:
    """One measurement.

    Attributes:
        metric: what was measured, e.g. ``"accuracy"`` or ``"run_time"``.
        value: a number, or a list or table of numbers (a curve, a confusion matrix).
        unit: ``"fraction"``, ``"us"``, ``"bytes"``, ...
        method: how the value came about.
        subject: of what: network, task, configuration, seed, hash of the model file.
        data: on what: identifier and hash of the data set, split; empty where none is involved.
        machine: where: the processor or the board, and its clock where known.
        interval: ``[low, high]`` with 95 % confidence, or None.
        target: what ran it: ``"host"``, ``"emulator"``, ``"cuda"``, ...
        when: UTC, ISO 8601.
        code: version of the code that measured.
        source: for a published value, where it stands.
        version: of the study that measured, a number that its author raises by hand.
    """

    metric: str
    value: Any
    unit: str
    method: Method
    subject: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    machine: str = ""
    interval: tuple[float, float] | None = None
    target: str = "host"
    when: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    code: str = field(default_factory=code_version)
    source: str = ""
    version: int = 1

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            allowed = ", ".join(get_args(Method))
            raise ValueError(f"method is {self.method!r}, must be one of {allowed}")
        if self.interval is not None:
            object.__setattr__(self, "interval", tuple(self.interval))

    def __format__(self, spec: str) -> str:
        return format_quantity(self.value, self.unit, self.interval, spec)

    def provenance(self) -> str:
        """One readable line: method, data, machine, date, version."""
        parts = [
            self.method,
            f"on {self.data['name']}" if self.data.get("name") else "",
            self.machine or self.target,
            self.when[:10],
            f"kwslib {self.code}" if self.code else self.source,
        ]
        return ", ".join(part for part in parts if part)


def format_quantity(
    value: float, unit: str, interval: tuple[float, float] | None, spec: str = ""
) -> str:
    """A number with its unit and its 95 % interval, or by a format of its own without them.

    >>> format_quantity(0.928, "fraction", (0.913, 0.941)).replace(chr(160), " ")
    '92.8 % (95 % CI 91.3–94.1 %)'
    >>> format_quantity(-1.36, "points", (-2.22, -0.5)).replace(chr(160), " ")
    '−1.4 points (95 % CI −2.2 to −0.5)'
    >>> format_quantity(0.928, "fraction", None, ".0%"), format_quantity(60_230.0, "us", None)
    ('93%', '60.2 ms')
    """
    if spec:
        return format(value, spec)
    if unit == "fraction":
        bounds = interval and "–".join(f"{100 * bound:.1f}" for bound in interval)
        return f"{100 * value:.1f} %" + (f" (95 % CI {bounds} %)" if bounds else "")
    if unit == "points":
        bounds = interval and " to ".join(_signed(bound) for bound in interval)
        return f"{_signed(value)} points" + (f" (95 % CI {bounds})" if bounds else "")
    if unit == "us":
        return f"{value / 1000:.3g} ms" if value >= 1000 else f"{value:.3g} µs"
    return f"{value:,} {unit}" if unit else f"{value:,}"


def _signed(number: float) -> str:
    text = f"{number:.1f}"
    return "0.0" if text == "-0.0" else text.replace("-", "−")


def write_records(path: Path | str, records: Iterable[Record]) -> None:
    """Write records as JSON, one a line inside a list, so that differences read well.

    A value that is a list of objects has a line for each of them.
    """
    write_text(path, "[\n" + ",\n".join(map(_text_of, records)) + "\n]\n")


def _text_of(record: Record) -> str:
    facts = asdict(record)
    if not (isinstance(record.value, list) and record.value and isinstance(record.value[0], dict)):
        return json.dumps(facts, ensure_ascii=False)
    parts = [json.dumps(part, ensure_ascii=False) for part in facts.pop("value")]
    head = json.dumps(facts, ensure_ascii=False).removesuffix("}")
    return f'{head}, "value": [\n' + ",\n".join(parts) + "\n]}"


def of_version(records: Iterable[Record], version: int) -> list[Record]:
    """The records, as those of a version of the study that made them."""
    return [replace(record, version=version) for record in records]


def read_records(path: Path | str) -> list[Record]:
    """Read what :func:`write_records` wrote.

    Raises:
        InputError: the file is missing, is no JSON, or holds something other than records.
    """
    entries = read_json(path, _LARGEST_FILE)
    try:
        return [Record(**entry) for entry in entries]
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: is not a file of measurements ({error})") from error


def select(records: Iterable[Record], metric: str, **wanted: Any) -> list[Record]:
    """The records of ``metric`` whose subject or data has every wanted value."""
    return [
        record
        for record in records
        if record.metric == metric
        and all(
            record.subject.get(key, record.data.get(key)) == value for key, value in wanted.items()
        )
    ]
