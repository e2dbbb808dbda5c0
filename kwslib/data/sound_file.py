"""The one reader of sound: any format that libsndfile knows, as mono samples at 16 kHz.

Whatever the file's rate, number of channels and way to write a sample, the samples come as float32
of full scale 1. No length is believed: a file is read until nothing more comes, and what its header
promised is told beside what came.
"""

import io
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from typing_extensions import override

from kwslib.config import SAMPLE_RATE
from kwslib.data.loudness import as_int16
from kwslib.data.mp3_frames import mp3_layout
from kwslib.data.sound_layout import Layout, PiecedFile, header_layout, ogg_layout
from kwslib.errors import InputError
from kwslib.files import check_file

LONGEST_SECONDS = 600
"""A longer file is no clip: finding its loudest second would take long and surprise."""

SUFFIXES = frozenset(
    f".{name.lower()}"
    for name in (*soundfile.available_formats(), "aif", "aifc", "oga", "opus", "snd", "wave")
    if name not in ("MAT4", "MAT5", "RAW", "SD2")
)
"""What the names of sound files end in, in lower case."""

_BLOCK_VALUES = 2**13  # of a damaged file, the block with the damage is lost
_UNKNOWN_FRAMES = 2**60
_SHORT_S = 0.1
"""Sound that may be missing from what a header promises without a word: some formats round."""

_LARGEST_OVER = 16.0
"""Floats beyond full scale by more than 24 dB are no overshoot."""

_MOST_OVER = 0.1
"""Share of the sounding samples that processing may have brought beyond full scale."""

_INTEGER_SCALES = (2.0**15, 2.0**23, 2.0**31)


class DamagedSoundError(InputError):
    """A file that cannot be read to its end."""


