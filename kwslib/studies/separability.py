"""How well a view of speech separates words, without training a network.

Two measures, both without anything to tune, so that no view is favoured by an effort spent on
it: the accuracy of ridge regression to one-hot targets with a fixed penalty, on clips of speakers
that it was not fitted on; and Fisher's ratio, the variance between words over the variance
within them (R. A. Fisher, "The use of multiple measurements in taxonomic problems", 1936).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kwslib.data.source import Source
from kwslib.data.task import sha1_hex, speaker_of
from kwslib.errors import InputError
from kwslib.features.views import VIEWS, view_of

PENALTY = 1.0
"""Ridge penalty on features scaled so that a clip's squared length is 1 on average."""


@dataclass(frozen=True)
class Words:
    """Spoken words with their labels.

    Attributes:
        audio: int16 ``[clips, 16000]``.
        labels: index of the word of each clip, ``[clips]``.
    """

    audio: NDArray[np.int16]
    labels: NDArray[np.int64]


def pack(correct: NDArray[np.bool_]) -> str:
    """Truth values ``[clips]`` as hexadecimal, the first in the highest bit of the first byte."""
    return np.packbits(correct).tobytes().hex()


def unpack(which: str, clips: int) -> NDArray[np.bool_]:
    """What :func:`pack` was given, bool ``[clips]``."""
    return np.unpackbits(np.frombuffer(bytes.fromhex(which), np.uint8), count=clips).astype(bool)


def two_groups(source: Source, words: Sequence[str], clips_per_word: int) -> tuple[Words, Words]:
    """Clips to fit on and clips of other speakers to recognise, the same on every call.

    The training and validation clips of a source that has both as sound; else its test clips,
    speakers parted by SHA-1 of their names into an even and an odd half.

    Args:
        source: where the clips come from.
        words: two or more.
        clips_per_word: at most as many clips of each word in each group.

    Raises:
        InputError: fewer than two words, or a word that the source or one of the groups lacks.
    """
    if len(set(words)) < 2:
        raise InputError(f"words {','.join(words)!r}: name at least two different words")
    groups: tuple[list[str], list[str]] = ([], [])
    labels: tuple[list[int], list[int]] = ([], [])
    for label, word in enumerate(words):
        for group, found in enumerate(_clips(source, word)):
            if not found:
                to = ("fit on", "recognise")[group]
                raise InputError(f"word {word!r}: {source.name} has no clips of it to {to}")
            groups[group].extend(found[:clips_per_word])
            labels[group].extend([label] * len(found[:clips_per_word]))
    fitted, unheard = (
        Words(source.audio(names), np.array(found, np.int64))
        for names, found in zip(groups, labels, strict=True)
    )
    return fitted, unheard


def _clips(source: Source, word: str) -> tuple[list[str], list[str]]:
    source.check_word(word)
    if source.has_audio("training") and source.has_audio("validation"):
        return source.keyword_clips(word, "training"), source.keyword_clips(word, "validation")
    names = source.keyword_clips(word, "testing")
    odd = [int(sha1_hex(speaker_of(name)), 16) % 2 == 1 for name in names]
    return (
        [name for name, is_odd in zip(names, odd, strict=True) if not is_odd],
        [name for name, is_odd in zip(names, odd, strict=True) if is_odd],
    )


def separations(
    fitted: Words, unheard: Words, kinds: Iterable[str] = tuple(VIEWS)
) -> list[dict[str, Any]]:
    """How well each view separates the words, in the order of ``kinds``.

    Returns:
        For each view its ``kind``, a key of :data:`kwslib.features.views.VIEWS`, how many
        ``values`` a clip has in it and the ``bytes`` that they take, how many ``clips`` of unheard
        speakers there are, how many of them are ``correct``, and ``which``, see :func:`pack`; and
        ``fisher``, variance between words over variance within, averaged over the values.
    """
    results = []
    for kind in kinds:
        known, new = _flat(view_of(fitted.audio, kind)), _flat(view_of(unheard.audio, kind))
        correct = ridge_predictions(known, fitted.labels, new) == unheard.labels
        results.append(
            {
                "kind": kind,
                "values": VIEWS[kind].values,
                "bytes": VIEWS[kind].bytes,
                "correct": int(correct.sum()),
                "clips": len(unheard.labels),
                "fisher": fisher_ratio(known, fitted.labels),
                "which": pack(correct),
            }
        )
    return results


def _flat(views: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(views.astype(np.float32).reshape(len(views), -1))


def ridge_predictions(
    known: Tensor, labels: NDArray[np.int64], new: Tensor, penalty: float = PENALTY
) -> NDArray[np.int64]:
    """Labels that ridge regression to one-hot targets gives to new vectors.

    Every value is standardised over the known vectors and divided by the root of their length.
    Solved in its dual form, ``(K + penalty I) a = Y`` with ``K = X X^T``, whose cost grows with
    the number of clips and not with the size of a view
    (Saunders, Gammerman and Vovk, "Ridge regression learning algorithm in dual variables", 1998).

    Args:
        known: ``[clips, values]``.
        labels: of the known vectors, ``[clips]``, from 0.
        new: ``[others, values]``.
        penalty: of the squared weights.

    Returns:
        int64 ``[others]``.
    """
    mean = known.mean(dim=0)
    scale = known.std(dim=0, correction=0)
    # a value that never changes says nothing: infinity makes it zero
    scale = torch.where(scale > 0, scale, torch.inf) * known.shape[1] ** 0.5
    x, others = (known - mean) / scale, (new - mean) / scale
    targets = torch.nn.functional.one_hot(torch.from_numpy(labels)).to(torch.float64)
    centre = targets.mean(dim=0)
    kernel = (x @ x.T).to(torch.float64)
    kernel.diagonal().add_(penalty)
    weights = torch.linalg.solve(kernel, targets - centre)
    scores = (others @ x.T).to(torch.float64) @ weights + centre
    return scores.argmax(dim=1).numpy()


def fisher_ratio(vectors: Tensor, labels: NDArray[np.int64]) -> float:
    """Variance between the words' means over the variance within words, ``[clips, values]``.

    The ratio of each value, averaged over those that vary within words. 0 says that a value's
    mean is the same for every word.
    """
    groups = [vectors[torch.from_numpy(labels == label)].double() for label in np.unique(labels)]
    shares = torch.tensor([len(group) / len(vectors) for group in groups], dtype=torch.float64)
    means = torch.stack([group.mean(dim=0) for group in groups])
    within = shares @ torch.stack([group.var(dim=0, correction=0) for group in groups])
    between = shares @ (means - shares @ means).square()
    varies = within > 0
    return float((between[varies] / within[varies]).mean()) if varies.any() else 0.0
