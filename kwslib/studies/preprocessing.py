"""How well views of speech separate words, and how far our images lie from the data set's own."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kwslib.config import TRAINING
from kwslib.data.dataset import open_source
from kwslib.data.source import Source
from kwslib.data.speech_commands import SpeechCommandsArchives
from kwslib.data.task import SILENCE, in_hash_order
from kwslib.errors import InputError
from kwslib.evaluation.accuracy import wilson_interval
from kwslib.features.agreement import distances, histogram, jpeg
from kwslib.features.logmel import logmel_images
from kwslib.records import FOLDER, Record, machine_name, of_version
from kwslib.studies.separability import PENALTY, separations, two_groups

RECORDS = FOLDER / "chapters" / "preprocessing.json"
"""The committed records, of Speech Commands."""

VERSION = 1
"""Raised by hand when the same data can give other records."""

WORDS = ("yes", "no", "left", "stop")
"""The words of the committed comparison."""

CLIPS_PER_WORD = 250
"""At most as many clips of a word in each of the two groups of the comparison."""

_DISTANCE_EDGES = tuple(float(edge) for edge in np.geomspace(2, 64, 41))
_PADDED_SAMPLES = 160


def compare_views(source: Source, words: Sequence[str], clips_per_word: int) -> list[Record]:
    """Accuracy of the same linear classifier behind each view of a clip, one record a view.

    Args:
        source: where the clips come from.
        words: to tell apart, two or more.
        clips_per_word: at most as many in each group, see
            :func:`kwslib.studies.separability.two_groups`, which also has the errors.
    """
    fitted, unheard = two_groups(source, words, clips_per_word)
    return [
        Record(
            metric="separation_accuracy",
            value=each["correct"] / each["clips"],
            unit="fraction",
            method="measured",
            subject={
                **each,
                "words": list(words),
                "fitted": len(fitted.labels),
                "classifier": f"ridge regression to one-hot targets, penalty {PENALTY:g}",
            },
            data=_identity(source),
            machine=machine_name(),
            interval=wilson_interval(each["correct"], each["clips"]),
        )
        for each in separations(fitted, unheard)
    ]


def measure_distance(source: SpeechCommandsArchives) -> Record:
    """How far our images of test clips lie from the archive's, in levels of the 256.

    Its value has ``clips``, ``counts`` (a histogram between ``edges``), ``median``, and
    ``median_jpeg`` (once ours went through the archive's JPEG compression), each by group:
    ``whole`` where a whole second was recorded, ``padded`` where zeros fill a shorter recording;
    and ``bias``, the mean of ours less theirs.
    """
    names = [name for name in _test_clips(source) if source.has_archived_image(name)]
    audio = source.audio(names)
    ours = logmel_images(audio, TRAINING)
    theirs = np.stack([source.archived_image(name) for name in names])
    plain, compressed = distances(ours, theirs), distances(jpeg(ours), theirs)
    padded = _zeros_at_ends(audio) >= _PADDED_SAMPLES
    groups = {"whole": ~padded, "padded": padded}
    edges = np.array(_DISTANCE_EDGES)
    value = {
        "clips": {name: int(group.sum()) for name, group in groups.items()},
        "counts": {name: histogram(plain[group], edges).tolist() for name, group in groups.items()},
        "median": {name: float(np.median(plain[group])) for name, group in groups.items()},
        "median_jpeg": {
            name: float(np.median(compressed[group])) for name, group in groups.items()
        },
        "edges": _DISTANCE_EDGES,
        "bias": float((ours.astype(np.float64) - theirs).mean()),
    }
    return Record(
        metric="image_distance",
        value=value,
        unit="levels of 256, root mean square over a clip",
        method="measured",
        subject={"image": f"{TRAINING.frames} x {TRAINING.bands}"},
        data={**_identity(source), "split": "testing"},
        machine=machine_name(),
    )


def _identity(source: Source) -> dict[str, Any]:
    return {"name": source.name, "hash": source.identity()[:16]}


def _test_clips(source: SpeechCommandsArchives) -> list[str]:
    """All words of the official test set, in an order that depends on nothing else."""
    return in_hash_order(source.unknown_clips([SILENCE], "testing"))


def _zeros_at_ends(audio: NDArray[np.int16]) -> NDArray[np.int64]:
    """Digital zeros before and after the sound of each clip, ``[clips]``."""
    sounding = audio != 0
    return np.where(
        sounding.any(axis=1),
        sounding.argmax(axis=1) + sounding[:, ::-1].argmax(axis=1),
        audio.shape[1],
    )


def study(folder: str) -> list[Record]:
    """The records of both, from the archives in ``folder``.

    Raises:
        InputError: the folder does not hold them.
    """
    source = open_source(folder)
    if not isinstance(source, SpeechCommandsArchives):
        raise InputError(f"{folder}: needs the three archives, whose images are compared")
    records = [*compare_views(source, WORDS, CLIPS_PER_WORD), measure_distance(source)]
    return of_version(records, VERSION)
