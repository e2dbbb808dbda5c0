"""The files that a data set consists of, in a folder or packed in a zip archive, read on demand.

Sizes are bounded and nothing is ever unpacked to disk. A member's name is its path without suffix,
its word in lower case: ``word/file``, or ``file`` alone. Hidden files are none, and folders above
all members do not count.
"""

import hashlib
import lzma
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import takewhile
from pathlib import Path, PurePosixPath
from stat import S_ISREG
from typing import Protocol

from kwslib.errors import InputError
from kwslib.files import check_file, read_bounded

_STUMBLES = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, OSError, ValueError,
    struct.error, OverflowError, MemoryError,
)  # fmt: skip
"""What ``zipfile`` raises on a damaged archive.

RuntimeError: encrypted, or compressed in a way that Python does not know.
"""

_BLOCK_BYTES = 2**12  # a block of so many may unpack to twenty thousand times as many


class ChangedError(InputError):
    """A file is no longer what it was when the members were listed."""


class Members(Protocol):
    """Files by name, as they were when they were listed.

    Attributes:
        place: the folder or archive, and the folders in it that are above all members.
        paths: of each member within it, suffix included, by name.
        skipped: other files within a word's folder, and sound that lies elsewhere.
        states: of the files on disk that hold the members, by path: what a change of one changes,
            unless it is hidden on purpose.
    """

    place: Path
    paths: dict[str, str]
    skipped: list[str]
    states: Mapping[str, str]

    def read(self, name: str) -> bytes:
        """The bytes of a member.

        Raises:
            ChangedError: it is no longer what was listed.
            InputError: there is no such member, or it is damaged or too large.
        """


def open_members(
    path: Path, suffixes: Collection[str], largest_member: int, depth: int = 1
) -> Members:
    """The members of a zip archive, or of the folder of its name to which it was unpacked.

    Args:
        path: the archive, ending in ``.zip``.
        suffixes: e.g. ``".flac"``, in lower case; other files are no members.
        largest_member: bytes beyond which a member is refused.
        depth: folders that a member lies in, those apart that all share: 1 for ``word/file``.

    Raises:
        InputError: both are missing, the archive is truncated or none, or a name stands twice.
    """
    unpacked = path.with_suffix("")
    if not path.exists() and unpacked.is_dir():
        return FolderMembers(unpacked, suffixes, largest_member, depth)
    return ZipMembers(path, suffixes, largest_member, depth)


def digests(members: Members) -> Iterator[tuple[str, str]]:
    """Path and SHA-256 of each member, by path; a damaged one counts by its path alone.

    Raises:
        ChangedError: a file is no longer what was listed.
    """
    for name, path in sorted(members.paths.items(), key=lambda item: item[1]):
        try:
            content = members.read(name)
        except ChangedError:
            raise
        except InputError:
            yield path, "damaged"
        else:
            yield path, hashlib.sha256(content).hexdigest()


class ZipMembers(Members):
    """The members of a zip archive."""

    def __init__(
        self, path: Path, suffixes: Collection[str], largest_member: int, depth: int = 1
    ) -> None:
        """Open an archive; arguments and errors are those of :func:`open_members`."""
        self._path = path
        self._largest_member = largest_member
        mend = f"put the archive there, or what it holds into {path.with_suffix('')}"
        check_file(path, mend)
        self._state = _state(path)  # before its directory is read, which may change at once
        try:
            self._zip = zipfile.ZipFile(path)
        except _STUMBLES as error:
            raise InputError(
                f"{path}: is truncated or no zip archive ({error}); fetch it again"
            ) from error
        files = [(_plain(info.filename), info) for info in self._zip.infolist()]
        visible = [(name, info) for name, info in files if not (_hidden(name) or info.is_dir())]
        top, self.paths, self.skipped = _sorted_out(
            path, ((name, self._state) for name, _ in visible), suffixes, depth
        )
        self.place = path / top
        self.states = {path.name: self._state}
        self._infos = {name.removeprefix(top): info for name, info in visible}

    def read(self, name: str) -> bytes:
        """The bytes of a member."""
        path = _path_of(self, name)
        info = self._infos[path]
        if info.file_size > self._largest_member:
            raise InputError(
                f"{self.place}: {path} has {info.file_size:,} bytes, more than the "
                f"{self._largest_member:,} that such a clip can have"
            )
        try:
            with self._zip.open(info) as stream:  # a little at a time: its sizes may be wrong
                return b"".join(iter(partial(stream.read, _BLOCK_BYTES), b""))
        except _STUMBLES as error:
            raise InputError(f"{self.place}: {path} is damaged; fetch it again") from error
        finally:  # what was read of another archive is neither content nor damage of this one
            _check_unchanged(self._path, self._state)


