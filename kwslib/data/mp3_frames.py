"""The frames of an MP3 file, counted; libsndfile guesses how many there are.

An MP3 file is frames one after the other. The first may hold no sound but their number: it is named
Xing or Info. Without it libsndfile takes the length of the file for the length of the sound, and
where it is wrong, as in files that were put one behind the other, it believes it. So each stream of
frames is given such a frame with the true number.

Sources: ISO/IEC 11172-3 (1993) and 13818-3 (1998), clause 2.4, for the frames of layer III, and
mpg123 for those at 8 to 12 kHz ("MPEG 2.5"); G. Bouvigne, "MP3 Info Tag rev 1" (2001) for the frame
with their number; M. Nilsson, "ID3 tag version 2.4.0" (2000).
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import takewhile
from typing import BinaryIO, NamedTuple

from kwslib.data.sound_layout import Layout, Piece, read_at

_KBPS = {
    1: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""By version and the index of a header, which begins at 1."""

_RATES = (44_100, 48_000, 32_000)
_RATE_DIVISORS = {3: 1, 2: 2, 0: 4}  # by the two bits of the version; MPEG 1, 2 and 2.5
_SYNC = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]")
_SEARCHED_BYTES = 512
_MOST_BEFORE = 2**16
"""Bytes before the first whole frame: some tags are longer than they say."""

_CONFIRMING = 2
"""Frames that must follow one behind anything else: two bytes look like a frame in any data."""

_HEAD_BYTES = 256  # more than what is read of a frame with the number of the others
_INFO_KBPS_INDEX = 9  # makes a frame that is long enough at any rate
_HAS_FRAMES = 1
_FIELDS = ((_HAS_FRAMES, 4), (2, 4), (4, 100), (8, 4))  # frames, bytes, contents, quality
_DELAY_AT, _DELAY_BYTES = 21, 3  # within what the encoder adds of itself


class _Header(NamedTuple):
    """The header of a frame."""

    kind: tuple[int, int, bool]  # version, rate, mono: the same in all frames of a stream
    size: int
    samples: int
    info_at: int  # where the number of frames stands, behind the side information


@lru_cache(maxsize=4096)
def _header(four: bytes) -> _Header | None:
    """The header that four bytes are; None if they are none."""
    if len(four) < 4 or not _SYNC.match(four):
        return None
    kbps_index, rate_index = four[2] >> 4, four[2] >> 2 & 3
    if kbps_index in (0, 15) or rate_index == 3:
        return None
    version_bits, mono = four[1] >> 3 & 3, four[3] >> 6 == 3
    version = 1 if version_bits == 3 else 2
    rate = _RATES[rate_index] // _RATE_DIVISORS[version_bits]
    samples = 1152 // version
    length = samples // 8 * 1000 * _KBPS[version][kbps_index - 1] // rate + (four[2] >> 1 & 1)
    side = (17 if mono else 32) if version == 1 else (9 if mono else 17)
    return _Header((version_bits, rate, mono), length, samples, 4 + side)


class _Info(NamedTuple):
    """What the frame before the sound says."""

    frames: int | None
    delay: bytes  # samples of no sound at both ends, 12 bits each; empty where it does not say

    @property
    def silent(self) -> int:
        """Samples of no sound at both ends together."""
        both = int.from_bytes(self.delay, "big")
        return (both >> 12) + (both & 0xFFF)


@dataclass
class _Stream:
    """Frames of one kind."""

    four: bytes
    header: _Header
    info: _Info | None
    frames: int = 0
    ranges: list[range] = field(default_factory=list)

    def add(self, at: int, size: int) -> None:
        """One frame more."""
        joins = bool(self.ranges) and self.ranges[-1].stop == at
        start = self.ranges.pop().start if joins else at
        self.ranges.append(range(start, at + size))
        self.frames += 1

    @property
    def promised(self) -> int | None:
        """Samples by the file; None where it does not say."""
        if self.info is None or self.info.frames is None:
            return None
        return self.info.frames * self.header.samples - self.info.silent

    def pieces(self) -> list[Piece]:
        """The stream with the true number of frames before them."""
        delay = self.info.delay if self.info else b""
        if delay and self.info and self.info.frames != self.frames:
            delay = bytes([delay[0], delay[1] & 0xF0, 0])  # the encoder's end is not this one
        return [_info_frame(self.four, self.frames, delay), *self.ranges]


