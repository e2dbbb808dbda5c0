"""A user's sound file, whole, as a clip or as a stream; and one second of a data set's clip.

What had to be changed to make it one second at 16 kHz is told in notes, because a picture or a
score of the changed clip is not one of the file.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kwslib.config import CLIP_SAMPLES, SAMPLE_RATE
from kwslib.data.loudness import as_int16, loudest
from kwslib.data.sound_file import SoundFile, open_sound
from kwslib.errors import InputError

SHORTEST_SECONDS = 0.1
"""A shorter file holds no word."""

_PADDING_SAMPLES = SAMPLE_RATE // 100


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
            longer than 600 s, or a sample is no finite number.
    """
    samples, notes = read_whole(path)
    clip, changes = _loudest_second(samples)
    return clip, notes + [f"{Path(path).name}: {change}" for change in changes]


def read_whole(path: Path | str) -> tuple[NDArray[np.int16], list[str]]:
    """All of a sound file at 16 kHz, with notes on what was changed.

    Another rate is resampled and channels are averaged as :func:`read_clip` does.

    Returns:
        int16 ``[samples]``, and one line for each change.

    Raises:
        InputError: as :func:`read_clip`.
    """
    path = Path(path)
    with open_sound(path) as sound:
        samples = sound.read_all()
        if sound.seconds < SHORTEST_SECONDS:
            raise InputError(
                f"{path}: holds {1000 * sound.seconds:.0f} ms, must be at least 100 ms; "
                "record it again"
            )
        return samples, [f"{path.name}: {note}" for note in sound.notes]


def stream_blocks(sound: SoundFile, size: int) -> Iterator[NDArray[np.int16]]:
    """An open file's samples at 16 kHz, int16 ``[size]`` at a time; the last ones may be fewer.

    Raises:
        InputError: the file is damaged, or a sample is no finite number.
    """
    held = np.empty(0, np.int16)
    for part in sound.blocks():
        held = np.concatenate([held, as_int16(part)])
        while len(held) >= size:
            yield held[:size]
            held = held[size:]
    if len(held):
        yield held


def centred_second(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """A data set's clip as int16 ``[16000]``, a short one in the centre.

    A clip counts as short if it has fewer samples, or if 10 ms or more at its ends are digital
    zeros, which some releases of Speech Commands add behind the recording and others on both
    sides: its non-zero part is moved to the centre. A longer clip is cut at the end.
    """
    samples = samples[:CLIP_SAMPLES]
    sounding = np.flatnonzero(samples)
    if sounding.size:
        start, end = int(sounding[0]), int(sounding[-1]) + 1
        if CLIP_SAMPLES - (end - start) >= _PADDING_SAMPLES:
            samples = samples[start:end]
    return _centred(samples)


def _loudest_second(samples: NDArray[np.int16]) -> tuple[NDArray[np.int16], list[str]]:
    """``samples`` cut to the loudest second or centred in one, and what was done."""
    seconds = len(samples) / SAMPLE_RATE
    if len(samples) > CLIP_SAMPLES:
        start, _ = loudest(samples, CLIP_SAMPLES)
        at = start / SAMPLE_RATE
        return samples[start : start + CLIP_SAMPLES], [
            f"{seconds:.2f} s long, cut to the loudest second (from {at:.2f} s)"
        ]
    if len(samples) < CLIP_SAMPLES:
        note = f"{seconds:.2f} s long, put in the middle of a second of silence"
        return _centred(samples), [note]
    return samples, []


def _centred(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    before = (CLIP_SAMPLES - len(samples)) // 2
    return np.pad(samples, (before, CLIP_SAMPLES - len(samples) - before))
