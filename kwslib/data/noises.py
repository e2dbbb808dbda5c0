"""Every noise there is to mix into speech, by name: a source's recordings, and computed ones."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kwslib.data.source import Source
from kwslib.data.synthetic_noise import synthetic_noise
from kwslib.errors import InputError

Noises = Mapping[str, NDArray[np.int16]]
"""Recordings by name, each int16 ``[samples]`` at 16 kHz."""

MIXED, SYNTHETIC, ALL = "mixed", "synthetic", "all"

_COMPUTED = "synthetic_"


def noises_of(source: Source) -> dict[str, NDArray[np.int16]]:
    """A source's recordings, and those of :mod:`kwslib.data.synthetic_noise` as
    ``synthetic_<name>`` where they are others.

    Networks are trained with the recordings of their source; the computed ones are then new to
    them.
    """
    computed, own = synthetic_noise(), source.noise()
    if own is computed:
        return dict(own)
    return {**own, **{f"{_COMPUTED}{name}": noise for name, noise in computed.items()}}


def chosen_noises(source: Source, choice: str) -> dict[str, NDArray[np.int16]]:
    """Noises by choice.

    Args:
        source: brings its recordings.
        choice: ``mixed`` for the source's own, ``synthetic`` for the computed ones, ``all`` for
            both, or names separated by commas.

    Raises:
        InputError: there is none of that name.
    """
    every, own = noises_of(source), list(source.noise())
    computed = [name for name in every if name not in own] or own
    kinds = {MIXED: own, SYNTHETIC: computed, ALL: list(every)}
    names = kinds.get(choice) or [name.strip() for name in choice.split(",")]
    for name in names:
        if name not in every:
            raise InputError(
                f"noise {name!r}: must be {', '.join(kinds)} or names of {', '.join(every)}"
            )
    return {name: every[name] for name in names}
