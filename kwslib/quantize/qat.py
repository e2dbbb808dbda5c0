"""Quantization by name of the method, and quantization-aware training.

Within training, a network learns to live with its grids.

The float weights stay and are what is trained; forwards the network computes with what they stand
for. Grids of activations follow a moving average of what passes and are frozen after a share of
the steps, so that the last of the training sees the network as it will be.

Source: Jacob et al. (CVPR 2018), 3; S. K. Esser et al. (ICLR 2020) for learned steps.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from kwslib.data.dataset import Dataset
from kwslib.errors import check
from kwslib.quantize.minifloat import FORMATS, Minifloat
from kwslib.quantize.network import QuantizedNetwork, Widths
from kwslib.quantize.ptq import calibrate, calibration_clips, quantize_after_training
from kwslib.quantize.quantizers import Number
from kwslib.training.passes import Hooks, tune
from kwslib.training.recipe import Recipe

Hold = Callable[[Mapping[str, Tensor]], Hooks]
"""Gives what is done around each step of a training, for the float weights by layer."""


FREEZE = 0.5
"""Share of the steps after which the grids of activations stay."""


@dataclass(frozen=True)
class AwareRecipe:
    """Settings of quantization-aware training.

    Attributes:
        training: passes, rates and augmentation, as of any training.
        learn_scales: whether the scales of weights and activations are learned (LSQ), from those
            of quantization after training on.
        overwrite: an ablation: after each step the float weights are replaced by what they stand
            for, which undoes every step that does not reach the next number of the grid.
        clipped_gradient: whether the gradient is 0 where a number was clamped; not to be is
            another ablation, for scales that are not learned.
    """

    training: Recipe
    learn_scales: bool = False
    overwrite: bool = False
    clipped_gradient: bool = True


def quantize_in_training(
    network: nn.Module,
    widths: Widths,
    dataset: Dataset,
    recipe: AwareRecipe,
    seed: int,
    hold: Hold | None = None,
) -> QuantizedNetwork:
    """Train a copy of a trained network with its quantizers, and return it ready to evaluate.

    The weights of the pass with the best validation accuracy are kept.

    Args:
        network: of the registry, trained as floats.
        widths: of weights and activations.
        dataset: the task and its clips.
        recipe: how to train.
        seed: of the order of clips, augmentation and dropout.
        hold: what else is done around each step, given the float weights by layer; it may hold
            some of them at zero.

    Raises:
        InputError: a weight is not finite, or the network cannot be traced.
    """
    quantized = QuantizedNetwork(network, widths, "mse")
    for _, layer in quantized.layers():
        layer.quantizer.clipped_gradient = recipe.clipped_gradient
    for quantizer in quantized.activations():
        quantizer.clipped_gradient = recipe.clipped_gradient
    if recipe.learn_scales:
        clips = calibration_clips(dataset.examples("training").deployed)
        calibrate(quantized.eval(), clips)
        for _, layer in quantized.layers():
            layer.quantizer.learn_scale(layer.layer.weight)
        for quantizer in quantized.activations():
            quantizer.learn_scale()
    hooks: list[Hooks] = [_Aware(quantized, recipe)]
    if hold is not None:
        hooks.append(hold({name: layer.layer.weight for name, layer in quantized.layers()}))
    tune(quantized, dataset, recipe.training, seed, hooks=hooks)
    return quantized


class _Aware(Hooks):
    """Observes activations until they are frozen; the ablation overwrites the weights."""

    def __init__(self, network: QuantizedNetwork, recipe: AwareRecipe) -> None:
        self._network, self._recipe = network, recipe

    def before_step(self, step: int, steps: int) -> None:
        for quantizer in self._network.activations():
            quantizer.observing = step < FREEZE * steps

    @torch.no_grad()
    def after_step(self) -> None:
        if self._recipe.overwrite:
            for _, layer in self._network.layers():
                layer.layer.weight.copy_(layer.quantizer(layer.layer.weight))


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
    is_number = bool(re.fullmatch(r"-?\d{1,3}", text))
    check(repr(text), is_number, "bits (2 to 8), a small float such as E4M3, or float")
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
