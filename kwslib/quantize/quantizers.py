"""Quantizers inside a network: of a layer's weights, and of activations where they are stored,
with what is remembered of the activations that pass, so that a grid can be chosen for them.

Numbers are integers of a width, or small floats of a format; either way forwards gives what they
stand for, and the gradient goes straight through but where a number was clamped.

A scale that is learned is learned as its logarithm: Adam moves every parameter by about the same
amount a step, which for scales of 0.001 and of 1 alike must be a share of the scale.

Of logits nothing counts but what the softmax makes of them. Those of a sure network reach far below
0, and a grid that covers them all is coarse where two labels are close. How far below the highest a
logit lies matters ever less, so a grid may clamp the low ones: with logits from -150 to 20, in 8
bits, the step that covers all is 0.67 and may turn a probability of 0.50 into 0.66; clamped at -10
it is 0.12, which makes it 0.53.

Source: M. Nagel et al., "A White Paper on Neural Network Quantization" (2021), 3.1, which takes the
cross-entropy for the last layer.
"""

from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor, nn

from kwslib.errors import InputError
from kwslib.network.tensors import integer_range
from kwslib.quantize.affine import (
    Method,
    QParams,
    choose_qparams,
    dequantize,
    qparams_for_range,
    quantize,
)
from kwslib.quantize.fake import fake_quantize, fake_quantize_learned
from kwslib.quantize.minifloat import (
    Minifloat,
    ScaleMethod,
    choose_scale,
    quantize_dequantize,
)

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


Number = int | Minifloat
"""What a number is kept as: an integer of 2 to 8 bits, or a small float."""

ActivationMethod = Method | Literal["output"]
"""How a grid of activations is chosen: as one of weights is, or, with ``"output"``, for what comes
of it: for logits the least change of the softmax, for others the least squared error."""


class MovingAverageObserver(nn.Module):
    """The range of the numbers, as an exponential moving average of each batch's.

    Source: Jacob et al. (CVPR 2018), 3.1.
    """

    least: Tensor
    greatest: Tensor

    def __init__(self, momentum: float = 0.99) -> None:
        """Begin with nothing seen; ``momentum`` is the weight of what was seen before."""
        super().__init__()
        self._momentum = momentum
        self.register_buffer("least", torch.tensor(float("nan")))
        self.register_buffer("greatest", torch.tensor(float("nan")))

    def observe(self, x: Tensor) -> None:
        """Take a batch's numbers into account."""
        for bound, new in ((self.least, x.detach().min()), (self.greatest, x.detach().max())):
            bound.copy_(new if bool(bound.isnan()) else bound.lerp(new, 1 - self._momentum))

    @property
    def has_seen(self) -> bool:
        """Whether there is a range."""
        return not bool(self.least.isnan())

    def qparams(self, bits: int) -> QParams:
        """An asymmetric grid for the range.

        Raises:
            InputError: nothing was seen.
        """
        if not self.has_seen:
            raise InputError("nothing was observed; calibrate on some clips")
        return qparams_for_range(float(self.least), float(self.greatest), bits, symmetric=False)


