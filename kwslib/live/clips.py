"""The few clips of embedded speech that the page carries."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image

from kwslib.config import SAMPLE_RATE
from kwslib.data.spoken_clip import SpokenName
from kwslib.files import sha256_of_sources, sha256_of_text
from kwslib.live.kept import kept
from kwslib.results.charts.theme import VIRIDIS

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
        flac = kept(*_place(name, "flac"), partial(_flac, name))
        yield LiveClip(name, spoken.word, spoken.voice.capitalize(), file, flac)


def picture_of(name: str) -> bytes:
    """The deployed image of a clip as a PNG file, time from left to right, low bands below."""
    return kept(*_place(name, "png"), partial(_picture, name))


def _place(name: str, suffix: str) -> tuple[str, str]:
    """Where what is made of a clip is kept: folder and file."""
    code = sha256_of_sources("data", "features", "config.py")
    return "live_clips", f"{sha256_of_text(code, name)[:24]}.{suffix}"


def _picture(name: str) -> bytes:
    from kwslib.features.logmel import logmel_images

    pixels = logmel_images(_samples(name)).T[::-1]
    colours = [[int(corner[at : at + 2], 16) for at in (1, 3, 5)] for corner in VIRIDIS]
    steps = np.linspace(0, 255, len(colours))
    palette = [np.interp(np.arange(256), steps, channel) for channel in zip(*colours, strict=True)]
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.putpalette(np.rint(np.stack(palette, axis=1)).astype(np.uint8).tobytes())
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _flac(name: str) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, _samples(name), SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return stream.getvalue()


def _samples(name: str) -> NDArray[np.int16]:
    from kwslib.data.spoken import EmbeddedSpeech

    return EmbeddedSpeech().audio([name])[0]
