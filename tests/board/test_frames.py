"""Frames against their definition, and against what a link does to them."""

import struct
import zlib

from hypothesis import given
from hypothesis import strategies as st

from kwslib.board.transport import MAX_PAYLOAD, VERSION, Frame, FrameReader

FRAMES = st.builds(
    Frame,
    st.integers(0, 255),
    st.integers(0, 65535),
    st.binary(max_size=600) | st.just(bytes(MAX_PAYLOAD)) | st.just(b"\xff" * MAX_PAYLOAD),
    st.integers(0, 255),
)


def stuffed(data):
    """COBS as its paper defines it: every zero becomes the distance to the next."""
    out = bytearray()
    pieces = data.split(b"\0")
    for i, piece in enumerate(pieces):
        while len(piece) >= 254:
            out += b"\xff" + piece[:254]
            piece = piece[254:]
            if not piece and i == len(pieces) - 1:
                return bytes(out)
        out += bytes([len(piece) + 1]) + piece
    return bytes(out)


@given(FRAMES)
def test_encoding_is_the_defined_one(frame):
    body = struct.pack("<BBH", frame.version, frame.kind, frame.sequence) + frame.payload
    body += struct.pack("<I", zlib.crc32(body))
    assert frame.encode() == b"\0" + stuffed(body) + b"\0"


@given(st.lists(FRAMES, max_size=4), st.data())
def test_frames_come_back_in_whatever_pieces_they_arrive(frames, data):
    stream = b"".join(frame.encode() for frame in frames)
    reader, found = FrameReader(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += reader.push(stream[:size])
        stream = stream[size:]
    assert found == frames
    assert reader.damaged == 0


@given(FRAMES, st.binary(max_size=300))
def test_garbage_before_a_frame_costs_nothing(frame, garbage):
    found = FrameReader().push(garbage + frame.encode())
    assert found[-1] == frame


@given(FRAMES, FRAMES, st.data())
def test_a_frame_that_is_cut_is_skipped_and_the_next_is_found(cut, whole, data):
    encoded = cut.encode()
    size = data.draw(st.integers(0, len(encoded) - 2))
    assert FrameReader().push(encoded[:size] + whole.encode()) == [whole]


@given(FRAMES, st.data())
def test_no_changed_bit_gets_through(frame, data):
    encoded = bytearray(frame.encode())
    at = data.draw(st.integers(1, len(encoded) - 2))
    encoded[at] ^= 1 << data.draw(st.integers(0, 7))
    assert frame not in FrameReader().push(bytes(encoded))
    assert not FrameReader().push(bytes(encoded))


def test_endless_noise_is_not_kept():
    reader = FrameReader()
    for _ in range(100):
        assert reader.push(b"\x55" * 10_000) == []
    assert len(reader._held) < 10_000
    assert reader.push(b"\0" + Frame(1, 2, b"x").encode()) == [Frame(1, 2, b"x", VERSION)]
    assert reader.damaged == 1
