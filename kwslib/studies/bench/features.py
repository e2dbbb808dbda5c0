"""How many clips a second the front end and the other views of a clip process."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from kwslib.config import CLIP_SAMPLES, DEPLOYED, TRAINING
from kwslib.features.logmel import logmel_images
from kwslib.features.views import VIEWS, view_of
from kwslib.studies.bench.registry import Row, benchmark, median_seconds

_CLIPS = 500


@benchmark
def features() -> Sequence[Row]:
    """Clips a second: deployed image, its 10 ms sister, and every view."""
    clips = _noise(_CLIPS)
    how = f"{_CLIPS} clips, one thread, median of 5"
    rows = [
        Row(
            f"log-mel image {config.frames} x {config.bands}",
            _CLIPS / median_seconds(partial(logmel_images, clips, config)),
            "clips/s",
            how,
        )
        for config in (DEPLOYED, TRAINING)
    ]
    rows += [
        Row(
            f"view {kind}",
            _CLIPS / median_seconds(partial(view_of, clips, kind), repetitions=3),
            "clips/s",
            f"{_CLIPS} clips, one thread, median of 3",
        )
        for kind in VIEWS
    ]
    return rows


def _noise(clips: int) -> NDArray[np.int16]:
    samples = np.random.default_rng(0).normal(0, 1000, (clips, CLIP_SAMPLES))
    return samples.astype(np.int16)
