"""Post-training quantization: grids for a trained network, chosen by looking at some clips."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kwslib.errors import InputError
from kwslib.quantize.affine import Method
from kwslib.quantize.network import QuantizedNetwork, Widths
from kwslib.quantize.observers import BatchObserver
from kwslib.quantize.quantizers import ActivationMethod
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

    Raises:
        InputError: there is no image, a weight is not finite, or the network cannot be traced.
    """
    if len(images) == 0:
        raise InputError("there is no clip to calibrate on; name some training clips")
    quantized = QuantizedNetwork(network, widths, weight_method).eval()
    calibrate(quantized, images, activation_method)
    for _, layer in quantized.layers():
        layer.quantizer.fix(layer.layer.weight)
    return quantized


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
    with torch.no_grad():
        for batch in torch.from_numpy(np.ascontiguousarray(images)).split(_BATCH):
            quantized(to_input(batch))
    for quantizer in quantizers:
        quantizer.fix(method)
