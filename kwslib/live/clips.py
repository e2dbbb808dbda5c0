"""The few clips of embedded speech that the page carries."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kwslib.data.spoken_clip import SpokenName
from kwslib.files import sha256_of_sources, sha256_of_text
from kwslib.live.kept import kept
from kwslib.results.charts.spectrograms import png
from kwslib.results.charts.theme import VIRIDIS
from kwslib.results.page import flac

NAMES = (
    "yes/espeak_rob_nohash_0",
    "no/espeak_miguel_nohash_0",
    "yes/espeak_norbert_nohash_9",
    "no/espeak_f5_nohash_0",
    "stop/espeak_f5_nohash_0",
    "left/espeak_storm_nohash_4",
)
"""Of voices kept for testing, whose keywords the published networks detect once."""


@dataclass(frozen=True)
class LiveClip:
    """A clip of the page.

    Attributes:
        name: of the embedded speech.
        word: what is said.
        voice: who says it, as a name.
        file: the name of its file, without suffix.
        flac: the sound as FLAC.
    """

    name: str
    word: str
    voice: str
    file: str
    flac: bytes


def clips(names: tuple[str, ...] = NAMES) -> Iterator[LiveClip]:
    """The clips of the page, spoken now or as they were spoken before.

    Raises:
        InputError: eSpeak is missing.
    """
    for name in names:
        spoken = SpokenName.parse(name)
        file = f"{spoken.word}-{spoken.voice}-{spoken.number}"
        sound = kept(*_place(name, "flac"), lambda: flac(_samples(name)))  # noqa: B023
        yield LiveClip(name, spoken.word, spoken.voice.capitalize(), file, sound)


def picture_of(name: str) -> bytes:
    """The deployed image of a clip as a PNG file, time from left to right, low bands below."""
    from kwslib.features.logmel import logmel_images

    return kept(*_place(name, "png"), lambda: png(logmel_images(_samples(name)), (0, 255), VIRIDIS))


def _place(name: str, suffix: str) -> tuple[str, str]:
    """Where what is made of a clip is kept: folder and file."""
    code = sha256_of_sources("data", "features", "config.py")
    return "live_clips", f"{sha256_of_text(code, name)[:24]}.{suffix}"


def _samples(name: str) -> NDArray[np.int16]:
    from kwslib.data.spoken import EmbeddedSpeech

    return EmbeddedSpeech().audio([name])[0]
