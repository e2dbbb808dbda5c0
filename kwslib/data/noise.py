"""Silence: one-second crops of background noise at positions and levels fixed by hashes.

A crop's name says all of it, ``_silence_/<recording>-<first sample>-<level in per mille>``, so
that a task can list its silence without reading a sample.
"""

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kwslib.config import CLIP_SAMPLES
from kwslib.data.task import SILENCE, Split, in_hash_order, sha1_hex
from kwslib.errors import InputError

_PER_MILLE = 1000

Regions = Mapping[Split, tuple[float, float]]
"""The part of every recording from which a split's crops are cut, as fractions of its length."""


def silence_names(
    lengths: Mapping[str, int], split: Split, count: int, regions: Regions
) -> list[str]:
    """Names of ``count`` crops, each from a hashed recording, position and level.

    Args:
        lengths: samples in each noise recording.
        split: the split for which to cut.
        count: how many.
        regions: disjoint parts of a recording for each split; a crop lies wholly inside one.

    Raises:
        InputError: there is no recording, or the split's part of one is shorter than a crop.
    """
    recordings = in_hash_order(lengths)
    start, end = regions[split]
    if not recordings:
        raise InputError("there is no recording of background noise to cut silence from")
    for recording, length in lengths.items():
        if int(end * length) - int(start * length) < CLIP_SAMPLES:
            raise InputError(
                f"noise {recording}: {length:,} samples are too short to cut "
                f"{split} silence of {CLIP_SAMPLES:,} from their part of {end - start:.0%}"
            )
    names = []
    for number in range(count):
        draw = int(sha1_hex(f"silence/{split}/{number}"), 16)
        draw, choice = divmod(draw, len(recordings))
        draw, level = divmod(draw, _PER_MILLE + 1)
        recording = recordings[choice]
        first, last = int(start * lengths[recording]), int(end * lengths[recording])
        position = first + draw % (last - first - CLIP_SAMPLES + 1)
        names.append(f"{SILENCE}/{recording}-{position:07d}-{level:04d}")
    return names


def silence_audio(noise: Mapping[str, NDArray[np.int16]], name: str) -> NDArray[np.int16]:
    """The crop called ``name``, int16 ``[16000]``.

    Raises:
        InputError: the name is no crop of these recordings.
    """
    match = re.fullmatch(rf"{SILENCE}/(.+)-(\d+)-(\d+)", name)
    if match is None or match[1] not in noise:
        raise InputError(f"{name}: is no crop of the noises {', '.join(sorted(noise))}")
    position, level = int(match[2]), int(match[3]) / _PER_MILLE
    crop = noise[match[1]][position : position + CLIP_SAMPLES]
    if len(crop) < CLIP_SAMPLES:
        raise InputError(f"{name}: lies outside the recording of {len(noise[match[1]])} samples")
    return np.round(crop * level).astype(np.int16)
