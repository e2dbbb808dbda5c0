"""Quantizers inside a network: of a layer's weights, and of activations where they are stored.

Numbers are integers of a width, or small floats of a format; either way forwards gives what they
stand for, and the gradient goes straight through but where a number was clamped.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from kwslib.quantize.affine import Method, QParams, choose_qparams, integer_range
from kwslib.quantize.fake import fake_quantize, fake_quantize_learned
from kwslib.quantize.minifloat import (
    Minifloat,
    ScaleMethod,
    choose_scale,
    quantize_dequantize,
)
from kwslib.quantize.observers import BatchObserver, MovingAverageObserver

Number = int | Minifloat
"""What a number is kept as: an integer of 2 to 8 bits, or a small float."""


class WeightQuantizer(nn.Module):
    """A layer's weights: integers symmetric about 0, or small floats, a scale for each output."""

    step: Tensor | None

    def __init__(self, number: Number | None, method: Method) -> None:
        """Choose scales anew for the weights as they are, until they are fixed or learned.

        Args:
            number: what a weight is kept as; None leaves it as it is.
            method: how scales are chosen.
        """
        super().__init__()
        self.number, self.method = number, method
        self.register_parameter("step", None)
        self._scale: Tensor | None = None

    def forward(self, weight: Tensor) -> Tensor:
        """What the weights stand for, ``[out, ...]``."""
        if self.number is None:
            return weight
        if isinstance(self.number, Minifloat):
            scale = self.scale(weight).reshape(-1, *[1] * (weight.ndim - 1))
            return quantize_dequantize(weight, self.number, scale)
        if self.step is None:
            return fake_quantize(weight, self.qparams(weight))
        low, high = integer_range(self.number, narrow=True)
        step = self.step.abs().reshape(-1, *[1] * (weight.ndim - 1))
        return fake_quantize_learned(weight, step, low, high)

    def scale(self, weight: Tensor) -> Tensor:
        """The scales, one an output.

        Raises:
            InputError: a weight is NaN or infinite.
        """
        assert self.number is not None
        if self.step is not None:
            return self.step.detach().abs()
        if self._scale is not None:
            return self._scale
        if isinstance(self.number, Minifloat):
            chosen = _float_method(self.method)
            return choose_scale(weight, self.number, method=chosen, axis=0).flatten()
        return choose_qparams(weight, self.number, symmetric=True, axis=0, method=self.method).scale

    def qparams(self, weight: Tensor) -> QParams:
        """The grid of integers for the weights."""
        assert isinstance(self.number, int)
        scale = self.scale(weight)
        zero_point = torch.zeros_like(scale, dtype=torch.int32)
        return QParams(scale, zero_point, *integer_range(self.number, narrow=True), axis=0)

    def learn_step(self, weight: Tensor) -> None:
        """Make the scales of integers parameters, beginning with those for the weights now."""
        if isinstance(self.number, int):
            self.step = nn.Parameter(self.scale(weight).clone())

    def fix(self, weight: Tensor) -> None:
        """Keep the scales as they are for the weights now."""
        if self.number is not None and self.step is None:
            self._scale = self.scale(weight)


class ActivationQuantizer(nn.Module):
    """Where activations are stored: they are observed, and quantized once their range is known."""

    step: Tensor | None

    def __init__(self, number: Number | None) -> None:
        """Begin by passing on what comes; ``number`` is what an activation is kept as."""
        super().__init__()
        self.number = number
        self.observer = MovingAverageObserver()
        self.observing = False
        self.batches: BatchObserver | None = None
        self.register_parameter("step", None)
        self._grid: QParams | None = None
        self._scale: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """``x``, or what it stands for."""
        if self.batches is not None:
            self.batches.observe(x)
            return x
        if self.observing and self.step is None:
            self.observer.observe(x)
        if self.number is None or not self._is_known():
            return x
        if isinstance(self.number, Minifloat):
            return quantize_dequantize(x, self.number, self._float_scale(self.number))
        grid = self.qparams()
        if self.step is None:
            return fake_quantize(x, grid)
        zero_point = int(grid.zero_point)
        return fake_quantize_learned(x, self.step.abs(), grid.low, grid.high, zero_point)

    def fix(self, method: Method) -> None:
        """Choose the grid for what the batches brought, and keep it.

        Raises:
            InputError: nothing was observed.
        """
        assert self.batches is not None
        if isinstance(self.number, Minifloat):
            numbers = self.batches.numbers()
            self._scale = choose_scale(numbers, self.number, method=_float_method(method))
        elif self.number is not None:
            self._grid = self.batches.qparams(self.number, method=method)
        self.batches = None

    def qparams(self) -> QParams:
        """The grid of integers.

        Raises:
            InputError: nothing was observed.
        """
        assert isinstance(self.number, int)
        grid = self._grid or self.observer.qparams(self.number)
        return grid if self.step is None else replace(grid, scale=self.step.detach().abs())

    def learn_step(self) -> None:
        """Make the scale of integers a parameter, beginning with that of the kept grid."""
        if self._grid is not None:
            self.step = nn.Parameter(self._grid.scale.clone())

    def _is_known(self) -> bool:
        kept = self._grid is not None or self._scale is not None
        return kept or not bool(self.observer.least.isnan())

    def _float_scale(self, number: Minifloat) -> Tensor:
        if self._scale is not None:
            return self._scale
        greatest = torch.maximum(self.observer.least.abs(), self.observer.greatest.abs())
        return (greatest / number.largest).clamp_min(torch.finfo(torch.float32).tiny)


def _float_method(method: Method) -> ScaleMethod:
    """What comes nearest to a method for integers."""
    return "mse" if method == "mse" else "max"
