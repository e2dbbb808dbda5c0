"""What the header of a WAV, AU or CAF file says of its length, and a reading of it where it is
wrong.

A recorder writes the length last. Killed before that, it leaves 0, which libsndfile believes;
sound that was written to a pipe has the largest number there is, or -1.

Sources: Microsoft and IBM, "Multimedia Programming Interface and Data Specifications 1.0" (1991),
for the chunks of a WAV file; EBU Tech 3306 (2009) for RF64, its form for more than 4 GB; Apple,
"Core Audio Format Specification 1.0" (2011).
"""

import struct
from typing import BinaryIO

from kwslib.data.sound_layout import Layout, patched, read_at

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
