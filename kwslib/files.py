"""Files that are whole or absent, locks, hashes, and the folder for what can be made again."""

import errno
import hashlib
import json
import os
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from stat import S_IMODE, S_ISDIR, S_ISREG
from typing import Any

from filelock import BaseFileLock, FileLock, Timeout

from kwslib.errors import InputError

CACHE_VARIABLE = "KWS_CACHE"

_LEAST_FREE = 2**16
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

OURS = ".kws-"
"""What the names of files begin with that stand in a user's folder for our own sake."""

PART = f"{OURS}part-"
"""What the name of a folder begins with in which something is still being written."""

_LOCK = f"{OURS}lock"
_LOCKED = ".lock"  # ends the name of the lock beside a part

LIBRARY = Path(__file__).resolve().parent
"""The folder of the library's code."""


def cache_folder(*parts: str) -> Path:
    """A folder under the cache: ``$KWS_CACHE``, or ``~/.cache/kwslib``. It is created.

    Raises:
        InputError: it cannot be created.
    """
    root = os.environ.get(CACHE_VARIABLE) or home_folder() / ".cache" / "kwslib"
    folder = Path(root, *parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be created ({error.strerror}); "
            f"name another cache in {CACHE_VARIABLE}"
        ) from error
    return folder


def home_folder() -> Path:
    """The user's home folder, for libraries too, which look for it in ``$HOME``.

    Where it is unknown or cannot be written to, as in a container of an unknown user, it becomes
    one in the folder for temporary files, and that is said.

    Raises:
        InputError: there is no such place.
    """
    with suppress(RuntimeError):  # nobody knows it
        home = Path.home()
        if home.is_dir() and os.access(home, os.W_OK):
            return home
    home = Path(tempfile.gettempdir()) / f"kwslib-{os.getuid()}"
    with suppress(OSError):
        home.mkdir(mode=0o700, exist_ok=True)
        state = home.lstat()  # what is kept there is run: no other user may have made it
        if S_ISDIR(state.st_mode) and state.st_uid == os.getuid() and not state.st_mode & 0o022:
            print(f"no home folder can be written to; {home} stands for it", file=sys.stderr)
            os.environ["HOME"] = str(home)
            return home
    raise InputError(f"{home}: cannot stand for a home folder; name one in HOME")


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
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error


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


@contextmanager
def part_folder(folder: Path) -> Iterator[Path]:
    """Yield a new folder in ``folder`` for what is still being written; remove it after the body.

    The lock beside it tells :func:`clear_parts` that its process lives, wherever that runs. What
    killed processes left in ``folder`` is removed first.

    Raises:
        OSError: it cannot be created.
    """
    clear_parts(folder)
    part = folder / f"{PART}{secrets.token_hex(8)}"
    lock = FileLock(f"{part}{_LOCKED}")
    with suppress(OSError):  # where no file can be locked, others cannot lock it to remove it
        lock.acquire()
    try:
        part.mkdir()
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)
        _end(lock)


def clear_parts(folder: Path) -> None:
    """Remove what killed processes left half-written in ``folder``.

    What a living process writes is locked and stays; so does what cannot be removed, such as
    another user's.
    """
    names: list[str] = []
    with suppress(OSError):  # gone, or not to be read
        names = [path.name for path in folder.glob(f"{PART}*")]
    for part in {folder / name.removesuffix(_LOCKED) for name in names}:
        with suppress(OSError), FileLock(f"{part}{_LOCKED}", blocking=False) as lock:
            if part.is_dir() and not part.is_symlink():
                shutil.rmtree(part)
            else:
                part.unlink(missing_ok=True)
            _end(lock)


def _end(lock: BaseFileLock) -> None:
    """Remove the file of a lock while it is held, so that who waits for it sees that it is gone."""
    with suppress(OSError):
        Path(lock.lock_file).unlink()
    lock.release()


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
def lock_folder(folder: Path | str, wait: bool = False) -> Iterator[None]:
    """Keep other processes from writing into ``folder``, which is created, during the body.

    What killed processes left half-written there, or in its visible subfolders, is removed first.
    A lock ends with its process, however that ends.

    Args:
        folder: that a run writes into.
        wait: until the other process is done, and say so on standard error.

    Raises:
        InputError: another process writes into it, or it is no folder that can be written to.
    """
    folder = make_folder(folder)
    with _locked(folder / _LOCK, folder, wait):
        for place, folders, _ in os.walk(folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            clear_parts(Path(place))
        yield


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
    with _locked(make_folder(target.parent) / f"{_LOCK}-{target.name}", path, wait=False):
        yield


@contextmanager
def _locked(path: Path, what: Path, wait: bool) -> Iterator[None]:
    lock = FileLock(path)
    try:
        try:
            lock.acquire(blocking=False)
        except Timeout:
            if not wait:
                raise InputError(
                    f"{what}: {_owner(path)} is writing there; wait for its end, or name another"
                ) from None
            print(f"{what}: waiting for {_owner(path)}, which is writing there", file=sys.stderr)
            lock.acquire()
        path.write_text(f"{os.getpid()}\n")
    except OSError as error:
        raise InputError(
            f"{what}: cannot be written to ({path}: {error.strerror}); name another"
        ) from error
    try:
        yield
    finally:
        _end(lock)


def _owner(lock: Path) -> str:
    """Whose lock it is; a process may have it and not yet have said so."""
    with suppress(OSError, ValueError):
        return f"process {int(lock.read_text())}"
    return "another process"


def make_folder(folder: Path | str) -> Path:
    """Create ``folder`` where it is not there yet.

    Raises:
        InputError: it is something else than a folder, or cannot be created.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise InputError(f"{folder}: is no folder; name another") from error
    except OSError as error:
        raise InputError(f"{folder}: cannot be created ({error.strerror})") from error
    return folder


def read_bounded(path: Path | str, largest: int, mend: str = "name another file") -> bytes:
    """The bytes of a file.

    Its length is not asked for: a pipe or device has none, and a file may grow.

    Args:
        path: the file.
        largest: bytes that such a file can have.
        mend: what to do where it is missing or larger.

    Raises:
        InputError: it is missing, larger or cannot be read.
    """
    try:
        with open(path, "rb") as stream:
            content = stream.read(largest + 1)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; {mend}") from error
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})"
        ) from error
    if len(content) > largest:
        raise InputError(f"{path}: is larger than {largest:,} bytes; {mend}")
    return content


def keep_newest(folder: Path, count: int) -> None:
    """Remove all but the ``count`` files of a folder that were written or touched last.

    Those whose name begins with a dot are left alone: they may be on their way in.
    """
    times = {}
    for path in folder.iterdir():
        if not path.name.startswith("."):
            with suppress(FileNotFoundError):  # another process may remove some too
                times[path] = path.stat().st_mtime_ns
    for path in sorted(times, key=times.__getitem__, reverse=True)[count:]:
        path.unlink(missing_ok=True)


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
