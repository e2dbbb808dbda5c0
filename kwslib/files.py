"""Files: checked before they are read, written whole or not at all, and hashed."""

import errno
import hashlib
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from stat import S_IFDIR, S_IFIFO, S_IFMT, S_IFSOCK, S_IMODE, S_ISDIR, S_ISFIFO, S_ISREG
from typing import Any

from kwslib.errors import InputError
from kwslib.folders import LOCK, locked, make_folder, part_folder

_LEAST_FREE = 2**16
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

LIBRARY = Path(__file__).resolve().parent
"""The folder of the library's code."""


@contextmanager
def write_beside(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path in a folder beside ``path``; rename it to ``path`` after the body.

    A reader sees the old file or the new one, never a part; an interrupted body leaves
    the old file and no rubbish. A symbolic link stays, and what it points to is replaced. A
    stream (:func:`is_stream`) is not replaced: what the body wrote is copied into it.

    Raises:
        InputError: the folder or the file cannot be written to, or ``path`` is a folder itself.
    """
    path = Path(path)
    direct = is_stream(path)
    with ExitStack() as stack:
        with _writing(path):
            target = path if direct else _behind_links(path)
            folder = Path(tempfile.gettempdir()) if direct else target.parent
            folder.mkdir(parents=True, exist_ok=True)
            temporary = stack.enter_context(part_folder(folder)) / path.name
            temporary.touch()  # with the permissions of any other file
        with full_disk_told(path, temporary.parent):
            yield temporary
        with _writing(path):
            if direct:
                _copy_into(path, temporary)
            else:
                with suppress(FileNotFoundError):  # the permissions of what is replaced
                    temporary.chmod(S_IMODE(target.stat().st_mode))
                temporary.replace(target)


def check_writable(path: Path | str, *, folder: bool = False) -> None:
    """Refuse what could not be written to later, before any work is done for it.

    Args:
        path: of a file that is to be written, or of a folder to write into; absent ones are made.
        folder: it is a folder.

    Raises:
        InputError: it cannot be written to, or no space is left.
    """
    path = Path(path)
    with _writing(path):
        if not folder and is_stream(path):
            return
        place = Path(os.path.realpath(path)) if folder else _behind_links(path).parent
        while not place.exists():
            place = place.parent
        reasons = {
            errno.ENOTDIR: not place.is_dir(),
            errno.EACCES: not os.access(place, os.W_OK | os.X_OK),
            errno.ENOSPC: shutil.disk_usage(place).free < _LEAST_FREE,
        }
        for number, holds in reasons.items():
            if holds:
                raise OSError(number, os.strerror(number))


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); name another place"
        ) from error


@contextmanager
def full_disk_told(what: Path | str, place: Path) -> Iterator[None]:
    """Whatever a library makes of a full disk during the body becomes one line.

    Args:
        what: is being written.
        place: a folder on the disk to which it is written.

    Raises:
        InputError: there is no room.
    """
    try:
        yield
    except (InputError, FileNotFoundError):
        raise
    except Exception as error:
        full = getattr(error, "errno", None) in _FULL
        if full or shutil.disk_usage(place).free < _LEAST_FREE:
            raise InputError(
                f"{what}: cannot be written (no space is left); free some, or name another place"
            ) from error
        raise


def is_stream(path: Path) -> bool:
    """Whether what is at ``path`` takes bytes and is no file that could be replaced or read again.

    A device, pipe or socket; and a file that this process has been given open, under the name
    of the descriptor (``/dev/fd/3``) or as its standard output or error.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not S_ISDIR(mode) and (not S_ISREG(mode) or _descriptor(path) is not None)


def _descriptor(path: Path) -> int | None:
    """The descriptor of this process that an existing ``path`` leads to, if it does to any."""
    descriptors, link = os.path.realpath("/dev/fd"), path
    while os.path.realpath(link.parent) != descriptors:
        if not link.is_symlink():
            return _standard_stream(path)
        link = link.parent / link.readlink()
    return int(link.name)


def _standard_stream(path: Path) -> int | None:
    """Which of standard output and error a file is, where it is one."""
    for descriptor in (1, 2):
        with suppress(OSError):  # closed
            if os.path.samestat(path.stat(), os.fstat(descriptor)):
                return descriptor
    return None


def _behind_links(path: Path) -> Path:
    """Where a file called ``path`` would be written, through symbolic links.

    Raises:
        OSError: there is a folder, a link to itself, or a file that may not be written.
    """
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if target.is_dir():
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if target.exists() and not os.access(target, os.W_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    return target


def _copy_into(path: Path, source: Path) -> None:
    descriptor = _descriptor(path)
    with source.open("rb") as content, ExitStack() as stack:
        if descriptor is not None:  # opened anew, it would be written from its beginning
            stream: Any = stack.enter_context(os.fdopen(os.dup(descriptor), "wb"))
        elif path.is_socket():
            connection = stack.enter_context(socket.socket(socket.AF_UNIX))
            connection.connect(str(path))
            stream = stack.enter_context(connection.makefile("wb"))
        else:
            stream = stack.enter_context(path.open("wb"))
        shutil.copyfileobj(content, stream)


@contextmanager
def lock_file(path: Path | str) -> Iterator[None]:
    """Keep other processes from writing ``path`` during the body, whatever links lead to it.

    A stream (:func:`is_stream`) is not locked.

    Raises:
        InputError: another process writes it, or it cannot be written.
    """
    path = Path(path)
    if is_stream(path):
        yield
        return
    with _writing(path):
        target = _behind_links(path)
    with locked(make_folder(target.parent) / f"{LOCK}-{target.name}", path):
        yield


def check_file(path: Path | str, mend: str, *, given: bool = False) -> None:
    """Refuse what is no file, of which some would never end, and a pipe without a writer not begin.

    Args:
        path: of a file that is to be read.
        mend: what to do where it is none.
        given: a pipe that this process has been given open, such as ``/dev/fd/3``, will do.

    Raises:
        InputError: it is missing, a folder, device, socket or pipe, or may not be read.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
        if not (S_ISREG(mode) or (given and S_ISFIFO(mode) and _descriptor(path) is not None)):
            raise InputError(f"{path}: is no file but a {_kind(mode)}; {mend}")
        if not os.access(path, os.R_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; {mend}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read ({reason}); {mend}") from error


def _kind(mode: int) -> str:
    kinds = {S_IFDIR: "folder", S_IFIFO: "pipe", S_IFSOCK: "socket"}
    return kinds.get(S_IFMT(mode), "device")


def read_bounded(path: Path | str, largest: int, mend: str = "name another file") -> bytes:
    """The bytes of a file.

    Its length is not asked for: a pipe has none, and a file may grow.

    Args:
        path: the file, or a pipe that this process has been given open.
        largest: bytes that such a file can have.
        mend: what to do where it is none, or larger.

    Raises:
        InputError: it is larger, or as :func:`check_file`.
    """
    check_file(path, mend, given=True)
    try:
        with open(path, "rb") as stream:
            content = stream.read(largest + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {mend}") from error
    if len(content) > largest:
        raise InputError(f"{path}: is larger than {largest:,} bytes; {mend}")
    return content


def read_json(path: Path | str, largest: int, mend: str = "name another file") -> Any:
    """The value in a file of JSON, which may begin with a byte order mark.

    Args:
        path: as of :func:`read_bounded`, and so ``largest`` and ``mend``.
        largest: in bytes.
        mend: for messages.

    Raises:
        InputError: it holds no JSON, or as :func:`read_bounded`.
    """
    content = read_bounded(path, largest, mend)
    try:
        return json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: holds no JSON ({error}); {mend}") from error


def write_text(path: Path | str, text: str) -> None:
    r"""Write ``text`` to ``path`` whole or not at all.

    What of a file's name is no UTF-8 is written as ``\udcff``, which JSON reads back.
    """
    with write_beside(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_json(path: Path | str, value: Any) -> None:
    """Write ``value`` as indented JSON to ``path`` whole or not at all."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_array(path: Path) -> Any | None:
    """The numpy array in a file; None where it is absent, or was cut short by a full disk."""
    import numpy as np  # takes long to load, and most of what uses this module needs no arrays

    with suppress(FileNotFoundError, EOFError, ValueError):
        return np.load(path, allow_pickle=False)
    return None


def write_array(path: Path, array: Any) -> None:
    """Write a numpy array to ``path`` whole or not at all."""
    import numpy as np

    with write_beside(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)


def kept_array(path: Path, make: Callable[[], Any]) -> Any:
    """The numpy array in a file, or what ``make`` gives, which is then kept there."""
    if (kept := read_array(path)) is not None:
        return kept
    made = make()
    write_array(path, made)
    return made


def sha256_of_file(path: Path | str) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of_text(*texts: str) -> str:
    """Hexadecimal SHA-256 of ``texts``, each ended by a NUL so that joins cannot collide."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode(errors="surrogateescape") + b"\0")
    return digest.hexdigest()


def sha256_of_sources(*stages: str, without: Iterable[str] = ()) -> str:
    """Hash of the library's source text, or of the named modules and packages of it alone.

    What is computed once and kept must be computed again when the code that made it changes.

    Args:
        stages: e.g. ``"config.py"`` or ``"data"``; all by default.
        without: modules and packages to leave out.

    Raises:
        ValueError: one of them is not there, or has no source.
    """
    named = {file for stage in stages or (".",) for file in _sources(stage)}
    files = named.difference(*(_sources(stage) for stage in without))
    return sha256_of_files(LIBRARY, files)


def _sources(stage: str) -> set[Path]:
    root = LIBRARY / stage
    files = {root} if root.is_file() else set(root.rglob("*.py"))
    if not files:
        raise ValueError(f"{root}: there is no such module or package; name one that is there")
    return files


def sha256_of_files(folder: Path, files: Iterable[Path]) -> str:
    """Hash of the names in ``folder`` and the contents of ``files``, in whatever order."""
    names = sorted(file.relative_to(folder).as_posix() for file in files)
    return sha256_of_text(*(f"{name} {sha256_of_file(folder / name)}" for name in names))