class FolderMembers(Members):
    """The files of a folder and of the folders in it."""

    def __init__(
        self,
        folder: Path,
        suffixes: Collection[str],
        largest_member: int,
        depth: int = 1,
        pattern: str = "*",
    ) -> None:
        """List a folder, which may be absent.

        Args:
            folder: that holds the members.
            suffixes: as of :func:`open_members`, and so ``largest_member`` and ``depth``.
            largest_member: in bytes.
            depth: in folders.
            pattern: of the names in ``folder`` itself that are looked at.

        Raises:
            InputError: a name stands twice.
        """
        self._largest_member = largest_member
        files = {
            path.relative_to(folder).as_posix(): _state(path) for path in _visible(folder, pattern)
        }
        top, self.paths, self.skipped = _sorted_out(folder, files.items(), suffixes, depth)
        self.place = folder / top
        self.states = {path: files[top + path] for path in self.paths.values()}

    def read(self, name: str) -> bytes:
        """The bytes of a member."""
        path = _path_of(self, name)
        try:
            return read_bounded(self.place / path, self._largest_member, "no clip is as large")
        finally:  # as above
            _check_unchanged(self.place / path, self.states[path])


def _hidden(path: str) -> bool:
    """Whether a path is hidden, or what macOS adds to an archive."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.split("/"))


def _plain(name: str) -> str:
    """The path to which a file of an archive would be unpacked."""
    return str(PurePosixPath(name.lstrip("/")))


def _visible(folder: Path, pattern: str, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """All files in a folder and below it; a link to a folder that it lies in counts as a file."""
    above = (*above, folder.resolve())
    for path in folder.glob(pattern):
        if not _hidden(path.name):
            if path.is_dir() and path.resolve() not in above:
                yield from _visible(path, "*", above)
            else:
                yield path


def _state(path: Path) -> str:
    """Size and times of a regular file, empty for all else.

    Not the inode: some file systems give a file another one from time to time.
    """
    with suppress(OSError):
        found = path.stat()
        if S_ISREG(found.st_mode):
            return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"
    return ""


def _check_unchanged(path: Path, state: str) -> None:
    if _state(path) != state:
        raise ChangedError(f"{path}: changed while it was in use; run this again")


def _sorted_out(
    place: Path, files: Iterable[tuple[str, str]], suffixes: Collection[str], depth: int
) -> tuple[str, dict[str, str], list[str]]:
    """The folders above all members, paths of these below them by name, and files to be skipped.

    Args:
        place: what messages call their archive or folder.
        files: path and state of each; without a state it is no regular file.
        suffixes: as of :func:`open_members`, and so ``depth``.
        depth: in folders.

    Raises:
        InputError: a name stands twice.
    """
    named = [(path, PurePosixPath(path).suffix.lower() in suffixes, state) for path, state in files]
    top = _shared_folders([path for path, fits, state in named if fits and state], depth)
    found: dict[str, str] = {}
    skipped = []
    for path, fits, state in sorted(named):
        inner = path.removeprefix(top)
        if fits and state and inner.count("/") == depth:
            name = name_of(inner)
            if name in found:
                raise InputError(
                    f"{place}: holds {top}{found[name]} and {path}; remove one of them"
                )
            found[name] = inner
        elif fits or "/" in inner:
            skipped.append(inner)
    return top, found, skipped


def _shared_folders(paths: Collection[str], depth: int) -> str:
    """What all paths begin with, in whole folders and down to ``depth``, e.g. ``"data/train/"``."""
    parts = [path.split("/") for path in paths]
    spare = max(min(map(len, parts), default=0) - depth - 1, 0)
    levels = zip(*(each[:spare] for each in parts), strict=True)
    return "".join(f"{same[0]}/" for same in takewhile(lambda each: len(set(each)) == 1, levels))


def name_of(path: str) -> str:
    """The name of the member at ``path``, e.g. ``"Yes/a.wav"``."""
    word, separator, rest = path.removesuffix(PurePosixPath(path).suffix).rpartition("/")
    return f"{word.casefold()}{separator}{rest}"


def _path_of(members: Members, name: str) -> str:
    if name not in members.paths:
        raise InputError(f"{members.place}: has no clip {name}")
    return members.paths[name]
