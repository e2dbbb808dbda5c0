"""Words said by a person: which comes next, how they are heard, and what the answers do.

The computer's microphone is read through sounddevice (PortAudio), which is installed on demand.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from kwslib.board.client import Board, Streaming
from kwslib.config import SAMPLE_RATE
from kwslib.errors import InputError
from kwslib.evaluation.smoothing import Detection
from kwslib.field.recordings import BEFORE_MS, frame_levels, word_span
from kwslib.field.trials import Book, Span, Trial, judge

_BLOCK_SECONDS = 0.02


class ComputerMicrophone:
    """Samples at 16 kHz from an open stream of any rate.

    Attributes:
        gaps: how often sound was lost because nobody read it in time.
    """

    def __init__(self, stream: Any, rate: int) -> None:
        self.gaps = 0
        self._stream = stream
        self._block = round(rate * _BLOCK_SECONDS)
        self._resampler = (
            None
            if rate == SAMPLE_RATE
            else soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="int16", quality="HQ")
        )
        self._waiting = np.empty(0, np.int16)

    def read(self, count: int) -> NDArray[np.int16]:
        """The next ``count`` samples; waits for them."""
        parts, there = [self._waiting], len(self._waiting)
        while there < count:
            block, overflowed = self._stream.read(self._block)
            self.gaps += bool(overflowed)
            samples = np.ascontiguousarray(block[:, 0], np.int16)
            if self._resampler is not None:
                samples = self._resampler.resample_chunk(samples)
            parts.append(samples)
            there += len(samples)
        joined = np.concatenate(parts)
        self._waiting = joined[count:]
        return joined[:count]


@contextmanager
def computer_microphone() -> Iterator[ComputerMicrophone]:
    """The default microphone, recording from now on.

    At 16 kHz if it can, else at its own rate, resampled.

    Raises:
        InputError: sounddevice or PortAudio is missing, or there is no microphone.
    """
    sounddevice = _sounddevice()
    stream, rate = _open(sounddevice)
    with stream:
        yield ComputerMicrophone(stream, rate)


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError:
        raise InputError(
            "the computer's microphone needs sounddevice: pip install sounddevice"
        ) from None
    except OSError as error:
        raise InputError(
            f"sounddevice cannot record ({error}); install PortAudio, "
            "on Debian and Ubuntu: apt-get install libportaudio2"
        ) from None
    return sounddevice


def _open(sounddevice: Any) -> tuple[Any, int]:
    settings = {"channels": 1, "dtype": "int16"}
    try:
        own = round(sounddevice.query_devices(kind="input")["default_samplerate"])
        try:
            return sounddevice.InputStream(samplerate=SAMPLE_RATE, **settings), SAMPLE_RATE
        except sounddevice.PortAudioError:
            return sounddevice.InputStream(samplerate=own, **settings), own
    except (sounddevice.PortAudioError, ValueError) as error:
        raise InputError(
            f"no microphone can be opened ({error}); connect one, or give --recordings DIR"
        ) from None


SPEAK_MS = 3500
"""How long is listened after the cue: a moment to begin, the word, the window after it."""

GO, AGAIN, QUIT = ("", "go"), ("a", "again"), ("q", "quit")
"""Answers to a prompt: the next word, the last one again, no more."""

_MS = SAMPLE_RATE // 1000
_CLIPPED_SHARE = 0.001
_SILENT_DB = 30.37  # over one int16 step: 60 dB below full scale

Sound = tuple[list[Detection], Span, tuple[str, ...]]
"""What was heard at a prompt: detections with times since the stream's start, where the word lies,
and what may be wrong with the sound."""

Ear = Callable[[Callable[[], None]], Sound]
"""Listens, and calls what it is given when the word is to be said."""


def computer_ear(
    board: Board,
    streaming: Streaming,
    microphone: Callable[[], AbstractContextManager[ComputerMicrophone]],
    cue: Callable[[], None],
) -> Sound:
    """Record :data:`BEFORE_MS` of quiet, give the cue, record :data:`SPEAK_MS` more, and have a
    board listen to the recording.

    So an emulated board, which is slower than sound, hears every sample too.

    Args:
        board: what listens.
        streaming: how it listens.
        microphone: opens the microphone.
        cue: asks for the word.
    """
    with microphone() as recorder:
        before = recorder.read(BEFORE_MS * _MS)
        cue()
        spoken = recorder.read(SPEAK_MS * _MS)
    with board.listening(streaming):
        detections = board.hear(np.concatenate([before, spoken]))
    notes = faults(spoken)
    if recorder.gaps:
        notes = (*notes, f"sound was lost {recorder.gaps} times: the computer is too busy")
    end = None if notes else BEFORE_MS + word_span(spoken)[1]
    return detections, Span(BEFORE_MS, end, BEFORE_MS + SPEAK_MS), notes


def board_ear(board: Board, streaming: Streaming, cue: Callable[[], None]) -> Sound:
    """Let a board listen with its own microphone as long as the computer would.

    Where the word ends is not known.

    Raises:
        BoardError: it has none.
    """
    with board.listening(streaming, microphone=True):
        detections = board.overhear(BEFORE_MS / 1000)
        cue()
        detections = [*detections, *board.overhear(SPEAK_MS / 1000)]
    return detections, Span(BEFORE_MS, None, BEFORE_MS + SPEAK_MS), ()


def faults(samples: NDArray[np.int16]) -> tuple[str, ...]:
    """What is wrong with a recording: too loud for the microphone, or nothing in it."""
    clipped = int(np.count_nonzero((samples == 32767) | (samples == -32768)))
    if clipped > _CLIPPED_SHARE * len(samples):
        return (f"{clipped:,} samples at full scale: overloaded, go further from the microphone",)
    if frame_levels(samples).max() < _SILENT_DB:
        return ("no sound: is the microphone connected, and not muted?",)
    return ()


def conduct(
    words: Sequence[str],
    count: int,
    book: Book,
    labels: Sequence[str],
    ear: Ear,
    ask: Callable[[str], str],
    tell: Callable[[str], None],
) -> None:
    """Prompt for words in turn until all are said or the person wants no more.

    Args:
        words: what to say.
        count: trials of each word; those that the book has already are left out.
        book: keeps the trials.
        labels: names of the network's outputs.
        ear: what listens.
        ask: shows a question and returns the answer.
        tell: shows a line.
    """
    done = {trial.recording for trial in book.trials}
    turns = [(word, f"{word}/{number}") for number in range(1, count + 1) for word in words]
    turns = [(word, name) for word, name in turns if name not in done]
    place = repeats = 0
    while True:
        left = turns[place:]
        answer = ask(_question(left)).strip().lower()
        if answer in QUIT or (answer in GO and not left):
            return
        if answer in GO:
            word, name = left[0]
            tell("quiet ...")
            detections, span, notes = ear(partial(tell, f"say: {word}"))
            trial = judge(word, name, detections, labels, span, notes=notes, repeats=repeats)
            book.add(trial)
            tell(_outcome(trial))
            place, repeats = place + 1, 0
        elif answer not in AGAIN:
            tell(f"{answer!r} is no answer; press Enter, or type again or quit")
        elif last := book.take_back():
            place, repeats = place - 1, last.repeats + 1
        else:
            tell("no trial has been made in this sitting that could be repeated")


def _question(left: Sequence[tuple[str, str]]) -> str:
    if not left:
        return "All is said. Enter to end, 'again' to repeat the last"
    return (
        f"Next is '{left[0][0]}', {len(left)} to go. Enter, wait for the cue, then speak; "
        "'again' repeats the last, 'quit' ends"
    )


def _outcome(trial: Trial) -> str:
    heard = f"heard {trial.detected}" if trial.detected else "heard nothing"
    delay = "" if trial.delay_ms is None else f" {trial.delay_ms} ms after the word"
    return "; ".join([heard + delay, *trial.notes])
