"""Zeros in a network of integers, by magnitude and without training: what its speed depends on."""

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from kwslib.deploy.bit_fields import filled
from kwslib.deploy.sparse_packing import BLOCK
from kwslib.errors import InputError
from kwslib.network.graph import Graph
from kwslib.network.operators import Operator
from kwslib.network.weighted import DepthwiseConv2d, FullyConnected, Weighted

Pattern = Literal["global", "uniform", "blocks"]
"""Where the zeros are: the smallest weights of all layers together, the smallest of each layer, or
each fully connected layer's blocks of the smallest sums and the smallest weights of the others."""

PATTERNS: tuple[Pattern, ...] = get_args(Pattern)


def with_zeros(graph: Graph, pattern: Pattern, share: float) -> Graph:
    """The network with a share of its weights set to zero, the smallest first.

    Args:
        graph: the network.
        pattern: one of :data:`PATTERNS`.
        share: of the weights, or of the blocks, from 0 to 1.

    Raises:
        InputError: no such pattern, or no such share.
    """
    if pattern not in PATTERNS:
        raise InputError(f"pattern {pattern!r}: must be one of {', '.join(PATTERNS)}")
    if not 0 <= share <= 1:
        raise InputError(f"zeros {share}: give a share from 0 to 1")
    weighted = [operator for operator in graph.operators if isinstance(operator, Weighted)]
    if pattern == "global":
        sizes = [_magnitudes(operator).reshape(-1) for operator in weighted]
        kept = _largest(np.concatenate(sizes), share)
        masks = np.split(kept, np.cumsum([len(size) for size in sizes])[:-1])
    else:
        masks = [_mask(operator, pattern, share) for operator in weighted]
    each = iter(masks)
    operators = tuple(
        _masked(operator, next(each)) if isinstance(operator, Weighted) else operator
        for operator in graph.operators
    )
    return replace(graph, operators=operators)


def _magnitudes(operator: Weighted) -> NDArray[np.float64]:
    """What the weights stand for, without signs.

    A multiplier is the input's scale times the weights' over the output's.
    """
    scales = np.array([by.mantissa * 2.0 ** (by.exponent - 31) for by in operator.multipliers])
    scales *= operator.output.scale / operator.input.scale
    shape = [1] * operator.weights.ndim
    shape[-1 if isinstance(operator, DepthwiseConv2d) else 0] = -1
    return np.abs(operator.weights.astype(np.float64)) * scales.reshape(shape)


def _largest(sizes: NDArray[np.floating], share: float) -> NDArray[np.bool_]:
    """Whether each is among those that are left when a share of them, the smallest, is gone."""
    kept = np.ones(len(sizes), bool)
    kept[np.argsort(sizes, kind="stable")[: round(share * len(sizes))]] = False
    return kept


def _mask(operator: Weighted, pattern: Pattern, share: float) -> NDArray[np.bool_]:
    """Which weights of a layer stay, flat."""
    sizes = np.abs(operator.weights.astype(np.float64)).reshape(-1)
    if pattern != "blocks" or not isinstance(operator, FullyConnected):
        return _largest(sizes, share)
    outputs, depth = operator.weights.shape
    blocks = filled(sizes.reshape(outputs, depth), (1, BLOCK)).reshape(-1, BLOCK)
    kept = np.repeat(_largest(blocks.sum(axis=1), share), BLOCK)
    return kept.reshape(outputs, -1)[:, :depth].reshape(-1)


def _masked(operator: Weighted, kept: NDArray[np.bool_]) -> Operator:
    return replace(operator, weights=operator.weights * kept.reshape(operator.weights.shape))
