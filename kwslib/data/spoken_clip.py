"""The recipe of an embedded clip: from its name to one second of sound.

A clip is named ``word/espeak_<voice>_nohash_<number>``. The voice is one of eSpeak NG's voice
variants and counts as the speaker, so that no timbre is heard in two splits. The number chooses
the accent; everything else (rate, pitch, vocal tract, room, level, position, noise) is drawn
from a generator seeded with the name.

Run as a module it is a worker: it reads names, one a line, from standard input and writes each
clip's samples to standard output.
"""

import functools
import re
import sys
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from kwslib.config import CLIP_SAMPLES, SAMPLE_RATE
from kwslib.data.source import Audio
from kwslib.data.synthesiser import ESPEAK_RATE, Utterance, synthesise, variants
from kwslib.data.task import sha1_hex
from kwslib.errors import InputError, mistakes_in_a_line

_Sound = NDArray[np.float32]

RECIPE = 1
"""Version of what makes the clips and noises. Raise it where a change makes others."""

CLIPS_PER_VOICE = 18
"""Clips of a word by each voice: twice in every accent, a third time in the first two."""

ACCENTS = (
    "en-us",
    "en",
    "en-gb-scotland",
    "en-029",
    "en-gb-x-rp",
    "en-gb-x-gbclan",
    "en-gb-x-gbcwmd",
    "en-us-nyc",
)

_UNFIT = {
    "meant as robots or with an echo": (
        "anikarobot announcer demonic ricishaymax ricishaymax2 ricishaymax3 robosoft robosoft2 "
        "robosoft3 robosoft4 robosoft5 robosoft6 robosoft7 robosoft8 unirobot"
    ),
    # Autocorrelation peak of the loudest frames below 0.4, against 0.5 to 0.9 of the others.
    "whispers, without a voice": "caleb whisper whisperf",
    # The word whose images by all other voices lie nearest is the right one of 35 for at most
    # 60 % of the words, against more than 70 % for the voices kept.
    "hard to understand": "alicia lee marco shelby zac",
    # Images differ by less than 8 levels a pixel from those of a voice kept; else by 9 to 30.
    "nearly another voice": (
        "adam diogo edward2 gene2 grandpa hugo klatt2 klatt4 michel reed steph2 steph3"
    ),
}
"""Variants left out, and why; measured on the 35 words in American English."""

_RATE = (115, 205)  # words per minute
_PITCH = (25, 75)  # of 0 to 99
_PITCH_RANGE = (25, 85)  # of 0 to 99
_VOCAL_TRACT = (0.92, 1.09)  # formants, relative to the variant's
_LEVEL_DB = (-34.0, -16.0)  # of the word, root mean square, relative to full scale
_SNR_DB = (15.0, 40.0)
_NOISE_SLOPE = (0.3, 1.3)  # power falls as 1/f to this: between white and pink, and a bit more
_ECHO_DB = (-25.0, -8.0)  # relative to the direct sound
_DECAY_SECONDS = (0.1, 0.5)  # to -60 dB
_JITTER_SECONDS = 0.1  # of the word's middle about the clip's

_FASTEST = 450  # eSpeak's limit
_LONGEST = int(0.9 * SAMPLE_RATE)
_MARGIN = 320  # samples at least, before and after the word
_EDGE = 0.01  # of the peak, below which eSpeak's start and end are silence
_ECHOES = 8
_TAIL = 1_600  # samples after the word within which they end


@dataclass(frozen=True)
class SpokenName:
    """The parts of a clip's name."""

    word: str
    voice: str
    number: int

    def __str__(self) -> str:
        return f"{self.word}/espeak_{self.voice}_nohash_{self.number}"

    @property
    def accent(self) -> str:
        """The accent that the clip's number stands for."""
        return ACCENTS[self.number % len(ACCENTS)]

    @classmethod
    def parse(cls, name: str) -> "SpokenName":
        """The parts of ``name``.

        Raises:
            InputError: ``name`` is no clip of the embedded speech.
        """
        match = re.fullmatch(r"([^/]+)/espeak_(.+)_nohash_(\d+)", name)
        if match is None or match[2] not in voices() or int(match[3]) >= CLIPS_PER_VOICE:
            raise InputError(
                f"{name}: no clip of the embedded speech; they are named "
                f"word/espeak_<voice>_nohash_<0 to {CLIPS_PER_VOICE - 1}>"
            )
        return cls(match[1], match[2], int(match[3]))


@functools.cache
def voices() -> tuple[str, ...]:
    """Voice variants that pass for people, in alphabetical order."""
    unfit = {variant for group in _UNFIT.values() for variant in group.split()}
    return tuple(variant for variant in variants() if variant not in unfit)


def check_sayable(word: str) -> None:
    """Raise :class:`InputError` unless every voice can say ``word`` within the clip."""
    # The slowest voice takes 1.5 times as long as this one.
    length = len(_said(Utterance(word, rate=_FASTEST), SAMPLE_RATE))
    if length == 0:
        raise InputError(f"keyword {word!r}: eSpeak cannot say it; use a word of letters")
    if length > _LONGEST / 1.6:
        raise InputError(f"keyword {word!r}: takes longer than a second to say; use a shorter one")


