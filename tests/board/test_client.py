"""The client against boards that misbehave."""

import struct
from dataclasses import replace

import numpy as np
import pytest
from devices import host_board, noise, tiny_conv

from kwslib.board.client import Board, Streaming
from kwslib.board.transport import BoardError, Frame, FrameReader
from kwslib.evaluation.smoothing import Detection, Smoothing

INFO_REPLY = (
    b"f" * 64 + b"\0" + struct.pack("<IBBHHI", 7200, 3, 2, 5, 32, 64_000_000)
    + b"a board\0" + b"\x03_silence_\0_unknown_\0yes\0"
)  # fmt: skip


class Scripted:
    """A link whose board answers each request as a function says: with bytes, or with frames."""

    def __init__(self, answer):
        self.answer, self.requests, self.pending = answer, [], b""
        self._reader = FrameReader()

    def write(self, data):
        for request in self._reader.push(data):
            self.requests.append(request)
            self.pending += self.answer(request)

    def read(self, timeout_s):
        pending, self.pending = self.pending, b""
        return pending

    def close(self):
        pass


def reply(request, payload=b"", **changes):
    frame = Frame(request.kind | 0x80, request.sequence, payload)
    return replace(frame, **changes).encode()


def board(answer, timeout_s=0.05):
    return Board(Scripted(answer), "a board", timeout_s)


def test_information():
    info = board(lambda request: reply(request, INFO_REPLY)).info
    assert info.sha256 == "f" * 64
    assert (info.arena, info.layers, info.clock_hz) == (7200, 3, 64_000_000)
    assert (info.counts.name, info.numerator, info.denominator) == ("INSTRUCTIONS", 5, 32)
    assert (info.board, info.labels) == ("a board", ("_silence_", "_unknown_", "yes"))


@pytest.mark.parametrize("size", range(len(INFO_REPLY)))
def test_information_that_is_cut(size):
    with pytest.raises(BoardError, match="a board: its answer to INFO makes no sense"):
        _ = board(lambda request: reply(request, INFO_REPLY[:size])).info


def test_silence_is_told_after_the_time():
    silent = board(lambda request: b"")
    with pytest.raises(BoardError, match=r"does not answer \(INFO, 0.05 s\)"):
        _ = silent.info
    assert len(silent.link.requests) == 3  # asked again, as asking does no harm


def test_numbers_of_requests_are_drawn_at_random():
    """Two clients that counted from 1 would take each other's answers for their own."""
    numbers = []
    for _ in range(40):
        silent = board(lambda request: b"", timeout_s=0.0005)
        with pytest.raises(BoardError):
            _ = silent.info
        numbers.append([request.sequence for request in silent.link.requests])
    drawn = [number for session in numbers for number in session]
    assert all(1 <= number <= 65_535 for number in drawn)
    assert len({session[0] for session in numbers}) > 35
    assert all(len(set(session)) == 3 for session in numbers), "an old answer is not a new one's"
    assert min(drawn) < 20_000 and max(drawn) > 45_000


@pytest.mark.parametrize("offset", [1, 2, 100, 40_000])
def test_an_answer_to_another_number_is_dropped(offset):
    """Such as of another client, to the same request with the same payload."""

    def answer(request):
        foreign = replace(request, sequence=(request.sequence + offset) % 65_536)
        return reply(foreign, INFO_REPLY.replace(b"a board", b"another"))

    with pytest.raises(BoardError, match="does not answer"):
        _ = board(answer).info
    both = board(lambda request: answer(request) + reply(request, INFO_REPLY))
    assert both.info.board == "a board"


def test_a_lost_request_is_made_again():
    lost = iter([True, False])
    assert board(lambda r: b"" if next(lost) else reply(r, INFO_REPLY)).info.layers == 3


