"""The device on QEMU, over its UART, from both compilers."""

import socket
import struct
import time

import numpy as np
import pytest
import qemu_board as qemu
from board_frames import HEAR, INFER, INFO, PROFILE, REPLY, STOP, frame, frames_in
from devices import TINY_CONV, noise, tiny_conv
from installed import needs
from reference import run_reference

from kwslib.board.emulator import Emulator
from kwslib.deploy.compile import compile_network
from kwslib.errors import InputError

STAGES = ("kws_stage_features", "kws_stage_image", "kws_network_run", "kws_stage_postprocess")
COMPILERS = ("zig", "gcc")


@pytest.fixture(scope="module", params=COMPILERS)
def compiler(request):
    needs("qemu-system-arm", *(["arm-none-eabi-gcc"] if request.param == "gcc" else []))
    return request.param


@pytest.fixture(scope="module")
def compiled(compiler, tmp_path_factory):
    folder = tmp_path_factory.mktemp("qemu")
    return compile_network(tiny_conv(), "qemu", folder, compiler=compiler)


@pytest.fixture
def target(compiled):
    with qemu.serve(compiled.program) as target:
        yield target


class Socket:
    """A plain TCP connection to a served program."""

    def __init__(self, target):
        host, port = target.removeprefix("socket://").split(":")
        self.connection = socket.create_connection((host, int(port)), timeout=30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def ask(self, kind, payload=b"", sequence=1):
        self.connection.sendall(frame(kind, payload, sequence))
        data = b""
        while data.count(b"\0") < 2:
            piece = self.connection.recv(4096)
            assert piece
            data += piece
        [(answered, same, reply)] = frames_in(data)
        assert (answered, same) == (kind | REPLY, sequence)
        return reply


def test_it_says_what_it_is(target, compiled):
    with Socket(target) as board:
        info = board.ask(INFO, sequence=4711)
    sha256, _, rest = info.partition(b"\0")
    assert sha256.decode() == tiny_conv().sha256
    numbers = struct.unpack_from("<IBBHHI", rest)
    assert numbers == (compiled.source.arena.size, 3, 2, 5, 32, 0)
    assert rest[14:] == b"QEMU mps2-an386\0\x04_silence_\0_unknown_\0yes\0no\0"


def test_its_scores_are_the_reference_interpreters(target):
    images = np.random.default_rng(0).integers(0, 256, (5, 49 * 40)).astype(np.uint8)
    expected = run_reference(TINY_CONV.read_bytes(), (images.astype(int) - 128).astype(np.int8))
    with Socket(target) as board:
        for image, scores in zip(images, expected, strict=True):
            assert board.ask(INFER, image.tobytes()) == scores.tobytes()


def test_a_client_may_leave_and_another_come(target):
    with Socket(target) as board:
        board.ask(STOP)
        assert struct.unpack("<I", board.ask(HEAR, noise(0, 480).tobytes())) == (1,)
        board.connection.sendall(frame(INFO)[:-3])
    time.sleep(0.2)
    with Socket(target) as board:
        assert struct.unpack("<I", board.ask(HEAR, noise(0, 320).tobytes())) == (2,)


def instructions_by_its_own_timer(target, requests):
    """Of the stages and layers, as the reply to the last request tells them."""
    with Socket(target) as board:
        for kind, payload in requests:
            reply = board.ask(kind, payload)
    nothing, *ticks = struct.unpack(f"<{len(reply) // 4}I", reply)
    return [1 + round((each - nothing) * 5 / 32) for each in ticks]


def ask_mailbox(board, kind, payload):
    data = frame(kind, payload)
    while data:
        board.write("kws_mailbox_in", data[:1024])
        data = data[board.call("kws_mailbox_deliver", len(data[:1024])).value :]


def test_its_own_counts_are_those_of_the_other_emulator(target, compiler, tmp_path):
    """The same sources with the emulator's port: both boards hear the same and profile once; then
    QEMU's profiles again, and the emulator's functions are called in that order.
    """
    sound = noise(0, 16000)
    pieces = [(HEAR, piece.tobytes()) for piece in np.split(sound, 25)]
    requests = [(STOP, b""), *pieces, (PROFILE, sound[:320].tobytes())]
    found = instructions_by_its_own_timer(target, [*requests, requests[-1]])

    other = compile_network(tiny_conv(), "emulator", tmp_path, compiler=compiler)
    board = Emulator(other.program)
    board.call("kws_device_start")
    for kind, payload in requests:
        ask_mailbox(board, kind, payload)
    expected = [board.call(name).instructions for name in STAGES]
    board.call("kws_stage_image")
    expected += [board.call(name).instructions for name in other.source.layers]
    assert found == expected
    assert found[0] > 10_000  # a frame, not a part of one


def test_a_fresh_device_profiles_a_whole_frame(target):
    found = instructions_by_its_own_timer(target, [(PROFILE, noise(0, 320).tobytes())])
    assert found[0] > 10_000


def test_a_program_that_ends_is_named(tmp_path):
    needs("qemu-system-arm")
    path = tmp_path / "none.elf"
    path.write_bytes(b"no program")
    with (
        pytest.raises(InputError, match=r"none\.elf: the device failed in QEMU"),
        qemu.serve(path) as target,
        Socket(target) as board,
    ):
        board.ask(INFO)


def test_qemu_ends_with_the_body(target, compiled):
    with pytest.raises(ZeroDivisionError), qemu.serve(compiled.program) as other:
        assert other != target
        with Socket(other) as board:
            board.ask(STOP)
        _ = 1 // 0
    with pytest.raises(ConnectionRefusedError):
        Socket(other)


def test_a_missing_qemu_is_named(monkeypatch):
    monkeypatch.setattr(qemu.shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="apt-get install qemu-system-arm"), qemu.serve("any.elf"):
        pass
