r"""How large are the weights of a group: a channel's filter, a block, or one weight alone.

For weights :math:`w_1, \dots, w_n`

.. math::

    \|w\|_1 = \sum_i |w_i|, \qquad
    \|w\|_2 = \sqrt{\sum_i w_i^2}, \qquad
    \|w\|_\infty = \max_i |w_i|

Of one weight all three are its magnitude, so they choose differently only among groups.

L1 and L2 grow with :math:`n`: of weights drawn alike they are in proportion to :math:`n` and to
:math:`\sqrt n`. Within a layer every group has as many weights, so the order is the same whether
they are summed or averaged. Across layers it is not: there ``mean=True`` compares
:math:`\|w\|_1 / n` and the root mean square :math:`\|w\|_2 / \sqrt n`. L-infinity hardly grows, and
is left as it is.

Source: G. H. Golub and C. F. Van Loan, Matrix Computations, 4th edition (2013), 2.2; as a measure
of filters, H. Li et al., "Pruning Filters for Efficient ConvNets" (ICLR 2017).
"""

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from kwslib.errors import InputError

Norm = Literal["l1", "l2", "linf"]

_NORMS: Mapping[str, tuple[Callable[[Tensor], Tensor], float]] = {
    "l1": (lambda x: x.abs().sum(-1), 1.0),
    "l2": (lambda x: x.square().sum(-1).sqrt(), 0.5),
    "linf": (lambda x: x.abs().amax(-1), 0.0),
}
"""Each norm along the last axis, and the power of n by which it grows."""

NORMS: tuple[Norm, ...] = ("l1", "l2", "linf")

BLOCK = 4
"""Weights of a block: as many int8 as a word of the board's memory holds."""


def norm(x: Tensor, kind: Norm, *, mean: bool = False) -> Tensor:
    """The norm along the last axis, ``[..., n]`` to ``[...]``.

    Args:
        x: weights.
        kind: which norm.
        mean: whether to make groups of different sizes comparable.

    Raises:
        InputError: no such norm.

    >>> w = torch.tensor([3.0, -4.0])
    >>> [float(norm(w, kind)) for kind in NORMS]
    [7.0, 5.0, 4.0]
    >>> float(norm(w, "l1", mean=True))
    3.5
    """
    if kind not in _NORMS:
        raise InputError(f"norm {kind!r}: must be one of {', '.join(NORMS)}")
    measure, growth = _NORMS[kind]
    found = measure(x)
    return found / x.shape[-1] ** growth if mean else found


def channel_norms(weight: Tensor, kind: Norm, *, mean: bool = False) -> Tensor:
    """The norm of each output's weights: ``[out, ...]`` to ``[out]``."""
    return norm(weight.flatten(1), kind, mean=mean)


def block_norms(weight: Tensor, kind: Norm, size: int = BLOCK) -> Tensor:
    """The norm of each block of ``size`` weights that lie side by side: ``[out, blocks]``.

    The last block of an output is shorter where the inputs do not divide.

    Args:
        weight: of a fully connected layer or convolution.
        kind: which norm.
        size: weights in a block.

    >>> block_norms(torch.tensor([[1.0, 2, 3, 4, 5]]), "l1")
    tensor([[10.,  5.]])
    """
    rows = memory_rows(weight)
    missing = -rows.shape[1] % size
    return norm(F.pad(rows, (0, missing)).unflatten(1, (-1, size)), kind)


def memory_rows(weight: Tensor) -> Tensor:
    """Each output's weights as the board has them in a row: ``[out, inputs]``.

    A fully connected layer's are that already, its inputs flattened with channels last; those of
    a convolution, ``[out, in, height, width]``, have their input channels last.
    """
    return weight if weight.ndim == 2 else weight.permute(0, 2, 3, 1).flatten(1)


def from_memory_rows(rows: Tensor, weight: Tensor) -> Tensor:
    """What :func:`memory_rows` ordered, in the shape of ``weight`` again."""
    if weight.ndim == 2:
        return rows
    out, channels, height, width = weight.shape
    return rows.reshape(out, height, width, channels).permute(0, 3, 1, 2)


def blocks_to_weights(of_blocks: Tensor, weight: Tensor, size: int = BLOCK) -> Tensor:
    """What is said of each block, ``[out, blocks]``, said of each of its weights."""
    inputs = weight[0].numel()
    rows = torch.repeat_interleave(of_blocks, size, dim=1)[:, :inputs]
    return from_memory_rows(rows, weight)
