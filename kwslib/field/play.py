"""Recordings played to a network, one continuous stream each."""

from collections.abc import Callable, Collection, Iterable

import numpy as np
from numpy.typing import NDArray

from kwslib.board.client import Board, Streaming
from kwslib.config import CLIP_SAMPLES, SAMPLE_RATE
from kwslib.field.recordings import Recording
from kwslib.field.trials import Span, Trial, judge


def play(
    recordings: Iterable[Recording],
    board: Board,
    streaming: Streaming,
    keep: Callable[[Trial], None],
    tell: Callable[[str], None],
    done: Collection[str] = (),
) -> None:
    """Make a trial of every recording.

    The second around the word is scored alone too, so that it can be told how much of what goes
    wrong is due to other voices and noises, and how much to listening all the time.

    Args:
        recordings: what is played.
        board: what hears it.
        streaming: how it listens.
        keep: takes each trial as soon as it is finished.
        tell: takes notes on recordings that had to be changed.
        done: names of recordings to leave out.

    Raises:
        InputError: a recording cannot be read.
    """
    for recording in recordings:
        if recording.name in done:
            continue
        stream, span, notes = recording.stream()
        for note in notes:
            tell(note)
        with board.listening(streaming):
            detections = board.hear(stream)
        board.features(second_around(stream, span))
        facts = recording.facts
        trial = judge(
            recording.said,
            recording.name,
            detections,
            board.labels,
            span,
            clip=board.labels[int(board.infer().argmax())],
            kind=recording.kind,
            speaker=facts.speaker,
            noise=facts.noise,
            snr_db=facts.snr_db,
        )
        keep(trial)


def second_around(stream: NDArray[np.int16], span: Span) -> NDArray[np.int16]:
    """The second with the middle of a word in its middle, int16 ``[16000]``."""
    end = span.length if span.end is None else span.end
    middle = (span.start + end) * SAMPLE_RATE // 2000
    start = min(max(middle - CLIP_SAMPLES // 2, 0), len(stream) - CLIP_SAMPLES)
    return stream[start : start + CLIP_SAMPLES]