class SoundFile:
    """An open sound file.

    Attributes:
        name: what messages call it.
        rate: of the file, in Hz.
        channels: of the file.
        promised: frames by the file's header; None where it does not say.
        frames: that came so far, at the file's rate.
        clipped: samples beyond full scale among those that :meth:`blocks` gave so far.
        last_frame: where to stop; None to read all.
        goes_on: whether more sound follows that could not be joined to this; a note says so.
        notes: one line for each thing that had to be changed.
    """

    def __init__(self, streams: Iterator[soundfile.SoundFile], name: str, layout: Layout) -> None:
        self._streams, self._file, self.name = streams, next(streams), name
        self.rate, self.channels = int(self._file.samplerate), int(self._file.channels)
        promised = layout.promised
        if promised is None and self._file.frames < _UNKNOWN_FRAMES:
            promised = int(self._file.frames)
        self.promised = promised or None
        self.frames = self.clipped = 0
        self.last_frame: int | None = None
        self.goes_on = False
        self._full_scale = 1.0
        self.notes = list(layout.notes)
        if self.rate != SAMPLE_RATE:
            self.notes.append(f"resampled from {self.rate:,} Hz to {SAMPLE_RATE:,} Hz")
        if self.channels > 1:
            self.notes.append(f"{self.channels} channels averaged")

    @property
    def is_float(self) -> bool:
        """Whether the file holds floats, whose full scale is not sure."""
        return self._file.subtype in ("FLOAT", "DOUBLE")

    @property
    def seconds(self) -> float:
        """Of sound that came so far."""
        return self.frames / self.rate

    @property
    def samples(self) -> int:
        """At 16 kHz that :meth:`blocks` makes of the frames that came so far."""
        return (2 * self.frames * SAMPLE_RATE + self.rate) // (2 * self.rate)

    @property
    def clipping(self) -> str:
        """How many samples lie beyond full scale; empty where none does."""
        return f"{self.clipped:,} samples beyond full scale clipped" if self.clipped else ""

    @property
    def cut_short(self) -> str:
        """By how much less came than the header promised; empty where all came."""
        promised = self.promised or 0
        if promised - self.frames <= _SHORT_S * self.rate:
            return ""
        return (
            f"ends after {self.seconds:.2f} s of the {promised / self.rate:.2f} s that its "
            "header promises"
        )

    def scale(self, full_scale: float) -> None:
        """Divide all samples by ``full_scale``, and note it."""
        if full_scale != 1:
            self._full_scale = full_scale
            bits = round(np.log2(full_scale)) + 1
            self.notes.append(f"floats in the units of {bits}-bit integers, scaled")

    def frame_blocks(self) -> Iterator[NDArray[np.float32]]:
        """The samples as they stand in the file, ``[frames, channels]`` at a time.

        Raises:
            DamagedSoundError: the file cannot be read on; what came before is good.
            InputError: a sample is no finite number.
        """
        size = max(1, _BLOCK_VALUES // self.channels)
        while self.frames != self.last_frame and len(block := self._read(size)):
            finite = np.isfinite(block).all(axis=1)
            if not finite.all():
                at = self.frames + int(np.argmin(finite))
                raise InputError(
                    f"{self.name}: sample {at:,} (at {at / self.rate:.3f} s) is no finite number; "
                    "cut it out or record it again"
                )
            self.frames += len(block)
            yield block

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """The samples at 16 kHz with channels averaged, as many at a time as come.

        Raises:
            InputError: as :meth:`frame_blocks`.
        """
        for block in self._resampled():
            self.clipped += int(np.count_nonzero(np.abs(block) > 1))
            yield block

    def _resampled(self) -> Iterator[NDArray[np.float32]]:
        mono = (
            (block.mean(axis=1, dtype=np.float64) / self._full_scale).astype(np.float32)
            for block in self.frame_blocks()
        )
        if self.rate == SAMPLE_RATE:
            yield from mono
            return
        stream = soxr.ResampleStream(self.rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")
        for block in mono:
            yield stream.resample_chunk(block)
        yield stream.resample_chunk(np.empty(0, np.float32), last=True)

    def read_all(self) -> NDArray[np.int16]:
        """All samples at 16 kHz, int16 ``[samples]``; what lies beyond full scale is clipped.

        Raises:
            InputError: as :meth:`frame_blocks`, or there is none, or more than
                :data:`LONGEST_SECONDS`.
        """
        parts = [np.empty(0, np.float32)]
        for block in self.blocks():
            parts.append(block)
            if self.seconds > LONGEST_SECONDS:
                raise InputError(
                    f"{self.name}: is longer than {LONGEST_SECONDS // 60} minutes; cut out the "
                    "part with the word"
                )
        samples = np.concatenate(parts)
        if not len(samples):
            raise InputError(f"{self.name}: holds no sound; record it again")
        self.notes += filter(None, (self.clipping, self.cut_short))
        return as_int16(samples)

    def _read(self, size: int) -> NDArray[np.float32]:
        """As many frames as come, ``size`` at most; none at the end of the last stream."""
        try:
            block = self._file.read(size, dtype="float32", always_2d=True)
            while not len(block) and self._begin_next_stream():
                block = self._file.read(size, dtype="float32", always_2d=True)
            return block
        except soundfile.SoundFileError as error:
            raise DamagedSoundError(
                f"{self.name}: is damaged after {self.seconds:.2f} s ({error}); "
                "copy or record it again"
            ) from error

    def _begin_next_stream(self) -> bool:
        """Go on to the next stream; whether there is one of the same rate and channels."""
        following = next(self._streams, None)
        if following is None:
            return False
        if (following.samplerate, following.channels) != (self.rate, self.channels):
            self.goes_on = True
            self.notes.append(
                f"read to {self.seconds:.2f} s only, where its rate or number of channels changes"
            )
            return False
        self._file = following
        return True


@contextmanager
def open_sound(source: Path | bytes, name: str = "") -> Iterator[SoundFile]:
    """A sound file, to be read once from its beginning to its end.

    Args:
        source: its path, or its bytes.
        name: what messages call it; its path if empty.

    Raises:
        InputError: the file is missing, empty, unreadable or no sound.
    """
    name = name or str(source)
    if isinstance(source, Path):
        check_file(source, "name a sound file such as word.wav")
    with _opened(source, name) as sound:
        if sound.is_float:
            with _opened(source, name) as first:
                sound.scale(_full_scale(first))
        yield sound


class _Sequential(soundfile.SoundFile):
    """Is never sought in: that fails behind the last sample of a FLAC file of unknown length."""

    @override
    def seekable(self) -> bool:
        return False


@contextmanager
def _opened(source: Path | bytes, name: str) -> Iterator[SoundFile]:
    try:
        with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as raw:
            layout = _layout(raw, name)
            with closing(_streams(raw, layout)) as streams:
                yield SoundFile(streams, name, layout)
    except (soundfile.SoundFileError, OSError) as error:
        reason = getattr(error, "error_string", error)
        raise InputError(
            f"{name}: is no readable sound file ({reason}); use WAV, FLAC, Ogg or MP3"
        ) from error


def _layout(raw: BinaryIO, name: str) -> Layout:
    length = raw.seek(0, io.SEEK_END)
    if not length:
        raise InputError(f"{name}: is empty; record it again")
    for layout in (header_layout, ogg_layout, mp3_layout):
        if known := layout(raw, length):
            return known
    return Layout([[range(length)]])


def _streams(raw: BinaryIO, layout: Layout) -> Generator[soundfile.SoundFile]:
    """The streams of a file one after the other, each open until the next is asked for."""
    for pieces in layout.streams:
        # not by its path: libsndfile takes any bytes for sound if the name ends in .au or .snd
        with _Sequential(PiecedFile(raw, pieces)) as stream:
            yield stream


def _full_scale(sound: SoundFile) -> float:
    """What stands for 1 in a file of floats: 1, or the full scale of the integers that it holds.

    Some programs write 16-bit samples as floats without dividing them. Such samples are whole
    numbers, or, once processed, mostly far beyond 1; some may then be beyond their full scale.
    """
    scales = np.array([1.0, *_INTEGER_SCALES])
    peak, sounding, whole = 0.0, 0, True
    beyond = np.zeros(len(scales), np.int64)
    for block in sound.frame_blocks():
        levels = np.abs(block)
        peak = max(peak, float(levels.max()))
        sounding += int(np.count_nonzero(levels))
        beyond += [np.count_nonzero(levels > scale) for scale in scales]
        whole = whole and bool((levels == np.rint(levels)).all())
    if peak <= 1 or not (whole or (peak > _LARGEST_OVER and 2 * beyond[0] > sounding)):
        return 1.0
    fits = (peak <= _LARGEST_OVER * scales) & (beyond <= _MOST_OVER * sounding)
    return float(next(iter(scales[1:][fits[1:]]), 1.0))
