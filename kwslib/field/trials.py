"""A trial: what was said, what was detected, and how the two are compared."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any

from kwslib.data.task import UNKNOWN
from kwslib.evaluation.smoothing import Detection

NONE = "_none_"
"""Stands for the word where a sound is played at which nothing must be detected."""

WINDOW_MS = 1500
"""How long after the end of a word its detection still counts. A network hears a second, and its
scores are averaged, so a word is detected up to about a second after it was said."""


@dataclass(frozen=True)
class Heard:
    """A detection within a trial.

    Attributes:
        label: the word that was detected.
        time_ms: milliseconds after the end of the word that was said (negative: before), or
            after the cue to speak where the end is unknown.
        probability: the network's average over its last inferences.
    """

    label: str
    time_ms: int
    probability: float


@dataclass(frozen=True)
class Trial:
    """One word or sound, and what a network made of it.

    Attributes:
        said: the word, :data:`~kwslib.data.task.UNKNOWN` for another word than the keywords, or
            :data:`NONE` for a sound.
        recording: name of the recording; ``word/number`` for a live trial.
        seconds: how long the network listened.
        detected: the first detection within the window, None if there was none.
        delay_ms: from the end of the word to that detection; None where either is unknown.
        detections: all of the stream, those outside the window too.
        clip: the label with the highest score of the second around the word alone, as a test
            clip is scored; None where that was not asked.
        kind: which other word, or what kind of sound.
        speaker: who spoke, where it is known and not the same for all trials.
        noise: kind of the noise, ``"none"`` for no noise but a quiet room's; empty if unknown.
        snr_db: signal-to-noise ratio, None where there is no noise or it is unknown.
        repeats: how often the trial was repeated because the user asked for it.
        notes: what may be wrong with the sound.
    """

    said: str
    recording: str
    seconds: float
    detected: str | None
    delay_ms: int | None = None
    detections: tuple[Heard, ...] = ()
    clip: str | None = None
    kind: str = ""
    speaker: str = ""
    noise: str = ""
    snr_db: float | None = None
    repeats: int = 0
    notes: tuple[str, ...] = ()

    @property
    def is_word(self) -> bool:
        """Whether a keyword was said, so that it should be detected."""
        return self.said not in (NONE, UNKNOWN)

    @property
    def succeeded(self) -> bool:
        """Whether what was detected is what was said: the word, or nothing."""
        return self.detected == (self.said if self.is_word else None)

    def as_json(self) -> dict[str, Any]:
        """The facts that are known, ready for JSON."""
        given = asdict(self)
        return {
            each.name: given[each.name]
            for each in fields(self)
            if each.default is MISSING or given[each.name] != each.default
        }

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> "Trial":
        """What :meth:`as_json` gave.

        Raises:
            TypeError: the entry has other facts than a trial.
        """
        heard = tuple(Heard(**each) for each in entry.get("detections", ()))
        notes = tuple(entry.get("notes", ()))
        return cls(**{**entry, "detections": heard, "notes": notes})


@dataclass(frozen=True)
class Span:
    """Where in a stream something was said, in milliseconds since the stream's start.

    Attributes:
        start: of the word or sound, or the cue to speak.
        end: of it; None where it is unknown.
        length: of the stream.
    """

    start: int
    end: int | None
    length: int


def judge(
    said: str,
    recording: str,
    detections: Sequence[Detection],
    labels: Sequence[str],
    span: Span,
    **facts: Any,
) -> Trial:
    """The trial that a stream's detections amount to.

    A word has its window, and the first detection in it is the answer; at a sound or another
    word nothing may be detected in the whole stream.

    Args:
        said: as :attr:`Trial.said`.
        recording: as :attr:`Trial.recording`.
        detections: in the order in which they came.
        labels: names of the network's outputs.
        span: where in the stream it was said.
        facts: further attributes of the trial.
    """
    origin = span.start if span.end is None else span.end  # what times are told from
    first, last = span.start, span.length if span.end is None else span.end + WINDOW_MS
    if said in (NONE, UNKNOWN):
        first, last = 0, span.length
    heard = tuple(
        Heard(labels[each.label], int(each.time) - origin, round(each.probability, 3))
        for each in detections
    )
    answer = next((each for each in heard if first <= each.time_ms + origin <= last), None)
    return Trial(
        said,
        recording,
        round(span.length / 1000, 3),
        answer.label if answer else None,
        answer.time_ms if answer and span.end is not None else None,
        heard,
        **facts,
    )