class BatchObserver:
    """All numbers of the batches that passed, or as many of them as are kept, evenly spread."""

    def __init__(self, kept: int = 2**20) -> None:
        """Begin with nothing seen; of each batch at most ``kept`` numbers are remembered."""
        self._kept = kept
        self._batches: list[Tensor] = []

    def observe(self, x: Tensor) -> None:
        """Take a batch's numbers into account; its extremes are always kept."""
        kept = x.detach()
        if kept.numel() > self._kept:
            flat = kept.flatten()
            step = -(-flat.numel() // self._kept)
            kept = torch.cat([flat[::step], flat.min()[None], flat.max()[None]])
        self._batches.append(kept)

    def rows(self) -> Tensor:
        """All batches, one after the other, where they were small enough to be kept whole."""
        return torch.cat(self._batches)

    def numbers(self) -> Tensor:
        """What was kept, flat.

        Raises:
            InputError: nothing was seen.
        """
        if not self._batches:
            raise InputError("nothing was observed; calibrate on some clips")
        return torch.cat([batch.flatten() for batch in self._batches])


class _Quantizer(nn.Module):
    """What the numbers of one place are kept as; their scale may be kept or learned."""

    log_scale: Tensor | None

    def __init__(self, number: Number | None) -> None:
        super().__init__()
        self.number = number
        self.clipped_gradient = True
        self.register_parameter("log_scale", None)
        self._scale: Tensor | None = None

    def _on_grid(self, x: Tensor, grid: QParams) -> Tensor:
        """What ``x`` stands for in integers, with the grid's scale or the one that is learned."""
        if self.log_scale is None:
            return fake_quantize(x, grid, self.clipped_gradient)
        scale, zero_points = replace(grid, scale=self.log_scale.exp()).shaped(x.ndim)
        return fake_quantize_learned(x, scale, grid.low, grid.high, int(zero_points.flatten()[0]))


class WeightQuantizer(_Quantizer):
    """A layer's weights: integers symmetric about 0, or small floats, a scale for each output."""

    def __init__(self, number: Number | None, method: Method) -> None:
        """Choose scales anew for the weights as they are, until they are fixed or learned.

        Args:
            number: what a weight is kept as; None leaves it as it is.
            method: how scales are chosen.
        """
        super().__init__(number)
        self.method = method

    def forward(self, weight: Tensor) -> Tensor:
        """What the weights stand for, ``[out, ...]``."""
        if self.number is None:
            return weight
        if isinstance(self.number, Minifloat):
            scale = self.scale(weight).reshape(-1, *[1] * (weight.ndim - 1))
            return quantize_dequantize(weight, self.number, scale)
        return self._on_grid(weight, self.qparams(weight))

    def scale(self, weight: Tensor) -> Tensor:
        """The scales, one an output.

        Raises:
            InputError: a weight is NaN or infinite.
        """
        assert self.number is not None
        if self.log_scale is not None:
            return self.log_scale.detach().exp()
        if self._scale is not None:
            return self._scale
        if isinstance(self.number, Minifloat):
            return choose_scale(weight, self.number, method=_float_method(self.method), axis=0)
        return choose_qparams(weight, self.number, symmetric=True, axis=0, method=self.method).scale

    def qparams(self, weight: Tensor) -> QParams:
        """The grid of integers for the weights."""
        assert isinstance(self.number, int)
        scale = self.scale(weight)
        zero_point = torch.zeros_like(scale, dtype=torch.int32)
        return QParams(scale, zero_point, *integer_range(self.number, narrow=True), axis=0)

    def learn_scale(self, weight: Tensor) -> None:
        """Make the scales of integers parameters, beginning with those for the weights now."""
        if isinstance(self.number, int):
            self.log_scale = nn.Parameter(self.scale(weight).log())

    def fix(self, weight: Tensor) -> None:
        """Keep the scales as they are for the weights now."""
        if self.number is not None and self.log_scale is None:
            self._scale = self.scale(weight)


class ActivationQuantizer(_Quantizer):
    """Where activations are stored: they are observed, and quantized once their range is known."""

    def __init__(self, number: Number | None, logits: bool = False) -> None:
        """Begin by passing on what comes.

        Args:
            number: what an activation is kept as.
            logits: whether the activations are those that the softmax takes.
        """
        super().__init__(number)
        self.logits = logits
        self.observer = MovingAverageObserver()
        self.observing = False
        self.batches: BatchObserver | None = None
        self._grid: QParams | None = None

    def forward(self, x: Tensor) -> Tensor:
        """``x``, or what it stands for."""
        if self.batches is not None:
            self.batches.observe(x)
            return x
        if self.observing and self.training and self.log_scale is None:
            self.observer.observe(x)
        chosen = self._grid is not None or self._scale is not None
        if self.number is None or not (chosen or self.observer.has_seen):
            return x
        if isinstance(self.number, Minifloat):
            return quantize_dequantize(x, self.number, self._float_scale(self.number))
        return self._on_grid(x, self.qparams())

    def fix(self, method: ActivationMethod) -> None:
        """Choose the grid for what the batches brought, and keep it."""
        assert self.batches is not None
        if isinstance(self.number, Minifloat):
            chosen = _float_method(method)
            self._scale = choose_scale(self.batches.numbers(), self.number, method=chosen)
        elif self.number is not None and self.logits and method == "output":
            self._grid = choose_logits_qparams(self.batches.rows(), self.number)
        elif self.number is not None:
            own = "mse" if method == "output" else method
            numbers = self.batches.numbers()
            self._grid = choose_qparams(numbers, self.number, symmetric=False, method=own)
        self.batches = None

    def qparams(self) -> QParams:
        """The grid of integers.

        Raises:
            InputError: nothing was observed.
        """
        assert isinstance(self.number, int)
        grid = self._grid or self.observer.qparams(self.number)
        if self.log_scale is None:
            return grid
        return replace(grid, scale=self.log_scale.detach().exp())

    def learn_scale(self) -> None:
        """Make the scale of integers a parameter, beginning with that of the kept grid."""
        if self._grid is not None:
            self.log_scale = nn.Parameter(self._grid.scale.log())

    def _float_scale(self, number: Minifloat) -> Tensor:
        if self._scale is not None:
            return self._scale
        greatest = torch.maximum(self.observer.least.abs(), self.observer.greatest.abs())
        return (greatest / number.largest).clamp_min(torch.finfo(torch.float32).tiny)


def _float_method(method: ActivationMethod) -> ScaleMethod:
    """What comes nearest to a method for integers."""
    return "mse" if method in ("mse", "output") else "max"
