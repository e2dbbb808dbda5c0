"""A board as Python sees it: sound in, images, scores and detections out, over any link.

``firmware/device/device.h`` is the other side, and says what goes over the link.
"""

import secrets
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kwslib.board.transport import VERSION, BoardError, Frame, FrameReader, Link
from kwslib.config import DEPLOYED
from kwslib.evaluation.smoothing import Detection, Smoothing

TIMEOUT_S = 5.0
"""For an answer; a board needs milliseconds, an emulated one half a second at most."""

_ATTEMPTS = 3
_NUMBERS = 65_535  # of requests, from 1; 0 is what comes unasked
_PIECE = 960
"""Samples of sound in one message: three hops."""

_T = TypeVar("_T")

_REPLY, _DETECTION, _ERROR = 0x80, 0x40, 0x7F
_ERRORS = {
    1: "speaks another version of the protocol",
    2: "does not know this request; load it with what 'kws compile' makes now",
    3: "refuses this request's values",
    4: "has no microphone; name --microphone computer, or a folder of recordings",
}


class _Kind(IntEnum):
    INFO = 1
    HEAR = 2
    FEATURES = 3
    INFER = 4
    PROFILE = 5
    STREAM = 6
    STOP = 7


_REPEATABLE = {_Kind.INFO, _Kind.FEATURES, _Kind.INFER, _Kind.STREAM, _Kind.STOP}
"""Requests that may be made again when no answer came: once or twice, they do the same."""


class Counts(IntEnum):
    """What a board's own counter counts."""

    NOTHING = 0
    CYCLES = 1
    INSTRUCTIONS = 2


@dataclass(frozen=True)
class BoardInfo:
    """What a board says of itself.

    Attributes:
        sha256: of the ``.tflite`` file that its network was made of.
        arena: bytes of RAM of the network.
        layers: of the network.
        counts: what ``ticks * numerator / denominator`` of its counter are.
        clock_hz: of its processor; 0 where that means nothing.
        board: its name.
        labels: of the network.
    """

    sha256: str
    arena: int
    layers: int
    counts: Counts
    numerator: int
    denominator: int
    clock_hz: int
    board: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class StreamStatistics:
    """What a board heard since its stream began.

    Attributes:
        frames: of 20 ms.
        inferences: of the network.
        detections: of keywords.
        lost: samples from its microphone that came too fast.
    """

    frames: int
    inferences: int
    detections: int
    lost: int


@dataclass(frozen=True)
class Streaming:
    """How a board listens.

    Attributes:
        smoothing: how scores become detections.
        hops: of 20 ms from one inference to the next, 1 to 255.
    """

    smoothing: Smoothing
    hops: int = 5


def default_streaming(labels: int) -> Streaming:
    """How a board listens unless it is told otherwise: an inference every 100 ms, the last three
    averaged, a detection over one half, and a second's rest after it.
    """
    return Streaming(Smoothing((128,) * (labels - 2), inferences=3, refractory_ms=1000))


