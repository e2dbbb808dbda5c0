"""From scores to detections for many thresholds: the same as ``kwslib.evaluation.smoothing``.

The averages of a stream do not depend on the threshold, so they are made once. What a threshold
decides is then told by the inferences whose average is over it, of which most are skipped: after a
detection all within the refractory time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kwslib.errors import InputError
from kwslib.evaluation.smoothing import FIRST_KEYWORD, Detection, Smoothing
from kwslib.streaming.scores import time_of


@dataclass(frozen=True)
class Evidence:
    """What the smoothing of a stream averages to.

    Attributes:
        labels: the keyword with the highest average at each inference, the first among equals.
        sums: its average times ``inferences``, in 1/256.
        inferences: that are averaged.
        hops: of 20 ms from one inference to the next.
    """

    labels: NDArray[np.int64]
    sums: NDArray[np.int64]
    inferences: int
    hops: int

    def detections(self, smoothing: Smoothing) -> list[Detection]:
        """What is detected, as :class:`kwslib.evaluation.smoothing.Smoother` does.

        Args:
            smoothing: thresholds and refractory time; its inferences are those of the evidence.

        Raises:
            InputError: it averages another number of inferences.
        """
        if smoothing.inferences != self.inferences:
            raise InputError(
                f"{smoothing.inferences} inferences: the evidence is of {self.inferences}"
            )
        thresholds = np.array(smoothing.thresholds) * self.inferences
        over = np.flatnonzero(self.sums > thresholds[self.labels - FIRST_KEYWORD])
        step = time_of(1, self.hops) - time_of(0, self.hops)
        rest = max(1, -(-smoothing.refractory_ms // step))  # inferences until one may detect again
        found, place = [], 0
        while place < len(over):
            inference = int(over[place])
            probability = int(self.sums[inference]) / (256 * self.inferences)
            found.append(
                Detection(int(self.labels[inference]), probability, time_of(inference, self.hops))
            )
            place = int(np.searchsorted(over, inference + rest))
        return found


def evidence_of(scores: NDArray[np.int8], inferences: int, hops: int) -> Evidence:
    """The averages of a stream.

    Args:
        scores: of every inference, int8 ``[n, labels]``.
        inferences: that are averaged; before the first, all scores count as probabilities of 0.
        hops: of 20 ms from one inference to the next.
    """
    probabilities = scores.astype(np.int64)[:, FIRST_KEYWORD:] + 128
    total = np.cumsum(probabilities, axis=0)
    total[inferences:] -= total[:-inferences].copy()
    best = total.argmax(axis=1)
    return Evidence(best + FIRST_KEYWORD, total[np.arange(len(total)), best], inferences, hops)
