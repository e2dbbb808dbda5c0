"""The device in C: what it answers, bit for bit, and what it does with rubbish."""

import ctypes
import subprocess
import zlib

import numpy as np
import pytest
from devices import TINY_CONV, host_board, noise, reference_detections, tiny_conv
from front_end import HostFrontEnd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from installed import needs
from sanitizers import sanitized_program

from kwslib.board.client import Board, Streaming
from kwslib.board.emulator import Emulator
from kwslib.board.transport import MAX_PAYLOAD, EmulatorLink, Frame, FrameReader
from kwslib.config import DEPLOYED
from kwslib.deploy.compile import compile_network
from kwslib.deploy.predictors import predictor
from kwslib.evaluation.smoothing import Smoothing

INFO, HEAR, FEATURES, INFER, PROFILE, STREAM, STOP = range(1, 8)
REPLY, ERROR = 0x80, 0x7F
SIZES = {INFO: 0, FEATURES: 0, PROFILE: 640, STREAM: 7, STOP: 0}


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    return host_board(tmp_path_factory.mktemp("host"))


@pytest.fixture(scope="module")
def emulated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("emulator")
    return Board(EmulatorLink(Emulator(compile_network(tiny_conv(), "emulator", folder).program)))


@pytest.fixture(scope="module")
def front_end(tmp_path_factory):
    return HostFrontEnd(tmp_path_factory.mktemp("front_end"))


def exchange(board, data):
    """Frames that come back for bytes."""
    board.link.write(data)
    return FrameReader().push(board.link.read(0))


def test_it_says_what_it_runs(board):
    graph = tiny_conv()
    assert board.info.sha256 == graph.sha256
    assert board.info.labels == ("_silence_", "_unknown_", "yes", "no")
    assert (board.info.layers, board.info.clock_hz) == (3, 0)


@given(data=st.binary(max_size=400))
def test_crc_is_that_of_zip(board, data):
    crc = board.link.library.kws_crc32
    crc.restype, middle = ctypes.c_uint32, len(data) // 2
    assert crc(crc(0, data[:middle], middle), data[middle:], len(data) - middle) == zlib.crc32(data)


@pytest.mark.parametrize("samples", [0, 479, 480, 8000, 16000, 21234])
def test_features_are_those_of_the_front_end(board, front_end, samples):
    clip = noise(samples, samples)
    np.testing.assert_array_equal(board.features(clip), front_end.image_of(clip))


def test_scores_are_those_of_the_interpreter(board):
    rng = np.random.default_rng(0)
    images = [
        np.zeros((49, 40), np.uint8),
        np.full((49, 40), 255, np.uint8),
        *rng.integers(0, 256, (20, 49, 40), np.uint8),
    ]
    found = [board.infer(image) for image in images]
    np.testing.assert_array_equal(found, predictor(TINY_CONV)(np.stack(images)))


def test_scores_of_what_was_heard(board, front_end):
    clip = noise(1, 16000)
    image = board.features(clip)
    np.testing.assert_array_equal(board.infer(), predictor(TINY_CONV)(image[None])[0])


STREAMINGS = st.builds(
    Streaming,
    st.builds(
        Smoothing,
        st.tuples(st.integers(0, 20), st.integers(0, 20)),
        st.integers(1, 12),
        st.sampled_from([0, 20, 500]),
    ),
    st.integers(1, 9),
)


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(streaming=STREAMINGS, seed=st.integers(0, 999), data=st.data())
def test_a_stream_gives_the_detections_of_python_in_any_pieces(
    board, front_end, streaming, seed, data
):
    rng = np.random.default_rng(seed)
    sound = noise(seed, 32000) * np.repeat(rng.random(20) ** 3, 1600)
    sound = sound.astype("<i2")
    front_end.reset()
    rows, held = [], 0
    while held < len(sound):
        if front_end.push(sound[held : held + 160]):
            rows.append(front_end.image[-1].copy())
        held += 160
    board.stream(streaming)
    found, start = [], 0
    while start < len(sound):
        size = data.draw(st.sampled_from([1, 7, 319, 320, 321, 2000, 9999]))
        found += board.hear(sound[start : start + size])
        start += size
    expected = reference_detections(np.array(rows), streaming)
    assert found == expected
    statistics = board.stop()
    assert statistics.frames == len(rows) == (len(sound) - DEPLOYED.window) // DEPLOYED.hop + 1
    assert statistics.inferences == len(range(DEPLOYED.frames, len(rows) + 1, streaming.hops))
    assert (statistics.detections, statistics.lost) == (len(expected), 0)


def test_streams_do_detect_something(board):
    board.stream(Streaming(Smoothing((0, 0), 1, 0), 1))
    assert len(board.hear(noise(0, 17000))) > 0


