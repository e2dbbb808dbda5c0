"""Quantization-aware training: a trained network learns to live with its grids.

The float weights stay and are what is trained; forwards the network computes with what they stand
for. Grids of activations follow a moving average of what passes and are frozen after a share of
the steps, so that the last of the training sees the network as it will be.

Source: Jacob et al. (CVPR 2018), 3; S. K. Esser et al. (ICLR 2020) for learned steps.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from kwslib.data.dataset import Dataset
from kwslib.errors import InputError
from kwslib.quantize.affine import Method
from kwslib.quantize.network import QuantizedNetwork, Widths
from kwslib.quantize.ptq import calibrate, calibration_clips
from kwslib.threads import one_thread
from kwslib.training.fit import preparation
from kwslib.training.predict import predictor, to_input
from kwslib.training.recipe import Recipe


@dataclass(frozen=True)
class AwareRecipe:
    """Settings of quantization-aware training.

    Attributes:
        training: passes, rates and augmentation, as of any training.
        freeze: share of the steps after which the grids of activations stay.
        learn_scales: whether the scales of weights and activations are learned (LSQ), from those
            of quantization after training on.
        weight_method: how the grids of weights are chosen, or begin.
        overwrite: an ablation: after each step the float weights are replaced by what they stand
            for, which undoes every step that does not reach the next number of the grid.
        clipped_gradient: whether the gradient is 0 where a number was clamped; not to be is
            another ablation, for scales that are not learned.
    """

    training: Recipe
    freeze: float = 0.5
    learn_scales: bool = False
    weight_method: Method = "mse"
    overwrite: bool = False
    clipped_gradient: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.freeze <= 1:
            raise InputError(f"freeze {self.freeze}: must be a share from 0 to 1")


def quantize_in_training(
    network: nn.Module, widths: Widths, dataset: Dataset, recipe: AwareRecipe, seed: int
) -> QuantizedNetwork:
    """Train a copy of a trained network with its quantizers, and return it ready to evaluate.

    The weights of the pass with the best validation accuracy are kept.

    Args:
        network: of the registry, trained as floats.
        widths: of weights and activations.
        dataset: the task and its clips.
        recipe: how to train.
        seed: of the order of clips, augmentation and dropout.

    Raises:
        InputError: a weight is not finite, or the network cannot be traced.
    """
    quantized = QuantizedNetwork(network, widths, recipe.weight_method)
    training, validation = dataset.examples("training"), dataset.examples("validation")
    for _, layer in quantized.layers():
        layer.quantizer.clipped_gradient = recipe.clipped_gradient
    for quantizer in quantized.activations():
        quantizer.clipped_gradient = recipe.clipped_gradient
    if recipe.learn_scales:
        calibrate(quantized.eval(), calibration_clips(training.deployed))
        _learn_scales(quantized)
    run = _Run(quantized, recipe, len(training))
    prepare = preparation(dataset, recipe.training)
    images, labels = torch.from_numpy(training.images), torch.from_numpy(training.labels)
    best, kept = -1.0, quantized.state_dict()
    with one_thread():
        for number in range(recipe.training.epochs):
            generator = torch.Generator().manual_seed(seed * 1_000_003 + number)
            torch.manual_seed(seed * 1_000_003 + number)  # dropout draws from the global generator
            quantized.train()
            order = torch.randperm(len(training), generator=generator)
            for batch in order.split(recipe.training.batch):
                run.step(to_input(prepare(images[batch], generator)), labels[batch])
            accuracy = _accuracy(quantized, validation.deployed, validation.labels)
            if accuracy >= best:
                best = accuracy
                kept = {name: value.clone() for name, value in quantized.state_dict().items()}
    quantized.load_state_dict(kept)
    return quantized.eval()


def _learn_scales(quantized: QuantizedNetwork) -> None:
    """Make all scales parameters."""
    for _, layer in quantized.layers():
        layer.quantizer.learn_scale(layer.layer.weight)
    for quantizer in quantized.activations():
        quantizer.learn_scale()


class _Run:
    """The optimizer of a run, and its place in the schedule."""

    def __init__(self, network: QuantizedNetwork, recipe: AwareRecipe, clips: int) -> None:
        self._network, self._recipe = network, recipe
        self._steps = recipe.training.epochs * -(-clips // recipe.training.batch)
        self._done = 0
        training = recipe.training
        groups = [
            {"params": [parameter], "weight_decay": training.weight_decay * (parameter.ndim > 1)}
            for parameter in network.parameters()
        ]
        rate, momenta = training.learning_rate, training.momenta
        self._optimizer = torch.optim.AdamW(groups, lr=rate, betas=momenta)

    def step(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        """One step of the training."""
        recipe = self._recipe.training
        for quantizer in self._network.activations():
            quantizer.observing = self._done < self._recipe.freeze * self._steps
        for group in self._optimizer.param_groups:
            group["lr"] = recipe.learning_rate_at(self._done, self._steps)
        loss = F.cross_entropy(self._network(images), labels)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), recipe.gradient_norm)
        self._optimizer.step()
        if self._recipe.overwrite:
            self._overwrite()
        self._done += 1

    @torch.no_grad()
    def _overwrite(self) -> None:
        for _, layer in self._network.layers():
            layer.layer.weight.copy_(layer.quantizer(layer.layer.weight))


def _accuracy(
    network: QuantizedNetwork, images: NDArray[np.uint8], labels: NDArray[np.int64]
) -> float:
    for quantizer in network.activations():
        quantizer.observing = False
    return float((predictor(network)(images).argmax(1) == labels).mean())