def mp3_layout(raw: BinaryIO, length: int) -> Layout | None:
    """The streams of an MP3 file of ``length`` bytes, or None if it is none.

    A stream ends where the next frame says how many follow it, or has another rate or number of
    channels. Frames that do not tell their length ("free format") are left to libsndfile.
    """
    streams, lost = _streams(raw, length)
    if not streams:
        return None
    alike = list(takewhile(lambda stream: stream.header.kind == streams[0].header.kind, streams))
    stated = any(stream.promised is not None for stream in alike)
    promised = sum(
        stream.frames * stream.header.samples if stream.promised is None else stream.promised
        for stream in alike
    )
    notes = [f"{lost:,} bytes that are no frames of sound skipped"] if lost else []
    return Layout([stream.pieces() for stream in streams], promised if stated else 0, notes)


def _streams(raw: BinaryIO, length: int) -> tuple[list[_Stream], int]:
    """The streams that hold sound, and how many bytes before frames are neither frame nor tag."""
    streams: list[_Stream] = []
    end = lost = 0
    for at, head, header in _frames(raw, length):
        if at > end:
            lost += max(0, at - _behind_tags(raw, end))
        end = at + header.size
        info = _info(head, header)
        if info or not streams or streams[-1].header.kind != header.kind:
            streams.append(_Stream(head[:4], header, info))
        if not info:
            streams[-1].add(at, header.size)
    return [stream for stream in streams if stream.frames], lost


def _frames(raw: BinaryIO, length: int) -> Iterator[tuple[int, bytes, _Header]]:
    """Where each whole frame lies, its first bytes, and its header."""
    at = _behind_tags(raw, 0)
    begins_as_mp3 = at > 0 or _header(read_at(raw, 0, 4))
    last_begin = at + _MOST_BEFORE if begins_as_mp3 else 0
    kind = None  # of the frame that ends here
    while at < length:
        head = read_at(raw, at, _HEAD_BYTES)
        header = _header(head[:4])
        whole = header and at + header.size <= length
        if header and whole and (header.kind == kind or _is_confirmed(raw, at, header, length)):
            yield at, head, header
            at, kind, last_begin = at + header.size, header.kind, length
            continue
        behind, kind = _behind_tags(raw, at), None
        at = behind if behind > at else _next_sync(raw, at + 1)
        if at > last_begin:
            return


def _is_confirmed(raw: BinaryIO, at: int, header: _Header, length: int) -> bool:
    """Whether frames of the same kind follow one, or the end of the file."""
    for _ in range(_CONFIRMING):
        at = _behind_tags(raw, at + header.size)
        if at >= length:
            return True
        following = _header(read_at(raw, at, 4))
        if following is None or following.kind != header.kind:
            return False
        header = following
    return True


def _behind_tags(raw: BinaryIO, at: int) -> int:
    """Where the ID3 tags end that begin at a place; the place itself without any."""
    while True:
        head = read_at(raw, at, 10)
        if head[:3] == b"TAG":
            at += 128
        elif head[:3] == b"ID3" and len(head) == 10:
            shifts = (21, 14, 7, 0)  # seven bits a byte, so that none looks like a frame
            size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], shifts, strict=True))
            at += 10 + size + (10 if head[5] & 0x10 else 0)
        else:
            return at


def _next_sync(raw: BinaryIO, at: int) -> int:
    """Where the next frame may begin; the end of the file if nowhere."""
    while chunk := read_at(raw, at, _SEARCHED_BYTES):
        if match := _SYNC.search(chunk):
            return at + match.start()
        at += max(1, len(chunk) - 1)
    return at


def _info(head: bytes, header: _Header) -> _Info | None:
    """What a frame says of those behind it; None if it holds sound."""
    head, at = head[: header.size], header.info_at
    if head[at : at + 4] not in (b"Xing", b"Info"):
        return None
    flags = int.from_bytes(head[at + 4 : at + 8], "big")
    frames = int.from_bytes(head[at + 8 : at + 12], "big") if flags & _HAS_FRAMES else None
    at += 8 + sum(size for flag, size in _FIELDS if flags & flag)
    encoder = head[at : at + _DELAY_AT + _DELAY_BYTES]
    has_delay = len(encoder) == _DELAY_AT + _DELAY_BYTES and encoder[0]
    return _Info(frames, encoder[_DELAY_AT:] if has_delay else b"")


def _info_frame(four: bytes, frames: int, delay: bytes) -> bytes:
    """A frame that says how many frames of sound of the same kind follow."""
    four = bytes([four[0], four[1] | 1, _INFO_KBPS_INDEX << 4 | four[2] & 0x0C, four[3]])
    header = _header(four)
    assert header is not None
    encoder = b"LAME".ljust(_DELAY_AT, b"\0") + delay if delay else b""
    count = b"Xing" + struct.pack(">II", _HAS_FRAMES, frames)
    return (four.ljust(header.info_at, b"\0") + count + encoder).ljust(header.size, b"\0")
