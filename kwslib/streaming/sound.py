"""The sound of a stream, a minute at a time: built from clips and noise, or read from a file."""

import json
import math
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from kwslib.config import CLIP_SAMPLES, SAMPLE_RATE
from kwslib.data.loudness import (
    FULL_SCALE,
    as_int16,
    from_db,
    root_mean_square,
    speech_level_db,
)
from kwslib.data.recording import stream_blocks
from kwslib.data.sound_file import DamagedSoundError, SoundFile, open_sound
from kwslib.data.source import Source
from kwslib.data.synthetic_noise import Noises, noises_of
from kwslib.data.task import sha1_hex
from kwslib.errors import InputError, check_one_of
from kwslib.field.sounds import pink
from kwslib.files import sha256_of_file, sha256_of_text, write_beside
from kwslib.streaming.ground_truth import Said, is_heard, read_labels, span_of
from kwslib.streaming.plan import MINUTE, Minute, Part, Plan, Script, cast_of

ROOM_DB = -67.0
"""A quiet room, relative to full scale: the median of the quietest tenth of the official test clips
of Speech Commands (-66.7). No microphone hears digital silence."""

_FADE = SAMPLE_RATE // 50
"""20 ms at both ends of what is mixed in, so that no edge is heard."""

_LOOP_FADE = SAMPLE_RATE // 10


class Sound(Protocol):
    """A stream of sound at 16 kHz.

    Attributes:
        name: what it is called.
        samples: how many.
        said: what is said in it, by onset; None where that is unknown.
        homophones: words that it was built without since they sound like a keyword, with that.
    """

    name: str
    samples: int
    said: list[Said] | None
    homophones: Mapping[str, str] = {}

    def identity(self) -> str:
        """Hash of the content."""

    def minutes(self, first: int = 0) -> Iterator[NDArray[np.int16]]:
        """The minutes from ``first`` on, int16 ``[960000]`` each but for the last."""


class BuiltSound(Sound):
    """A stream made from the clips and noises of a source, as a plan says.

    A word is scaled so that its loudest 300 ms have the minute's level, and the noise so that all
    of its recording is lower than that by the ratio; the rest is a quiet room. What the clips
    themselves hold of noise comes with them.
    """

    def __init__(self, source: Source, plan: Plan) -> None:
        """Prepare to build.

        Raises:
            InputError: the source lacks a keyword, a noise, or its test clips as sound.
        """
        self.name = f"stream of {source.name}"
        self.source, self.plan = source, plan
        self.samples = plan.minutes * MINUTE
        self.script = Script(plan, cast_of(source, plan))
        self.homophones = self.script.cast.homophones
        every = noises_of(source)
        for name in plan.noises:
            check_one_of("noise", name, every)
        self._noises: Noises = {name: every[name] for name in plan.noises}
        self._loops = cache(lambda name: _loop(_half(self._noises[name], plan.part)))
        self._room = cache(_room)

    def identity(self) -> str:
        """Hash of plan and source."""
        return sha256_of_text(self.source.identity(), json.dumps(self.plan.as_json()))

    @cached_property
    def said(self) -> list[Said]:  # type: ignore[override]
        """What is said, and where: words by their energy within their clips."""
        found = []
        for minute in map(self.script.minute, range(self.plan.minutes)):
            clips = self.source.audio([placed.clip for placed in minute.clips])
            for placed, clip in zip(minute.clips, clips, strict=True):
                start, end = span_of(clip)
                at = 60_000 * minute.number + placed.start * 1000 // SAMPLE_RATE
                found.append(
                    Said(
                        placed.word, at + start, at + end, minute.snr_db, minute.noise, placed.clip
                    )
                )
        return found

    def minutes(self, first: int = 0) -> Iterator[NDArray[np.int16]]:
        """The minutes from ``first`` on."""
        for number in range(first, self.plan.minutes):
            yield self.minute(self.script.minute(number))

    def minute(self, minute: Minute) -> NDArray[np.int16]:
        """One minute, int16 ``[960000]``."""
        sound = self._cut(self._room(), f"room/{minute.number}")
        if minute.noise and minute.snr_db is not None:
            noise = self._cut(self._loops(minute.noise), f"noise/{minute.number}")
            sound += _faded(noise) * from_db(minute.speech_db - minute.snr_db)
        for placed, clip in zip(
            minute.clips, self.source.audio([each.clip for each in minute.clips]), strict=True
        ):
            level = speech_level_db(clip)
            if np.isfinite(level):
                word = _faded(clip / FULL_SCALE) * from_db(minute.speech_db - level)
                sound[placed.start : placed.start + CLIP_SAMPLES] += word
        return as_int16(sound)

    def _cut(self, loop: NDArray[np.float32], what: str) -> NDArray[np.float32]:
        """A minute of a loop, from a place that a hash decides."""
        start = int(sha1_hex(f"{self.plan.part}/{self.plan.seed}/{what}"), 16) % len(loop)
        return np.resize(np.roll(loop, -start), MINUTE)


