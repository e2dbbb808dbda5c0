"""How to listen, chosen on the tuning half of the speakers: hops, averages, refractory time and
threshold.

What is chosen gives the fewest false accepts while no more than a share of the keywords is
missed; of equal ones the one with fewer inferences a second, which costs the board less, and then
the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from kwslib.board.client import Streaming, default_streaming
from kwslib.config import DEPLOYED, SAMPLE_RATE
from kwslib.errors import InputError
from kwslib.evaluation.smoothing import Smoothing
from kwslib.streaming.curve import MISSES, Point, curve, operating_point, smoothing_at
from kwslib.streaming.judge import Truth

HOP_MS = 1000 * DEPLOYED.hop // SAMPLE_RATE

HOPS = (2, 3, 5)
"""Of 20 ms: an inference every 40, 60 or 100 ms."""

AVERAGED_MS = (200, 300, 400, 500, 700)
REFRACTORY_MS = (1000, 1500)
_THRESHOLDS = range(0, 255, 3)


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
        points = curve(scores[:: streaming.hops], truth, streaming, _THRESHOLDS)
        point = operating_point(points, misses)
        if point is not None:
            cost = len(point.outcome.false_accepts), -streaming.hops, number
            found.append((cost, streaming, point))
    if not found:
        raise InputError(
            f"every setting misses more than {misses:.0%} of the tuning half's keywords; "
            "allow more with --misses, or take a better network"
        )
    _, streaming, point = min(found, key=lambda each: each[0])
    smoothing = smoothing_at(point.threshold, len(truth.labels), streaming)
    return Choice(Streaming(smoothing, streaming.hops), point, len(among))
