"""The Arduino sketch: Arduino's compilers take it, and it runs on a simulated board."""

import ctypes
import itertools
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soxr
from board_frames import (
    DETECTION,
    FEATURES,
    HEAR,
    INFER,
    INFO,
    PROFILE,
    REPLY,
    STOP,
    STREAM,
    frame,
    frames_in,
)
from devices import TINY_CONV, noise, reference_detections, tiny_conv
from front_end import HostFrontEnd
from installed import needs
from reference import run_reference

from kwslib.board.client import default_streaming
from kwslib.board.emulator import Emulator
from kwslib.data.synthesiser import ESPEAK_RATE, Utterance, synthesise, variants
from kwslib.deploy.compile import SKETCH, compile_network
from kwslib.deploy.toolchain import EMULATOR, NANO33BLE_PORT
from kwslib.features.logmel import logmel_images

SIMULATION = Path(__file__).with_name("simulation.cpp")
STUBS = NANO33BLE_PORT / "stubs"
RED, GREEN, BLUE = 22, 23, 24
ABSENT, READING, DEAF = range(3)
QUEUE = 8192

ARDUINO = (
    "-Os", "-Wall", "-Wextra", "-Werror", "-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=softfp",
    "-mfpu=fpv4-sp-d16", "-funsigned-char", "-ffunction-sections", "-fdata-sections",
    "-fno-exceptions", "-fomit-frame-pointer", "-fno-delete-null-pointer-checks",
    "-ffreestanding", "-c",
)  # fmt: skip
"""The flags of the board package for the Nano 33 BLE, and strictness."""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    return compile_network(tiny_conv(), "arduino", tmp_path_factory.mktemp("arduino"))


def sources_of(compiled):
    return [path for path in compiled.files if path.suffix == ".c"]


def test_the_folder_is_a_whole_sketch(compiled):
    folder = compiled.program.parent
    assert compiled.program.name == f"{folder.name}.ino" == f"{SKETCH}.ino"
    inside = {path for path in folder.rglob("*") if path.is_file()}
    assert inside <= set(compiled.files)
    assert {path.parent for path in inside} == {folder, folder / "src"}
    includes = {
        line.split('"')[1]
        for path in inside
        for line in path.read_text().splitlines()
        if line.startswith('#include "')
    }
    assert {Path(name).name for name in includes} <= {path.name for path in inside}


def test_arduinos_compiler_takes_the_c(compiled, tmp_path):
    needs("arm-none-eabi-gcc")
    for path in sources_of(compiled):
        command = ["arm-none-eabi-gcc", "-std=gnu11", *ARDUINO, f"-I{EMULATOR / 'include'}"]
        subprocess.run([*command, path, "-o", tmp_path / "out.o"], check=True, timeout=120)


def test_arduinos_compiler_takes_the_sketch(compiled, tmp_path):
    needs("arm-none-eabi-g++")
    command = ["arm-none-eabi-g++", "-std=gnu++14", "-fno-rtti", "-Wvla", *ARDUINO, f"-I{STUBS}"]
    command += ["-x", "c++", compiled.program, "-o", tmp_path / "out.o"]
    subprocess.run(command, check=True, timeout=120)


@pytest.fixture(scope="module")
def simulated(compiled, tmp_path_factory):
    """The sketch with a board in memory, for this machine."""
    library = tmp_path_factory.mktemp("simulated") / "sketch.so"
    sources = [path for path in sources_of(compiled) if path.name != "processor.c"]
    command = [
        sys.executable, "-m", "ziglang", "cc", "-shared", "-fPIC", "-O2", "-fno-sanitize=all",
        "-Wall", "-Wextra", "-Werror", "-fno-exceptions", "-fno-rtti", f"-I{STUBS}",
        f"-I{compiled.program.parent / 'src'}", *sources, "-x", "c++", compiled.program,
        SIMULATION, "-o", library,
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=300)
    return library


