"""The folder of recordings that this repository's own field test plays.

``python -m kwslib.field.speech --out DIR`` makes it: words spoken by Flite, every voice at several
rates, pitches and vocal tracts, each with and without noise; other words; and sounds that are no
words. No network here was trained on any of it. The folder depends on its words and on Flite's
version alone.

A file is named ``word/voice-rate-pitch-noise-snr.wav``; ``recordings.json`` tells where the word
lies (:mod:`kwslib.field.recordings`).

Flite's voices ``awb``, ``rms`` and ``slt`` were learnt from three people's recordings (the CMU
ARCTIC databases), ``kal16`` joins recorded pieces of a fourth. Source: A. Black and K. Lenzo,
"Flite: a small fast run-time synthesis engine", 4th ISCA Workshop on Speech Synthesis (2001).
"""

import itertools
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from kwslib import interrupt
from kwslib.config import SAMPLE_RATE
from kwslib.data.homophones import homophones_of
from kwslib.data.loudness import LOUD_SAMPLES, as_int16, from_db, loudest
from kwslib.data.synthetic_noise import synthetic_noise
from kwslib.data.task import UNKNOWN, sha1_hex
from kwslib.errors import InputError, mistakes_in_a_line
from kwslib.field.recordings import BEFORE_MS, FACTS, Facts
from kwslib.field.sounds import SOUNDS, pink
from kwslib.field.trials import NONE, WINDOW_MS
from kwslib.files import full_disk_told, write_json
from kwslib.folders import OURS, lock_folder, part_folder

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
    return _by_flite(["-t", text], voice, stretch, pitch, tract)


def hold(
    phone: str, voice: str, stretch: float = 1.0, pitch: float = 1.0, tract: float = 1.0
) -> NDArray[np.float64]:
    """Say a single phone, such as ``"s"`` or ``"sh"``, otherwise as :func:`say`."""
    return _by_flite(["-p", f"pau {phone} {phone} pau"], voice, stretch, pitch, tract)


