"""A whole field test: a board, what it hears, and the file that the trials go to."""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from kwslib.board.client import Board, Streaming
from kwslib.config import CLIP_SAMPLES, SAMPLE_RATE
from kwslib.data.task import spelled_as
from kwslib.errors import InputError
from kwslib.evaluation.smoothing import FIRST_KEYWORD
from kwslib.field.live import Ear, board_ear, computer_ear, computer_microphone, conduct
from kwslib.field.recordings import Recording, identity, read_folder
from kwslib.field.trials import Book, Span, Trial, judge, open_book, sitting
from kwslib.records import machine_name


@dataclass(frozen=True)
class FieldTest:
    """What is the same for every trial.

    Attributes:
        board: runs the network.
        network: what the network is called.
        target: where the board is.
        speaker: who speaks, empty where it is not told.
        out: file of the trials.
        streaming: how the board listens.
        keep_homophones: whether recordings of words that sound like a keyword are played.
    """

    board: Board
    network: str
    target: str
    speaker: str
    out: Path
    streaming: Streaming
    keep_homophones: bool = False

    @property
    def keywords(self) -> tuple[str, ...]:
        """What the network spots."""
        return self.board.labels[FIRST_KEYWORD:]

    def play(
        self, folder: Path, words: Sequence[str], most: int | None, tell: Callable[[str], None]
    ) -> Book:
        """Play recordings to the board; a bar on standard error shows how far it is.

        Args:
            folder: of recordings, with a subfolder for each word.
            words: subfolders to play; all if empty.
            most: recordings of each to play; all if None.
            tell: takes notes on recordings that had to be changed.

        Raises:
            InputError: there is nothing to play, or ``out`` holds another test's trials, or another
                process writes it.
        """
        kept = self.keep_homophones
        chosen = read_folder(folder, self.keywords, words, most, tell, kept)
        everything = identity(read_folder(folder, self.keywords, keep_homophones=kept))
        with self._book(name=folder.name, sha256=everything) as book:
            done = {trial.recording for trial in book.trials}
            bar = tqdm(chosen, "recordings", leave=False, disable=None)
            play_recordings(bar, self.board, self.streaming, book.add, tell, done)
        return book

    def converse(
        self,
        words: Sequence[str],
        count: int,
        microphone: Literal["computer", "board"],
        ask: Callable[[str], str],
        tell: Callable[[str], None],
    ) -> Book:
        """Prompt a person for words and listen.

        Args:
            words: keywords to ask for; all if empty.
            count: trials of each word.
            microphone: the computer's, or the board's own.
            ask: shows a question and returns the answer.
            tell: shows a line.

        Raises:
            InputError: a word is no keyword, there is no microphone, or ``out`` holds another
                test's trials.
        """
        words = [spelled_as(word, self.keywords) for word in words]
        for word in words:
            if word not in self.keywords:
                raise InputError(
                    f"--words {word}: is no keyword of the network; "
                    f"it spots {', '.join(self.keywords)}"
                )
        ear: Ear
        if microphone == "board":
            ear = partial(board_ear, self.board, self.streaming)
        else:
            with computer_microphone():
                pass  # what is missing is told before anybody speaks
            ear = partial(computer_ear, self.board, self.streaming, computer_microphone)
        with self._book(name="live speech", microphone=microphone) as book:
            conduct(words or self.keywords, count, book, self.board.labels, ear, ask, tell)
        return book

    def _book(self, **data: str) -> AbstractContextManager[Book]:
        if self.speaker:
            data["speaker"] = self.speaker
        machine = machine_name() if self.target == "host" else self.board.info.board
        record = sitting(
            self.network,
            self.board.info.sha256,
            self.board.labels,
            self.streaming,
            self.target,
            machine,
            data,
        )
        return open_book(self.out, record)


def play_recordings(
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
