"""What the header of a WAV or AU file says of its length, and a reading of it where it is wrong.

A recorder writes the length last. Killed before that, it leaves 0, which libsndfile believes;
sound that was written to a pipe has the largest number there is.

Sources: Microsoft and IBM, "Multimedia Programming Interface and Data Specifications 1.0" (1991),
for the chunks of a WAV file; EBU Tech 3306 (2009) for RF64, its form for more than 4 GB.
"""

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from typing_extensions import override

_ORDERS = {b"RIFF": "<", b"RIFX": ">", b"RF64": "<"}
_PLAIN_CODES = (1, 3, 6, 7, 0xFFFE)  # integers, floats, A-law, mu-law, extensible: bytes a frame
_ALL_ONES = 2**32 - 1
_NO_LENGTH = 2**31 - 2**16  # what is not below is written where the length is not known
_MOST_CHUNKS = 10_000


@dataclass(frozen=True)
class Header:
    """What is known of a file before libsndfile opens it.

    Attributes:
        frames: that it promises; None where it does not, or libsndfile has to be asked.
        patches: bytes that must be read in the place of others, by their offset.
    """

    frames: int | None = None
    patches: Mapping[int, bytes] = field(default_factory=dict)


def read_header(raw: BinaryIO) -> Header:
    """The header of a sound file of any format; ``raw`` is at its beginning before and after."""
    length = raw.seek(0, io.SEEK_END)
    try:
        raw.seek(0)
        magic = raw.read(4)
        if magic == b".snd" and _number(raw, 8, ">I") == 0:
            return Header(patches={8: struct.pack(">I", _ALL_ONES)})
        if magic in _ORDERS:
            return _wave_header(raw, length, _ORDERS[magic])
        return Header()
    except struct.error:  # it ends within its header, which libsndfile words better
        return Header()
    finally:
        raw.seek(0)


class PatchedFile(io.RawIOBase):
    """A file of which some bytes read otherwise."""

    def __init__(self, raw: BinaryIO, patches: Mapping[int, bytes]) -> None:
        self._raw, self._patches = raw, patches

    @override
    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        start = self._raw.tell()
        data = bytearray(self._raw.read(len(buffer)))
        for at, patch in self._patches.items():
            for place, byte in enumerate(patch, at - start):
                if 0 <= place < len(data):
                    data[place] = byte
        buffer[: len(data)] = bytes(data)
        return len(data)

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._raw.seek(offset, whence)

    @override
    def tell(self) -> int:
        return self._raw.tell()

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True


def _wave_header(raw: BinaryIO, length: int, order: str) -> Header:
    frame, wide_size_at, at = 0, 0, 12
    for _ in range(_MOST_CHUNKS):
        name, size = _chunk(raw, at, order)
        if name == b"fmt " and _number(raw, at + 8, f"{order}H") in _PLAIN_CODES:
            frame = _number(raw, at + 20, f"{order}H")
        if name == b"ds64":
            wide_size_at = at + 16
        if name == b"data":
            break
        at += 8 + size + size % 2
    else:
        return Header()
    patch_at, form = at + 4, f"{order}I"
    if wide_size_at and size == _ALL_ONES:
        patch_at, form = wide_size_at, "<Q"
        size = _number(raw, patch_at, form)
    rest = length - at - 8
    if size == 0 and rest > 0 and not _are_chunks(raw, at + 8, length, order):
        most = 256 ** struct.calcsize(form) - 1
        return Header(patches={patch_at: struct.pack(form, min(rest, most))})
    known = frame and (size < _NO_LENGTH or form == "<Q")
    return Header(frames=size // frame if known else None)


def _are_chunks(raw: BinaryIO, at: int, length: int, order: str) -> bool:
    """Whether the rest of a file is chunks of other things, and no sound."""
    while at + 8 <= length:
        name, size = _chunk(raw, at, order)
        if not all(0x20 <= byte < 0x7F for byte in name):
            return False
        at += 8 + size + size % 2
    return length - at in (-1, 0)


def _chunk(raw: BinaryIO, at: int, order: str) -> tuple[bytes, int]:
    raw.seek(at)
    name, size = struct.unpack(f"{order}4sI", raw.read(8))
    return name, size


def _number(raw: BinaryIO, at: int, form: str) -> int:
    raw.seek(at)
    return int(struct.unpack(form, raw.read(struct.calcsize(form)))[0])
