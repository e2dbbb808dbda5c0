"""From a stream of scores to detections: the reference for the C in ``firmware/core``.

A network that listens gives scores many times a second. They are averaged over the last
inferences; the keyword with the highest average is detected if it is over its threshold, and
nothing is detected for a refractory period thereafter. All in integers, so that C gives the same.

Sources: G. Chen, C. Parada and G. Heigold, "Small-footprint keyword spotting using deep neural
networks" (ICASSP 2014), 2.3, for the averages; ``RecognizeCommands`` of TensorFlow's speech
example for the threshold and the suppression.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from kwslib.errors import InputError

MAX_LABELS = 40
MAX_INFERENCES = 50
"""What the ring in C holds: a second of an inference every 20 ms."""

FIRST_KEYWORD = 2
"""Labels before it, ``_silence_`` and ``_unknown_``, are never detected."""

_CLOCK = 2**32
"""Milliseconds after which a clock of 32 bits begins anew."""


@dataclass(frozen=True)
class Smoothing:
    """How scores become detections.

    Attributes:
        thresholds: what the average of each keyword must be greater than, in 1/256 of
            probability, 0 to 255.
        inferences: how many are averaged.
        refractory_ms: milliseconds from a detection to the next at the earliest.
    """

    thresholds: tuple[int, ...]
    inferences: int = 10
    refractory_ms: int = 1000

    def __post_init__(self) -> None:
        most = MAX_LABELS - FIRST_KEYWORD
        if not 1 <= len(self.thresholds) <= most:
            raise InputError(
                f"{len(self.thresholds)} thresholds; give one for each of 1 to {most} keywords"
            )
        for name, value, low, high in (
            *(("threshold", threshold, 0, 255) for threshold in self.thresholds),
            ("inferences", self.inferences, 1, MAX_INFERENCES),
            ("refractory_ms", self.refractory_ms, 0, 2**31 - 1),
        ):
            if type(value) is not int or not low <= value <= high:
                raise InputError(f"{name} {value}: must be an integer from {low} to {high}")

    @property
    def labels(self) -> int:
        """Scores of an inference."""
        return FIRST_KEYWORD + len(self.thresholds)


@dataclass(frozen=True)
class Detection:
    """A keyword that was heard.

    Attributes:
        label: its index among the labels.
        probability: its average over the last inferences.
        time: of the inference that decided, in milliseconds.
    """

    label: int
    probability: float
    time: int


class Smoother:
    """The state of one stream."""

    def __init__(self, settings: Smoothing) -> None:
        self.settings = settings
        none = (0,) * settings.labels
        self._ring = deque([none] * settings.inferences, maxlen=settings.inferences)
        self._detected: int | None = None

    @property
    def sums(self) -> tuple[int, ...]:
        """Each label's average, times the number of inferences, in 1/256.

        Inferences that have not been yet count as 0, so that a stream's first scores need as
        much evidence as later ones.
        """
        return tuple(map(sum, zip(*self._ring, strict=True)))

    def push(self, scores: Sequence[int], time: int) -> Detection | None:
        """Take the scores of an inference.

        Of equal averages the first label's wins. The first inference ``refractory_ms`` or more
        after a detection may detect again; a clock that goes backwards ends the wait at once.

        Args:
            scores: the network's int8 output (256 times the probability, minus 128), one a label.
            time: in milliseconds; a clock of 32 bits may wrap around.

        Raises:
            InputError: there are more or fewer scores than labels.
        """
        if len(scores) != self.settings.labels:
            raise InputError(
                f"{len(scores)} scores for {self.settings.labels} labels; give a threshold for "
                "each keyword of the network"
            )
        self._ring.append(tuple(int(score) + 128 for score in scores))
        if self._waits(time):
            return None
        sums = self.sums
        best = max(range(FIRST_KEYWORD, len(sums)), key=sums.__getitem__)
        inferences = self.settings.inferences
        if sums[best] <= self.settings.thresholds[best - FIRST_KEYWORD] * inferences:
            return None
        self._detected = time
        return Detection(best, sums[best] / (256 * inferences), time)

    def _waits(self, time: int) -> bool:
        """Whether a detection is too recent; one that is not is forgotten."""
        if self._detected is not None:
            if (time - self._detected) % _CLOCK < self.settings.refractory_ms:
                return True
            self._detected = None
        return False
