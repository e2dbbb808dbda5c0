"""Zip archives read in place: members by name, sizes bounded, nothing ever unpacked to disk."""

import hashlib
import zipfile
import zlib
from pathlib import Path

from kwslib.errors import InputError


class Archive:
    """A zip archive whose members are read on demand.

    Attributes:
        path: the archive.
        members: names without suffix, each with the full name of its member.
    """

    def __init__(self, path: Path, suffix: str, largest_member: int) -> None:
        """Open ``path`` and index its members that end in ``suffix``.

        Args:
            path: the archive.
            suffix: e.g. ``".flac"``; other members are ignored.
            largest_member: bytes beyond which a member is refused.

        Raises:
            InputError: the archive is missing, truncated or no zip archive.
        """
        self.path = path
        self._largest_member = largest_member
        try:
            self._zip = zipfile.ZipFile(path)
        except FileNotFoundError as error:
            raise InputError(f"{path}: is missing; put the archive there") from error
        except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
            raise InputError(
                f"{path}: is truncated or no zip archive ({error}); fetch it again"
            ) from error
        self.members = {
            info.filename.removesuffix(suffix): info.filename
            for info in self._zip.infolist()
            if info.filename.endswith(suffix)
        }

    def read(self, name: str) -> bytes:
        """The bytes of member ``name`` (without suffix).

        Raises:
            InputError: there is no such member, or it is damaged or too large.
        """
        if name not in self.members:
            raise InputError(f"{self.path}: has no clip {name}")
        info = self._zip.getinfo(self.members[name])
        if info.file_size > self._largest_member:
            raise InputError(
                f"{self.path}: {info.filename} has {info.file_size:,} bytes, more than the "
                f"{self._largest_member:,} that such a clip can have"
            )
        try:
            return self._zip.read(info)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError) as error:
            # RuntimeError: encrypted, or compressed in a way that Python does not know.
            raise InputError(f"{self.path}: {info.filename} is damaged; fetch it again") from error

    def fingerprint(self) -> str:
        """Hash over names, sizes and checksums of all members."""
        digest = hashlib.sha256()
        for info in sorted(self._zip.infolist(), key=lambda info: info.filename):
            digest.update(f"{info.filename} {info.file_size} {info.CRC}\n".encode())
        return digest.hexdigest()
