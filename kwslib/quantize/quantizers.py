"""Quantizers inside a network: of a layer's weights, and of activations where they are stored.

Numbers are integers of a width, or small floats of a format; either way forwards gives what they
stand for, and the gradient goes straight through but where a number was clamped.

A scale that is learned is learned as its logarithm: Adam moves every parameter by about the same
amount a step, which for scales of 0.001 and of 1 alike must be a share of the scale.
"""

from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor, nn

from kwslib.network.tensors import integer_range
from kwslib.quantize.affine import Method, QParams, choose_qparams
from kwslib.quantize.fake import fake_quantize, fake_quantize_learned
from kwslib.quantize.logits import choose_logits_qparams
from kwslib.quantize.minifloat import (
    Minifloat,
    ScaleMethod,
    choose_scale,
    quantize_dequantize,
)
from kwslib.quantize.observers import BatchObserver, MovingAverageObserver

Number = int | Minifloat
"""What a number is kept as: an integer of 2 to 8 bits, or a small float."""

ActivationMethod = Method | Literal["output"]
"""How a grid of activations is chosen: as one of weights is, or, with ``"output"``, for what comes
of it: for logits the least change of the softmax, for others the least squared error."""


class WeightQuantizer(nn.Module):
    """A layer's weights: integers symmetric about 0, or small floats, a scale for each output."""

    log_scale: Tensor | None

    def __init__(self, number: Number | None, method: Method) -> None:
        """Choose scales anew for the weights as they are, until they are fixed or learned.

        Args:
            number: what a weight is kept as; None leaves it as it is.
            method: how scales are chosen.
        """
        super().__init__()
        self.number, self.method = number, method
        self.clipped_gradient = True
        self.register_parameter("log_scale", None)
        self._scale: Tensor | None = None

    def forward(self, weight: Tensor) -> Tensor:
        """What the weights stand for, ``[out, ...]``."""
        if self.number is None:
            return weight
        if isinstance(self.number, Minifloat):
            scale = self.scale(weight).reshape(-1, *[1] * (weight.ndim - 1))
            return quantize_dequantize(weight, self.number, scale)
        if self.log_scale is None:
            return fake_quantize(weight, self.qparams(weight), self.clipped_gradient)
        low, high = integer_range(self.number, narrow=True)
        scale = self.log_scale.exp().reshape(-1, *[1] * (weight.ndim - 1))
        return fake_quantize_learned(weight, scale, low, high)

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
            chosen = _float_method(self.method)
            return choose_scale(weight, self.number, method=chosen, axis=0).flatten()
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


class ActivationQuantizer(nn.Module):
    """Where activations are stored: they are observed, and quantized once their range is known."""

    log_scale: Tensor | None

    def __init__(self, number: Number | None, logits: bool = False) -> None:
        """Begin by passing on what comes.

        Args:
            number: what an activation is kept as.
            logits: whether the activations are those that the softmax takes.
        """
        super().__init__()
        self.number, self.logits = number, logits
        self.clipped_gradient = True
        self.observer = MovingAverageObserver()
        self.observing = False
        self.batches: BatchObserver | None = None
        self.register_parameter("log_scale", None)
        self._grid: QParams | None = None
        self._scale: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """``x``, or what it stands for."""
        if self.batches is not None:
            self.batches.observe(x)
            return x
        if self.observing and self.training and self.log_scale is None:
            self.observer.observe(x)
        if self.number is None or not self._is_known():
            return x
        if isinstance(self.number, Minifloat):
            return quantize_dequantize(x, self.number, self._float_scale(self.number))
        grid = self.qparams()
        if self.log_scale is None:
            return fake_quantize(x, grid, self.clipped_gradient)
        zero_point = int(grid.zero_point)
        return fake_quantize_learned(x, self.log_scale.exp(), grid.low, grid.high, zero_point)

    def fix(self, method: ActivationMethod) -> None:
        """Choose the grid for what the batches brought, and keep it.

        Raises:
            InputError: nothing was observed.
        """
        assert self.batches is not None
        if isinstance(self.number, Minifloat):
            numbers = self.batches.numbers()
            self._scale = choose_scale(numbers, self.number, method=_float_method(method))
        elif self.number is not None:
            self._grid = self._chosen(self.number, method, self.batches)
        self.batches = None

    def _chosen(self, bits: int, method: ActivationMethod, batches: BatchObserver) -> QParams:
        if method != "output":
            return batches.qparams(bits, method=method)
        if self.logits:
            return choose_logits_qparams(batches.rows(), bits)
        return batches.qparams(bits, method="mse")

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

    def _is_known(self) -> bool:
        kept = self._grid is not None or self._scale is not None
        return kept or not bool(self.observer.least.isnan())

    def _float_scale(self, number: Minifloat) -> Tensor:
        if self._scale is not None:
            return self._scale
        greatest = torch.maximum(self.observer.least.abs(), self.observer.greatest.abs())
        return (greatest / number.largest).clamp_min(torch.finfo(torch.float32).tiny)


def _float_method(method: ActivationMethod) -> ScaleMethod:
    """What comes nearest to a method for integers."""
    return "mse" if method in ("mse", "output") else "max"