def test_sound_is_not_sent_twice():
    silent = board(lambda request: b"" if request.kind == 2 else reply(request, bytes(16)))
    silent.stop()
    with pytest.raises(BoardError, match="does not answer"):
        silent.hear(noise(0, 960))
    assert [request.kind for request in silent.link.requests] == [7, 2]


def test_a_board_that_stops_answering_midway_is_usable_when_it_is_back():
    """Its late answers are taken for no others."""
    held = []

    def answer(request):
        if request.kind == 4 and len(held) < 3:
            held.append(reply(request, b"\x01\x02\x03"))
            return b""
        return b"".join(held) + reply(request, INFO_REPLY if request.kind == 1 else b"\x04\x05\x06")

    late = board(answer)
    assert late.labels
    with pytest.raises(BoardError, match="does not answer"):
        late.infer(np.zeros((49, 40)))
    assert late.infer(np.zeros((49, 40))).tolist() == [4, 5, 6]


def test_garbage_around_an_answer():
    garbage = bytes(range(256)) * 3
    noisy = board(lambda request: garbage + reply(request, INFO_REPLY) + garbage)
    assert noisy.info.layers == 3


def test_another_version():
    other = board(lambda request: reply(request, b"\x01", kind=0x7F, version=9))
    with pytest.raises(BoardError, match="speaks version 9 of the protocol, this kwslib version 1"):
        _ = other.info


@pytest.mark.parametrize(
    ("code", "words"),
    [(2, "does not know this request"), (3, "refuses"), (4, "no microphone"), (99, "error 99")],
)
def test_refusals(code, words):
    with pytest.raises(BoardError, match=words):
        board(lambda request: reply(request, bytes([code]), kind=0x7F)).stop()


def test_another_model():
    with pytest.raises(BoardError, match=r"runs the network ffffffffffff .*, not mine\.tflite"):
        board(lambda request: reply(request, INFO_REPLY)).require("0" * 64, "mine.tflite")


@pytest.mark.parametrize(("kind", "request_"), [(3, "FEATURES"), (4, "INFER")])
def test_an_image_or_scores_of_another_size(kind, request_):
    right = {1: INFO_REPLY, 2: b"\1\0\0\0", 7: bytes(16)}
    short = board(lambda request: reply(request, right.get(request.kind, bytes(5))))
    with pytest.raises(BoardError, match=f"{request_} makes no sense"):
        if kind == 3:
            short.features(noise(0, 480))
        else:
            short.infer(np.zeros((49, 40)))


def test_sound_that_did_not_arrive():
    deaf = board(lambda request: reply(request, bytes(16)))
    deaf.stop()
    with pytest.raises(BoardError, match="sound was lost"):
        deaf.hear(noise(0, 960))


def test_detections_come_unasked():
    def answer(request):
        event = Frame(0x40, 0, struct.pack("<BHI", 2, 384, 1990)).encode()
        return event + reply(request, INFO_REPLY if request.kind == 1 else b"\1\0\0\0")

    talking = board(answer)
    talking.stream(Streaming(Smoothing((128,), inferences=3)))
    assert talking.hear(noise(0, 500)) == [Detection(2, 0.5, 1990)]
    assert talking.overhear(0.02) == []


@pytest.mark.parametrize(
    "streaming",
    [
        Streaming(Smoothing((1,)), 0),
        Streaming(Smoothing((1,)), 256),
        Streaming(Smoothing((1,), refractory_ms=70_000)),
    ],
)
def test_settings_that_no_board_takes(streaming):
    with pytest.raises(BoardError, match="takes 1 to 255"):
        board(lambda request: reply(request, INFO_REPLY)).stream(streaming)


def test_thresholds_for_another_network(tmp_path):
    with host_board(tmp_path) as real, pytest.raises(BoardError, match="refuses"):
        real.stream(Streaming(Smoothing((1, 1, 1))))


def test_the_right_model_is_accepted(tmp_path):
    with host_board(tmp_path) as real:
        real.require(tiny_conv().sha256, "tiny_conv")
