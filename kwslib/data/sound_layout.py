"""Where the sound lies in a file, as pieces that libsndfile reads in the place of the whole.

A piece is a range of the file, or bytes that stand for what the file should have there.
"""

import io
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import BinaryIO

from typing_extensions import override

Piece = range | bytes


@dataclass(frozen=True)
class Layout:
    """What is known of a file before libsndfile opens it.

    Attributes:
        streams: the pieces of each stream of sound, to be read one stream after the other.
        promised: frames by the file's header, 0 where it does not say; None: ask libsndfile.
        notes: one line for each thing that is left out.
    """

    streams: Sequence[Sequence[Piece]]
    promised: int | None = None
    notes: Sequence[str] = ()


def read_at(raw: BinaryIO, at: int, size: int) -> bytes:
    """The bytes at a place of a file, fewer at its end."""
    raw.seek(at)
    return raw.read(size)


def patched(length: int, patches: Mapping[int, bytes]) -> list[Piece]:
    """A file of ``length`` bytes of which some, by their offset, read otherwise."""
    pieces: list[Piece] = []
    at = 0
    for place, patch in sorted(patches.items()):
        pieces += [range(at, place), patch]
        at = place + len(patch)
    return [*pieces, range(at, length)]


class PiecedFile(io.RawIOBase):
    """Pieces of a file, read as one file.

    libsndfile calls it from C, where an exception has nowhere to go: a place before the beginning,
    where the header of a cut file may send it, is the beginning, and one behind the end the end.
    """

    def __init__(self, raw: BinaryIO, pieces: Sequence[Piece]) -> None:
        self._raw, self._pieces = raw, pieces
        *self._starts, self._length = accumulate(map(len, pieces), initial=0)
        self._at = 0

    @override
    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        done = 0
        while done < len(buffer) and (part := self._part(len(buffer) - done)):
            buffer[done : done + len(part)] = part
            done += len(part)
            self._at += len(part)
        return done

    def _part(self, most: int) -> bytes:
        """What comes next of the piece that is read, ``most`` bytes at most."""
        if self._at == self._length:
            return b""
        number = bisect_right(self._starts, self._at) - 1
        start = self._at - self._starts[number]
        part = self._pieces[number][start : start + most]
        if isinstance(part, bytes):
            return part
        return read_at(self._raw, part.start, len(part))

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        self._at = min(max(origin + offset, 0), self._length)
        return self._at

    @override
    def tell(self) -> int:
        return self._at

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True