def test_the_emulated_board_answers_with_the_same_bytes(board, emulated):
    sound = noise(5, 24000)
    requests = [
        Frame(STREAM, 1, bytes([0, 2, 1, 0, 0, 0, 0])),
        *(Frame(HEAR, i, sound[i : i + 960].tobytes()) for i in range(0, 24000, 960)),
        Frame(FEATURES, 2),
        Frame(INFER, 3),
        Frame(INFER, 4, bytes(range(245)) * 8),
        Frame(STOP, 5),
    ]
    for request in requests:
        assert exchange(board, request.encode()) == exchange(emulated, request.encode())


@settings(suppress_health_check=list(HealthCheck))
@given(request=st.builds(Frame, st.just(INFO), st.integers(0, 65535)), garbage=st.binary())
def test_garbage_between_frames_changes_nothing(board, request, garbage):
    *_, reply = exchange(board, garbage + request.encode())
    assert (reply.kind, reply.sequence) == (INFO | REPLY, request.sequence)


def test_a_request_cut_at_every_byte(board):
    cut = Frame(HEAR, 1, noise(0, 50).tobytes()).encode()
    for size in range(len(cut)):
        replies = exchange(board, cut[:size] + Frame(INFO, 2).encode())
        if size < len(cut) - 1:
            assert [(reply.kind, reply.sequence) for reply in replies] == [(INFO | REPLY, 2)]
        else:  # only the last 0x00 is missing, and the next frame begins with one
            assert len(replies) == 2


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(
    kind=st.integers(0, 255),
    payload=st.binary(max_size=30) | st.sampled_from([bytes(640), bytes(MAX_PAYLOAD)]),
    version=st.sampled_from([1, 1, 1, 0, 2, 255]),
)
def test_what_cannot_be_answered_is_refused(board, kind, payload, version):
    (*_, reply) = exchange(board, Frame(kind, 77, payload, version).encode())
    assert reply.sequence == 77
    if version != 1:
        assert (reply.kind, reply.payload) == (ERROR, b"\x01")
    elif kind not in range(INFO, STOP + 1):
        assert (reply.kind, reply.payload) == (ERROR, b"\x02")
    elif len(payload) != SIZES.get(kind, len(payload)):
        assert (reply.kind, reply.payload) == (ERROR, b"\x03")


@pytest.mark.parametrize(
    "settings_",
    [
        bytes([0, 0, 1, 0, 0, 0, 0]),  # no hop
        bytes([0, 1, 0, 0, 0, 0, 0]),  # no inference
        bytes([0, 1, 51, 0, 0, 0, 0]),  # more than the ring holds
        bytes([2, 1, 1, 0, 0, 0, 0]),  # no such source
    ],
)
def test_settings_out_of_their_limits(board, settings_):
    (reply,) = exchange(board, Frame(STREAM, 1, settings_).encode())
    assert (reply.kind, reply.payload) == (ERROR, b"\x03")


def test_there_is_no_microphone(board):
    (reply,) = exchange(board, Frame(STREAM, 1, bytes([1, 1, 1, 0, 0, 0, 0])).encode())
    assert (reply.kind, reply.payload) == (ERROR, b"\x04")


def test_a_frame_longer_than_any(board):
    long = b"\0" + b"\x01" * 5000 + b"\0"
    (reply,) = exchange(board, long + Frame(INFO, 9).encode())
    assert reply.sequence == 9


MAIN = """
#include "device.h"
#include <stdio.h>
int main(void)
{
    kws_device_start();
    for (int byte; (byte = getchar()) != EOF;)
        kws_device_receive((const uint8_t[]){(uint8_t)byte}, 1);
    return 0;
}
"""


def test_rubbish_is_harmless_under_the_sanitizers(tmp_path):
    needs("gcc")
    compiled = compile_network(tiny_conv(), "host", tmp_path)
    (tmp_path / "main.c").write_text(MAIN)
    sources = [path for path in compiled.files if path.suffix == ".c"] + [tmp_path / "main.c"]
    program = sanitized_program(
        sources, tmp_path / "device", include=[tmp_path], define=['KWS_MAILBOX_BOARD="x"']
    )
    rng = np.random.default_rng(0)
    stream = bytearray()
    for _ in range(3000):
        size = int(rng.choice([0, 7, 30, 640, 1960]))
        payload = rng.integers(0, 256, size, np.uint8).tobytes()
        frame = bytearray(Frame(int(rng.integers(0, 9)), 1, payload).encode())
        if rng.random() < 0.3:
            frame[rng.integers(len(frame))] = rng.integers(256)
        if rng.random() < 0.1:
            del frame[int(rng.integers(len(frame))) :]
        stream += frame
    run = subprocess.run([program], input=bytes(stream), capture_output=True, timeout=100)
    assert run.returncode == 0, run.stderr[:2000].decode()
