"""Quantization within training: numbers on the grid forwards, a straight-through gradient back.

Rounding has no useful gradient, so it is taken for the identity (the straight-through estimator),
but not where a number was clamped: moving it there changes nothing, and a gradient that says
otherwise drives weights ever further out of the range.

Sources: Y. Bengio, N. Leonard and A. Courville, "Estimating or Propagating Gradients Through
Stochastic Neurons for Conditional Computation" (2013); S. K. Esser et al., "Learned Step Size
Quantization" (ICLR 2020).
"""

import torch
from torch import Tensor

from kwslib.quantize.affine import QParams


def fake_quantize(x: Tensor, qparams: QParams, clipped_gradient: bool = True) -> Tensor:
    """What ``x`` stands for once it is quantized; the gradient is 1, and 0 where it was clamped.

    Args:
        x: numbers.
        qparams: their grid.
        clipped_gradient: whether the gradient is 0 where a number was clamped; otherwise it is 1
            everywhere, as a common mistake has it.

    >>> from kwslib.quantize.affine import qparams_for_range
    >>> grid = qparams_for_range(-1.5, 1.5, 3, symmetric=True)
    >>> fake_quantize(torch.tensor([0.7, 0.8, 9.9]), grid)
    tensor([0.5000, 1.0000, 1.5000])
    """
    scale, zero_point = qparams.shaped(x.ndim)
    q = torch.round(x.detach() / scale) + zero_point
    inside = (q >= qparams.low) & (q <= qparams.high)
    passes = inside if clipped_gradient else torch.ones_like(inside)
    return straight_through(x, (q.clamp(qparams.low, qparams.high) - zero_point) * scale, passes)


def straight_through(x: Tensor, value: Tensor, passes: Tensor) -> Tensor:
    """``value``, with the gradient of ``x`` where ``passes``, a bool each, and none elsewhere."""
    return value + torch.where(passes, x - x.detach(), 0)  # which is 0 forwards


def fake_quantize_learned(
    x: Tensor, scale: Tensor, low: int, high: int, zero_point: int = 0
) -> Tensor:
    """As :func:`fake_quantize` with a scale that is learned with the weights.

    The gradient of the scale is ``round(x / s) - x / s`` for numbers on the grid and the bound for
    those that were clamped, divided by ``sqrt(numbers * levels above 0)`` so that it is of the
    numbers' size.

    Args:
        x: numbers.
        scale: a parameter above 0 that broadcasts against ``x``.
        low: the least integer.
        high: the greatest integer.
        zero_point: the integer that stands for 0.
    """
    low, high = low - zero_point, high - zero_point
    numbers = x.numel() / scale.numel()
    step = _scaled_gradient(scale, (numbers * max(high, 1)) ** -0.5)
    real = x / step
    rounded = torch.round(real.detach())
    inside = (rounded >= low) & (rounded <= high)
    q = torch.where(inside, real + (rounded - real.detach()), rounded.clamp(low, high))
    return q * step


def _scaled_gradient(x: Tensor, factor: float) -> Tensor:
    """``x`` itself, with a gradient of ``factor`` times its own."""
    return (x - x * factor).detach() + x * factor
