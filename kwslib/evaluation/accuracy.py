"""Scores of a network on the clips of a split: accuracy with its interval, confusion, hard clips.

Whatever predicts (PyTorch, an interpreter, a board) is passed in as a callable, so that every
form of a network is scored by the same code.
"""

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kwslib.data.dataset import Dataset
from kwslib.data.disturb import UNDISTURBED, Disturbance, disturbed
from kwslib.data.synthetic_noise import chosen_noises
from kwslib.data.task import Split
from kwslib.errors import InputError
from kwslib.files import write_beside

Predict = Callable[[NDArray[np.uint8]], NDArray[Any]]
"""Images uint8 ``[n, 49, 40]`` to scores ``[n, labels]``: probabilities, or int8 outputs."""

Z_95 = 1.959963984540054
"""Standard deviations on either side of the mean that hold 95 % of a normal distribution."""

_ENOUGH_CLIPS = 100


def wilson_interval(successes: int, trials: int, z: float = Z_95) -> tuple[float, float]:
    """The Wilson score interval of a proportion, 95 % by default.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical
    inference", JASA 22 (1927).

    >>> [round(bound, 4) for bound in wilson_interval(17, 20)]
    [0.6396, 0.9476]
    """
    if not 0 <= successes <= trials or trials == 0:
        raise ValueError(f"{successes} successes of {trials} trials is no proportion")
    share, square = successes / trials, z * z
    centre = share + square / (2 * trials)
    margin = z * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    scale = 1 + square / trials
    return max((centre - margin) / scale, 0.0), min((centre + margin) / scale, 1.0)


def few_clips(clips: Mapping[str, int]) -> list[str]:
    """A line for each word with so few clips that accuracy on them is hardly known.

    >>> few_clips({"yes": 419, "marvin": 48})
    ['marvin: 48 clips; the 95 % interval of a recall of 90 % would be 18 points wide']
    """
    lines = []
    for word, count in clips.items():
        if 0 < count < _ENOUGH_CLIPS:
            low, high = wilson_interval(round(0.9 * count), count)
            lines.append(
                f"{word}: {count} clip{'s' if count > 1 else ''}; the 95 % interval of a recall of "
                f"90 % would be {100 * (high - low):.0f} points wide"
            )
    return lines


def poisson_interval(count: int, exposure: float) -> tuple[float, float]:
    """The exact 95 % interval of a rate, of ``count`` events in ``exposure`` (hours, say).

    It holds for events that come independently of each other.

    Source: F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28 (1936).

    >>> [round(bound, 2) for bound in poisson_interval(3, 10)]
    [0.06, 0.88]
    """
    from scipy import stats

    if count < 0 or exposure <= 0:
        raise ValueError(f"{count} events in {exposure:g} are no rate")
    low = stats.chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    high = stats.chi2.ppf(0.975, 2 * count + 2) / 2
    return float(low) / exposure, float(high) / exposure


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the mean of what several seeds gave, by Student's t.

    It tells how far the mean of other seeds may lie from that of these; that all are scored on
    the same clips, and others would give other scores, is not in it.

    Args:
        values: two or more.

    Source: Student (W. S. Gosset), "The probable error of a mean", Biometrika 6 (1908).

    >>> [round(bound, 3) for bound in mean_interval([0.90, 0.92, 0.94])]
    [0.87, 0.97]
    """
    from scipy import stats

    if len(values) < 2:
        raise ValueError(f"{len(values)} value: an interval of the mean needs two or more")
    mean, error = float(np.mean(values)), float(stats.sem(values))
    if error == 0:
        return mean, mean
    low, high = stats.t.interval(0.95, len(values) - 1, loc=mean, scale=error)
    return float(low), float(high)


@dataclass(frozen=True)
class Evaluation:
    """Scores of a split.

    Attributes:
        labels: names of the labels.
        names: the clips.
        truth: label index of each clip, ``[n]``.
        scores: what the network gave, ``[n, labels]``.
    """

    labels: tuple[str, ...]
    names: tuple[str, ...]
    truth: NDArray[np.int64]
    scores: NDArray[Any]

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Index of the highest score of each clip; the first among equals."""
        return self.scores.argmax(axis=1)

    @property
    def correct(self) -> int:
        """Clips whose highest score is their label's."""
        return int((self.predicted == self.truth).sum())

    @property
    def accuracy(self) -> float:
        """Share of the clips that are correct."""
        return self.correct / len(self.truth)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson 95 % interval of the accuracy."""
        return wilson_interval(self.correct, len(self.truth))

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Clips by true label (rows) and predicted label (columns)."""
        table = np.zeros((len(self.labels),) * 2, np.int64)
        np.add.at(table, (self.truth, self.predicted), 1)
        return table

    def per_label(self) -> dict[str, dict[str, Any]]:
        """For each label: clips, recall with its interval, and precision (None if never said)."""
        table = self.confusion
        result = {}
        for index, label in enumerate(self.labels):
            hits, clips, said = table[index, index], table[index].sum(), table[:, index].sum()
            result[label] = {
                "n": int(clips),
                "accuracy": float(hits / clips) if clips else None,
                "interval": list(wilson_interval(int(hits), int(clips))) if clips else None,
                "precision": float(hits / said) if said else None,
            }
        return result

    def summary(self) -> dict[str, Any]:
        """What ``kws evaluate --json`` prints."""
        return {
            "n": len(self.truth),
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "labels": list(self.labels),
            "per_label": self.per_label(),
            "confusion": self.confusion.tolist(),
        }

    def margins(self) -> NDArray[np.float64]:
        """Score of the true label less the highest other score, ``[n]``; wrong clips are
        negative, and the lowest are the hardest.
        """
        scores = self.scores.astype(np.float64)
        rows = np.arange(len(self.truth))
        true_score = scores[rows, self.truth]
        scores[rows, self.truth] = -np.inf
        return true_score - scores.max(axis=1)

    def hardest(self, count: int) -> list[int]:
        """Indices of the ``count`` clips with the lowest margins, hardest first."""
        return np.argsort(self.margins(), kind="stable")[:count].tolist()