def _half(recording: NDArray[np.int16], part: Part) -> NDArray[np.int16]:
    middle = len(recording) // 2
    return recording[:middle] if part == "tuning" else recording[middle:]


def _loop(recording: NDArray[np.int16]) -> NDArray[np.float32]:
    """A recording of root mean square 1 whose end fades into its beginning."""
    sound = recording / FULL_SCALE
    fade = min(_LOOP_FADE, len(sound) // 2)
    share = np.linspace(0, 1, fade)
    joined = np.sqrt(share) * sound[:fade] + np.sqrt(1 - share) * sound[-fade:]
    loop = np.concatenate([joined, sound[fade:-fade]])
    return (loop / (root_mean_square(loop) or 1.0)).astype(np.float32)


def _room() -> NDArray[np.float32]:
    """A minute of a quiet room: pink noise."""
    noise = pink(60, np.random.default_rng(list(b"room")))
    return (noise * (from_db(ROOM_DB) / root_mean_square(noise))).astype(np.float32)


def _faded(sound: NDArray[np.floating]) -> NDArray[np.float32]:
    ramp = np.linspace(0, 1, _FADE, dtype=np.float32)
    faded = sound.astype(np.float32)
    faded[:_FADE] *= ramp
    faded[-_FADE:] *= ramp[::-1]
    return faded


class RecordedSound(Sound):
    """A sound file of any length, rate and number of channels.

    Attributes:
        notes: what was changed, or is missing, one line each.
    """

    def __init__(self, path: Path, labels: Path | None = None) -> None:
        """Hear all of the file once, and read what is said in it.

        What is said after the end of a file that was cut short is left out.

        Raises:
            InputError: one of the files cannot be read, or the labels are of a longer recording.
        """
        self.name = path.name
        self.path = path
        with open_sound(path) as sound:
            damage = _hear(sound)
            self._frames, self.samples = sound.frames, sound.samples
            notes = [*sound.notes, sound.clipping, sound.cut_short or damage]
            self.notes = [f"{path.name}: {note}" for note in notes if note]
            promised_s = max((sound.promised or 0) / sound.rate, sound.seconds)
        longest_s = math.inf if damage or sound.goes_on else promised_s
        self.said = self._said(labels, longest_s) if labels else None

    def _said(self, labels: Path, longest_s: float) -> list[Said]:
        """What the labels tell that begins in what was heard; what was not heard whole is noted."""
        said = read_labels(labels)
        other = next((each for each in said if each.start_ms > 1000 * longest_s), None)
        if other:
            raise InputError(
                f"{labels}: tells of {_place(other)}, after the end of {self.path} at "
                f"{longest_s:.2f} s; are they of the same recording?"
            )
        unheard = [each for each in said if not is_heard(each, self.samples)]
        if unheard:
            self.notes.append(
                f"{labels.name}: {len(unheard)} of {len(said)} labels lie beyond the end of "
                f"{self.name} or across it, the first {_place(unheard[0])}; they do not count"
            )
        return [each for each in said if each.start_ms * SAMPLE_RATE < 1000 * self.samples]

    def identity(self) -> str:
        """Hash of the file."""
        return sha256_of_file(self.path)

    def minutes(self, first: int = 0) -> Iterator[NDArray[np.int16]]:
        """The minutes from ``first`` on."""
        with open_sound(self.path) as sound:
            sound.last_frame = self._frames  # behind it the file may be damaged
            for number, minute in enumerate(stream_blocks(sound, MINUTE)):
                if number >= first:
                    yield minute


def _hear(sound: SoundFile) -> str:
    """Read a file to its end, or to where it is damaged; the damage, or nothing."""
    try:
        for _ in sound.blocks():
            pass
    except DamagedSoundError:
        if not sound.samples:
            raise
        return f"only its first {sound.seconds:.2f} s can be read"
    if not sound.samples:
        raise InputError(f"{sound.name}: holds no sound; record it again")
    return ""


def _place(said: Said) -> str:
    return f"{said.word!r} at {said.start_ms / 1000:.2f} s"


def write_sound(path: Path, sound: Sound) -> None:
    """Write a stream to a sound file, WAV or FLAC by its name, a minute at a time.

    Raises:
        InputError: the name ends in neither, or the file cannot be written.
    """
    if path.suffix.lower() not in (".wav", ".flac"):
        raise InputError(f"{path}: must end in .wav or .flac")
    try:
        with (
            write_beside(path) as temporary,
            soundfile.SoundFile(temporary, "w", SAMPLE_RATE, 1, subtype="PCM_16") as file,
        ):
            for minute in sound.minutes():
                file.write(minute)
    except soundfile.SoundFileError as error:
        raise InputError(f"{path}: cannot be written ({error})") from error
