"""The two methods by name: after training or within it, and the settings that were chosen."""

import re
from typing import Literal

from torch import nn

from kwslib.data.dataset import Dataset
from kwslib.errors import InputError
from kwslib.quantize.minifloat import FORMATS, Minifloat
from kwslib.quantize.network import QuantizedNetwork, Widths
from kwslib.quantize.ptq import calibration_clips, quantize_after_training
from kwslib.quantize.qat import AwareRecipe, Hold, quantize_in_training
from kwslib.quantize.quantizers import Number
from kwslib.training.recipe import Recipe

Method = Literal["ptq", "qat"]

AWARE_EPOCHS, AWARE_RATE = 10, 5e-4
"""Of quantization-aware training; chosen on the validation clips of yes and no."""

TERNARY_EPOCHS, TERNARY_RATE = 20, 4e-3
"""Where weights have two bits, and so three values, which leave much to learn again; likewise."""


def number_of(text: str) -> Number | None:
    """What ``"4"``, ``"E4M3"`` or ``"float"`` means: bits, a small float, or nothing done.

    Raises:
        InputError: it means nothing.
    """
    if text == "float":
        return None
    if text.upper() in FORMATS:
        return FORMATS[text.upper()]
    if match := re.fullmatch(r"[eE](\d)[mM](\d{1,2})", text):
        return Minifloat(int(match[1]), int(match[2]))
    if not re.fullmatch(r"-?\d{1,3}", text):
        raise InputError(f"{text!r}: must be bits (2 to 8), a small float such as E4M3, or float")
    return int(text)


def aware_recipe(widths: Widths, epochs: int | None = None) -> AwareRecipe:
    """How a network is trained with its quantizers; integers learn their scales."""
    usual, rate = AWARE_EPOCHS, AWARE_RATE
    if widths.weights == 2:
        usual, rate = TERNARY_EPOCHS, TERNARY_RATE
    training = Recipe(epochs=epochs or usual, learning_rate=rate)
    floats = any(isinstance(each, Minifloat) for each in (widths.weights, widths.activations))
    return AwareRecipe(training, learn_scales=not floats)


def quantize_network(
    network: nn.Module,
    method: Method,
    widths: Widths,
    dataset: Dataset,
    seed: int,
    epochs: int | None = None,
    hold: Hold | None = None,
) -> QuantizedNetwork:
    """A network in few bits, ready to evaluate.

    Args:
        network: of the registry, trained as floats.
        method: after training, or within it.
        widths: of weights and activations.
        dataset: the task and its clips.
        seed: of quantization-aware training.
        epochs: of it; None for the recipe's.
        hold: as of :func:`kwslib.quantize.qat.quantize_in_training`.

    Raises:
        InputError: a weight is not finite, or the network cannot be quantized.
    """
    if method == "ptq":
        clips = calibration_clips(dataset.examples("training").deployed)
        return quantize_after_training(network, widths, clips)
    return quantize_in_training(network, widths, dataset, aware_recipe(widths, epochs), seed, hold)
