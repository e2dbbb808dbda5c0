"""How far our images of clips lie from other images of the same clips.

The Speech Commands images to train on were made by somebody else's code, of which only the
images are left. Where a clip exists both as sound and as such an image, the distance between
that image and ours says how well our front end stands in for theirs.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ARCHIVE_QUALITY = 75
"""libjpeg's quality setting with the quantization table that the archive's images carry."""


def distances(ours: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Root mean square difference of each pair of images, in steps of the 256, ``[pairs]``.

    Args:
        ours: uint8 ``[pairs, frames, bands]``.
        theirs: images of the same clips.
    """
    if ours.shape != theirs.shape or ours.ndim != 3:
        raise ValueError(f"images are {ours.shape} and {theirs.shape}, must be alike and 3-D")
    return np.sqrt(np.square(ours.astype(np.float64) - theirs).mean(axis=(1, 2)))


def histogram(distances: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Distances in each interval between ``edges``; the last takes all that lie beyond."""
    inside = np.clip(distances, edges[0], np.nextafter(edges[-1], edges[0]))
    return np.histogram(inside, edges)[0]


def jpeg(images: NDArray[np.uint8], quality: int = ARCHIVE_QUALITY) -> NDArray[np.uint8]:
    """Images after a JPEG compression, uint8 ``[images, frames, bands]``."""
    return np.stack([_through_jpeg(image, quality) for image in images])


def _through_jpeg(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality)
    with Image.open(stream) as decoded:
        return np.asarray(decoded)