class SimulatedBoard:
    """A board that has just been switched on."""

    def __init__(self, library):
        self.c = ctypes.CDLL(str(library))
        self.c.sim_received.restype = ctypes.c_size_t
        self.c.sim_millis.restype = ctypes.c_ulong
        self._room = ctypes.create_string_buffer(1 << 20)
        self.c.sim_setup()

    def loop(self, times=1):
        for _ in range(times):
            self.c.sim_loop()

    def say(self, samples):
        """A block from the microphone, as its interrupt brings it."""
        samples = np.ascontiguousarray(samples, np.int16)
        assert self.c.sim_sound(samples.tobytes(), ctypes.c_size_t(len(samples)))

    def type(self, data):
        self.c.sim_type(data, ctypes.c_size_t(len(data)))

    def received(self):
        size = self.c.sim_received(self._room)
        return self._room.raw[:size]

    def ask(self, kind, payload=b"", sequence=1, loops=40):
        """The payload of the reply, detections put aside."""
        self.type(frame(kind, payload, sequence))
        self.loop(loops)
        replies = [f for f in frames_in(self.received()) if f[0] != DETECTION]
        assert [(found, same) for found, same, _ in replies] == [(kind | REPLY, sequence)]
        return replies[0][2]

    def stop(self):
        """Frames, inferences, detections, samples lost."""
        return struct.unpack("<4I", self.ask(STOP))

    def lit(self):
        return [pin for pin in (RED, GREEN, BLUE) if self.c.sim_level(pin) == 0]


@pytest.fixture
def board(simulated, tmp_path):
    """Each has its own copy: a library that is loaded twice has one state."""
    return SimulatedBoard(shutil.copy(simulated, tmp_path / "own.so"))


def in_blocks(samples, sizes):
    start = 0
    for size in sizes:
        if start >= len(samples):
            return
        yield samples[start : start + size]
        start += size


def spoken(word, variant):
    """Two and a half seconds with a word of eSpeak's in the middle."""
    speech = synthesise(Utterance(word, variant=variant)).astype(np.float32)
    speech = soxr.resample(speech, ESPEAK_RATE, 16000)[:16000]
    samples = np.zeros(40000)
    samples[16000 : 16000 + len(speech)] = speech * (16000 / np.abs(speech).max())
    return (samples + noise(0, 40000, 10)).astype(np.int16)


@pytest.fixture(scope="module")
def heard(tmp_path_factory):
    """Sound in which Python's own pipeline detects the word yes, and what it detects."""
    front_end = HostFrontEnd(tmp_path_factory.mktemp("front_end"))
    for variant in variants():
        samples = spoken("yes", variant)
        rows = rows_of(front_end, samples)
        detections = reference_detections(rows, default_streaming(4))
        if [detection.label for detection in detections][:1] == [2]:
            return samples, detections
    raise AssertionError("no voice says a yes that the network knows")


