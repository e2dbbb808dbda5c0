"""Sounds that are no words: hisses as of fricatives, claps, clicks, hum, noise, sweeps, tones.

Each function returns mono samples at 16 kHz of any level; randomness comes from the generator
that it is given.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from kwslib.config import SAMPLE_RATE

Sound = NDArray[np.float64]
Make = Callable[[float, np.random.Generator], Sound]
"""A sound of so many seconds."""

_EDGE_SECONDS = 0.03

_BANDS = {
    "sss": (3500, 8000, 12),
    "shh": (1800, 6500, 12),
    "fff": (1000, 8000, 3),
    "thh": (1400, 8000, 3),
}
"""Hisses: lower and upper edge in hertz, and how steeply power falls outside, in decibels for
each sixth of an octave. An s has its energy above 3.5 kHz, a sh above 1.8 kHz; f and th are nearly
flat (P. Ladefoged and I. Maddieson, The Sounds of the World's Languages, 1996, chapter 5)."""


def _times(seconds: float) -> Sound:
    return np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE


def _faded(sound: Sound) -> Sound:
    """The sound swelling and ebbing within 30 ms, as breath does."""
    edge = min(round(_EDGE_SECONDS * SAMPLE_RATE), len(sound) // 2)
    ramp = np.sin(np.linspace(0, np.pi / 2, edge)) ** 2
    return np.concatenate([sound[:edge] * ramp, sound[edge:-edge], sound[-edge:] * ramp[::-1]])


def _shaped(seconds: float, draw: np.random.Generator, gain_db: Callable[[Sound], Sound]) -> Sound:
    """Noise whose spectrum has the given gain, in decibels by frequency."""
    count = len(_times(seconds))
    spectrum = np.fft.rfft(draw.standard_normal(count))
    frequency = np.maximum(np.fft.rfftfreq(count, 1 / SAMPLE_RATE), 1.0)
    return np.fft.irfft(spectrum * 10 ** (gain_db(frequency) / 20), count)


def hiss(name: str) -> Make:
    """A fricative without voice: ``sss``, ``shh``, ``fff`` or ``thh``."""
    low, high, slope = _BANDS[name]

    def gain_db(frequency: Sound) -> Sound:
        below = np.maximum(np.log2(low / frequency), 0)
        above = np.maximum(np.log2(frequency / high), 0)
        return np.maximum(-6 * slope * (below + above), -60)

    return lambda seconds, draw: _faded(_shaped(seconds, draw, gain_db))


def buzz(seconds: float, draw: np.random.Generator) -> Sound:
    """A voiced s, as in "zoo": hiss in the rhythm of a voice, over the voice's low harmonics."""
    time = _times(seconds)
    phase = 2 * np.pi * 110 * time + draw.uniform(0, 2 * np.pi)
    voice = sum((np.sin(n * phase) / n**1.5 for n in range(1, 9)), np.zeros(len(time)))
    noise = hiss("sss")(seconds, draw)
    noise /= np.sqrt(np.mean(noise**2))
    return _faded(0.7 * voice + 0.5 * noise * (1 + 0.8 * np.sin(phase)))


def claps(seconds: float, draw: np.random.Generator) -> Sound:
    """Hands clapped about four times a second: bursts of noise about 1.5 kHz."""

    def gain_db(frequency: Sound) -> Sound:
        return -12 * np.abs(np.log2(frequency / 1500))

    return _strokes(seconds, draw, lambda: _shaped(0.12, draw, gain_db), 0.25, 0.015)


def clicks(seconds: float, draw: np.random.Generator) -> Sound:
    """Switches or keys: clicks of a millisecond, about six a second."""
    return _strokes(seconds, draw, lambda: draw.standard_normal(320), 0.17, 0.001)


def knocks(seconds: float, draw: np.random.Generator) -> Sound:
    """Knuckles on wood, about three times a second: a damped tone about 180 Hz."""

    def tone() -> Sound:
        return np.sin(2 * np.pi * draw.uniform(150, 220) * _times(0.2))

    return _strokes(seconds, draw, tone, 0.33, 0.03)


def _strokes(
    seconds: float,
    draw: np.random.Generator,
    stroke: Callable[[], Sound],
    every: float,
    decay: float,
) -> Sound:
    """Strokes that die away, one ``every`` so many seconds with some irregularity."""
    sound = np.zeros(len(_times(seconds)))
    start = 0.0
    while start < seconds:
        one = stroke()
        one = one * np.exp(-np.arange(len(one)) / (decay * SAMPLE_RATE)) * draw.uniform(0.5, 1)
        at = round(start * SAMPLE_RATE)
        sound[at : at + len(one)] += one[: len(sound) - at]
        start += every * draw.uniform(0.8, 1.2)
    return sound


def hum(seconds: float, draw: np.random.Generator) -> Sound:
    """50 Hz with harmonics of random strength."""
    time = _times(seconds)
    return sum(
        (
            draw.uniform(0.1, 1) / n * np.sin(2 * np.pi * (50 * n * time + draw.uniform()))
            for n in range(1, 41)
        ),
        np.zeros(len(time)),
    )


def white(seconds: float, draw: np.random.Generator) -> Sound:
    """Equal power at all frequencies."""
    return draw.standard_normal(len(_times(seconds)))


def pink(seconds: float, draw: np.random.Generator) -> Sound:
    """Power falls as 1/f above 20 Hz."""
    return _shaped(seconds, draw, lambda f: -10 * np.log10(np.maximum(f, 20)))


def sweep(seconds: float, draw: np.random.Generator) -> Sound:
    """A whistle gliding evenly in pitch between two frequencies from 200 to 4,000 Hz."""
    low, high = draw.uniform(200, 800), draw.uniform(1500, 4000)
    start, end = (low, high) if draw.uniform() < 0.5 else (high, low)
    octaves = np.log2(start) + np.log2(end / start) * _times(seconds) / seconds
    return _faded(np.sin(2 * np.pi * np.cumsum(2**octaves) / SAMPLE_RATE))


def melody(seconds: float, draw: np.random.Generator) -> Sound:
    """Plucked notes of a major scale, five a second, each with six harmonics."""
    steps = (0, 2, 4, 5, 7, 9, 11, 12)
    length = 0.2
    notes = []
    for _ in range(int(np.ceil(seconds / length))):
        pitch = 220 * 2 ** (steps[draw.integers(len(steps))] / 12)
        time = _times(length)
        parts = (np.sin(2 * np.pi * n * pitch * time) / n for n in range(1, 7))
        notes.append(sum(parts, np.zeros(len(time))) * np.exp(-time / 0.15))
    return np.concatenate(notes)[: len(_times(seconds))]


SOUNDS: Mapping[str, Make] = {
    **{name: hiss(name) for name in _BANDS},
    "zzz": buzz,
    "claps": claps,
    "clicks": clicks,
    "knocks": knocks,
    "hum": hum,
    "white": white,
    "pink": pink,
    "sweep": sweep,
    "melody": melody,
}
"""By the name that a recording of it begins with."""
