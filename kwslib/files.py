"""Files that are either whole or absent, hashes, and the folder for what can be made again."""

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kwslib.errors import InputError

CACHE_VARIABLE = "KWS_CACHE"

LIBRARY = Path(__file__).resolve().parent
"""The folder of the library's code."""


def cache_folder(*parts: str) -> Path:
    """A folder under the cache: ``$KWS_CACHE``, or ``~/.cache/kwslib``. It is created.

    Raises:
        InputError: it cannot be created.
    """
    root = Path(os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache" / "kwslib")
    folder = root.joinpath(*parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be created ({error.strerror}); "
            f"name another cache in {CACHE_VARIABLE}"
        ) from error
    return folder


@contextmanager
def write_beside(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` if the body succeeds.

    A reader sees the old file or the new one, never a part; an interrupted body leaves
    the old file and no rubbish.

    Raises:
        InputError: the folder cannot be written to, or ``path`` is a folder itself.
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix
        )
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def keep_newest(folder: Path, count: int) -> None:
    """Remove all but the ``count`` files of a folder that were written or touched last.

    Files whose name begins with a dot are left alone: they may be on their way in.
    """
    times = {}
    for path in folder.iterdir():
        if not path.name.startswith("."):
            with suppress(FileNotFoundError):  # another process may remove some too
                times[path] = path.stat().st_mtime_ns
    for path in sorted(times, key=times.__getitem__, reverse=True)[count:]:
        path.unlink(missing_ok=True)


def write_text(path: Path | str, text: str) -> None:
    """Write ``text`` to ``path`` whole or not at all."""
    with write_beside(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path | str, value: Any) -> None:
    """Write ``value`` as indented JSON to ``path`` whole or not at all."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def sha256_of_file(path: Path | str) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of_text(*texts: str) -> str:
    """Hexadecimal SHA-256 of ``texts``, each ended by a NUL so that joins cannot collide."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()


def sha256_of_sources(*stages: str, without: Iterable[str] = ()) -> str:
    """Hash of the library's source text, or of the named modules and packages of it alone.

    What is computed once and kept must be computed again when the code that made it changes.

    Args:
        stages: e.g. ``"config.py"`` or ``"data"``; all by default.
        without: modules and packages to leave out.
    """
    named = {file for stage in stages or (".",) for file in _sources(stage)}
    files = named.difference(*(_sources(stage) for stage in without))
    return sha256_of_files(LIBRARY, files)


def _sources(stage: str) -> set[Path]:
    root = LIBRARY / stage
    return {root} if root.is_file() else set(root.rglob("*.py"))


def sha256_of_files(folder: Path, files: Iterable[Path]) -> str:
    """Hash of the names in ``folder`` and the contents of ``files``, in whatever order."""
    names = sorted(file.relative_to(folder).as_posix() for file in files)
    return sha256_of_text(*(f"{name} {sha256_of_file(folder / name)}" for name in names))
