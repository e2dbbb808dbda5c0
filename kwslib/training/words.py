"""A second lesson beside a task's own: to tell all words of the data apart.

What a task calls unknown is many words, and their names say more of how words differ than that one
label does. While a network learns, its last layer has an output for each word after those of the
labels; what is validated and kept goes without them.

Source: Caruana, "Multitask Learning", Machine Learning 28, 1997.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kwslib.data.task import SILENCE

_SILENT = -1


@dataclass(frozen=True)
class Words:
    """The words of some clips.

    Attributes:
        names: each word once, in alphabetical order.
        said: place in ``names`` of each clip's word, int64 ``[clips]``; -1 of silence.
    """

    names: tuple[str, ...]
    said: Tensor

    def loss(self, logits: Tensor, clips: Tensor) -> Tensor:
        """Mean cross-entropy in nats, where silence adds nothing.

        Args:
            logits: of the words, ``[n, words]``.
            clips: places in :attr:`said`, ``[n]``.
        """
        wanted = self.said[clips]
        return F.cross_entropy(logits, wanted, ignore_index=_SILENT, reduction="sum") / len(clips)


def words_of(clips: Sequence[str]) -> Words:
    """The words of clips that are called ``word/file``."""
    words = [clip.split("/")[0] for clip in clips]
    names = sorted(set(words) - {SILENCE})
    places = {SILENCE: _SILENT} | {name: place for place, name in enumerate(names)}
    return Words(tuple(names), torch.tensor([places[word] for word in words]))


class FirstOutputs(nn.Module):
    """The first outputs of a network: the labels', without the words'."""

    def __init__(self, network: nn.Module, count: int) -> None:
        super().__init__()
        self.network, self.count = network, count

    def forward(self, x: Tensor) -> Tensor:
        """Input of the network to logits ``[n, count]``."""
        return self.network(x)[:, : self.count]


def first_outputs(state: Mapping[str, Tensor], smaller: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a network, of which the last layer keeps its first outputs alone.

    Args:
        state: of the network.
        smaller: of a network of the same kind with fewer outputs.
    """
    return {
        name: tensor if tensor.shape == smaller[name].shape else tensor[: len(smaller[name])]
        for name, tensor in state.items()
    }
