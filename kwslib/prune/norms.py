r"""How large are the weights of a group: a channel's filter, a block, or one weight alone.

For weights :math:`w_1, \dots, w_n`

.. math::

    \|w\|_1 = \sum_i |w_i|, \qquad
    \|w\|_2 = \sqrt{\sum_i w_i^2}, \qquad
    \|w\|_\infty = \max_i |w_i|

Of one weight all three are its magnitude, so they choose differently only among groups.

Source: G. H. Golub and C. F. Van Loan, Matrix Computations, 4th edition (2013), 2.2; as a measure
of filters, H. Li et al., "Pruning Filters for Efficient ConvNets" (ICLR 2017).
"""

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from kwslib.errors import check_one_of

Norm = Literal["l1", "l2", "linf"]

_NORMS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "l1": lambda x: x.abs().sum(-1),
    "l2": lambda x: x.square().sum(-1).sqrt(),
    "linf": lambda x: x.abs().amax(-1),
}
"""Each norm along the last axis."""

NORMS: tuple[Norm, ...] = ("l1", "l2", "linf")

BLOCK = 4
"""Weights of a block: as many int8 as a word of the board's memory holds."""


def norm(x: Tensor, kind: Norm) -> Tensor:
    """The norm along the last axis, ``[..., n]`` to ``[...]``.

    Raises:
        InputError: no such norm.

    >>> w = torch.tensor([3.0, -4.0])
    >>> [float(norm(w, kind)) for kind in NORMS]
    [7.0, 5.0, 4.0]
    """
    check_one_of("norm", kind, NORMS)
    return _NORMS[kind](x)


def channel_norms(weight: Tensor, kind: Norm) -> Tensor:
    """The norm of each output's weights: ``[out, ...]`` to ``[out]``."""
    return norm(weight.flatten(1), kind)


def block_norms(weight: Tensor, kind: Norm) -> Tensor:
    """The norm of each block of weights that lie side by side: ``[out, inputs]`` of a fully
    connected layer to ``[out, blocks]``.

    The last block of an output is shorter where the inputs do not divide.

    >>> block_norms(torch.tensor([[1.0, 2, 3, 4, 5]]), "l1")
    tensor([[10.,  5.]])
    """
    missing = -weight.shape[1] % BLOCK
    return norm(F.pad(weight, (0, missing)).unflatten(1, (-1, BLOCK)), kind)


def blocks_to_weights(of_blocks: Tensor, inputs: int) -> Tensor:
    """What is said of each block, ``[out, blocks]``, said of each weight, ``[out, inputs]``."""
    return torch.repeat_interleave(of_blocks, BLOCK, dim=1)[:, :inputs]