def evaluate(
    predict: Predict,
    images: NDArray[np.uint8],
    truth: NDArray[np.int64],
    names: Sequence[str],
    labels: Sequence[str],
) -> Evaluation:
    """Score ``predict`` on clips.

    Args:
        predict: the network.
        images: deployed images, uint8 ``[n, 49, 40]``.
        truth: label index of each clip, ``[n]``.
        names: names of the clips.
        labels: names of the labels.

    Raises:
        ValueError: there is no clip, or the scores have another shape than ``[n, labels]``.
    """
    if len(images) == 0:
        raise ValueError("there is no clip to evaluate")
    scores = predict(images)
    if scores.shape != (len(images), len(labels)):
        raise ValueError(f"scores are {scores.shape}, not {(len(images), len(labels))}")
    return Evaluation(tuple(labels), tuple(names), truth, scores)


def evaluate_split(
    predict: Predict,
    dataset: Dataset,
    split: Split,
    disturbance: Disturbance = UNDISTURBED,
) -> Evaluation:
    """Score ``predict`` on the clips of a split, each disturbed in the same way.

    Args:
        predict: the network.
        dataset: its task and clips.
        split: which of them.
        disturbance: what is done to their sound; its noise is one of
            :func:`kwslib.data.synthetic_noise.noises_of`.

    Raises:
        InputError: clips to be disturbed are not there as sound, or there is no such noise.
    """
    if disturbance == UNDISTURBED:
        clips = dataset.examples(split)
        return evaluate(predict, clips.deployed, clips.labels, clips.names, dataset.task.labels)

    from kwslib.features.logmel import logmel_images

    dataset.check_complete(split)
    source = dataset.source
    if not source.has_audio(split):
        raise InputError(
            f"{source.name}: its {split} clips are images alone, and only sound can be disturbed; "
            "take the split testing"
        )
    noise = (
        chosen_noises(source, disturbance.noise)[disturbance.noise] if disturbance.noise else None
    )
    names = tuple(dataset.names[split])
    sound = disturbed(source.audio(names), names, disturbance, noise)
    return evaluate(
        predict, logmel_images(sound), dataset.labels(split), names, dataset.task.labels
    )


def write_predictions(path: Path | str, evaluation: Evaluation) -> None:
    """Write one CSV row a clip: clip, label, predicted and a column of scores per label."""
    labels = evaluation.labels
    with write_beside(path) as temporary, temporary.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["clip", "label", "predicted", *labels])
        for name, truth, predicted, scores in zip(
            evaluation.names,
            evaluation.truth,
            evaluation.predicted,
            evaluation.scores.tolist(),
            strict=True,
        ):
            rows.writerow([name, labels[truth], labels[predicted], *scores])
