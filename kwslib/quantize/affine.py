"""Affine quantization: real numbers as integers with a scale and a zero point.

A real ``r`` is kept as ``q = clamp(round(r / scale) + zero_point, low, high)`` and stands for
``scale * (q - zero_point)``. With 3 bits, symmetric, and numbers up to 1.5, the scale is 1.5 / 3 =
0.5: 0.7 becomes 1 and stands for 0.5, 0.8 becomes 2 and stands for 1.0, 9.9 is clamped to 3.

Source: B. Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference" (CVPR 2018), 2.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from kwslib.errors import InputError, check, check_one_of
from kwslib.network.tensors import integer_range

Method = Literal["minmax", "percentile", "mse"]
METHODS: tuple[Method, ...] = ("minmax", "percentile", "mse")

_PERCENTILE = 99.9
_SHRINKAGES = 80
"""How many fractions of the full range are tried for the least squared error."""

_TINIEST = 1e-12
"""Scale of what is zero throughout: anything positive will do."""


@dataclass(frozen=True)
class QParams:
    """A grid of integers and what they stand for.

    Attributes:
        scale: float32, one number, or one for each index of ``axis``.
        zero_point: int32 of the same shape; the integer that stands for 0.
        low, high: the least and the greatest integer.
        axis: along which scales differ, None for one scale.
    """

    scale: Tensor
    zero_point: Tensor
    low: int
    high: int
    axis: int | None = None

    def shaped(self, ndim: int) -> tuple[Tensor, Tensor]:
        """Scale and zero point in a shape that broadcasts against ``ndim`` axes."""
        if self.axis is None:
            return self.scale, self.zero_point
        shape = [1] * ndim
        shape[self.axis] = -1
        return self.scale.reshape(shape), self.zero_point.reshape(shape)


def choose_qparams(
    x: Tensor,
    bits: int,
    *,
    symmetric: bool,
    axis: int | None = None,
    method: Method = "minmax",
) -> QParams:
    """Scale and zero point for numbers like ``x``.

    Symmetric grids have the zero point 0 and the integers ``[-2^(b-1) + 1, 2^(b-1) - 1]``, as
    TensorFlow Lite's weights; asymmetric ones all integers of the width, and 0 among the numbers
    that are met exactly.

    Args:
        x: numbers, of any shape.
        bits: 2 to 8.
        symmetric: whether the zero point is 0.
        axis: along which each index gets its own scale; None for one scale.
        method: ``"minmax"`` covers all numbers, ``"percentile"`` 99.9 % of them on either side,
            ``"mse"`` takes the fraction of the full range with the least squared error.

    Raises:
        InputError: there is no number, one is not finite, or ``bits`` or ``method`` is unknown.
    """
    rows = rows_of(x, axis, method, METHODS)
    least, greatest = rows.amin(1), rows.amax(1)
    if method == "percentile":
        beyond = int(rows.shape[1] * (1 - _PERCENTILE / 100))
        ordered = rows.sort(dim=1).values
        least, greatest = ordered[:, beyond], ordered[:, -1 - beyond]
    found = _grid(least, greatest, bits, symmetric)
    if method == "mse":
        found = _least_error(rows, least, greatest, bits, symmetric)
    return _only(found) if axis is None else replace(found, axis=axis)


def qparams_for_range(least: float, greatest: float, bits: int, *, symmetric: bool) -> QParams:
    """Scale and zero point for numbers from ``least`` to ``greatest``.

    Raises:
        InputError: the bounds are not finite or in the wrong order.
    """
    in_order = -float("inf") < least <= greatest < float("inf")
    check(f"range {least} to {greatest}", in_order, "finite, the lesser bound first")
    return _only(_grid(torch.tensor([least]), torch.tensor([greatest]), bits, symmetric))


def quantize(x: Tensor, qparams: QParams) -> Tensor:
    """``x`` as integers, int32 of the same shape; halves round to even."""
    scale, zero_point = qparams.shaped(x.ndim)
    q = torch.round(x / scale) + zero_point
    return q.clamp(qparams.low, qparams.high).int()


def dequantize(q: Tensor, qparams: QParams) -> Tensor:
    """What integers stand for, float32 of the same shape."""
    scale, zero_point = qparams.shaped(q.ndim)
    return (q - zero_point) * scale


def rows_of(x: Tensor, axis: int | None, method: str, methods: Sequence[str]) -> Tensor:
    """Numbers that a scale is chosen for, a row a scale, float32 ``[scales, numbers]``.

    Args:
        x: numbers, of any shape.
        axis: along which each index gets its own scale; None for one scale.
        method: how scales are chosen.
        methods: of which it has to be one.

    Raises:
        InputError: it is none, there is no number, or one is not finite.
    """
    check_one_of("method", method, methods)
    if x.numel() == 0:
        raise InputError("there is no number to choose a scale for; calibrate on some clips")
    if not bool(torch.isfinite(x).all()):
        raise InputError("some numbers are NaN or infinite; train the network again")
    rows = x.detach().float()
    return rows.reshape(1, -1) if axis is None else rows.movedim(axis, 0).flatten(1)


def _only(grids: QParams) -> QParams:
    """The first grid of several."""
    return replace(grids, scale=grids.scale[0], zero_point=grids.zero_point[0])


def _grid(least: Tensor, greatest: Tensor, bits: int, symmetric: bool) -> QParams:
    """The grid of each pair of bounds."""
    if symmetric:
        low, high = integer_range(bits, narrow=True)
        scale = (torch.maximum(least.abs(), greatest.abs()) / high).clamp_min(_TINIEST)
        return QParams(scale, torch.zeros_like(scale, dtype=torch.int32), low, high)
    low, high = integer_range(bits)
    least, greatest = least.clamp_max(0), greatest.clamp_min(0)
    scale = ((greatest - least) / (high - low)).clamp_min(_TINIEST)
    zero_point = (low - torch.round(least / scale)).clamp(low, high).int()
    return QParams(scale, zero_point, low, high)


def _least_error(
    rows: Tensor, least: Tensor, greatest: Tensor, bits: int, symmetric: bool
) -> QParams:
    """For each row the grid with the least squared error among those of a part of its range."""
    best = _grid(least, greatest, bits, symmetric)
    error = torch.full((len(rows),), float("inf"))
    for step in range(_SHRINKAGES):
        part = 1 - step / _SHRINKAGES
        tried = replace(_grid(least * part, greatest * part, bits, symmetric), axis=0)
        found = _squared_error(rows, tried)
        better = found < error
        error = torch.where(better, found, error)
        scale = torch.where(better, tried.scale, best.scale)
        best = replace(
            best, scale=scale, zero_point=torch.where(better, tried.zero_point, best.zero_point)
        )
    return best


def _squared_error(rows: Tensor, grids: QParams) -> Tensor:
    """What each row loses on its grid; in place, as millions of activations are tried often."""
    scale, zero_point = grids.shaped(2)
    found = (rows / scale).round_()
    found.clamp_(grids.low - zero_point, grids.high - zero_point)
    return found.mul_(scale).sub_(rows).square_().sum(1)
