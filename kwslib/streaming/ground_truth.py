"""What is said in a stream, and detections against it: which are right, which keywords were missed.

What counts:

- A detection is right if it names a keyword and comes between the keyword's onset and one second
  after its offset (:data:`WINDOW_MS`): as long as the network, which hears one second, hears some
  of it. The field test allows half a second more, since people press keys; TensorFlow's
  ``test_streaming_accuracy`` allows 750 ms before and after one time for a word.
- A keyword without a right detection is missed (a false reject); several words of the same name
  whose windows overlap each need their own.
- A word of which the stream ends before the word does can be neither detected nor missed: it does
  not count, and a detection of it is no false accept. Neither does a word that sounds like a
  keyword, which no network can tell from that.
- Every other detection is a false accept, of one of four kinds: another keyword than the one that
  is said (``keyword``), a keyword detected once more within its window (``repeat``; a lamp that is
  switched twice is wrong), at another word (``word``), and with no word in the last second
  (``noise``).
- Rates of false accepts are told by the hour of the whole stream, words and all: what a user would
  count in a day. A. Coucke et al., "Efficient keyword spotting using dilated convolutions and
  gating" (ICASSP 2019), and others since, count them in speech without the keyword, and state the
  false rejects at so many false accepts an hour.

After a detection the smoothing is deaf for its refractory time. A word that comes meanwhile is
missed; nothing is forgiven for it.

What is said is known of a stream that was built, and read from a file for one that was recorded.
The file is what Audacity exports as labels: a line a word, with start and end in seconds and the
word, separated by tabs.
"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kwslib.config import SAMPLE_RATE
from kwslib.data.loudness import LOUD_SAMPLES, loudest
from kwslib.errors import InputError
from kwslib.evaluation.accuracy import poisson_interval, wilson_interval
from kwslib.evaluation.smoothing import Detection
from kwslib.field.recordings import word_span
from kwslib.files import read_bounded, write_text

_MS = SAMPLE_RATE // 1000
_LARGEST_FILE = 2**26


@dataclass(frozen=True)
class Said:
    """A word in a stream.

    Attributes:
        word: which; a keyword of the network, or another word.
        start_ms: its onset, in milliseconds since the stream's start.
        end_ms: its offset.
        snr_db: signal-to-noise ratio; None where no noise was added, or it is unknown.
        noise: name of the noise, empty likewise.
        clip: name of the clip, empty where it comes from none.
    """

    word: str
    start_ms: int
    end_ms: int
    snr_db: float | None = None
    noise: str = ""
    clip: str = ""


def span_of(clip: NDArray[np.int16]) -> tuple[int, int]:
    """Onset and offset of the word in a clip, in milliseconds.

    By energy (:func:`kwslib.field.recordings.word_span`), and wide enough for the loudest 300 ms:
    a knock at the microphone may be louder than the word, but it is not louder for so long.
    """
    start, end = word_span(clip)
    loud = loudest(clip.astype(np.float64))[0] // _MS
    return min(start, loud), max(end, min(loud + LOUD_SAMPLES // _MS, len(clip) // _MS))


def write_labels(path: Path | str, said: Iterable[Said]) -> None:
    """Write what is said as labels that Audacity reads."""
    lines = [f"{w.start_ms / 1000:.3f}\t{w.end_ms / 1000:.3f}\t{w.word}\n" for w in said]
    write_text(path, "".join(lines))


def read_labels(path: Path | str) -> list[Said]:
    """What is said in a recording, by onset.

    Raises:
        InputError: the file cannot be read, or a line is no label.
    """
    content = read_bounded(path, _LARGEST_FILE)
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: cannot be read (it is no text)") from error
    # Audacity writes the frequencies of a spectral selection in lines that begin with a backslash.
    wanted = [(n, line) for n, line in enumerate(lines, 1) if line.strip() and line[0] != "\\"]
    return sorted((_label(f"{path}:{n}", line) for n, line in wanted), key=lambda w: w.start_ms)


def _label(where: str, line: str) -> Said:
    try:
        start, end, word = line.split("\t")
        start_s, end_s = float(start.replace(",", ".")), float(end.replace(",", "."))
    except ValueError:
        raise InputError(
            f"{where}: must be start and end in seconds and a word, separated by tabs, "
            f"as Audacity exports labels; it is {line!r}"
        ) from None
    if not (0 <= start_s <= end_s < math.inf) or not word.strip():
        raise InputError(f"{where}: a word must end after it starts, and be named; it is {line!r}")
    return Said(word.strip(), round(1000 * start_s), round(1000 * end_s))


def check_words(said: Sequence[Said], keywords: Sequence[str]) -> None:
    """Make sure that a keyword is said at all.

    Raises:
        InputError: none is.
    """
    if not any(each.word in keywords for each in said):
        raise InputError(
            f"none of the keywords {', '.join(keywords)} is said in this stream; "
            "without any there is nothing to miss"
        )


WINDOW_MS = 1000
"""How long after a word's offset its detection is right."""

