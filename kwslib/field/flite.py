"""Words spoken by Flite, a synthesiser that no network here was trained on.

Its voices ``awb``, ``rms`` and ``slt`` were learnt from three people's recordings (the CMU ARCTIC
databases), ``kal16`` joins recorded pieces of a fourth. Source: A. Black and K. Lenzo, "Flite: a
small fast run-time synthesis engine", 4th ISCA Workshop on Speech Synthesis (2001).
"""

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from kwslib import interrupt
from kwslib.config import SAMPLE_RATE
from kwslib.errors import InputError

VOICES = ("awb", "kal16", "rms", "slt")

_EDGE = 0.01
"""Share of the peak below which the start and end are silence."""


def say(
    text: str, voice: str, stretch: float = 1.0, pitch: float = 1.0, tract: float = 1.0
) -> NDArray[np.float64]:
    """Say a word, without the silence before and after it.

    Args:
        text: the word.
        voice: one of :data:`VOICES`.
        stretch: factor on the durations.
        pitch: factor on the fundamental frequency; the voice ``rms`` ignores it.
        tract: factor on all frequencies, as of a person with a shorter vocal tract.

    Returns:
        Mono samples at 16 kHz, full scale at 1.

    Raises:
        InputError: Flite is not installed, or fails.
    """
    return _spoken(["-t", text], voice, stretch, pitch, tract)


def hold(
    phone: str, voice: str, stretch: float = 1.0, pitch: float = 1.0, tract: float = 1.0
) -> NDArray[np.float64]:
    """Say a single phone, such as ``"s"`` or ``"sh"``, otherwise as :func:`say`."""
    return _spoken(["-p", f"pau {phone} {phone} pau"], voice, stretch, pitch, tract)


def _spoken(
    what: list[str], voice: str, stretch: float, pitch: float, tract: float
) -> NDArray[np.float64]:
    # The tract is changed by playing faster, which the durations and the pitch make up for.
    settings = {"duration_stretch": stretch * tract, "f0_shift": pitch / tract}
    with tempfile.TemporaryDirectory(prefix="kws-flite-") as folder:
        path = Path(folder) / "word.wav"
        command = ["flite", "-voice", voice, *what, "-o", str(path)]
        for name, value in settings.items():
            command += ["--setf", f"{name}={value:.4f}"]
        try:
            done = interrupt.run(command, 60, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            done.check_returncode()
        except FileNotFoundError:
            raise InputError(
                "flite: not installed; on Debian and Ubuntu: apt-get install flite"
            ) from None
        except subprocess.SubprocessError as error:
            raise InputError(f"flite: cannot say {what[-1]!r} in voice {voice} ({error})") from None
        samples, rate = soundfile.read(path, dtype="float64")
    loud = np.flatnonzero(np.abs(samples) > _EDGE * np.abs(samples).max(initial=0.0))
    if not loud.size:
        raise InputError(f"flite: says nothing for {what[-1]!r} in voice {voice}")
    return soxr.resample(samples[loud[0] : loud[-1] + 1], rate * tract, SAMPLE_RATE)
