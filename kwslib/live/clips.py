"""The few clips of embedded speech that the page carries."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image

from kwslib.config import SAMPLE_RATE
from kwslib.data.spoken_clip import SpokenName
from kwslib.files import cache_folder, keep_newest, sha256_of_sources, sha256_of_text, write_beside
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

_KEPT = 40


@dataclass(frozen=True)
class LiveClip:
    """A clip of the page.

    Attributes:
        name: of the embedded speech.
        flac: the sound as FLAC.
    """

    name: str
    flac: bytes

    @property
    def word(self) -> str:
        """What is said."""
        return SpokenName.parse(self.name).word

    @property
    def voice(self) -> str:
        """Who says it, as a name."""
        return SpokenName.parse(self.name).voice.capitalize()

    @property
    def file(self) -> str:
        """The name of its file, without suffix."""
        spoken = SpokenName.parse(self.name)
        return f"{spoken.word}-{spoken.voice}-{spoken.number}"


def clips(names: tuple[str, ...] = NAMES) -> Iterator[LiveClip]:
    """The clips of the page, spoken now or as they were spoken before.

    Raises:
        InputError: eSpeak is missing.
    """
    for name in names:
        yield LiveClip(name, _flac(name))


def picture_of(name: str) -> bytes:
    """The deployed image of a clip as a PNG file, time from left to right, low bands below."""

    def draw() -> bytes:
        from kwslib.features.logmel import logmel_images

        pixels = logmel_images(_samples(name)).T[::-1]
        colours = [[int(corner[at : at + 2], 16) for at in (1, 3, 5)] for corner in VIRIDIS]
        steps = np.linspace(0, 255, len(colours))
        palette = [
            np.interp(np.arange(256), steps, channel) for channel in zip(*colours, strict=True)
        ]
        image = Image.fromarray(np.ascontiguousarray(pixels))
        image.putpalette(np.rint(np.stack(palette, axis=1)).astype(np.uint8).tobytes())
        stream = io.BytesIO()
        image.save(stream, "PNG", optimize=True)
        return stream.getvalue()

    return _kept(name, "png", draw)


def _flac(name: str) -> bytes:
    def write() -> bytes:
        stream = io.BytesIO()
        soundfile.write(stream, _samples(name), SAMPLE_RATE, format="FLAC", subtype="PCM_16")
        return stream.getvalue()

    return _kept(name, "flac", write)


def _samples(name: str) -> NDArray[np.int16]:
    from kwslib.data.spoken import EmbeddedSpeech

    return EmbeddedSpeech().audio([name])[0]


def _kept(name: str, suffix: str, make: Callable[[], bytes]) -> bytes:
    """What was made of a clip before, or is made now."""
    folder = cache_folder("live_clips")
    code = sha256_of_sources("data", "features", "config.py")
    path = folder / f"{sha256_of_text(code, name)[:24]}.{suffix}"
    if not path.exists():
        with write_beside(path) as half:
            half.write_bytes(make())
        keep_newest(folder, _KEPT)
    return path.read_bytes()
