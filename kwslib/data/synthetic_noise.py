"""Six recordings of background noise that are computed, as stand-ins for the six that the
Speech Commands data set brings along (white and pink noise, and four recorded at home).

All are deterministic, one minute long, and made once into the cache.

They are mixed into speech by name, as a source's own recordings are.
"""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from kwslib.config import SAMPLE_RATE
from kwslib.data.source import Source
from kwslib.data.synthesiser import ESPEAK_RATE, Utterance, synthesise, synthesiser_version
from kwslib.errors import check
from kwslib.files import kept_array, sha256_of_text
from kwslib.folders import cache_folder

SECONDS = 60
"""Length of each recording."""

_SAMPLES = SECONDS * SAMPLE_RATE
_LEVEL = 32768 * 10 ** (-20 / 20)  # root mean square: 20 dB below full scale

_TALKERS = (
    "f1",
    "f2",
    "f3",
    "f5",
    "annie",
    "steph",
    "anika",
    "grandma",
    "aunty",
    "m1",
    "m3",
    "m5",
    "m7",
    "m8",
    "alex",
    "mario",
    "quincy",
    "sandro",
    "paul",
    "croak",
)
_CHATTER = (
    "well I think that we should have gone there much earlier in the morning",
    "could you hand me the other one please it is behind the kitchen table",
    "they told us about it last summer but nobody really believed a thing",
    "because my brother never wanted to take the train to the city again",
    "what a lovely evening it was and the children were playing outside",
    "sure but then again how many people would ever pay that much for it",
)


@functools.cache
def synthetic_noise() -> Mapping[str, NDArray[np.int16]]:
    """The recordings by name, each int16 ``[960000]`` at 16 kHz; from the cache once made.

    Raises:
        InputError: eSpeak, which speaks the babble, is missing.
    """
    path = cache_folder("noise") / f"{_recipe_hash()}.npy"
    recordings = kept_array(
        path, lambda: np.stack([_finish(make(_generator(name))) for name, make in _NOISES.items()])
    )
    return dict(zip(_NOISES, recordings, strict=True))


def _recipe_hash() -> str:
    source = Path(__file__).read_text(encoding="utf-8")
    return sha256_of_text(source, synthesiser_version())[:32]


def _generator(name: str) -> np.random.Generator:
    return np.random.default_rng(list(name.encode()))


def _brown(draw: np.random.Generator) -> NDArray[np.float64]:
    """Power falls as 1/f²: rumble, swelling and ebbing as the noise in a vehicle does."""
    swell = 1 + 0.5 * np.sin(2 * np.pi * _seconds() / 7.3 + draw.uniform(0, 2 * np.pi))
    return _coloured(draw, slope=2) * swell


def _mains_hum(draw: np.random.Generator) -> NDArray[np.float64]:
    """50 Hz and its harmonics, wavering slightly, over faint hiss: a refrigerator."""
    waver = np.cumsum(_coloured(draw, slope=2)) * (0.1 / SAMPLE_RATE)
    phase = 2 * np.pi * (50 * _seconds() + waver)
    fundamental = np.exp(1j * phase)
    harmonic = np.ones(_SAMPLES, np.complex128)
    hum = np.zeros(_SAMPLES)
    for number in range(1, 41):
        harmonic *= fundamental
        level = draw.uniform(0.1, 1.0) / number
        hum += level * (harmonic * np.exp(2j * np.pi * draw.uniform())).real
    return hum + 0.1 * _coloured(draw, slope=0.5)


def _babble(draw: np.random.Generator) -> NDArray[np.float64]:
    """Twenty people who talk at once, each at their own distance."""
    mixture = np.zeros(_SAMPLES)
    for talker in _TALKERS:
        mixture += _talk(talker, draw) * 10 ** (draw.uniform(-12, 0) / 20)
    return mixture


