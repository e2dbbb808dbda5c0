"""Quantization-aware training: a trained network learns to live with its grids.

The float weights stay and are what is trained; forwards the network computes with what they stand
for. Grids of activations follow a moving average of what passes and are frozen after a share of
the steps, so that the last of the training sees the network as it will be.

Source: Jacob et al. (CVPR 2018), 3; S. K. Esser et al. (ICLR 2020) for learned steps.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kwslib.data.dataset import Dataset
from kwslib.quantize.network import QuantizedNetwork, Widths
from kwslib.quantize.ptq import calibrate, calibration_clips
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
