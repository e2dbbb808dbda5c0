"""What quantization does inside a network: weights on their grids, and where the noise enters.

Noise is told in decibels, the power of a signal over that of what rounding adds to it: with every
bit more the step is half as long, and the ratio 6 dB higher.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn

from kwslib.models.traced import module_of
from kwslib.network.tensors import integer_range
from kwslib.quantize.affine import Method, QParams, choose_qparams, dequantize, quantize
from kwslib.quantize.network import QuantizedLayer, QuantizedNetwork, Widths
from kwslib.quantize.ptq import calibrate, correct_biases, quantize_after_training
from kwslib.quantize.quantizers import ActivationQuantizer, WeightQuantizer, softmax_divergence
from kwslib.training.predict import to_input

_BATCH = 200


def decibels(signal: Tensor, noise: Tensor) -> float:
    """``10 log10`` of the power of ``signal`` over that of ``noise``; infinite without noise.

    >>> decibels(torch.tensor([3.0, 4.0]), torch.tensor([0.3, 0.4]))
    20.0
    """
    power = float(noise.double().square().sum())
    if power == 0:
        return float("inf")
    return round(10 * float(torch.log10(signal.double().square().sum() / power)), 6)


def weight_noise(weights: Tensor, bits: int, *, by_channel: bool, method: Method) -> float:
    """Decibels of weights over what a symmetric grid adds to them.

    Args:
        weights: ``[out, ...]``.
        bits: 2 to 8.
        by_channel: whether each output has its own scale.
        method: how the grid is chosen.
    """
    qparams = choose_qparams(
        weights, bits, symmetric=True, axis=0 if by_channel else None, method=method
    )
    return decibels(weights, dequantize(quantize(weights, qparams), qparams) - weights)


def grid_levels(weights: Tensor, bits: int, method: Method = "mse") -> list[float]:
    """The numbers that the symmetric grid chosen for ``weights`` has, ascending."""
    scale = float(choose_qparams(weights, bits, symmetric=True, method=method).scale)
    low, high = integer_range(bits, narrow=True)
    return [scale * integer for integer in range(low, high + 1)]


@dataclass(frozen=True)
class Source:
    """A place where a network is quantized.

    Attributes:
        layer: whose weights, or after which activations are stored.
        what: ``"weights"`` or ``"activations"``.
        corrected: whether the biases make up for what the weights shift.
    """

    layer: str
    what: str
    corrected: bool = False

    def __str__(self) -> str:
        return f"{self.what} of {self.layer}{', biases corrected' if self.corrected else ''}"


def noise_at_logits(
    network: nn.Module,
    bits: int,
    calibration: NDArray[np.uint8],
    images: NDArray[np.uint8],
) -> dict[Source, float]:
    """Decibels of the logits over what each place alone adds to them, quantized after training.

    Logits are taken less their mean over the labels, which the softmax ignores, and are not
    quantized themselves. Weights are looked at twice, without and with biases corrected.

    Args:
        network: of the registry, trained.
        bits: 2 to 8.
        calibration: uint8 ``[clips, 49, 40]`` that set grids and biases.
        images: uint8 ``[clips, 49, 40]`` to look at.
    """
    expected = _centred(_logits(QuantizedNetwork(network, Widths(None, None)).eval(), images))
    found = {}
    for source, quantizer in _places(QuantizedNetwork(network, Widths(bits, bits))):
        if isinstance(quantizer, ActivationQuantizer) and quantizer.logits:
            continue
        for corrected in (False, True)[: 2 if source.what == "weights" else 1]:
            alone = _alone(network, bits, source, calibration, corrected)
            noise = _centred(_logits(alone, images)) - expected
            found[replace(source, corrected=corrected)] = decibels(expected, noise)
    return found


def _alone(
    network: nn.Module, bits: int, only: Source, calibration: NDArray[np.uint8], corrected: bool
) -> QuantizedNetwork:
    """The network with one place quantized."""
    quantized = QuantizedNetwork(network, Widths(bits, bits), "mse").eval()
    for source, quantizer in _places(quantized):
        if source != only:
            quantizer.number = None
    if corrected:
        correct_biases(quantized, network, calibration)
    calibrate(quantized, calibration)
    return quantized


def _centred(logits: Tensor) -> Tensor:
    return logits - logits.mean(1, keepdim=True)


def _logits(network: nn.Module, images: NDArray[np.uint8]) -> Tensor:
    batches = torch.from_numpy(np.ascontiguousarray(images)).split(_BATCH)
    with torch.no_grad():
        return torch.cat([network(to_input(batch)) for batch in batches])


def _places(
    quantized: QuantizedNetwork,
) -> Iterator[tuple[Source, WeightQuantizer | ActivationQuantizer]]:
    """Every quantizer with its place, in order."""
    for node in quantized.traced.graph.nodes:
        module = module_of(node, quantized.traced)
        if isinstance(module, QuantizedLayer):
            yield Source(str(node.target), "weights"), module.quantizer
        elif isinstance(module, ActivationQuantizer):
            yield Source(_layer_before(node, quantized.traced), "activations"), module


def _layer_before(node: fx.Node, traced: fx.GraphModule) -> str:
    """The layer whose result is stored, or the name of the step where that is none."""
    step = node.all_input_nodes[0]
    before = step.all_input_nodes[0] if len(step.all_input_nodes) == 1 else step
    for each in (step, before):  # an activation function stands between the two
        if isinstance(module_of(each, traced), QuantizedLayer):
            return str(each.target)
    return step.name


@dataclass(frozen=True)
class LogitsGrid:
    """What a grid of 8 bits does to logits.

    Attributes:
        step: of the grid.
        divergence: of the softmax, in nats.
        changed: images whose highest score is another label's than without the grid.
        images: all of them.
    """

    step: float
    divergence: float
    changed: int
    images: int


def logits_grids(
    network: nn.Module, calibration: NDArray[np.uint8], images: NDArray[np.uint8]
) -> dict[str, LogitsGrid]:
    """What a grid that covers all logits does, and one chosen for the softmax, by method
    (``"minmax"``, ``"output"``); weights and other activations are left as they are.

    Args:
        network: of the registry, trained.
        calibration: uint8 ``[clips, 49, 40]`` that set the grid.
        images: uint8 ``[clips, 49, 40]`` to look at.
    """
    found = {}
    expected = _logits(network.eval(), images)
    for method in ("minmax", "output"):
        quantized = quantize_after_training(
            network, Widths(None, 8), calibration, activation_method=method,
        )  # fmt: skip
        grid = list(quantized.activations())[-1].qparams()
        found[method] = _on_grid(expected, grid)
    return found


def _on_grid(logits: Tensor, grid: QParams) -> LogitsGrid:
    rounded = dequantize(quantize(logits, grid), grid)
    return LogitsGrid(
        step=float(grid.scale),
        divergence=float(softmax_divergence(logits, rounded)),
        changed=int((rounded.argmax(1) != logits.argmax(1)).sum()),
        images=len(logits),
    )