def _talk(talker: str, draw: np.random.Generator) -> NDArray[np.float64]:
    """One talker's sentences in a random order, repeated to fill the recording."""
    accent = str(draw.choice(["en", "en-us", "en-gb-scotland", "en-029"]))
    sentences = []
    for sentence in draw.permutation(_CHATTER):
        rate, pitch = int(draw.integers(140, 200)), int(draw.integers(30, 70))
        said = synthesise(Utterance(str(sentence), accent, talker, rate, pitch)) / 32768
        sentences.append(soxr.resample(said, ESPEAK_RATE, SAMPLE_RATE))
    speech = np.concatenate(sentences)
    speech /= np.sqrt(np.mean(speech**2))
    return np.roll(np.resize(speech, _SAMPLES), draw.integers(_SAMPLES))


def _clatter(draw: np.random.Generator) -> NDArray[np.float64]:
    """Short ringing blows, about eight a second, over faint pink noise: doing the dishes."""
    clatter = 0.15 * _coloured(draw, slope=1)
    seconds = np.arange(SAMPLE_RATE // 4) / SAMPLE_RATE
    for start in draw.integers(0, _SAMPLES - len(seconds), 8 * SECONDS):
        frequencies = draw.uniform(300, 6000, (5, 1))
        decays = draw.uniform(0.005, 0.05, (5, 1))
        ringing = np.sin(2 * np.pi * frequencies * seconds) * np.exp(-seconds / decays)
        blow = ringing.sum(0) * 10 ** (draw.uniform(-20, 0) / 20)
        clatter[start : start + len(seconds)] += blow
    return clatter


def _coloured(draw: np.random.Generator, slope: float) -> NDArray[np.float64]:
    """Noise of root mean square 1 whose power falls as 1/f to ``slope`` above 20 Hz."""
    spectrum = np.fft.rfft(draw.standard_normal(_SAMPLES))
    frequency = np.fft.rfftfreq(_SAMPLES, 1 / SAMPLE_RATE)
    spectrum *= np.maximum(frequency, 20) ** (-slope / 2)
    noise = np.fft.irfft(spectrum, _SAMPLES)
    return noise / np.sqrt(np.mean(noise**2))


def _seconds() -> NDArray[np.float64]:
    return np.arange(_SAMPLES) / SAMPLE_RATE


def _finish(noise: NDArray[np.float64]) -> NDArray[np.int16]:
    """Scaled to the common level, peaks limited to the range of int16."""
    scaled = noise * (_LEVEL / np.sqrt(np.mean(noise**2)))
    return np.clip(np.round(scaled), -32768, 32767).astype(np.int16)


_NOISES: Mapping[str, Callable[[np.random.Generator], NDArray[np.float64]]] = {
    "white_noise": functools.partial(_coloured, slope=0),  # hiss
    "pink_noise": functools.partial(_coloured, slope=1),  # wind, distant traffic
    "brown_noise": _brown,
    "mains_hum": _mains_hum,
    "babble": _babble,
    "clatter": _clatter,
}


Noises = Mapping[str, NDArray[np.int16]]
"""Recordings by name, each int16 ``[samples]`` at 16 kHz."""

MIXED, SYNTHETIC, ALL = "mixed", "synthetic", "all"

_COMPUTED = "synthetic_"


def noises_of(source: Source) -> dict[str, NDArray[np.int16]]:
    """A source's recordings, and those of :mod:`kwslib.data.synthetic_noise` as
    ``synthetic_<name>`` where they are others.

    Networks are trained with the recordings of their source; the computed ones are then new to
    them.
    """
    computed, own = synthetic_noise(), source.noise()
    if own is computed:
        return dict(own)
    return {**own, **{f"{_COMPUTED}{name}": noise for name, noise in computed.items()}}


def chosen_noises(source: Source, choice: str) -> dict[str, NDArray[np.int16]]:
    """Noises by choice.

    Args:
        source: brings its recordings.
        choice: ``mixed`` for the source's own, ``synthetic`` for the computed ones, ``all`` for
            both, or names separated by commas.

    Raises:
        InputError: there is none of that name.
    """
    every, own = noises_of(source), list(source.noise())
    computed = [name for name in every if name not in own] or own
    kinds = {MIXED: own, SYNTHETIC: computed, ALL: list(every)}
    names = kinds.get(choice) or [name.strip() for name in choice.split(",")]
    for name in names:
        must = f"{', '.join(kinds)} or names of {', '.join(every)}"
        check(f"noise {name!r}", name in every, must)
    return {name: every[name] for name in names}
