"""A network listens to a stream: what it detects, how that counts, and where it was told."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from kwslib.board.client import Board, Streaming
from kwslib.board.profile import profile
from kwslib.config import SAMPLE_RATE
from kwslib.data.homophones import homophones_of
from kwslib.data.task import spelled_as
from kwslib.errors import InputError
from kwslib.evaluation.smoothing import Detection
from kwslib.records import Record, machine_name
from kwslib.streaming.curve import (
    MISSES,
    Choice,
    Point,
    at_threshold,
    candidates,
    choose,
    curve,
    evidence_of,
    operating_point,
)
from kwslib.streaming.ground_truth import Outcome, Truth, by_hour
from kwslib.streaming.scores import Spotter, score_stream
from kwslib.streaming.sound import BuiltSound, Sound

VERSION = 1
"""Raised by hand when the same data, model and settings can give other records."""


@dataclass(frozen=True)
class Listening:
    """What came of listening to a stream of which it is known what is said.

    Attributes:
        spotter: the network.
        sound: the stream.
        streaming: how it was listened, with the threshold that is worked at.
        points: what every threshold leads to.
        misses: share of the keywords that may be missed at the operating point.
        worked: what the threshold that is worked at leads to.
        detections: at it.
        choice: how the settings were chosen; None where they were given.
        homophones: words that do not count since they sound like a keyword, with that.
    """

    spotter: Spotter
    sound: Sound
    streaming: Streaming
    points: Sequence[Point]
    misses: float
    worked: Point
    detections: Sequence[Detection]
    choice: Choice | None = None
    homophones: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def operating(self) -> Point | None:
        """The operating point, read off the curve."""
        return operating_point(self.points, self.misses)

    def summary(self) -> dict[str, Any]:
        """What ``kws stream --json`` prints of it."""
        outcome = self.worked.outcome
        operating, smoothing = self.operating, self.streaming.smoothing
        return {
            "network": self.spotter.name,
            "form": self.spotter.form,
            "labels": list(self.spotter.labels),
            "sound": self.sound.name,
            "hours": outcome.hours,
            "keywords": len(outcome.said),
            "homophones": self.homophones,
            "settings": {
                "hops": self.streaming.hops,
                "inferences": smoothing.inferences,
                "refractory_ms": smoothing.refractory_ms,
                "threshold": self.worked.threshold,
            },
            "tuned": self.choice and _tuned(self.choice),
            "accuracy": 1 - outcome.misses,
            **self.worked.as_json(),
            "kinds": outcome.by_kind,
            "words": outcome.tally(lambda said: said.word, lambda wrong: wrong.label),
            "conditions": _conditions(outcome),
            "latency": latency(outcome),
            "by_hour": by_hour(outcome),
            "operating_point": operating.as_json() if operating else None,
            "curve": [point.as_json() for point in self.points],
        }

    def records(self, source: dict[str, str]) -> list[Record]:
        """The measurements, ready to be kept.

        Args:
            source: name and hash of the data that the stream was made of.
        """
        told = self.summary()
        subject = {
            **{name: told[name] for name in ("network", "form", "labels", "tuned")},
            "sha256": self.spotter.sha256,
            **told["settings"],
        }
        data = {**source, "stream": self.sound.identity()[:16], "hours": told["hours"]}
        if isinstance(self.sound, BuiltSound):
            data |= self.sound.plan.as_json()
        if self.homophones:
            data["homophones"] = sorted(self.homophones)
        outcome = self.worked.outcome

        def record(metric: str, value: Any, unit: str, **more: Any) -> Record:
            return Record(
                metric,
                value,
                unit,
                "measured",
                subject,
                data,
                machine=machine_name(),
                version=VERSION,
                **more,
            )

        return [
            record("misses", outcome.misses, "fraction", interval=outcome.misses_interval),
            record(
                "false_accepts", outcome.false_accepts_an_hour, "1/h",
                interval=outcome.false_accepts_interval,
            ),
            *(record(f"stream_{name}", told[name], unit) for name, unit in _TABLES.items()),
        ]  # fmt: skip


_TABLES = {
    "kinds": "false accepts", "words": "keywords", "conditions": "keywords", "latency": "ms",
    "by_hour": "per hour", "operating_point": "per threshold", "curve": "per threshold",
}  # fmt: skip
"""Parts of the summary that are records of their own, and their units."""


def _tuned(choice: Choice) -> dict[str, Any]:
    outcome = choice.point.outcome
    told = {"hours": outcome.hours, "keywords": len(outcome.said), "tried": choice.tried}
    return told | choice.point.as_json()


def latency(outcome: Outcome) -> dict[str, Any]:
    """Milliseconds from a keyword's offset to its detection: median, 95th percentile, and every
    fifth percentile from the least to the most.

    Of sound alone: the time that the board takes to compute an inference comes on top.
    """
    return {
        "median_ms": outcome.latency_ms(50),
        "p95_ms": outcome.latency_ms(95),
        "percentiles_ms": [outcome.latency_ms(percent) for percent in range(0, 101, 5)],
    }


def _conditions(outcome: Outcome) -> dict[str, dict[str, int]]:
    """Keywords said and missed by signal-to-noise ratio, most noise first."""
    rows = outcome.tally(lambda word: math.inf if word.snr_db is None else word.snr_db)
    return {
        "clean" if snr_db == math.inf else f"{snr_db:g} dB": {
            name: row[name] for name in ("said", "missed")
        }
        for snr_db, row in sorted(rows.items())
    }


def hours_of(sound: Sound) -> float:
    """How long a stream is."""
    return sound.samples / SAMPLE_RATE / 3600


def listen(
    sound: Sound,
    spotter: Spotter,
    streaming: Streaming,
    threshold: int | None = None,
    misses: float = MISSES,
    choice: Choice | None = None,
) -> Listening:
    """Let a network listen to a stream of which it is known what is said.

    Args:
        sound: the stream.
        spotter: the network.
        streaming: how to listen; its thresholds do not matter.
        threshold: that is worked at; the operating point's if None, or one half where there is no
            such point.
        misses: share of the keywords that may be missed at the operating point.
        choice: how the settings were chosen, to be told with the result.

    Raises:
        InputError: no keyword is said, the stream cannot be heard, or eSpeak, which knows how words
            sound, is missing.
    """
    labels = spotter.labels
    said = [replace(each, word=spelled_as(each.word, labels)) for each in sound.said or []]
    homophones = dict(sound.homophones)
    if not spotter.keeps_homophones:
        homophones |= homophones_of(labels[2:], (each.word for each in said))
    truth = Truth(tuple(said), labels, hours_of(sound), homophones)
    scores = score_stream(sound, spotter, streaming.hops)
    evidence = evidence_of(scores, streaming)
    points = curve(evidence, truth)
    if threshold is None:
        operating = operating_point(points, misses)
        threshold = operating.threshold if operating else 128
    (worked,) = curve(evidence, truth, [threshold])
    streaming = at_threshold(streaming, threshold)
    detections = evidence.detections(streaming.smoothing.thresholds)
    return Listening(
        spotter, sound, streaming, points, misses, worked, detections, choice, homophones
    )


def overhear(sound: Sound, spotter: Spotter, streaming: Streaming) -> list[Detection]:
    """What a network detects in a stream, of which it need not be known what is said."""
    scores = score_stream(sound, spotter, streaming.hops)
    return evidence_of(scores, streaming).detections(streaming.smoothing.thresholds)


def tuned(sound: Sound, hours: float, spotter: Spotter, misses: float) -> Choice:
    """How to listen, chosen on a stream of the other half of the speakers, among what the board has
    the time for.

    Args:
        sound: the stream that is listened to afterwards; it must be built.
        hours: of the stream on which it is chosen.
        spotter: the network.
        misses: share of the keywords that may be missed.

    Raises:
        InputError: the stream is a recording, or every setting misses more.
    """
    if not isinstance(sound, BuiltSound):
        raise InputError(f"{sound.name}: a recording has no other speakers to choose settings on")
    plan = replace(sound.plan, minutes=max(1, round(60 * hours)), part="tuning")
    other = BuiltSound(sound.source, plan)
    truth = Truth(tuple(other.said), spotter.labels, hours_of(other))
    among = candidates(len(spotter.labels), _least_hops(spotter))
    return choose(score_stream(other, spotter, 1), truth, misses, among)


def _least_hops(spotter: Spotter) -> int:
    """With which the emulated board keeps up; 1 of a network that is not in its form."""
    if spotter.graph is None:
        return 1
    return profile(spotter.graph, "emulator", spotter.name).least_hops or 1


def play(board: Board, sound: Sound, streaming: Streaming) -> list[Detection]:
    """What a board detects that hears the stream, a minute at a time."""
    with board.listening(streaming):
        return [each for minute in sound.minutes() for each in board.hear(minute)]
