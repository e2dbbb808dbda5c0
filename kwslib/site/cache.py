"""What chapters put out, kept under a key of all that it depends on.

Kept are the outputs of the code cells and the values of the text, and no text: a sentence that
changes executes nothing.
"""

import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat

from kwslib.files import (
    sha256_of_file,
    sha256_of_files,
    sha256_of_sources,
    sha256_of_text,
    write_text,
)
from kwslib.folders import keep_newest
from kwslib.site.marks import marks_of
from kwslib.site.parameters import Value

KEPT_RUNS = 6
"""Runs of one chapter that are kept, so that going back to a profile costs nothing."""

PACKAGES = (
    "altair",
    "espeakng-loader",
    "numpy",
    "papermill",
    "soundfile",
    "soxr",
    "torch",
    "torchaudio",
    "vl-convert-python",
)
"""Packages whose version can change what a chapter shows."""

LIBRARY_VARIABLE = "KWS_LIBRARY_HASH"

# rooms that no chapter imports
_NO_PART_OF_A_CHAPTER = ("cli", "live", "site", "studies/bench")


@dataclass(frozen=True)
class Run:
    """What a run of a chapter gave.

    Attributes:
        outputs: of each code cell, that of injected parameters included.
        values: of the text and of claims, by the code that gives them.
        seconds: how long it took.
        when: when it began, ISO 8601.
        code: version of the library that ran it.
    """

    outputs: list[list[Any]]
    values: dict[str, Any]
    seconds: float
    when: str
    code: str


def versions() -> dict[str, str]:
    """Version of Python and of the packages that matter; absent ones are left out."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def key(
    notebook: nbformat.NotebookNode,
    parameters: Mapping[str, Value],
    data_identity: str,
    root: Path,
) -> str:
    """Hash of what a run of ``notebook`` depends on.

    That is its code, with the expressions and conditions of its text, the parameters (with the
    content of files that they name), the library, the committed measurements, the data and the
    packages.

    Raises:
        MarkError: an expression or a block of the text cannot be read.
    """
    measurements = root / "measurements"
    committed = sha256_of_files(measurements, filter(Path.is_file, measurements.rglob("*")))
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    texts = [*code, *marks_of(notebook).codes(), data_identity, library_hash(), committed]
    for name, value in sorted(parameters.items()):
        texts.append(f"{name}={value!r}")
        if name != "data" and isinstance(value, str) and value and (root / value).is_file():
            texts.append(sha256_of_file(root / value))
    texts += [f"{name}=={version}" for name, version in versions().items()]
    return sha256_of_text(*texts)


@cache
def library_hash() -> str:
    """Hash of the library's code, but for the rooms that no chapter imports.

    A build that ``kws report`` started takes the hash that this had then: should the code be
    edited meanwhile, the site must still show the chapters that were run for it.
    """
    handed_over = os.environ.get(LIBRARY_VARIABLE)
    return handed_over or sha256_of_sources(without=_NO_PART_OF_A_CHAPTER)


def load(path: Path) -> Run | None:
    """A run that was kept, or None."""
    if not path.exists():
        return None
    path.touch()  # what was used last is dropped last
    return Run(**json.loads(path.read_text(encoding="utf-8")))


def store(path: Path, run: Run) -> None:
    """Keep a run, whole or not at all, and drop the oldest ones of its folder."""
    write_text(path, json.dumps(asdict(run), ensure_ascii=False) + "\n")
    keep_newest(path.parent, KEPT_RUNS)