def rows_of(front_end, samples):
    """Each frame of a stream, as the front end in C makes it; Python's is up to a step off."""
    front_end.reset()
    front_end.push(samples[:160])
    rows = []
    for piece in np.split(samples[160 : 160 + (len(samples) - 160) // 320 * 320], 124):
        front_end.push(piece)
        rows.append(front_end.image[-1])
    return np.stack(rows)


def test_it_starts_dark_with_microphone_serial_port_and_counter(board):
    assert board.c.sim_microphone_rate() == 16000
    assert board.c.sim_baud() == 115200
    assert board.c.sim_counts_cycles()
    assert all(board.c.sim_is_output(pin) for pin in (RED, GREEN, BLUE))
    assert board.lit() == []


def test_it_says_what_it_is(board):
    board.c.sim_host(READING)
    info = board.ask(INFO, sequence=4711)
    sha256, _, rest = info.partition(b"\0")
    assert sha256.decode() == tiny_conv().sha256
    assert struct.unpack_from("<IBBHHI", rest)[1:] == (3, 1, 1, 1, 64_000_000)
    assert rest[14:] == b"simulated\0\x04_silence_\0_unknown_\0yes\0no\0"


def test_its_scores_are_the_reference_interpreters(board):
    board.c.sim_host(READING)
    images = np.random.default_rng(0).integers(0, 256, (3, 49 * 40)).astype(np.uint8)
    expected = run_reference(TINY_CONV.read_bytes(), (images.astype(int) - 128).astype(np.int8))
    for image, scores in zip(images, expected, strict=True):
        assert board.ask(INFER, image.tobytes()) == scores.tobytes()


def test_a_long_reply_of_many_small_pieces_comes_whole(board):
    """An image of nothing but zeros is 1960 pieces of one byte."""
    board.c.sim_host(READING)
    board.stop()
    assert board.ask(FEATURES) == bytes(49 * 40)


@pytest.mark.parametrize("sizes", [[256], [1, 2, 3, 255, 511, 7, 320, 161], [160], [1000]])
def test_a_spoken_yes_is_detected_and_shown(board, heard, sizes):
    samples, expected = heard
    board.c.sim_host(READING)
    lit, events = [], []
    for block in in_blocks(samples, itertools.cycle(sizes)):
        board.say(block)
        board.loop(4)
        lit.append(board.lit())
        events += frames_in(board.received())
    assert [kind for kind, _, _ in events] == [DETECTION] * len(expected)
    found = [struct.unpack("<BHI", payload) for _, _, payload in events]
    assert [(label, time) for label, _, time in found] == [(d.label, d.time) for d in expected]
    assert [total / 768 for _, total, _ in found] == [d.probability for d in expected]
    assert [GREEN] in lit
    board.c.sim_wait(500)
    board.loop()
    assert board.lit() == []
    assert board.stop() == (124, 16, len(expected), 0)


def test_the_image_that_the_microphone_made_is_the_features(board):
    """Against the features in double precision, which round a pixel in a hundred otherwise."""
    sound = noise(1, 16000)
    board.c.sim_host(READING)
    board.ask(STREAM, struct.pack("<BBBHBB", 1, 255, 1, 0, 255, 255))
    for block in in_blocks(sound, itertools.repeat(256)):
        board.say(block)
        board.loop()
    image = np.frombuffer(board.ask(FEATURES), np.uint8).astype(int)
    difference = np.abs(image - logmel_images(sound[None])[0].reshape(-1))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.005


def test_sound_that_finds_no_room_is_counted_as_lost(board):
    board.c.sim_host(READING)
    sound = noise(0, QUEUE + 1000)
    for block in in_blocks(sound, itertools.repeat(256)):
        board.say(block)
    board.loop(100)
    frames, _, _, lost = board.stop()
    assert (frames, lost) == ((QUEUE - 480) // 320 + 1, 1000)
    board.ask(STREAM, struct.pack("<BBBHBB", 1, 5, 3, 1000, 128, 128))
    board.say(sound[:640])
    board.loop(3)
    assert board.stop() == (1, 0, 0, 0)  # a new stream begins without


def test_a_stream_begins_with_what_is_said_thereafter(board):
    board.c.sim_host(READING)
    for _ in range(20):
        board.say(noise(0, 256))  # nobody took it yet
    board.ask(STREAM, struct.pack("<BBBHBB", 1, 5, 3, 1000, 128, 128), loops=1)
    board.loop(30)
    assert board.stop()[0] == 0


def test_while_a_host_sends_sound_the_microphone_is_not_heard(board):
    board.c.sim_host(READING)
    board.ask(STREAM, struct.pack("<BBBHBB", 0, 5, 3, 1000, 128, 128))
    for _ in range(100):
        board.say(noise(0, 256))
        board.loop()
    for _ in range(2 * QUEUE // 256):
        board.say(noise(0, 256))
    assert struct.unpack("<I", board.ask(HEAR, noise(1, 480).tobytes())) == (1,)
    assert board.stop() == (1, 0, 0, 0)


def test_without_a_host_it_listens_and_nothing_waits(board, heard):
    samples, expected = heard
    greens, before = 0, board.c.sim_millis()
    for block in in_blocks(samples, itertools.repeat(320)):
        board.say(block)
        board.loop()
        greens += board.lit() == [GREEN]
    assert greens > 0
    assert board.c.sim_millis() == before  # nowhere was time spent
    board.c.sim_host(READING)
    assert board.stop()[2] == len(expected)


def test_a_host_that_does_not_read_is_waited_for_once(board):
    board.c.sim_host(DEAF)
    before = board.c.sim_millis()
    for sequence in range(5):
        for _ in range(10):
            board.say(noise(0, 256))
            board.loop()
        board.type(frame(FEATURES, sequence=sequence))
        board.loop(2)
    assert 1000 <= board.c.sim_millis() - before < 1100
    board.c.sim_host(READING)  # and reads what is whole thereafter
    board.received()
    assert len(board.ask(FEATURES)) == 49 * 40
    assert board.stop()[0] == (50 * 256 - 480) // 320 + 1


def test_a_busy_host_does_not_stop_the_ears(board):
    """A heap of requests is answered over several turns, and sound is heard in between."""
    board.c.sim_host(READING)
    requests = b"".join(frame(INFO, sequence=sequence) for sequence in range(100))
    board.type(requests)
    board.loop()
    first = len(frames_in(board.received()))
    assert 0 < first <= 256 // (len(requests) // 100) + 1
    board.loop(len(requests) // 256)
    assert first + len(frames_in(board.received())) == 100


def test_a_host_that_pauses_misses_nothing(board):
    """It reads again while the board waits for it, in the middle of an answer."""
    board.c.sim_host(DEAF)
    board.c.sim_reads_at(900)
    board.type(frame(FEATURES))
    board.loop(2)
    assert board.c.sim_millis() >= 900
    [(kind, _, payload)] = frames_in(board.received())
    assert (kind, len(payload)) == (FEATURES | REPLY, 49 * 40)


def test_when_the_host_leaves_it_listens_again(board, heard):
    samples, _ = heard
    board.c.sim_host(READING)
    board.stop()
    board.type(frame(INFO)[:-3])
    board.loop(2)
    for _ in range(5):
        board.say(noise(0, 256))
        board.loop(2)
    board.c.sim_host(ABSENT)
    board.loop()
    greens = 0
    for block in in_blocks(samples, itertools.repeat(256)):
        board.say(block)
        board.loop(2)
        greens += board.lit() == [GREEN]
    assert greens > 0
    board.c.sim_host(READING)
    assert board.received() == b""  # what was said to nobody is gone
    assert board.stop()[0] == 124


def test_each_keyword_has_its_light(board):
    for label, pin in ((2, GREEN), (3, RED), (4, BLUE), (9, BLUE)):
        board.c.kws_port_detected(label)
        assert board.lit() == [pin]


def test_a_profile_is_what_its_counter_counts(board):
    board.c.sim_host(READING)
    ticks = struct.unpack("<8I", board.ask(PROFILE, noise(0, 320).tobytes()))
    assert ticks == (100,) * 8


def test_its_counter_and_cache_are_the_processors(compiled):
    """The addresses and bits are Arm's (ARMv7-M Architecture Reference Manual, C1), and Nordic's
    for the cache (nRF52840 Product Specification, NVMC).
    """
    board = Emulator(compiled.elf)
    board._engine.mem_map(0xE0001000, 0x1000)
    board._engine.mem_map(0x4001E000, 0x1000)
    board.call("kws_processor_prepare")
    assert board.read(0x4001E540, 4) == (1).to_bytes(4, "little")  # ICACHECNF.CACHEEN
    assert board.read(0xE000EDFC, 4) == (1 << 24).to_bytes(4, "little")  # DEMCR.TRCENA
    assert board.read(0xE0001000, 4) == (1).to_bytes(4, "little")  # DWT_CTRL.CYCCNTENA
    board._engine.mem_write(0xE0001004, (123_456_789).to_bytes(4, "little"))  # DWT_CYCCNT
    assert board.call("kws_port_counter").value == 123_456_789


def test_it_calls_itself_by_its_name(compiled):
    board = Emulator(compiled.elf)
    name, clock_hz = struct.unpack("<II", board.read("kws_port_facts", 8))
    assert board.read(name, 26) == b"Arduino Nano 33 BLE Sense\0"
    assert clock_hz == 64_000_000
