"""Clips made harder in a stated way: noise at a signal-to-noise ratio, moved in time, of another
level. Unlike augmentation nothing is random: the same clip is disturbed in the same way each time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kwslib.config import CLIP_SAMPLES, SAMPLE_RATE
from kwslib.data.loudness import (
    FULL_SCALE,
    as_int16,
    from_db,
    root_mean_square,
    speech_level_db,
)
from kwslib.data.task import SILENCE, sha1_hex
from kwslib.errors import InputError, check

_MS = SAMPLE_RATE // 1000


@dataclass(frozen=True)
class Disturbance:
    """What is done to every clip, in this order.

    Attributes:
        shift_ms: moved later (positive) or earlier; digital silence moves in, as in training.
        noise: name of the noise, empty for none.
        snr_db: by how much the clip's loudest 300 ms are above all of the noise's recording.
        level_db: by how much the sum is made louder; what exceeds full scale is clipped.
    """

    shift_ms: int = 0
    noise: str = ""
    snr_db: float | None = None
    level_db: float = 0.0

    def __post_init__(self) -> None:
        within = abs(self.shift_ms) < 1000
        check(f"shift {self.shift_ms} ms", within, "less than the second of a clip")
        if bool(self.noise) != (self.snr_db is not None):
            raise InputError("noise and snr: a noise needs its ratio, and a ratio its noise")
        audible = abs(self.level_db) <= 100 and abs(self.snr_db or 0.0) <= 100
        check(f"snr {self.snr_db}, level {self.level_db}", audible, "from -100 to 100 dB")


UNDISTURBED = Disturbance()


def disturbed(
    clips: NDArray[np.int16],
    names: Sequence[str],
    disturbance: Disturbance,
    noise: NDArray[np.int16] | None = None,
) -> NDArray[np.int16]:
    """Disturbed clips, int16 ``[n, 16000]``.

    A clip of silence holds no speech, so that it has no ratio of its own: it gets as much noise as
    the clip of speech with the median level. Which part of the recording is mixed into a clip
    follows from a hash of its name.

    Args:
        clips: int16 ``[n, 16000]``.
        names: of the clips, ``word/file``.
        disturbance: what is done.
        noise: the recording, int16, a second long at the least; None where none is mixed in.
    """
    sounds = _shifted(clips / FULL_SCALE, disturbance.shift_ms * _MS)
    if noise is not None and disturbance.snr_db is not None:
        level = root_mean_square(noise / FULL_SCALE)
        for sound, name, speech_db in zip(sounds, names, _levels(clips, names), strict=True):
            wanted = from_db(speech_db - disturbance.snr_db)
            sound += _crop(noise, f"{disturbance.noise}/{name}") * (wanted / level)
    sounds *= from_db(disturbance.level_db)
    return as_int16(sounds)


def _shifted(sounds: NDArray[np.float64], samples: int) -> NDArray[np.float64]:
    later, earlier = max(samples, 0), max(-samples, 0)
    return np.pad(sounds, ((0, 0), (later, earlier)))[:, earlier : earlier + CLIP_SAMPLES]


def _levels(clips: NDArray[np.int16], names: Sequence[str]) -> NDArray[np.float64]:
    """The level of each clip's speech; that of silence is the median of all speech."""
    levels = np.array([speech_level_db(clip) for clip in clips])
    silent = np.array([name.startswith(f"{SILENCE}/") for name in names]) | ~np.isfinite(levels)
    levels[silent] = np.median(levels[~silent]) if (~silent).any() else -20.0
    return levels


def _crop(noise: NDArray[np.int16], what: str) -> NDArray[np.float64]:
    start = int(sha1_hex(f"noise/{what}"), 16) % (len(noise) - CLIP_SAMPLES + 1)
    return noise[start : start + CLIP_SAMPLES] / FULL_SCALE
