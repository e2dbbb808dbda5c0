"""How loud speech is: the level of its loudest 300 ms, from which signal-to-noise ratios are told.

The level of a whole clip would depend on how much of its second the word takes, and on what the
clip holds beside it.
"""

import numpy as np
from numpy.typing import NDArray

from kwslib.config import SAMPLE_RATE

LOUD_SAMPLES = 3 * SAMPLE_RATE // 10
"""300 ms: about the vowel of a short word with what is around it."""

FULL_SCALE = 32768.0


def root_mean_square(sound: NDArray[np.floating]) -> float:
    """Root mean square of ``[samples]``."""
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))


def loudest(sound: NDArray[np.number], span: int = LOUD_SAMPLES) -> tuple[int, float]:
    """Where the part of ``span`` samples with the most energy begins, and its root mean square;
    the first of equals.

    Args:
        sound: ``[samples]``, at least one.
        span: samples of the part; all of a shorter sound.
    """
    span = min(span, len(sound))
    energy = np.concatenate([[0.0], np.cumsum(np.square(sound, dtype=np.float64))])
    sums = energy[span:] - energy[:-span]
    start = int(sums.argmax())
    return start, float(np.sqrt(max(sums[start], 0.0) / span))


def speech_level_db(samples: NDArray[np.int16]) -> float:
    """Level of the loudest 300 ms in decibels relative to full scale; ``-inf`` for silence."""
    level = loudest(samples.astype(np.float64))[1]
    return 20 * float(np.log10(level / FULL_SCALE)) if level else -np.inf


def as_int16(sound: NDArray[np.floating]) -> NDArray[np.int16]:
    """Samples of full scale 1 as 16-bit integers; what lies beyond is clipped."""
    steps = np.rint(np.clip(sound, -1, 1) * FULL_SCALE)  # of single precision few are above
    return np.minimum(steps, FULL_SCALE - 1).astype(np.int16)


def from_db(decibels: float) -> float:
    """The factor on an amplitude that decibels stand for."""
    return float(10 ** (decibels / 20))
