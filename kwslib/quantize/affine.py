"""Affine quantization: real numbers as integers with a scale and a zero point.

A real ``r`` is kept as ``q = clamp(round(r / scale) + zero_point, low, high)`` and stands for
``scale * (q - zero_point)``. With 3 bits, symmetric, and numbers up to 1.5, the scale is 1.5 / 3 =
0.5: 0.7 becomes 1 and stands for 0.5, 0.8 becomes 2 and stands for 1.0, 9.9 is clamped to 3.

Source: B. Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference" (CVPR 2018), 2.1.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from kwslib.errors import InputError
from kwslib.network.tensors import check_bits, integer_range

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
    check_bits(bits)
    _check_numbers(x, method)
    rows = x.detach().float()
    rows = rows.reshape(1, -1) if axis is None else rows.movedim(axis, 0).flatten(1)
    least, greatest = _bounds(rows, "percentile" if method == "percentile" else "minmax")
    found = _grid(least, greatest, bits, symmetric)
    if method == "mse":
        found = _least_error(rows, least, greatest, bits, symmetric)
    if axis is None:
        return QParams(found.scale[0], found.zero_point[0], found.low, found.high)
    return QParams(found.scale, found.zero_point, found.low, found.high, axis)


def qparams_for_range(least: float, greatest: float, bits: int, *, symmetric: bool) -> QParams:
    """Scale and zero point for numbers from ``least`` to ``greatest``.

    Raises:
        InputError: the bounds are not finite or in the wrong order.
    """
    check_bits(bits)
    if not -float("inf") < least <= greatest < float("inf"):
        raise InputError(f"range {least} to {greatest}: must be finite, the lesser bound first")
    found = _grid(torch.tensor([least]), torch.tensor([greatest]), bits, symmetric)
    return QParams(found.scale[0], found.zero_point[0], found.low, found.high)


def quantize(x: Tensor, qparams: QParams) -> Tensor:
    """``x`` as integers, int32 of the same shape; halves round to even."""
    scale, zero_point = qparams.shaped(x.ndim)
    q = torch.round(x / scale) + zero_point
    return q.clamp(qparams.low, qparams.high).int()


def dequantize(q: Tensor, qparams: QParams) -> Tensor:
    """What integers stand for, float32 of the same shape."""
    scale, zero_point = qparams.shaped(q.ndim)
    return (q - zero_point) * scale


def _check_numbers(x: Tensor, method: str) -> None:
    if method not in METHODS:
        raise InputError(f"method {method!r}: must be one of {', '.join(METHODS)}")
    if x.numel() == 0:
        raise InputError("there is no number to choose a scale for; calibrate on some clips")
    if not bool(torch.isfinite(x).all()):
        raise InputError("some numbers are NaN or infinite; train the network again")


def _bounds(rows: Tensor, method: Literal["minmax", "percentile"]) -> tuple[Tensor, Tensor]:
    """The least and the greatest number of each row that a grid shall cover."""
    if method == "minmax":
        return rows.amin(1), rows.amax(1)
    count = rows.shape[1]
    beyond = int(count * (1 - _PERCENTILE / 100))
    ordered = rows.sort(dim=1).values
    return ordered[:, beyond], ordered[:, count - 1 - beyond]


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
    scale, zero_point = best.scale.clone(), best.zero_point.clone()
    error = torch.full((len(rows),), float("inf"))
    for step in range(_SHRINKAGES):
        part = 1 - step / _SHRINKAGES
        tried = _grid(least * part, greatest * part, bits, symmetric)
        by_row = QParams(tried.scale, tried.zero_point, tried.low, tried.high, 0)
        found = (dequantize(quantize(rows, by_row), by_row) - rows).square().sum(1)
        better = found < error
        error = torch.where(better, found, error)
        scale = torch.where(better, tried.scale, scale)
        zero_point = torch.where(better, tried.zero_point, zero_point)
    return QParams(scale, zero_point, best.low, best.high)