Kind = Literal["keyword", "repeat", "word", "noise"]
KINDS: tuple[Kind, ...] = ("keyword", "repeat", "word", "noise")


def is_heard(said: Said, samples: int) -> bool:
    """Whether a word ends within so many samples, to the millisecond in which they end."""
    return (said.end_ms - 1) * SAMPLE_RATE < 1000 * samples


@dataclass(frozen=True)
class FalseAccept:
    """A detection that should not have been.

    Attributes:
        kind: of :data:`KINDS`.
        label: what was detected.
        time_ms: when.
        said: the word that was said, empty for ``noise``.
    """

    kind: Kind
    label: str
    time_ms: int
    said: str = ""


@dataclass(frozen=True)
class Outcome:
    """How the detections of a stream compare with what was said.

    Attributes:
        said: the keywords that were said and heard to their end, by onset.
        delays_ms: of each, milliseconds from its offset to its detection; None if it was missed.
        false_accepts: in order.
        hours: of the stream.
    """

    said: tuple[Said, ...]
    delays_ms: tuple[int | None, ...]
    false_accepts: tuple[FalseAccept, ...]
    hours: float

    @property
    def missed(self) -> int:
        """Keywords that were not detected."""
        return sum(delay is None for delay in self.delays_ms)

    @property
    def misses(self) -> float:
        """Their share."""
        return self.missed / len(self.said)

    @property
    def misses_interval(self) -> tuple[float, float]:
        """Wilson 95 % interval of the share, as if all words were independent."""
        return wilson_interval(self.missed, len(self.said))

    @property
    def false_accepts_an_hour(self) -> float:
        """Their rate."""
        return len(self.false_accepts) / self.hours

    @property
    def false_accepts_interval(self) -> tuple[float, float]:
        """Exact Poisson 95 % interval of the rate."""
        return poisson_interval(len(self.false_accepts), self.hours)

    def tally(
        self,
        of_word: Callable[[Said], Any],
        of_wrong: Callable[[FalseAccept], Any] | None = None,
    ) -> dict[Any, dict[str, int]]:
        """Keywords said and missed, and false accepts, by what functions tell of each.

        Args:
            of_word: of a keyword that was said.
            of_wrong: of a false accept; without it none is counted.
        """
        said = Counter(map(of_word, self.said))
        pairs = zip(self.said, self.delays_ms, strict=True)
        missed = Counter(of_word(word) for word, delay in pairs if delay is None)
        wrong = Counter(map(of_wrong, self.false_accepts)) if of_wrong else Counter()
        return {
            key: {"said": said[key], "missed": missed[key], "false_accepts": wrong[key]}
            for key in {**said, **wrong}
        }

    @property
    def by_kind(self) -> dict[Kind, int]:
        """False accepts by kind."""
        counts = Counter(each.kind for each in self.false_accepts)
        return {kind: counts[kind] for kind in KINDS}

    @cached_property
    def latencies_ms(self) -> list[int]:
        """Of the keywords that were detected, from their offset, ascending; negative: before it."""
        return sorted(delay for delay in self.delays_ms if delay is not None)

    def latency_ms(self, percent: float) -> float | None:
        """A percentile of the latencies; None if nothing was detected."""
        return float(np.percentile(self.latencies_ms, percent)) if self.latencies_ms else None


