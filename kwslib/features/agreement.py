"""How far our images of clips lie from other images of the same clips.

The Speech Commands images to train on were made by somebody else's code, of which only the
images are left. Where a clip exists both as sound and as such an image, the distance between
that image and ours says how well our front end stands in for theirs.
"""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ARCHIVE_QUALITY = 75
"""libjpeg's quality setting with the quantization table that the archive's images carry."""


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

    def only(self, chosen: NDArray[np.bool_]) -> "Agreement":
        """The chosen pairs alone, bool ``[pairs]``; the bias stays that of all."""
        return Agreement(self.rms[chosen], self.bias)

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


def jpeg(images: NDArray[np.uint8], quality: int = ARCHIVE_QUALITY) -> NDArray[np.uint8]:
    """Images after a JPEG compression, uint8 ``[images, frames, bands]``."""
    return np.stack([_through_jpeg(image, quality) for image in images])


def _through_jpeg(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality)
    with Image.open(stream) as decoded:
        return np.asarray(decoded)