def clip_audio(name: str) -> Audio:
    """The clip called ``name``, int16 ``[16000]`` at 16 kHz; a pure function of the name.

    Raises:
        InputError: the name is no clip's, or eSpeak cannot say the word within the clip.
    """
    spoken = SpokenName.parse(name)
    draw = np.random.default_rng(int(sha1_hex(name), 16))
    word = _word(spoken, draw)
    room = _in_a_room(word, draw)
    middle = CLIP_SAMPLES / 2 + SAMPLE_RATE * draw.uniform(-_JITTER_SECONDS, _JITTER_SECONDS)
    start = int(np.clip(middle - len(word) / 2, _MARGIN, CLIP_SAMPLES - _MARGIN - len(word)))
    clip = np.zeros(CLIP_SAMPLES, np.float32)
    clip[start : start + len(room)] = room[: CLIP_SAMPLES - start]
    level = 32768 * _from_db(draw.uniform(*_LEVEL_DB))
    clip *= level / _root_mean_square(word)
    clip += level * _from_db(-draw.uniform(*_SNR_DB)) * _noise(draw)
    return np.clip(np.rint(clip), -32768, 32767).astype(np.int16)


def _word(spoken: SpokenName, draw: np.random.Generator) -> _Sound:
    """The word at 16 kHz without the silence around it."""
    rate, pitch, pitch_range = (
        int(draw.integers(*limits)) for limits in (_RATE, _PITCH, _PITCH_RANGE)
    )
    seed = int(draw.integers(1, 2**31))
    while True:
        utterance = Utterance(
            spoken.word, spoken.accent, spoken.voice, rate, pitch, pitch_range, seed
        )
        # Played faster, the same samples come from a shorter vocal tract.
        word = _said(utterance, SAMPLE_RATE / _formants(spoken.voice, spoken.accent))
        if 0 < len(word) <= _LONGEST:
            return word
        if len(word) == 0 or rate == _FASTEST:
            raise InputError(f"{spoken}: eSpeak cannot say the word within a second")
        rate = min(int(rate * 1.1 * len(word) / _LONGEST) + 1, _FASTEST)


@functools.cache
def _formants(voice: str, accent: str) -> float:
    """A voice in another accent is another person, with a vocal tract of their own."""
    person = np.random.default_rng(int(sha1_hex(f"{voice}/{accent}"), 16))
    return float(person.uniform(*_VOCAL_TRACT))


def _said(utterance: Utterance, rate: float) -> _Sound:
    """What eSpeak says, resampled to ``rate``, without the silence before and after."""
    said = synthesise(utterance).astype(np.float32)
    if not said.any():
        return said[:0]
    loudness = np.abs(said)
    sounding = np.flatnonzero(loudness > _EDGE * loudness.max())
    word = said[sounding[0] : sounding[-1] + 1]
    # Medium quality takes a third of the time; the images end at 4 kHz.
    return soxr.resample(word, ESPEAK_RATE, rate, quality="MQ")


def _in_a_room(word: _Sound, draw: np.random.Generator) -> _Sound:
    """The word and its echoes, ``len(word) + _TAIL`` samples.

    A few reflections from walls and furniture at random times within 0.1 s, weaker the later
    they come; a light room without the dense late tail, which the second would cut off anyway.
    """
    level, decay = draw.uniform(*_ECHO_DB), draw.uniform(*_DECAY_SECONDS)
    delays = draw.integers(16, _TAIL, _ECHOES)
    gains = draw.standard_normal(_ECHOES) * 10 ** (-3 * delays / (decay * SAMPLE_RATE))
    gains *= _from_db(level) / np.sqrt(np.sum(gains**2))
    room = np.zeros(len(word) + _TAIL, np.float32)
    room[: len(word)] = word
    for delay, gain in zip(delays, gains.astype(np.float32), strict=True):
        room[delay : delay + len(word)] += gain * word
    return room


def _noise(draw: np.random.Generator) -> _Sound:
    """One second of coloured noise of root mean square 1."""
    power = -draw.uniform(*_NOISE_SLOPE) / 2
    spectrum = draw.standard_normal(CLIP_SAMPLES + 2, np.float32).view(np.complex64)
    spectrum *= np.exp(np.float32(power) * _log_frequency())
    spectrum[0] = 0
    noise = np.asarray(np.fft.irfft(spectrum, CLIP_SAMPLES), np.float32)
    return noise / _root_mean_square(noise)


@functools.cache
def _log_frequency() -> _Sound:
    frequency = np.arange(CLIP_SAMPLES // 2 + 1, dtype=np.float32)
    return np.log(np.maximum(frequency, 1))


def _root_mean_square(sound: _Sound) -> np.float32:
    return np.sqrt(np.dot(sound, sound) / np.float32(len(sound)))


def _from_db(level: float) -> np.float32:
    return np.float32(10 ** (level / 20))


if __name__ == "__main__":
    with mistakes_in_a_line():
        for clip in sys.stdin.read().splitlines():
            sys.stdout.buffer.write(clip_audio(clip).tobytes())
