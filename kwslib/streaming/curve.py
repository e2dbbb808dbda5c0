"""Misses against false accepts an hour: a curve over thresholds, its operating point, and how to
listen, chosen by it on the tuning half of the speakers.

Detections are those of :mod:`kwslib.evaluation.smoothing`. The averages of a stream do not depend
on the threshold, so they are made once. What a threshold decides is then told by the inferences
whose average is over it, of which most are skipped: after a detection all within the refractory
time.

Of hops, averages, refractory time and threshold those are chosen that give the fewest false accepts
while no more than a share of the keywords is missed; of equal ones the one with fewer inferences a
second, which costs the board less, and then the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kwslib.board.client import Streaming, default_streaming
from kwslib.config import DEPLOYED, SAMPLE_RATE
from kwslib.errors import InputError, check
from kwslib.evaluation.smoothing import FIRST_KEYWORD, Detection, Smoothing
from kwslib.streaming.ground_truth import Outcome, Truth
from kwslib.streaming.scores import time_of

MISSES = 0.05
"""Share of the keywords that may be missed at the operating point."""

THRESHOLDS = range(255)
"""At 255 nothing is ever detected."""

HOP_MS = 1000 * DEPLOYED.hop // SAMPLE_RATE

HOPS = (2, 3, 5)
"""Of 20 ms: an inference every 40, 60 or 100 ms."""

AVERAGED_MS = (200, 300, 400, 500, 700)
REFRACTORY_MS = (1000, 1500)
_THRESHOLDS = range(0, 255, 3)


@dataclass(frozen=True)
class Evidence:
    """What the smoothing of a stream averages to.

    Attributes:
        labels: the keyword with the highest average at each inference, the first among equals.
        sums: its average times the number of inferences that are averaged, in 1/256.
        streaming: how inferences follow and are averaged; its thresholds do not matter.
    """

    labels: NDArray[np.int64]
    sums: NDArray[np.int64]
    streaming: Streaming

    def detections(self, thresholds: Sequence[int]) -> list[Detection]:
        """What is detected, as :class:`kwslib.evaluation.smoothing.Smoother` does.

        Args:
            thresholds: of each keyword, in 1/256 of probability.
        """
        smoothing, hops = self.streaming.smoothing, self.streaming.hops
        least = np.array(thresholds) * smoothing.inferences
        over = np.flatnonzero(self.sums > least[self.labels - FIRST_KEYWORD])
        step = time_of(1, hops) - time_of(0, hops)
        rest = max(1, -(-smoothing.refractory_ms // step))  # inferences until one may detect again
        found, place = [], 0
        while place < len(over):
            inference = int(over[place])
            probability = int(self.sums[inference]) / (256 * smoothing.inferences)
            label, time = int(self.labels[inference]), time_of(inference, hops)
            found.append(Detection(label, probability, time))
            place = int(np.searchsorted(over, inference + rest))
        return found


def evidence_of(scores: NDArray[np.int8], streaming: Streaming) -> Evidence:
    """The averages of a stream; before the first, all scores count as probabilities of 0.

    Args:
        scores: of every inference, int8 ``[n, labels]``.
        streaming: as :attr:`Evidence.streaming`.
    """
    inferences = streaming.smoothing.inferences
    total = np.cumsum(scores.astype(np.int64)[:, FIRST_KEYWORD:] + 128, axis=0)
    total[inferences:] -= total[:-inferences].copy()
    best = total.argmax(axis=1)
    return Evidence(best + FIRST_KEYWORD, total[np.arange(len(total)), best], streaming)


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


def at_threshold(streaming: Streaming, threshold: int) -> Streaming:
    """The settings of a stream with one threshold for all keywords."""
    thresholds = (threshold,) * len(streaming.smoothing.thresholds)
    return replace(streaming, smoothing=replace(streaming.smoothing, thresholds=thresholds))


def curve(evidence: Evidence, truth: Truth, thresholds: Sequence[int] = THRESHOLDS) -> list[Point]:
    """What every threshold leads to, in order.

    Args:
        evidence: of the stream.
        truth: what is said.
        thresholds: ascending.
    """
    keywords = len(truth.labels) - FIRST_KEYWORD
    return [
        Point(threshold, truth.judge(evidence.detections((threshold,) * keywords)))
        for threshold in thresholds
    ]


def operating_point(points: Sequence[Point], misses: float = MISSES) -> Point | None:
    """The highest threshold at which no more than so many keywords are missed.

    None where every threshold misses more: there is no such point then.

    Raises:
        InputError: ``misses`` is no share.
    """
    check(f"misses {misses}", 0 < misses < 1, f"a share between 0 and 1, such as {MISSES}")
    allowed = [point for point in points if point.outcome.misses <= misses]
    return max(allowed, key=lambda point: point.threshold, default=None)


@dataclass(frozen=True)
class Choice:
    """How to listen.

    Attributes:
        streaming: with the threshold that was chosen.
        point: what it led to on the tuning half.
        tried: settings among which it was chosen.
    """

    streaming: Streaming
    point: Point
    tried: int


def candidates(labels: int, least_hops: int = 1) -> list[Streaming]:
    """The settings among which one is chosen, the usual ones first; thresholds stay open.

    Args:
        labels: of the network.
        least_hops: from one inference to the next, at least.
    """
    usual = default_streaming(labels)
    found = [usual] if usual.hops >= least_hops else []
    every = [hops for hops in HOPS if hops >= least_hops] or [least_hops]
    for hops, averaged_ms, refractory_ms in product(every, AVERAGED_MS, REFRACTORY_MS):
        inferences = max(1, round(averaged_ms / (HOP_MS * hops)))
        smoothing = Smoothing(usual.smoothing.thresholds, inferences, refractory_ms)
        found.append(Streaming(smoothing, hops))
    return list(dict.fromkeys(found))


def choose(
    scores: NDArray[np.int8],
    truth: Truth,
    misses: float = MISSES,
    among: Sequence[Streaming] | None = None,
) -> Choice:
    """Choose how to listen.

    Args:
        scores: of an inference every 20 ms, int8 ``[n, labels]``: all others are among them.
        truth: what is said.
        misses: share of the keywords that may be missed.
        among: settings; by default :func:`candidates`.

    Raises:
        InputError: every setting misses more.
    """
    among = candidates(len(truth.labels)) if among is None else among
    found = []
    for number, streaming in enumerate(among):
        evidence = evidence_of(scores[:: streaming.hops], streaming)
        point = operating_point(curve(evidence, truth, _THRESHOLDS), misses)
        if point is not None:
            cost = len(point.outcome.false_accepts), -streaming.hops, number
            found.append((cost, streaming, point))
    if not found:
        raise InputError(
            f"every setting misses more than {misses:.0%} of the tuning half's keywords; "
            "allow more with --misses, or take a better network"
        )
    _, streaming, point = min(found, key=lambda each: each[0])
    return Choice(at_threshold(streaming, point.threshold), point, len(among))
