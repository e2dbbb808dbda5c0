"""How far our images of clips lie from other images of the same clips.

The Speech Commands images to train on were made by somebody else's code, of which only the
images are left. Where a clip exists both as sound and as such an image, the distance between
that image and ours says how well our front end stands in for theirs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Agreement:
    """Distances of pairs of images, in steps of the 256.

    Attributes:
        rms: root mean square difference of each pair, ``[pairs]``.
        bias: mean of ours less theirs over all pixels of all pairs.
    """

    rms: NDArray[np.float64]
    bias: float

    @property
    def median(self) -> float:
        """Median distance."""
        return float(np.median(self.rms))

    def share_below(self, steps: float) -> float:
        """Share of the pairs that are nearer than ``steps``."""
        return float((self.rms < steps).mean())

    def histogram(self, edges: NDArray[np.float64]) -> NDArray[np.int64]:
        """Pairs in each interval between ``edges``; the last takes all that lie beyond."""
        inside = np.clip(self.rms, edges[0], np.nextafter(edges[-1], edges[0]))
        return np.histogram(inside, edges)[0]


def agreement(ours: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> Agreement:
    """Compare images of the same clips, both uint8 ``[pairs, frames, bands]``."""
    if ours.shape != theirs.shape or ours.ndim != 3:
        raise ValueError(f"images are {ours.shape} and {theirs.shape}, must be alike and 3-D")
    difference = ours.astype(np.float64) - theirs
    return Agreement(
        rms=np.sqrt(np.square(difference).mean(axis=(1, 2))), bias=float(difference.mean())
    )
