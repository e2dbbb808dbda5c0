"""The files that a data set consists of, in a folder or packed in a zip archive, read on demand.

Sizes are bounded and nothing is ever unpacked to disk. A member's name is its path without suffix,
its word in lower case: ``word/file``, or ``file`` alone.
"""

import hashlib
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol

from kwslib.errors import InputError
from kwslib.files import read_bounded


class Members(Protocol):
    """Files by name.

    Attributes:
        place: the archive or folder.
        paths: of each member within it, suffix included, by name.
        skipped: other files within a word's folder.
    """

    place: Path
    paths: dict[str, str]
    skipped: list[str]

    def read(self, name: str) -> bytes:
        """The bytes of a member.

        Raises:
            InputError: there is no such member, or it is damaged or too large.
        """

    def files(self) -> Iterable[Path]:
        """What holds the members on disk."""


def open_members(path: Path, suffixes: Collection[str], largest_member: int) -> Members:
    """The members of a zip archive, or of the folder of its name to which it was unpacked.

    Args:
        path: the archive, ending in ``.zip``.
        suffixes: e.g. ``".flac"``, in lower case; other files are no members.
        largest_member: bytes beyond which a member is refused.

    Raises:
        InputError: both are missing, the archive is truncated or none, or a name stands twice.
    """
    unpacked = path.with_suffix("")
    if not path.exists() and unpacked.is_dir():
        return FolderMembers(unpacked, suffixes, largest_member)
    return ZipMembers(path, suffixes, largest_member)


def digests(members: Members) -> Iterator[tuple[str, str]]:
    """Path and SHA-256 of each member, by path; a damaged one counts by its path alone."""
    for name, path in sorted(members.paths.items(), key=lambda item: item[1]):
        try:
            content = members.read(name)
        except InputError:
            yield path, "damaged"
        else:
            yield path, hashlib.sha256(content).hexdigest()


class ZipMembers(Members):
    """The members of a zip archive."""

    def __init__(self, path: Path, suffixes: Collection[str], largest_member: int) -> None:
        """Open an archive; arguments and errors are those of :func:`open_members`."""
        self.place = path
        self._largest_member = largest_member
        try:
            self._zip = zipfile.ZipFile(path)
        except FileNotFoundError as error:
            raise InputError(
                f"{path}: is missing; put the archive there, or what it holds into "
                f"{path.with_suffix('')}"
            ) from error
        except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
            raise InputError(
                f"{path}: is truncated or no zip archive ({error}); fetch it again"
            ) from error
        names = (info.filename for info in self._zip.infolist() if not info.is_dir())
        self.paths, self.skipped = _named(path, names, suffixes)

    def read(self, name: str) -> bytes:
        """The bytes of a member."""
        info = self._zip.getinfo(_path_of(self, name))
        if info.file_size > self._largest_member:
            raise InputError(
                f"{self.place}: {info.filename} has {info.file_size:,} bytes, more than the "
                f"{self._largest_member:,} that such a clip can have"
            )
        try:
            return self._zip.read(info)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError) as error:
            # RuntimeError: encrypted, or compressed in a way that Python does not know.
            raise InputError(f"{self.place}: {info.filename} is damaged; fetch it again") from error

    def files(self) -> Iterable[Path]:
        """The archive."""
        return [self.place]


class FolderMembers(Members):
    """The files of a folder and of the folders in it, hidden ones apart."""

    def __init__(
        self,
        folder: Path,
        suffixes: Collection[str],
        largest_member: int,
        patterns: Sequence[str] = ("*", "*/*"),
    ) -> None:
        """List a folder, which may be absent.

        Args:
            folder: that holds the members.
            suffixes: as of :func:`open_members`, and so ``largest_member``.
            largest_member: in bytes.
            patterns: where in the folder members lie.

        Raises:
            InputError: a name stands twice.
        """
        self.place = folder
        self._largest_member = largest_member
        names = (path for pattern in patterns for path in _visible(folder, pattern))
        self.paths, self.skipped = _named(folder, names, suffixes)

    def read(self, name: str) -> bytes:
        """The bytes of a member."""
        return read_bounded(
            self.place / _path_of(self, name), self._largest_member, "no clip is as large"
        )

    def files(self) -> Iterable[Path]:
        """All members."""
        return [self.place / path for path in self.paths.values()]


def _visible(folder: Path, pattern: str) -> Iterator[str]:
    for path in folder.glob(pattern):
        name = path.relative_to(folder).as_posix()
        if not any(part.startswith(".") for part in name.split("/")) and not path.is_dir():
            yield name


def _named(
    place: Path, paths: Iterable[str], suffixes: Collection[str]
) -> tuple[dict[str, str], list[str]]:
    """Paths of the members by name, and the paths of other files within a word's folder."""
    found: dict[str, str] = {}
    skipped = []
    for path in sorted(paths):
        pure = PurePosixPath(path)
        if pure.suffix.lower() in suffixes:
            name = name_of(path)
            if name in found:
                raise InputError(f"{place}: holds {found[name]} and {path}; remove one of them")
            found[name] = path
        elif "/" in path:
            skipped.append(path)
    return found, skipped


def name_of(path: str) -> str:
    """The name of the member at ``path``, e.g. ``"Yes/a.wav"``."""
    word, separator, rest = path.removesuffix(PurePosixPath(path).suffix).rpartition("/")
    return f"{word.casefold()}{separator}{rest}"


def _path_of(members: Members, name: str) -> str:
    if name not in members.paths:
        raise InputError(f"{members.place}: has no clip {name}")
    return members.paths[name]
