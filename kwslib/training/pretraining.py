"""What a network can learn before its task: to tell all words of the data apart."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from kwslib.data.dataset import Dataset
from kwslib.data.task import UNKNOWN, Task


def every_word(dataset: Dataset) -> Task:
    """The task whose keywords are all words of the data, first those of ``dataset``'s own task.

    There is as much silence as in that, and no word is unknown.
    """
    task, source = dataset.task, dataset.source
    clips = source.unknown_clips(task.keywords, "training")
    own = sum(len(source.keyword_clips(word, "training")) for word in task.keywords)
    return replace(
        task,
        keywords=(*task.keywords, *sorted({name.split("/")[0] for name in clips})),
        silence_percent=max(1, task.silence_percent * own // (own + len(clips))),
        unknown_percent=0,
    )


@torch.no_grad()
def take_over(
    network: nn.Module, labels: Sequence[str], known: nn.Module, known_labels: Sequence[str]
) -> None:
    """Give a network the weights of one with more labels.

    Where the two differ in shape, which they do in the last layer alone, a label takes its own row,
    and unknown the mean of the rows of all words that are no label now.

    Args:
        network: of as many outputs as ``labels``; it is changed.
        labels: of it, silence and unknown among them.
        known: the same network with as many outputs as ``known_labels``.
        known_labels: likewise; all of ``labels`` are there.
    """
    others = [i for i, label in enumerate(known_labels) if label not in labels]
    rows = [
        others if label == UNKNOWN and others else [known_labels.index(label)] for label in labels
    ]
    theirs = known.state_dict()
    for name, tensor in network.state_dict().items():
        value = theirs[name]
        if value.shape != tensor.shape:
            value = torch.stack([value[own].mean(0) for own in rows])
        tensor.copy_(value)