class Board:
    """The client of a board. Use it as a context manager, or close it."""

    def __init__(self, link: Link, name: str = "the board", timeout_s: float = TIMEOUT_S) -> None:
        """Take a link.

        Args:
            link: to the board.
            name: what messages call the board.
            timeout_s: seconds to wait for an answer.
        """
        self.link, self.name = link, name
        self._timeout_s = timeout_s
        self._reader = FrameReader()
        self._number = 0  # of the last request
        self._detections: list[Detection] = []
        self._inferences_averaged = 1
        self._samples = 0

    def __enter__(self) -> "Board":
        return self

    def __exit__(self, *error: object) -> None:
        self.link.close()

    @cached_property
    def info(self) -> BoardInfo:
        """What the board says of itself.

        Raises:
            BoardError: it does not answer, or not in this protocol.
        """
        return self._read(_Kind.INFO, b"", _parse_info)

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the board's network."""
        return self.info.labels

    def require(self, sha256: str, model: str) -> None:
        """Make sure that the board runs a certain network.

        Args:
            sha256: of its ``.tflite`` file.
            model: what messages call it.

        Raises:
            BoardError: it runs another.
        """
        if self.info.sha256 != sha256:
            raise BoardError(
                f"{self.name}: runs the network {self.info.sha256[:12]} "
                f"({', '.join(self.labels)}), not {model} ({sha256[:12]}); load it with what "
                f"'kws compile {model} --target arduino' makes"
            )

    def features(self, clip: NDArray[np.int16]) -> NDArray[np.uint8]:
        """The image that the board makes of the last second of a clip, uint8 ``[49, 40]``.

        Args:
            clip: int16 ``[samples]`` at 16 kHz.
        """
        self.stop()
        self._send_sound(clip)
        shape = DEPLOYED.frames, DEPLOYED.bands
        return self._read(
            _Kind.FEATURES, b"", lambda data: np.frombuffer(data, np.uint8).reshape(shape)
        )

    def infer(self, image: NDArray[np.uint8] | None = None) -> NDArray[np.int8]:
        """The scores of an image, int8 ``[labels]``: 256 times the probability, minus 128.

        Args:
            image: uint8 ``[49, 40]``; of the second that the board heard last if None.
        """
        payload = b"" if image is None else np.ascontiguousarray(image, np.uint8).tobytes()
        labels = len(self.labels)
        return self._read(
            _Kind.INFER, payload, lambda data: np.frombuffer(data, np.int8).reshape(labels)
        )

    def profile(self, samples: NDArray[np.int16]) -> list[int]:
        """Ticks of the board's counter for: nothing, a frame, the image, the network, the
        postprocessing, and each layer.

        Args:
            samples: int16 ``[320]``, which the board hears.
        """
        words = f"<{5 + self.info.layers}I"
        payload = np.asarray(samples, "<i2").tobytes()
        return self._read(_Kind.PROFILE, payload, lambda data: [*struct.unpack(words, data)])

    def stream(self, streaming: Streaming | None = None, microphone: bool = False) -> None:
        """Begin a stream: nothing heard yet.

        Args:
            streaming: how to listen; as the board does by itself if None.
            microphone: listen to the board's own, not to what :meth:`hear` sends.

        Raises:
            BoardError: no answer, or settings that the board cannot take.
        """
        streaming = streaming or default_streaming(len(self.labels))
        smoothing = streaming.smoothing
        if not 1 <= streaming.hops <= 255 or smoothing.refractory_ms > 65535:
            raise BoardError(
                f"hops {streaming.hops}, refractory_ms {smoothing.refractory_ms}: "
                "a board takes 1 to 255 and up to 65,535"
            )
        settings = struct.pack(
            "<BBBH", microphone, streaming.hops, smoothing.inferences, smoothing.refractory_ms
        )
        self._read(_Kind.STREAM, settings + bytes(smoothing.thresholds), lambda _: None)
        self._inferences_averaged = smoothing.inferences
        self._samples, self._detections = 0, []

    @contextmanager
    def listening(self, streaming: Streaming, microphone: bool = False) -> Iterator[None]:
        """A stream that ends with the body; arguments and errors are those of :meth:`stream`."""
        self.stream(streaming, microphone)
        try:
            yield
        finally:
            self.stop()

    def hear(self, samples: NDArray[np.int16]) -> list[Detection]:
        """Let the board hear the stream's next samples, any number; what it detected.

        Raises:
            BoardError: no answer, or the board did not hear all of it.
        """
        self._send_sound(samples)
        found, self._detections = self._detections, []
        return found

    def overhear(self, seconds: float) -> list[Detection]:
        """Wait for what the board detects by its own microphone."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._receive(left)
        found, self._detections = self._detections, []
        return found

    def stop(self) -> StreamStatistics:
        """End the stream; the board has heard nothing now."""
        statistics = self._read(
            _Kind.STOP, b"", lambda data: StreamStatistics(*struct.unpack("<4I", data))
        )
        self._samples, self._detections = 0, []
        return statistics

    def _send_sound(self, samples: NDArray[np.int16]) -> None:
        samples = np.asarray(samples, "<i2")
        for start in range(0, len(samples), _PIECE):
            piece = samples[start : start + _PIECE]
            self._samples += len(piece)
            frames = self._read(
                _Kind.HEAR, piece.tobytes(), lambda data: struct.unpack_from("<I", data)[0]
            )
            if frames != max(0, (self._samples - DEPLOYED.window) // DEPLOYED.hop + 1):
                raise BoardError(f"{self.name}: sound was lost on the way; begin the stream anew")

    def _read(self, kind: _Kind, payload: bytes, parse: Callable[[bytes], _T]) -> _T:
        """Ask for something and parse the answer."""
        reply = self._ask(kind, payload)
        try:
            return parse(reply)
        except (struct.error, ValueError, IndexError) as error:
            raise BoardError(
                f"{self.name}: its answer to {kind.name} makes no sense; "
                "load it with what 'kws compile' makes now"
            ) from error

    def _ask(self, kind: _Kind, payload: bytes) -> bytes:
        for _ in range(_ATTEMPTS if kind in _REPEATABLE else 1):
            # drawn at random, so that another client of the board does not draw it too
            self._number = (self._number + secrets.randbelow(_NUMBERS - 1)) % _NUMBERS + 1
            self.link.write(Frame(kind, self._number, payload).encode())
            end = time.monotonic() + self._timeout_s
            while (left := end - time.monotonic()) > 0:
                answer = self._answer_among(self._receive(left), kind)
                if answer is not None:
                    return answer
        raise BoardError(
            f"{self.name}: does not answer ({kind.name}, {self._timeout_s:g} s); is it a board "
            "with what 'kws compile --target arduino' makes?"
        )

    def _answer_among(self, frames: list[Frame], kind: _Kind) -> bytes | None:
        """The payload of the reply to the last request; replies to others are dropped."""
        for frame in frames:
            if frame.version != VERSION:
                raise BoardError(
                    f"{self.name}: speaks version {frame.version} of the protocol, this kwslib "
                    f"version {VERSION}; load it with what 'kws compile' makes now"
                )
            if frame.sequence != self._number:
                continue
            if frame.kind == _ERROR:
                code = frame.payload[0] if frame.payload else 0
                reason = _ERRORS.get(code, f"failed with error {code}")
                raise BoardError(f"{self.name}: {reason} ({kind.name})")
            if frame.kind == kind | _REPLY:
                return frame.payload
        return None

    def _receive(self, timeout_s: float) -> list[Frame]:
        """What comes within a time, detections put aside."""
        frames = self._reader.push(self.link.read(timeout_s))
        for frame in frames:
            if frame.kind == _DETECTION and frame.version == VERSION and len(frame.payload) == 7:
                label, total, time_ms = struct.unpack("<BHI", frame.payload)
                probability = total / (256 * self._inferences_averaged)
                self._detections.append(Detection(label, probability, time_ms))
        return [frame for frame in frames if frame.kind != _DETECTION]


def _parse_info(data: bytes) -> BoardInfo:
    numbers = struct.Struct("<IBBHHI")
    sha256, _, rest = data.partition(b"\0")
    arena, layers, counts, numerator, denominator, clock_hz = numbers.unpack_from(rest)
    board, _, rest = rest[numbers.size :].partition(b"\0")
    *labels, end = rest[1:].split(b"\0")
    if len(labels) != rest[0] or end or denominator == 0:
        raise ValueError("cut")
    return BoardInfo(
        sha256.decode(), arena, layers, Counts(counts), numerator, denominator, clock_hz,
        board.decode(), tuple(label.decode() for label in labels),
    )  # fmt: skip
