"""Misses against false accepts an hour: a curve over thresholds, and its operating point."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kwslib.board.client import Streaming
from kwslib.errors import InputError
from kwslib.evaluation.smoothing import FIRST_KEYWORD, Smoothing
from kwslib.streaming.detect import Evidence, evidence_of
from kwslib.streaming.judge import Outcome, Truth

MISSES = 0.05
"""Share of the keywords that may be missed at the operating point."""

THRESHOLDS = range(255)
"""At 255 nothing is ever detected."""


@dataclass(frozen=True)
class Point:
    """A threshold, the same for all keywords, and what it leads to.

    Attributes:
        threshold: in 1/256 of probability.
        outcome: of the stream.
    """

    threshold: int
    outcome: Outcome

    def as_json(self) -> dict[str, Any]:
        """Counts, rates and intervals."""
        found = self.outcome
        return {
            "threshold": self.threshold,
            "missed": found.missed,
            "misses": found.misses,
            "misses_interval": list(found.misses_interval),
            "false_accepts": len(found.false_accepts),
            "false_accepts_an_hour": found.false_accepts_an_hour,
            "false_accepts_interval": list(found.false_accepts_interval),
        }


def smoothing_at(threshold: int, labels: int, streaming: Streaming) -> Smoothing:
    """The settings of a stream with a threshold for all keywords."""
    smoothing = streaming.smoothing
    return Smoothing(
        (threshold,) * (labels - FIRST_KEYWORD), smoothing.inferences, smoothing.refractory_ms
    )


def point_at(threshold: int, evidence: Evidence, truth: Truth, streaming: Streaming) -> Point:
    """What a threshold leads to."""
    smoothing = smoothing_at(threshold, len(truth.labels), streaming)
    return Point(threshold, truth.judge(evidence.detections(smoothing)))


def curve(
    scores: NDArray[np.int8],
    truth: Truth,
    streaming: Streaming,
    thresholds: Sequence[int] = THRESHOLDS,
) -> list[Point]:
    """What every threshold leads to, in order.

    Args:
        scores: of every inference, int8 ``[n, labels]``.
        truth: what is said.
        streaming: how inferences follow and are averaged; its thresholds do not matter.
        thresholds: ascending.
    """
    evidence = evidence_of(scores, streaming.smoothing.inferences, streaming.hops)
    return [point_at(each, evidence, truth, streaming) for each in thresholds]


def operating_point(points: Sequence[Point], misses: float = MISSES) -> Point | None:
    """The highest threshold at which no more than so many keywords are missed.

    None where every threshold misses more: there is no such point then.

    Raises:
        InputError: ``misses`` is no share.
    """
    if not 0 < misses < 1:
        raise InputError(f"misses {misses}: must be a share between 0 and 1, such as {MISSES}")
    allowed = [point for point in points if point.outcome.misses <= misses]
    return max(allowed, key=lambda point: point.threshold, default=None)