@dataclass(frozen=True)
class Truth:
    """What is said in a stream, ready to be compared with many sets of detections.

    Attributes:
        said: keywords and other words, by onset.
        labels: of the network; those from the third on are its keywords.
        hours: of the stream.
        homophones: words that sound like a keyword, with that.

    Raises:
        InputError: none of the keywords is said and heard to its end.
    """

    said: tuple[Said, ...]
    labels: tuple[str, ...]
    hours: float
    homophones: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make sure that there is something to miss."""
        check_words([self.said[index] for index in self._keywords], self.labels[2:])

    @cached_property
    def _starts(self) -> list[int]:
        return [each.start_ms for each in self.said]

    @cached_property
    def _longest_ms(self) -> int:
        return max((each.end_ms - each.start_ms for each in self.said), default=0)

    @cached_property
    def _keywords(self) -> list[int]:
        """Indices of the keywords among what is said, but for those that were not heard whole."""
        known, samples = set(self.labels[2:]), round(3600 * SAMPLE_RATE * self.hours)
        return [
            index
            for index, each in enumerate(self.said)
            if each.word in known and is_heard(each, samples)
        ]

    def _sounds_as(self, index: int) -> str:
        word = self.said[index].word
        return self.homophones.get(word, word)

    def _heard_at(self, time_ms: int) -> list[int]:
        """Indices of the words whose window holds a time, by onset."""
        last = bisect_right(self._starts, time_ms)
        first = bisect_right(self._starts, time_ms - WINDOW_MS - self._longest_ms - 1)
        near = range(first, last)
        return [index for index in near if time_ms <= self.said[index].end_ms + WINDOW_MS]

    def judge(self, detections: Sequence[Detection]) -> Outcome:
        """Compare detections with what was said.

        Args:
            detections: by time.
        """
        answers: dict[int, int] = {}
        wrong = []
        for each in detections:
            label, near = self.labels[each.label], self._heard_at(each.time)
            same = [index for index in near if self._sounds_as(index) == label]
            waiting = [index for index in same if index not in answers]
            if waiting:
                answers[waiting[0]] = each.time - self.said[waiting[0]].end_ms
            else:
                wrong.append(self._false_accept(label, each.time, near, bool(same)))
        keywords = self._keywords
        return Outcome(
            tuple(self.said[index] for index in keywords),
            tuple(answers.get(index) for index in keywords),
            tuple(wrong),
            self.hours,
        )

    def _false_accept(
        self, label: str, time_ms: int, near: Sequence[int], repeated: bool
    ) -> FalseAccept:
        if not near:
            return FalseAccept("noise", label, time_ms)
        said = self.said[near[-1]].word
        if repeated:
            return FalseAccept("repeat", label, time_ms, label)
        return FalseAccept("keyword" if said in self.labels[2:] else "word", label, time_ms, said)


def by_hour(outcome: Outcome) -> list[dict[str, float]]:
    """Keywords said and missed, and false accepts, in each hour of a stream; the last may be
    shorter, its length is told.
    """
    hours = int(np.ceil(outcome.hours))

    def hour_of(time_ms: int) -> int:
        return min(time_ms // 3_600_000, hours - 1)

    rows = outcome.tally(lambda said: hour_of(said.start_ms), lambda wrong: hour_of(wrong.time_ms))
    empty = {"said": 0, "missed": 0, "false_accepts": 0}
    return [
        {"hours": min(1.0, outcome.hours - hour), **rows.get(hour, empty)} for hour in range(hours)
    ]
