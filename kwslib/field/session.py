"""A live test: which word comes next, and what the answers of the person do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from kwslib.evaluation.smoothing import Detection
from kwslib.field.book import Book
from kwslib.field.trials import Span, Trial, judge

GO, AGAIN, QUIT = ("", "go"), ("a", "again"), ("q", "quit")
"""Answers to a prompt: the next word, the last one again, no more."""


@dataclass(frozen=True)
class Prompt:
    """The word to say next.

    Attributes:
        word: what to say.
        number: how often it will have been said then, from 1.
        left: trials that are still to be made, this one included.
    """

    word: str
    number: int
    left: int

    @property
    def name(self) -> str:
        """The trial's name."""
        return f"{self.word}/{self.number}"


@dataclass(frozen=True)
class Sound:
    """What was heard at a prompt.

    Attributes:
        detections: with times since the stream's start.
        span: where the word lies.
        notes: what may be wrong with the sound.
    """

    detections: Sequence[Detection]
    span: Span
    notes: tuple[str, ...] = ()


class Ear(Protocol):
    """A microphone and a network behind it."""

    labels: tuple[str, ...]

    def hear(self, cue: Callable[[], None]) -> Sound:
        """Listen; ``cue`` is called when the word is to be said."""


class Session:
    """The trials of a live test, words in turn, and those already made left out."""

    def __init__(self, words: Sequence[str], count: int, book: Book) -> None:
        """Plan ``count`` trials of each of ``words``, kept in ``book``."""
        done = {trial.recording for trial in book.trials}
        plan = [(word, number) for number in range(1, count + 1) for word in words]
        self._plan = [each for each in plan if f"{each[0]}/{each[1]}" not in done]
        self._next = 0
        self._repeats = 0
        self._book = book

    @property
    def prompt(self) -> Prompt | None:
        """What to say next; None when all is said."""
        if self._next == len(self._plan):
            return None
        return Prompt(*self._plan[self._next], len(self._plan) - self._next)

    def take(self, sound: Sound, labels: Sequence[str]) -> Trial:
        """Keep what was heard at the prompt and go on to the next.

        Raises:
            ValueError: all is said.
        """
        prompt = self.prompt
        if prompt is None:
            raise ValueError("there is no prompt to answer")
        trial = judge(
            prompt.word,
            prompt.name,
            sound.detections,
            labels,
            sound.span,
            notes=sound.notes,
            repeats=self._repeats,
        )
        self._book.add(trial)
        self._next += 1
        self._repeats = 0
        return trial

    def again(self) -> bool:
        """Take the last trial back, to be made again; False if this sitting has made none."""
        trial = self._book.take_back()
        if trial is None:
            return False
        self._next -= 1
        self._repeats = trial.repeats + 1
        return True


def conduct(
    session: Session, ear: Ear, ask: Callable[[str], str], tell: Callable[[str], None]
) -> None:
    """Prompt for the words of a session until all are said or the person wants no more.

    Args:
        session: what to ask for.
        ear: what listens.
        ask: shows a question and returns the answer.
        tell: shows a line.
    """
    while True:
        prompt = session.prompt
        answer = ask(_question(prompt)).strip().lower()
        if answer in QUIT or (answer in GO and prompt is None):
            return
        if answer in AGAIN:
            if not session.again():
                tell("no trial has been made in this sitting that could be repeated")
        elif answer in GO and prompt is not None:
            tell("quiet ...")
            sound = ear.hear(lambda word=prompt.word: tell(f"say: {word}"))  # type: ignore[misc]
            tell(_outcome(session.take(sound, ear.labels)))
        else:
            tell(f"{answer!r} is no answer; press Enter, or type again or quit")


def _question(prompt: Prompt | None) -> str:
    if prompt is None:
        return "All is said. Enter to end, 'again' to repeat the last"
    return (
        f"Next is '{prompt.word}', {prompt.left} to go. Enter, wait for the cue, then speak; "
        "'again' repeats the last, 'quit' ends"
    )


def _outcome(trial: Trial) -> str:
    heard = f"heard {trial.detected}" if trial.detected else "heard nothing"
    delay = "" if trial.delay_ms is None else f" {trial.delay_ms} ms after the word"
    return "; ".join([heard + delay, *trial.notes])