def _by_flite(
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


_Sound = NDArray[np.float64]

OTHER_WORDS = (
    "yellow",
    "yet",
    "guess",
    "nose",
    "now",
    "not",
    "lift",
    "laugh",
    "let",
    "house",
    "water",
    "happy",
    "window",
    "seven",
    "dog",
    "music",
    "coffee",
    "garden",
    "paper",
    "monday",
)
"""None is a keyword; the first nine sound much like one."""

_STRETCHES = (0.8, 1.0, 1.25)
_PERSONS = ((0.92, 0.95), (1.12, 1.05))
"""Pitch and vocal tract: each voice as a larger and a smaller person."""

SNR_DB = (None, 20, 10, 5)
_NOISES = ("white_noise", "pink_noise", "brown_noise", "mains_hum", "babble", "clatter")

_LEVELS_DB = (-24.0, -19.0, -16.0)
"""Loudest 300 ms of a word, root mean square below full scale: quartiles of the official test
clips of Speech Commands (-24.2, -18.8, -15.7)."""
_ROOM_DB = -67.0
"""The quiet room: the median of the quietest tenth of those clips (-66.7)."""

_SOUND_SECONDS = (0.2, 0.5, 1.2)
_SOUND_LEVELS_DB = (-32.0, -19.0)
_PHONES = {"s": "spoken s", "sh": "spoken sh", "f": "spoken f", "th": "spoken th", "z": "spoken z"}


@dataclass(frozen=True)
class Piece:
    """A recording to be made.

    Attributes:
        name: ``folder/file``.
        sound: the word or sound alone.
        level_db: of its loudest 300 ms, root mean square relative to full scale.
        speaker: the voice, empty for a sound.
        noise: one of the synthetic noises; empty for a quiet room.
        snr_db: by how much the loudest 300 ms are above that noise.
    """

    name: str
    sound: _Sound
    level_db: float
    speaker: str = ""
    noise: str = ""
    snr_db: float | None = None

    def recorded(self) -> tuple[NDArray[np.int16], Facts]:
        """Samples at 16 kHz, sound before and after the word included, and what is known."""
        draw = np.random.default_rng(int(sha1_hex(self.name), 16))
        before, after = (ms * SAMPLE_RATE // 1000 for ms in (BEFORE_MS, WINDOW_MS))
        length = before + len(self.sound) + after
        mixture = _leveled(pink(length / SAMPLE_RATE, draw), _ROOM_DB, length)
        mixture[before : before + len(self.sound)] += _leveled(self.sound, self.level_db)
        if self.noise and self.snr_db is not None:
            recording = synthetic_noise()[self.noise]
            start = int(draw.integers(len(recording) - length))
            crop = recording[start : start + length].astype(np.float64)
            mixture += _leveled(crop, self.level_db - self.snr_db, length)
        samples = as_int16(mixture)
        end = BEFORE_MS + round(1000 * len(self.sound) / SAMPLE_RATE)
        return samples, Facts(BEFORE_MS, end, self.speaker, self.noise or "none", self.snr_db)


def _leveled(sound: _Sound, level_db: float, span: int = LOUD_SAMPLES) -> _Sound:
    """``sound`` scaled so that the loudest ``span`` samples (300 ms) have the level."""
    return sound * (from_db(level_db) / loudest(sound, span)[1])


def pieces(words: Sequence[str]) -> Iterator[Piece]:
    """Everything the folder holds: ``words``, other words, sounds."""
    for word in words:
        yield from _keyword(word)
    alike = homophones_of(words, OTHER_WORDS)
    yield from _other_words([word for word in OTHER_WORDS if word not in (*words, *alike)])
    yield from _sounds()
    yield from _spoken_phones()


def _keyword(word: str) -> Iterator[Piece]:
    """Each way to say a word, quiet and at every signal-to-noise ratio.

    Levels and noises change from one way to the next so that each meets all voices, rates and
    ratios.
    """
    manners = itertools.product(enumerate(VOICES), enumerate(_STRETCHES), enumerate(_PERSONS))
    for (v, voice), (s, stretch), (p, (pitch, tract)) in manners:
        said = say(word, voice, stretch, pitch, tract)
        manner = f"{voice}-rate{1 / stretch:.2f}-pitch{pitch:.2f}"
        for step, snr_db in enumerate(SNR_DB):
            noise = _NOISES[(v + 2 * s + p + step) % len(_NOISES)]
            level = _LEVELS_DB[(v + s) % len(_LEVELS_DB)]
            yield _spoken(f"{word}/{manner}", said, level, voice, noise, snr_db)


def _other_words(words: Sequence[str]) -> Iterator[Piece]:
    """Each other word once by every voice, each time at another signal-to-noise ratio."""
    for (w, word), (v, voice) in itertools.product(enumerate(words), enumerate(VOICES)):
        level = _LEVELS_DB[(v + w) % len(_LEVELS_DB)]
        noise = _NOISES[(v + w // 2) % len(_NOISES)]
        snr_db = SNR_DB[(v + w) % len(SNR_DB)]
        yield _spoken(f"{UNKNOWN}/{word}-{voice}", say(word, voice), level, voice, noise, snr_db)


def _spoken(
    start: str, said: _Sound, level: float, voice: str, noise: str, snr_db: int | None
) -> Piece:
    """A spoken word whose name begins with ``start``; without a ratio there is no noise."""
    if snr_db is None:
        return Piece(f"{start}-quiet.wav", said, level, voice)
    return Piece(f"{start}-{noise}-{snr_db}dB.wav", said, level, voice, noise, snr_db)


def _sounds() -> Iterator[Piece]:
    """Each kind of sound at every length and level."""
    for kind, make in SOUNDS.items():
        for seconds, level in itertools.product(_SOUND_SECONDS, _SOUND_LEVELS_DB):
            name = f"{NONE}/{kind}-{seconds:g}s{level:g}dB.wav"
            draw = np.random.default_rng(int(sha1_hex(f"sound {name}"), 16))
            yield Piece(name, make(seconds, draw), level)


def _spoken_phones() -> Iterator[Piece]:
    """Fricatives as Flite says them, by every voice."""
    for phone, kind in _PHONES.items():
        for voice, stretch in itertools.product(VOICES, (1.0, 2.0)):
            name = f"{NONE}/{kind}-{voice}-rate{1 / stretch:.2f}.wav"
            yield Piece(name, hold(phone, voice, stretch), _LEVELS_DB[1], voice)


def make_folder(folder: Path, words: Sequence[str]) -> Mapping[str, Facts]:
    """Write the recordings and what is known of them into ``folder``.

    Returns:
        The facts of each recording by its name.

    Raises:
        InputError: a word is none, the folder exists and is not empty or cannot be written to, or
            Flite is missing.
    """
    for word in words:
        if not word.isalpha():
            raise InputError(f"word {word!r}: must consist of letters alone")
    with lock_folder(folder):
        if any(not path.name.startswith(OURS) for path in folder.iterdir()):
            raise InputError(f"{folder}: is not an empty folder; name another with --out")
        with part_folder(folder) as part:
            facts = _write(part, words)
            for path in sorted(part.iterdir()):
                path.rename(folder / path.name)
    return facts


def _write(folder: Path, words: Sequence[str]) -> dict[str, Facts]:
    facts: dict[str, Facts] = {}
    for piece in pieces(words):
        samples, facts[piece.name] = piece.recorded()
        path = folder / piece.name
        with full_disk_told(path, folder):
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, samples, SAMPLE_RATE, subtype="PCM_16")
    write_json(folder / FACTS, {name: asdict(each) for name, each in facts.items()})
    return facts


@click.command()
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--words", default="yes,no,left", show_default=True, help="Comma-separated.")
def main(out: Path, words: str) -> None:
    """Make the folder of recordings for a field test."""
    with mistakes_in_a_line():
        facts = make_folder(out, [word.strip() for word in words.split(",")])
        click.echo(f"{out}: {len(facts)} recordings", err=True)


if __name__ == "__main__":
    main()
