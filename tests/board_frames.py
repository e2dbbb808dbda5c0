"""Frames of the board protocol for tests, made of the published COBS and CRC-32 alone."""

import struct
import zlib

from cobs import cobs

INFO, HEAR, FEATURES, INFER, PROFILE, STREAM, STOP, DETECTION = 1, 2, 3, 4, 5, 6, 7, 0x40
REPLY = 0x80


def frame(kind, payload=b"", sequence=1, version=1):
    body = struct.pack("<BBH", version, kind, sequence) + payload
    return b"\0" + cobs.encode(body + struct.pack("<I", zlib.crc32(body))) + b"\0"


def frames_in(data):
    """``(kind, sequence, payload)`` of each frame; all must be whole."""
    found = []
    for piece in filter(None, data.split(b"\0")):
        body = cobs.decode(piece)
        assert struct.pack("<I", zlib.crc32(body[:-4])) == body[-4:]
        version, kind, sequence = struct.unpack_from("<BBH", body)
        assert version == 1
        found.append((kind, sequence, body[4:-4]))
    return found
