"""Bytes of a sound file to one second of samples, for the readers of data sets."""

import io

import numpy as np
import soundfile
from numpy.typing import NDArray

from kwslib.config import CLIP_SAMPLES, SAMPLE_RATE
from kwslib.errors import InputError

_PADDING_SAMPLES = SAMPLE_RATE // 100
_LONGEST = 600 * SAMPLE_RATE
"""Samples that a recording can have; a damaged header may claim billions."""


def decode(data: bytes, name: str) -> NDArray[np.int16]:
    """Mono int16 samples at 16 kHz from the bytes of a FLAC or WAV file.

    Raises:
        InputError: the bytes are no sound, or have another rate or several channels.
    """
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as sound:
            if sound.samplerate != SAMPLE_RATE or sound.channels != 1:
                raise InputError(f"{name}: must be mono at {SAMPLE_RATE} Hz, as the data set is")
            if sound.frames > _LONGEST:
                raise InputError(f"{name}: claims {sound.frames:,} samples, more than {_LONGEST:,}")
            return sound.read(dtype="int16")
    except soundfile.SoundFileError as error:
        raise InputError(f"{name}: is no readable sound file ({error})") from error


def one_second(samples: NDArray[np.int16]) -> NDArray[np.int16]:
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
    before = (CLIP_SAMPLES - len(samples)) // 2
    return np.pad(samples, (before, CLIP_SAMPLES - len(samples) - before))
