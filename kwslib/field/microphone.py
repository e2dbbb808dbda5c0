"""The computer's microphone, through sounddevice (PortAudio), which is installed on demand."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from kwslib.config import SAMPLE_RATE
from kwslib.errors import InputError

_BLOCK_SECONDS = 0.02


class ComputerMicrophone:
    """Samples at 16 kHz from an open stream of any rate.

    Attributes:
        gaps: how often sound was lost because nobody read it in time.
    """

    def __init__(self, stream: Any, rate: int) -> None:
        self.gaps = 0
        self._stream = stream
        self._block = round(rate * _BLOCK_SECONDS)
        self._resampler = (
            None
            if rate == SAMPLE_RATE
            else soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="int16", quality="HQ")
        )
        self._waiting = np.empty(0, np.int16)

    def read(self, count: int) -> NDArray[np.int16]:
        """The next ``count`` samples; waits for them."""
        parts, there = [self._waiting], len(self._waiting)
        while there < count:
            block, overflowed = self._stream.read(self._block)
            self.gaps += bool(overflowed)
            samples = np.ascontiguousarray(block[:, 0], np.int16)
            if self._resampler is not None:
                samples = self._resampler.resample_chunk(samples)
            parts.append(samples)
            there += len(samples)
        joined = np.concatenate(parts)
        self._waiting = joined[count:]
        return joined[:count]


@contextmanager
def computer_microphone() -> Iterator[ComputerMicrophone]:
    """The default microphone, recording from now on.

    At 16 kHz if it can, else at its own rate, resampled.

    Raises:
        InputError: sounddevice or PortAudio is missing, or there is no microphone.
    """
    sounddevice = _sounddevice()
    stream, rate = _open(sounddevice)
    with stream:
        yield ComputerMicrophone(stream, rate)


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError:
        raise InputError(
            "the computer's microphone needs sounddevice: pip install sounddevice"
        ) from None
    except OSError as error:
        raise InputError(
            f"sounddevice cannot record ({error}); install PortAudio, "
            "on Debian and Ubuntu: apt-get install libportaudio2"
        ) from None
    return sounddevice


def _open(sounddevice: Any) -> tuple[Any, int]:
    settings = {"channels": 1, "dtype": "int16"}
    try:
        own = round(sounddevice.query_devices(kind="input")["default_samplerate"])
        try:
            return sounddevice.InputStream(samplerate=SAMPLE_RATE, **settings), SAMPLE_RATE
        except sounddevice.PortAudioError:
            return sounddevice.InputStream(samplerate=own, **settings), own
    except (sounddevice.PortAudioError, ValueError) as error:
        raise InputError(
            f"no microphone can be opened ({error}); connect one, or give --recordings DIR"
        ) from None
