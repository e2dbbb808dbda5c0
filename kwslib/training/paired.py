"""Two networks on the same clips: which of them gets more right, and is that chance?

Clips on which both are right, or both wrong, say nothing of a difference; what counts is how
many clips were gained and lost. Comparing two intervals instead would drown a difference in
what makes clips hard for both.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Z_95 = 1.959963984540054


@dataclass(frozen=True)
class Pair:
    """How two networks, a first and a second one, did on the same clips.

    Attributes:
        both: clips that both got right.
        lost: those that only the first got right.
        gained: those that only the second got right.
        neither: those that both got wrong.
    """

    both: int
    lost: int
    gained: int
    neither: int

    @classmethod
    def of(cls, first: NDArray[np.bool_], second: NDArray[np.bool_]) -> "Pair":
        """From whether each network was right on each clip, two arrays ``[clips]``."""
        groups = (first & second, first & ~second, ~first & second, ~first & ~second)
        return cls(*(int(group.sum()) for group in groups))

    def __add__(self, other: "Pair") -> "Pair":
        return Pair(
            self.both + other.both,
            self.lost + other.lost,
            self.gained + other.gained,
            self.neither + other.neither,
        )

    @property
    def clips(self) -> int:
        """Clips compared."""
        return self.both + self.lost + self.gained + self.neither

    @property
    def first(self) -> int:
        """Clips that the first network got right."""
        return self.both + self.lost

    @property
    def second(self) -> int:
        """Clips that the second network got right."""
        return self.both + self.gained

    @property
    def change(self) -> float:
        """Share of right clips of the second network less that of the first."""
        return (self.gained - self.lost) / self.clips

    @property
    def p_value(self) -> float:
        """How often chance alone would part the networks as far as this, or farther.

        McNemar's test in its exact form: were the networks equally good, each clip on which
        they differ would be gained or lost as by the toss of a coin.

        Source: Q. McNemar, Psychometrika 12 (1947).
        """
        tosses, fewer = self.lost + self.gained, min(self.lost, self.gained)
        tail = sum(math.comb(tosses, k) for k in range(fewer + 1))
        return min(1.0, 2 * tail / 2**tosses)


def change_interval(differences: NDArray[np.float64]) -> tuple[float, float]:
    """95 % interval of a mean difference over clips, ``[clips]``, each between -1 and 1.

    One made-up clip gained and one lost are added, which keeps the interval honest where clips
    are few or all agree. For one network against one this is Bonett and Price's interval; with
    several seeds a clip's difference is the mean over seeds. Clips are taken for independent,
    though a speaker says several.

    Source: D. Bonett and R. Price, "Adjusted Wald confidence interval for a difference of
    binomial proportions based on paired data", J. Educ. Behav. Stat. 37 (2012).
    """
    adjusted = np.concatenate([differences, [1.0, -1.0]])
    margin = _Z_95 * adjusted.std() / math.sqrt(len(adjusted))
    return max(adjusted.mean() - margin, -1.0), min(adjusted.mean() + margin, 1.0)


def tally(
    first: Sequence[NDArray[np.bool_]], second: Sequence[NDArray[np.bool_]]
) -> list[list[int]]:
    """Clips by the number of seeds that were right, ``[seeds + 1, seeds + 1]``.

    Rows are the first network, columns the second; arguments are one array ``[clips]`` a seed.
    It holds all that :func:`differences_of` needs, in a few numbers.
    """
    table = np.zeros((len(first) + 1, len(second) + 1), np.int64)
    np.add.at(table, (np.sum(first, axis=0), np.sum(second, axis=0)), 1)
    return table.tolist()


def differences_of(table: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """The differences ``[clips]`` that a :func:`tally` was made of, in some order: for each clip
    the share of seeds that were right in the second network less that in the first.
    """
    counts = np.asarray(table)
    rows, columns = np.indices(counts.shape)
    seeds_first, seeds_second = counts.shape[0] - 1, counts.shape[1] - 1
    shares = columns / seeds_second - rows / seeds_first
    return np.repeat(shares.ravel(), counts.ravel())
