"""Executed chapters, kept under a key of all that their outputs depend on."""

import importlib.metadata
import os
import platform
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import nbformat

from kwslib.files import (
    sha256_of_file,
    sha256_of_files,
    sha256_of_sources,
    sha256_of_text,
    write_text,
)
from kwslib.site.book import Chapter
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

_NO_PART_OF_A_CHAPTER = ("bench", "cli", "live", "site")
"""Rooms that no chapter imports."""


def versions() -> dict[str, str]:
    """Version of Python and of the packages that matter; absent ones are left out."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def key(chapter: Chapter, parameters: Mapping[str, Value], data_identity: str, root: Path) -> str:
    """Hash of what ``chapter`` depends on.

    That is its source, the parameters (with the content of files that they name), the
    library, the committed measurements, the data and the packages.
    """
    measurements = root / "measurements"
    committed = sha256_of_files(measurements, filter(Path.is_file, measurements.rglob("*")))
    texts = [chapter.source(), data_identity, library_hash(), committed]
    for name, value in sorted(parameters.items()):
        texts.append(f"{name}={value!r}")
        if name != "data" and isinstance(value, str) and value and (root / value).is_file():
            texts.append(sha256_of_file(root / value))
    texts += [f"{name}=={version}" for name, version in versions().items()]
    return sha256_of_text(*texts)


@cache
def library_hash() -> str:
    """Hash of the library's code, but for the parts that no chapter runs.

    A build that ``kws report`` started takes the hash that this had then: should the code be
    edited meanwhile, the site must still show the chapters that were run for it.
    """
    handed_over = os.environ.get(LIBRARY_VARIABLE)
    return handed_over or sha256_of_sources(without=_NO_PART_OF_A_CHAPTER)


class Executed:
    """A folder of executed chapters, one file a key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, chapter: Chapter, key: str) -> Path:
        """Where the run of ``chapter`` under ``key`` lies, or would lie."""
        return self.folder / chapter.stem / f"{key[:20]}.ipynb"

    def load(self, chapter: Chapter, key: str) -> nbformat.NotebookNode | None:
        """The kept run, or None."""
        path = self.path(chapter, key)
        if not path.exists():
            return None
        path.touch()  # what was used last is dropped last
        return nbformat.read(path, as_version=4)

    def store(self, chapter: Chapter, key: str, notebook: nbformat.NotebookNode) -> None:
        """Keep a run, whole or not at all, and drop the oldest ones."""
        path = self.path(chapter, key)
        write_text(path, nbformat.writes(notebook) + "\n")
        kept = sorted(path.parent.glob("*.ipynb"), key=lambda each: each.stat().st_mtime)
        for old in kept[:-KEPT_RUNS]:
            old.unlink()
