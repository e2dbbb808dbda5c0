r"""How much a network needs each of its channels.

Filters are looked at as the board computes with them, with BatchNorm folded in: before that their
scale means nothing, since BatchNorm undoes it.

- By a norm of the filter that makes the channel (H. Li et al., "Pruning Filters for Efficient
  ConvNets", ICLR 2017).
- ``taylor``: how much the loss would change to first order. For the filter :math:`w` of channel
  :math:`c`, its bias included, with the gradient :math:`g` of a batch's loss

  .. math:: I_c = \operatorname{E}\Big[\Big(\sum_i g_i w_i\Big)^2\Big]

  which is the square of the loss's derivative by a gate on the channel (P. Molchanov et al.,
  "Importance Estimation for Neural Network Pruning", CVPR 2019, equations 8 to 10).
- ``activation``: the mean of the absolute activations of the channel, as the layers that read it
  see them (P. Molchanov et al., "Pruning Convolutional Neural Networks for Resource Efficient
  Inference", ICLR 2017, 2.2).

Where several layers make a channel, since their outputs are added, norms are averaged over the
layers, each divided by its layer's mean so that all count alike; the Taylor terms are summed before
they are squared, as all of the channel would go.
"""

import copy
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from kwslib.data.dataset import Examples
from kwslib.errors import check_one_of
from kwslib.features.threads import one_thread
from kwslib.models.channels import Axis, Channels, channels_of
from kwslib.models.traced import folded_trace
from kwslib.prune.norms import NORMS, Norm, channel_norms
from kwslib.training.predict import to_input

Criterion = Norm | Literal["taylor", "activation"]
CRITERIA: tuple[Criterion, ...] = (*NORMS, "taylor", "activation")

CLIPS = 2048
"""Training images, evenly spread over the split, that Taylor terms and activations are taken on."""

_BATCH = 128


def importance(network: nn.Module, criterion: Criterion, training: Examples) -> dict[str, Tensor]:
    """How important each channel is, by the groups of :func:`kwslib.models.channels.channels_of`.

    Args:
        network: of the registry, trained.
        criterion: how channels are judged.
        training: the training clips; norms do not look at them.

    Returns:
        For each group a number for each channel, float32 ``[channels]``, that compares within the
        group.

    Raises:
        InputError: no such criterion, or the network's channels cannot be followed.
    """
    check_one_of("criterion", criterion, CRITERIA)
    channels = channels_of(network)
    with one_thread():
        if criterion == "taylor":
            return _taylor(network, channels, *_spread(training))
        if criterion == "activation":
            return _activation(network, channels, _spread(training)[0])
        return _by_norm(network, channels, criterion)


def _spread(training: Examples) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Some clips as deployed images, uint8 ``[n, 49, 40]``, and their labels."""
    chosen = np.linspace(0, len(training) - 1, min(CLIPS, len(training))).astype(int)
    return np.ascontiguousarray(training.images[chosen, ::2]), training.labels[chosen]


def _by_norm(network: nn.Module, channels: Channels, kind: Norm) -> dict[str, Tensor]:
    folded = folded_trace(network)

    def of_layer(name: str, output: Axis, size: int) -> Tensor:
        weight: Any = folded.get_submodule(name).weight
        norms = _by_channel(channel_norms(weight.detach(), kind), output, size)
        return norms / norms.mean().clamp_min(torch.finfo(torch.float32).tiny)

    return {
        group: torch.stack(
            [of_layer(name, channels.layers[name].output, size) for name in channels.makers(group)]
        ).mean(0)
        for group, size in channels.sizes.items()
    }


def _taylor(
    network: nn.Module, channels: Channels, images: NDArray[np.uint8], labels: NDArray[np.int64]
) -> dict[str, Tensor]:
    folded = folded_trace(network).requires_grad_(True)  # a bias that was folded has none yet
    total = {group: torch.zeros(size) for group, size in channels.sizes.items()}
    batches = zip(
        torch.from_numpy(images).split(_BATCH), torch.from_numpy(labels).split(_BATCH), strict=True
    )
    for batch, wanted in batches:
        folded.zero_grad()
        F.cross_entropy(folded(to_input(batch)), wanted).backward()
        for group, size in channels.sizes.items():
            terms = [
                _summed(
                    _first_order(folded.get_submodule(name)), channels.layers[name].output, size
                )
                for name in channels.makers(group)
            ]
            total[group] += torch.stack(terms).sum(0).square() * len(batch) / len(images)
    return total


@torch.no_grad()
def _first_order(layer: Any) -> Tensor:
    """For each output the sum of weight times gradient, its bias included: ``[out]``."""
    found = (layer.weight * layer.weight.grad).flatten(1).sum(1)
    return found if layer.bias is None else found + layer.bias * layer.bias.grad


def _activation(
    network: nn.Module, channels: Channels, images: NDArray[np.uint8]
) -> dict[str, Tensor]:
    network = copy.deepcopy(network).eval()
    total = {group: torch.zeros(size) for group, size in channels.sizes.items()}

    def observe(group: str, axis: Axis, readers: int) -> Callable[[nn.Module, Any], None]:
        def hook(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            x = inputs[0].abs()  # [n, inputs] or [n, inputs, height, width]
            means = x.mean(dim=[each for each in range(x.ndim) if each != 1])
            total[group] += _by_channel(means, axis, len(total[group])) * len(x) / readers

        return hook

    for group in channels.sizes:
        readers = channels.readers(group)
        for name in readers:
            axis = channels.layers[name].input
            assert axis is not None
            hook = observe(group, axis, len(readers))
            network.get_submodule(name).register_forward_pre_hook(hook)
    with torch.inference_mode():
        for batch in torch.from_numpy(images).split(_BATCH):
            network(to_input(batch))
    return {group: each / len(images) for group, each in total.items()}


def _by_channel(values: Tensor, axis: Axis, size: int) -> Tensor:
    """The mean over the positions of each channel: ``[positions]`` to ``[size]``."""
    return _summed(values, axis, size) / torch.bincount(axis.channels, minlength=size)


def _summed(values: Tensor, axis: Axis, size: int) -> Tensor:
    """The sum over the positions of each channel: ``[positions]`` to ``[size]``."""
    return torch.zeros(size).index_add(0, axis.channels, values)
