"""Grids for logits, of which nothing counts but what the softmax makes of them.

Logits of a sure network reach far below 0, and a grid that covers them all is coarse where two
labels are close. How far below the highest a logit lies matters ever less, so a grid may clamp the
low ones: with logits from -150 to 20, in 8 bits, the step that covers all is 0.67 and may turn a
probability of 0.50 into 0.66; clamped at -10 it is 0.12, which makes it 0.53.

Source: M. Nagel et al., "A White Paper on Neural Network Quantization" (2021), 3.1, which takes the
cross-entropy for the last layer.
"""

import torch
from torch import Tensor

from kwslib.errors import InputError
from kwslib.quantize.affine import QParams, dequantize, qparams_for_range, quantize

_PARTS = 40
"""How many fractions of the range are tried on either side of 0."""


def choose_logits_qparams(logits: Tensor, bits: int) -> QParams:
    """The asymmetric grid with which the softmax changes least.

    Least is the mean Kullback-Leibler divergence of the probabilities with the grid from those
    without, over grids that reach to a part of the range below 0 and to a part of that above.

    Args:
        logits: ``[n, labels]``.
        bits: 2 to 8.

    Raises:
        InputError: there is no number, or one is not finite.
    """
    if logits.numel() == 0:
        raise InputError("there is no number to choose a scale for; calibrate on some clips")
    least, greatest = float(logits.min()), float(logits.max())
    if not bool(torch.isfinite(logits).all()):
        raise InputError("some numbers are NaN or infinite; train the network again")
    parts = torch.arange(1, _PARTS + 1) / _PARTS
    best, divergence = None, float("inf")
    for down in parts:
        grids = _grids(min(least, 0.0) * down, max(greatest, 0.0) * parts, bits)
        repeated = logits.expand(_PARTS, *logits.shape)
        found = softmax_divergence(logits, dequantize(quantize(repeated, grids), grids))
        up = int(found.argmin())
        if best is None or float(found[up]) < divergence:
            best, divergence = (float(down), float(parts[up])), float(found[up])
    assert best is not None
    low, high = min(least, 0.0) * best[0], max(greatest, 0.0) * best[1]
    return qparams_for_range(low, high, bits, symmetric=False)


def softmax_divergence(logits: Tensor, others: Tensor) -> Tensor:
    """Mean Kullback-Leibler divergence, in nats, of ``softmax(others)`` from ``softmax(logits)``.

    Args:
        logits: ``[n, labels]``.
        others: ``[..., n, labels]``.

    Returns:
        ``[...]``.
    """
    before, after = logits.log_softmax(-1), others.log_softmax(-1)
    return (before.exp() * (before - after)).sum(-1).mean(-1)


def _grids(low: Tensor, highs: Tensor, bits: int) -> QParams:
    """A grid along the first axis for each upper end."""
    each = [qparams_for_range(float(low), float(high), bits, symmetric=False) for high in highs]
    scale, zero_point = (
        torch.stack([getattr(grid, part) for grid in each]) for part in ("scale", "zero_point")
    )
    return QParams(scale, zero_point, each[0].low, each[0].high, axis=0)
