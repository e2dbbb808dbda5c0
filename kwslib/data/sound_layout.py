"""Where the sound lies in a file, as pieces that libsndfile reads in the place of the whole.

A piece is a range of the file, or bytes that stand for what the file should have there.

Ogg files that stand one after the other are one Ogg file, of which libsndfile reads the first; its
pages tell the streams that were chained in it. Source: S. Pfeiffer, "The Ogg Encapsulation Format
Version 0", RFC 3533 (2003).

What the header of a WAV, AU or CAF file says of its length can be wrong. A recorder writes it last.
Killed before that, it leaves 0, which libsndfile believes; sound that was written to a pipe has the
largest number there is, or -1.

Sources: Microsoft and IBM, "Multimedia Programming Interface and Data Specifications 1.0" (1991),
for the chunks of a WAV file; EBU Tech 3306 (2009) for RF64, its form for more than 4 GB; Apple,
"Core Audio Format Specification 1.0" (2011).
"""

import io
import struct
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import BinaryIO

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


class PiecedFile:
    """Pieces of a file, read as one file.

    libsndfile calls it from C, where an exception has nowhere to go: a place before the beginning,
    where the header of a cut file may send it, is the beginning, and one behind the end the end.
    """

    def __init__(self, raw: BinaryIO, pieces: Sequence[Piece]) -> None:
        self._raw, self._pieces = raw, pieces
        *self._starts, self._length = accumulate(map(len, pieces), initial=0)
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        """The next ``size`` bytes, or fewer at the end; all of them without a size."""
        parts, left = [], self._length if size < 0 else size
        while left and (part := self._part(left)):
            parts.append(part)
            left -= len(part)
            self._at += len(part)
        return b"".join(parts)

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

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place and return it."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        self._at = min(max(origin + offset, 0), self._length)
        return self._at

    def tell(self) -> int:
        """The place of the next byte."""
        return self._at


_MAGIC = b"OggS"
_HEADER_BYTES = 27  # before the lengths of the segments
_FIRST_OF_STREAM = 2
_SEARCHED_BYTES = 2**16


def ogg_layout(raw: BinaryIO, length: int) -> Layout | None:
    """The chained streams of an Ogg file of ``length`` bytes; None if it is no Ogg file."""
    if read_at(raw, 0, len(_MAGIC)) != _MAGIC:
        return None
    # Streams that play at the same time begin with first pages that stand together.
    pages = pairwise([(0, False), *_pages(raw)])
    starts = [at for (_, before), (at, first) in pages if first and not before]
    return Layout([[range(*ends)] for ends in pairwise([*starts, length])] or [[range(length)]])


def _pages(raw: BinaryIO) -> Iterator[tuple[int, bool]]:
    """Where each page lies, and whether it is the first of a stream."""
    at = 0
    while len(header := read_at(raw, at, _HEADER_BYTES)) == _HEADER_BYTES:
        if header.startswith(_MAGIC):
            yield at, bool(header[5] & _FIRST_OF_STREAM)
            at += _HEADER_BYTES + header[26] + sum(raw.read(header[26]))
        else:
            at = _next_page(raw, at + 1)


def _next_page(raw: BinaryIO, at: int) -> int:
    """Where the next page may begin behind damage; the end of the file if nowhere."""
    chunk = read_at(raw, at, _SEARCHED_BYTES)
    while (place := chunk.find(_MAGIC)) < 0 and (more := raw.read(_SEARCHED_BYTES)):
        at += len(chunk) - len(_MAGIC) + 1
        chunk = chunk[-len(_MAGIC) + 1 :] + more
    return at + (place if place >= 0 else len(chunk))


_ORDERS = {b"RIFF": "<", b"RIFX": ">", b"RF64": "<"}
_AU_ORDERS = {b".snd": ">", b"dns.": "<"}
_PLAIN_CODES = (1, 3, 6, 7, 0xFFFE)  # integers, floats, A-law, mu-law, extensible: bytes a frame
_ALL_ONES = 2**32 - 1
_WIDE_ALL_ONES = 2**64 - 1
_NO_LENGTH = 2**31 - 2**16  # what is not below is written where the length is not known
_MOST_CHUNKS = 10_000


def header_layout(raw: BinaryIO, length: int) -> Layout | None:
    """The sound of a WAV, AU or CAF file of ``length`` bytes; None if it is none."""
    magic = read_at(raw, 0, 4)
    try:
        if magic in _AU_ORDERS:
            return _au_layout(raw, length, _AU_ORDERS[magic])
        if magic == b"caff":
            return _caf_layout(raw, length)
        return _wav_layout(raw, length, _ORDERS[magic]) if magic in _ORDERS else None
    except struct.error:  # it ends within its header, which libsndfile words better
        return None


def _au_layout(raw: BinaryIO, length: int, order: str) -> Layout:
    unknown = struct.pack(f"{order}I", _ALL_ONES)
    return Layout([patched(length, {8: unknown} if _number(raw, 8, f"{order}I") == 0 else {})])


def _caf_layout(raw: BinaryIO, length: int) -> Layout | None:
    at = 8
    for _ in range(_MOST_CHUNKS):
        name, size = _chunk(raw, at, ">4sq")
        if name == b"data":
            rest = struct.pack(">q", length - at - 12)
            return Layout([patched(length, {at + 4: rest} if size in (0, -1) else {})])
        at += 12 + max(0, size)
    return None


def _wav_layout(raw: BinaryIO, length: int, order: str) -> Layout | None:
    frame, wide_size_at, at = 0, 0, 12
    for _ in range(_MOST_CHUNKS):
        name, size = _chunk(raw, at, f"{order}4sI")
        if name == b"fmt " and _number(raw, at + 8, f"{order}H") in _PLAIN_CODES:
            frame = _number(raw, at + 20, f"{order}H")
        if name == b"ds64":
            wide_size_at = at + 16
        if name == b"data":
            break
        at += 8 + size + size % 2
    else:
        return None
    patches, size_at, form = {}, at + 4, f"{order}I"
    if wide_size_at and size in (0, _ALL_ONES):
        patches[size_at] = struct.pack(form, _ALL_ONES)
        size_at, form = wide_size_at, "<Q"
        size = _number(raw, size_at, form)
    rest = length - at - 8
    if size in (0, _WIDE_ALL_ONES) and rest > 0 and not _are_chunks(raw, at + 8, length, order):
        most = 256 ** struct.calcsize(form) - 1
        patches[size_at] = struct.pack(form, min(rest, most))
        return Layout([patched(length, patches)])
    known = frame and (size < _NO_LENGTH or form == "<Q")
    return Layout([patched(length, patches)], size // frame if known else None)


def _are_chunks(raw: BinaryIO, at: int, length: int, order: str) -> bool:
    """Whether the rest of a file is chunks of other things, and no sound."""
    while at + 8 <= length:
        name, size = _chunk(raw, at, f"{order}4sI")
        if not all(0x20 <= byte < 0x7F for byte in name):
            return False
        at += 8 + size + size % 2
    return length - at in (-1, 0)


def _chunk(raw: BinaryIO, at: int, form: str) -> tuple[bytes, int]:
    """Name and size of the chunk at a place."""
    name, size = struct.unpack(form, read_at(raw, at, struct.calcsize(form)))
    return name, size


def _number(raw: BinaryIO, at: int, form: str) -> int:
    return int(struct.unpack(form, read_at(raw, at, struct.calcsize(form)))[0])
