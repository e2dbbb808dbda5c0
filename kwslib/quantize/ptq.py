"""Post-training quantization: grids for a trained network, chosen by looking at some clips."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kwslib.errors import InputError
from kwslib.quantize.affine import Method
from kwslib.quantize.network import QuantizedLayer, QuantizedNetwork, Widths
from kwslib.quantize.quantizers import ActivationMethod, BatchObserver
from kwslib.training.predict import to_input

CALIBRATION_CLIPS = 500
"""Training images, evenly spread over the split, that set the ranges of the activations."""

_BATCH = 100


def calibration_clips(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Those images of a training split that calibrate, always the same, evenly spread.

    Args:
        images: uint8 ``[clips, 49, 40]``.
    """
    chosen = np.linspace(0, len(images) - 1, min(CALIBRATION_CLIPS, len(images))).astype(int)
    return images[chosen]


def quantize_after_training(
    network: nn.Module,
    widths: Widths,
    images: NDArray[np.uint8],
    *,
    weight_method: Method = "mse",
    activation_method: ActivationMethod = "output",
    correct_bias: bool = True,
) -> QuantizedNetwork:
    """A quantized copy of a network, ready to evaluate.

    Activations are observed with the weights already on their grids, which at few bits gives
    better grids than the float network's activations would.

    Args:
        network: of the registry, trained.
        widths: of weights and activations.
        images: uint8 ``[clips, 49, 40]`` of the training split, which set the activations' grids.
        weight_method: how the grids of the weights are chosen.
        activation_method: how those of the activations are.
        correct_bias: whether the biases take up what rounding the weights shifts the outputs by.

    Raises:
        InputError: there is no image, a weight is not finite, or the network cannot be traced.
    """
    if len(images) == 0:
        raise InputError("there is no clip to calibrate on; name some training clips")
    quantized = QuantizedNetwork(network, widths, weight_method).eval()
    if correct_bias:
        correct_biases(quantized, network, images)
    calibrate(quantized, images, activation_method)
    for _, layer in quantized.layers():
        layer.quantizer.fix(layer.layer.weight)
    return quantized


def correct_biases(
    quantized: QuantizedNetwork, network: nn.Module, images: NDArray[np.uint8]
) -> None:
    """Move each layer's biases so that its outputs have the mean that they had as floats.

    Images and activations behind a ReLU are never negative, so rounded weights whose errors do
    not cancel shift an output by the same amount for every clip, which a bias can undo. Layers
    are corrected in order, each with those before it corrected.

    Args:
        quantized: in evaluation mode; its activations are not quantized yet.
        network: what it was made of.
        images: uint8 ``[clips, 49, 40]``.

    Source: M. Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias
    Correction" (ICCV 2019), 4.2, with the means of clips.
    """
    floats = QuantizedNetwork(network, Widths(None, None)).eval()
    expected = [_mean_output(floats, layer, images) for _, layer in floats.layers()]
    for (_, layer), mean in zip(quantized.layers(), expected, strict=True):
        shift = mean - _mean_output(quantized, layer, images)
        bias = layer.layer.bias
        layer.layer.bias = nn.Parameter(shift if bias is None else bias.detach() + shift)


def _mean_output(
    network: QuantizedNetwork, layer: QuantizedLayer, images: NDArray[np.uint8]
) -> torch.Tensor:
    """The mean of a layer's outputs over clips and places, ``[outputs]``."""
    sums: list[torch.Tensor] = []

    def look(_: nn.Module, __: object, output: torch.Tensor) -> None:
        places = (0, *range(2, output.ndim))
        sums.append(output.double().mean(places) * len(output))

    hook = layer.register_forward_hook(look)
    _pass(network, images)
    hook.remove()
    return (torch.stack(sums).sum(0) / len(images)).float()


def _pass(network: QuantizedNetwork, images: NDArray[np.uint8]) -> None:
    with torch.no_grad():
        for batch in torch.from_numpy(np.ascontiguousarray(images)).split(_BATCH):
            network(to_input(batch))


def calibrate(
    quantized: QuantizedNetwork, images: NDArray[np.uint8], method: ActivationMethod = "output"
) -> None:
    """Fix the grids of activations by what some clips give.

    Args:
        quantized: in evaluation mode.
        images: uint8 ``[clips, 49, 40]``.
        method: how the grids are chosen.
    """
    quantizers = list(quantized.activations())
    for quantizer in quantizers:
        quantizer.batches = BatchObserver()
    _pass(quantized, images)
    for quantizer in quantizers:
        quantizer.fix(method)
