"""Frames of the board protocol: how messages survive a link that may lose, add or change bytes.

A frame is ``0x00, COBS(version, kind, sequence (2), payload, CRC-32 (4)), 0x00`` with
little-endian numbers; ``firmware/device/frame.h`` is the other side. COBS leaves no 0x00 inside,
so that the next frame is found whatever went before, and the CRC throws out what was damaged.

Source: S. Cheshire and M. Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on
Networking 7 (1999).
"""

import struct
import zlib
from dataclasses import dataclass

from cobs import cobs

VERSION = 1
"""Of the protocol: frames, kinds and payloads."""

MAX_PAYLOAD = 1960
"""Bytes: an image of 49 x 40."""

_HEADER = struct.Struct("<BBH")
_CHECK = struct.Struct("<I")
_MAX_ENCODED = 2 * (_HEADER.size + MAX_PAYLOAD + _CHECK.size)
"""More than any frame takes; what is longer is noise and is not kept."""


@dataclass(frozen=True)
class Frame:
    """A message.

    Attributes:
        kind: what it asks for or answers.
        sequence: 0 to 65535; a reply repeats that of its request.
        payload: up to :data:`MAX_PAYLOAD` bytes.
        version: of the protocol that its sender speaks.
    """

    kind: int
    sequence: int
    payload: bytes = b""
    version: int = VERSION

    def encode(self) -> bytes:
        """The bytes that go over the link.

        Raises:
            ValueError: the payload is too long.
        """
        if len(self.payload) > MAX_PAYLOAD:
            raise ValueError(f"a payload of {len(self.payload)} bytes, at most {MAX_PAYLOAD}")
        body = _HEADER.pack(self.version, self.kind, self.sequence) + self.payload
        return b"\0" + cobs.encode(body + _CHECK.pack(zlib.crc32(body))) + b"\0"


class FrameReader:
    """Finds the frames in a stream of bytes.

    Attributes:
        damaged: pieces between two 0x00 that were no frame.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self.damaged = 0

    def push(self, data: bytes) -> list[Frame]:
        """Take the stream's next bytes; return the frames that they complete."""
        *pieces, rest = (bytes(self._held) + data).split(b"\0")
        # one byte more than any frame has still says that this piece is none
        self._held = bytearray(rest[: _MAX_ENCODED + 1])
        frames = [_parse(piece) for piece in pieces if piece]
        self.damaged += frames.count(None)
        return [frame for frame in frames if frame is not None]


def _parse(piece: bytes) -> Frame | None:
    try:
        data = cobs.decode(piece) if len(piece) <= _MAX_ENCODED else b""
    except cobs.DecodeError:
        return None
    body, check = data[: -_CHECK.size], data[-_CHECK.size :]
    if len(body) < _HEADER.size or _CHECK.pack(zlib.crc32(body)) != check:
        return None
    version, kind, sequence = _HEADER.unpack_from(body)
    return Frame(kind, sequence, body[_HEADER.size :], version)
