"""Ears: the computer's microphone with a network behind it, or a board with its own."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kwslib.config import SAMPLE_RATE
from kwslib.field.listener import Listener, ListeningBoard
from kwslib.field.recordings import BEFORE_MS, word_span
from kwslib.field.session import Sound
from kwslib.field.trials import Span

SPEAK_MS = 3500
"""How long is listened after the cue: a moment to begin, the word, the window after it."""

_MS = SAMPLE_RATE // 1000
_CLIPPED_SHARE = 0.001
_SILENT = 33.0  # root mean square in int16 steps: 60 dB below full scale
_FRAME = 20 * _MS


class OpenMicrophone(Protocol):
    """A microphone that records.

    Attributes:
        gaps: how often sound was lost.
    """

    gaps: int

    def read(self, count: int) -> NDArray[np.int16]:
        """The next ``count`` samples at 16 kHz, without a gap to those before."""


Microphone = Callable[[], AbstractContextManager[OpenMicrophone]]
"""Opens the microphone for one trial."""


class ComputerEar:
    """Records through a microphone, then has a network listen to the recording.

    So an emulated board, which is slower than sound, hears every sample too.
    """

    def __init__(self, microphone: Microphone, listener: Listener) -> None:
        self.labels = listener.labels
        self._microphone = microphone
        self._listener = listener

    def hear(self, cue: Callable[[], None]) -> Sound:
        """Record :data:`BEFORE_MS` of quiet, give the cue, record :data:`SPEAK_MS` more."""
        with self._microphone() as microphone:
            before = microphone.read(BEFORE_MS * _MS)
            cue()
            spoken = microphone.read(SPEAK_MS * _MS)
        self._listener.start()
        try:
            detections = self._listener.hear(np.concatenate([before, spoken]))
        finally:
            self._listener.stop()
        notes = faults(spoken)
        if microphone.gaps:
            notes = (*notes, f"sound was lost {microphone.gaps} times: the computer is too busy")
        end = None if notes else BEFORE_MS + word_span(spoken)[1]
        return Sound(detections, Span(BEFORE_MS, end, BEFORE_MS + SPEAK_MS), notes)


def faults(samples: NDArray[np.int16]) -> tuple[str, ...]:
    """What is wrong with a recording: too loud for the microphone, or nothing in it."""
    clipped = int(np.count_nonzero((samples == 32767) | (samples == -32768)))
    if clipped > _CLIPPED_SHARE * len(samples):
        return (f"{clipped:,} samples at full scale: overloaded, go further from the microphone",)
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float64)
    if np.sqrt(np.mean(frames**2, axis=1)).max() < _SILENT:
        return ("no sound: is the microphone connected, and not muted?",)
    return ()


class BoardEar:
    """A board that hears by itself; where a word ends is not known."""

    def __init__(self, board: ListeningBoard) -> None:
        self.labels = board.labels
        self._board = board

    def hear(self, cue: Callable[[], None]) -> Sound:
        """Let the board listen as long as the computer would."""
        self._board.start()
        try:
            detections = self._board.listen(BEFORE_MS / 1000)
            cue()
            detections = [*detections, *self._board.listen(SPEAK_MS / 1000)]
        finally:
            self._board.stop()
        return Sound(detections, Span(BEFORE_MS, None, BEFORE_MS + SPEAK_MS))
