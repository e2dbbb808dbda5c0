"""Folders: the cache, the home, those that a run has to itself, and those of unfinished files."""

import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISDIR

from filelock import BaseFileLock, FileLock, Timeout

from kwslib.errors import InputError

CACHE_VARIABLE = "KWS_CACHE"

OURS = ".kws-"
"""What the names of files begin with that stand in a user's folder for our own sake."""

PART = f"{OURS}part-"
"""What the name of a folder begins with in which something is still being written."""

LOCK = f"{OURS}lock"
"""The name of the lock of a folder, and the beginning of that of a file in it."""

_LOCKED = ".lock"  # ends the name of the lock beside a part


def cache_folder(*parts: str) -> Path:
    """A folder under the cache: ``$KWS_CACHE``, or ``~/.cache/kwslib``. It is created.

    Raises:
        InputError: it cannot be created.
    """
    root = os.environ.get(CACHE_VARIABLE) or home_folder() / ".cache" / "kwslib"
    return make_folder(Path(root, *parts), f"name another cache in {CACHE_VARIABLE}")


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


@contextmanager
def lock_folder(
    folder: Path | str, wait: bool = False, mend: str = "name another"
) -> Iterator[None]:
    """Keep other processes from writing into ``folder``, which is created, during the body.

    What killed processes left half-written there, or in its visible subfolders, is removed first.
    A lock ends with its process, however that ends.

    Args:
        folder: that a run writes into.
        wait: until the other process is done, and say so on standard error.
        mend: what to do where it cannot be written to.

    Raises:
        InputError: another process writes into it, or it is no folder that can be written to.
    """
    folder = make_folder(folder, mend)
    with locked(folder / LOCK, folder, wait, mend):
        for place, folders, _ in os.walk(folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            clear_parts(Path(place))
        yield


@contextmanager
def locked(
    path: Path, what: Path, wait: bool = False, mend: str = "name another"
) -> Iterator[None]:
    """Hold the lock ``path`` of ``what``, a file or folder, during the body.

    Args:
        path: of the lock.
        what: is locked, for messages.
        wait: as of :func:`lock_folder`, and so ``mend``.
        mend: for messages.

    Raises:
        InputError: another process holds it, or it cannot be taken.
    """
    lock = FileLock(path)
    try:
        try:
            lock.acquire(blocking=False)
        except Timeout:
            if not wait:
                raise InputError(
                    f"{what}: {_owner(path)} is writing there; wait for its end, or {mend}"
                ) from None
            print(f"{what}: waiting for {_owner(path)}, which is writing there", file=sys.stderr)
            lock.acquire()
        path.write_text(f"{os.getpid()}\n")
    except OSError as error:
        raise InputError(
            f"{what}: cannot be written to ({path}: {error.strerror}); {mend}"
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


def make_folder(folder: Path | str, mend: str = "name another") -> Path:
    """Create ``folder`` where it is not there yet.

    Args:
        folder: to be made.
        mend: what to do where it cannot be.

    Raises:
        InputError: it is something else than a folder, or cannot be created.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise InputError(f"{folder}: is no folder; {mend}") from error
    except OSError as error:
        raise InputError(f"{folder}: cannot be created ({error.strerror}); {mend}") from error
    return folder


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
