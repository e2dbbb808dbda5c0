"""A user's sound file, whole, as a clip or as a stream: any format, rate and number of channels.

What had to be changed to make it one second at 16 kHz is told in notes, because a picture or a
score of the changed clip is not one of the file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from kwslib.config import CLIP_SAMPLES, SAMPLE_RATE
from kwslib.errors import InputError

LONGEST_SECONDS = 600
"""A longer file is refused: finding its loudest second would take long and surprise."""

SHORTEST_SECONDS = 0.1
"""A shorter file holds no word."""

_BLOCK_VALUES = 2**18
_FULL_SCALE = 32768.0


def read_clip(path: Path | str) -> tuple[NDArray[np.int16], list[str]]:
    """One second of a sound file, with notes on what was changed.

    Another rate is resampled (soxr, high quality), channels are averaged, more than a second is
    cut to the loudest one, less stands in the middle of digital silence.

    Args:
        path: a file of any format that libsndfile reads: WAV, FLAC, Ogg, MP3, AIFF, ...

    Returns:
        int16 ``[16000]``, and one line for each change.

    Raises:
        InputError: the file is missing, empty, unreadable or no sound, shorter than 0.1 s or
            longer than 600 s.
    """
    path = Path(path)
    sound = _open(path)
    samples, notes = _one_second(sound.samples)
    return _as_int16(samples), [f"{path.name}: {note}" for note in sound.notes + notes]


def read_whole(path: Path | str) -> tuple[NDArray[np.int16], list[str]]:
    """All of a sound file at 16 kHz, with notes on what was changed.

    Another rate is resampled and channels are averaged as :func:`read_clip` does.

    Returns:
        int16 ``[samples]``, and one line for each change.

    Raises:
        InputError: as :func:`read_clip`.
    """
    path = Path(path)
    sound = _open(path)
    return _as_int16(sound.samples), [f"{path.name}: {note}" for note in sound.notes]


@contextmanager
def open_stream(path: Path | str) -> Iterator["SoundStream"]:
    """A sound file of any length, to be heard block by block and never held as a whole.

    Raises:
        InputError: the file is missing, empty, unreadable or no sound.
    """
    path = Path(path)
    with _opened(path) as file:
        yield SoundStream(file, path)


class SoundStream:
    """An open sound file; another rate is resampled and channels are averaged.

    Attributes:
        samples: at 16 kHz, as the file's header says.
        notes: one line for each change.
    """

    def __init__(self, file: soundfile.SoundFile, path: Path) -> None:
        self._file, self._path = file, path
        self.samples = -(-file.frames * SAMPLE_RATE // file.samplerate)
        self.notes: list[str] = []
        if file.samplerate != SAMPLE_RATE:
            self.notes.append(f"resampled from {file.samplerate:,} Hz to {SAMPLE_RATE:,} Hz")
        if file.channels > 1:
            self.notes.append(f"{file.channels} channels averaged")

    def blocks(self, size: int) -> Iterator[NDArray[np.int16]]:
        """The samples, int16 ``[size]`` at a time; what is left at the end is shorter.

        Raises:
            InputError: the file is damaged.
        """
        held = np.empty(0, np.int16)
        for part in self._at_our_rate():
            held = np.concatenate([held, _as_int16(part)])
            while len(held) >= size:
                yield held[:size]
                held = held[size:]
        if len(held):
            yield held

    def _at_our_rate(self) -> Iterator[NDArray[np.float32]]:
        blocks = _Blocks(self._file, self._path, of_any_length=True)
        if self._file.samplerate == SAMPLE_RATE:
            return iter(blocks)
        return _resampled_blocks(blocks, self._file.samplerate)


def _open(path: Path) -> "_Sound":
    with _opened(path) as file:
        return _read(file, path)


@contextmanager
def _opened(path: Path) -> Iterator[soundfile.SoundFile]:
    _check_is_file(path)
    try:
        with soundfile.SoundFile(path) as file:
            yield file
    except (soundfile.SoundFileError, TypeError, OSError) as error:
        # TypeError: soundfile takes a name ending in .raw for headerless samples
        raise InputError(
            f"{path}: is no readable sound file ({error}); use WAV, FLAC, Ogg or MP3"
        ) from error


def _check_is_file(path: Path) -> None:
    try:
        if not path.exists():
            raise InputError(f"{path}: no such file")
        if not path.is_file():
            raise InputError(f"{path}: is no file; name a sound file such as word.wav")
        if path.stat().st_size == 0:
            raise InputError(f"{path}: is empty; record it again")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error


@dataclass
class _Sound:
    """Mono float32 samples at 16 kHz, full scale at 1, and what was done to get them."""

    samples: NDArray[np.float32]
    notes: list[str] = field(default_factory=list)


def _read(file: soundfile.SoundFile, path: Path) -> _Sound:
    """The whole file, block by block so that a wrong or endless header costs no memory."""
    rate, channels, notes = file.samplerate, file.channels, []
    blocks = _Blocks(file, path)
    if rate == SAMPLE_RATE:
        samples = np.concatenate([*blocks, np.empty(0, np.float32)])
    else:
        notes.append(f"resampled from {rate:,} Hz to {SAMPLE_RATE:,} Hz")
        samples = _resampled(blocks, rate)
    if blocks.frames < SHORTEST_SECONDS * rate:
        length = f"{1000 * blocks.frames / rate:.0f} ms" if blocks.frames else "no sound"
        raise InputError(f"{path}: holds {length}, must be at least 100 ms; record it again")
    if channels > 1:
        notes.append(f"{channels} channels averaged")
    if blocks.not_finite:
        notes.append(f"{blocks.not_finite:,} values that are no finite numbers set to 0")
    clipped = int(np.count_nonzero(np.abs(samples) > 1))
    if clipped:
        notes.append(f"{clipped:,} samples beyond full scale clipped")
    return _Sound(samples, notes)


class _Blocks:
    """Iterates over a file's samples, channels averaged, and counts what it meets."""

    def __init__(self, file: soundfile.SoundFile, path: Path, of_any_length: bool = False) -> None:
        self._file = file
        self._path = path
        self._longest_seconds = np.inf if of_any_length else LONGEST_SECONDS
        self.frames = 0
        self.not_finite = 0

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        limit = self._longest_seconds * self._file.samplerate
        size = max(1, _BLOCK_VALUES // self._file.channels)
        while len(block := self._file.read(size, dtype="float32", always_2d=True)):
            self.frames += len(block)
            if self.frames > limit:
                raise InputError(
                    f"{self._path}: is longer than {LONGEST_SECONDS // 60} minutes; cut out the "
                    f"part with the word"
                )
            finite = np.isfinite(block)
            self.not_finite += finite.size - int(np.count_nonzero(finite))
            block[~finite] = 0.0
            yield block.mean(axis=1, dtype=np.float64).astype(np.float32)


def _resampled(blocks: _Blocks, rate: int) -> NDArray[np.float32]:
    return np.concatenate(list(_resampled_blocks(blocks, rate)))


def _resampled_blocks(blocks: _Blocks, rate: int) -> Iterator[NDArray[np.float32]]:
    stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.empty(0, np.float32), last=True)


def _as_int16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    whole = np.clip(np.rint(samples * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1)
    return whole.astype(np.int16)


def _one_second(samples: NDArray[np.float32]) -> tuple[NDArray[np.float32], list[str]]:
    """``samples`` cut to the loudest second or centred in one."""
    notes = []
    seconds = len(samples) / SAMPLE_RATE
    if len(samples) > CLIP_SAMPLES:
        start = _loudest(samples)
        samples = samples[start : start + CLIP_SAMPLES]
        notes.append(
            f"{seconds:.2f} s long, cut to the loudest second (from {start / SAMPLE_RATE:.2f} s)"
        )
    elif len(samples) < CLIP_SAMPLES:
        before = (CLIP_SAMPLES - len(samples)) // 2
        samples = np.pad(samples, (before, CLIP_SAMPLES - len(samples) - before))
        notes.append(f"{seconds:.2f} s long, put in the middle of a second of silence")
    return samples, notes


def _loudest(samples: NDArray[np.float32]) -> int:
    """Where the second with the most energy begins; the first of equals."""
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    return int(np.argmax(energy[CLIP_SAMPLES:] - energy[:-CLIP_SAMPLES]))
