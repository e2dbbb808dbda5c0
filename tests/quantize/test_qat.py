"""Quantization-aware training."""

import copy
from dataclasses import replace

import pytest
import torch
from kinds import KINDS

from kwslib import models
from kwslib.data.augment import Augmentation
from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.models.checkpoint import load
from kwslib.prune.unstructured import smallest
from kwslib.quantize import qat
from kwslib.quantize.minifloat import E2M1, E4M3
from kwslib.quantize.network import Widths
from kwslib.quantize.ptq import calibration_clips, quantize_after_training
from kwslib.quantize.qat import AwareRecipe, quantize_in_training
from kwslib.training.fit import fit
from kwslib.training.predict import predictor
from kwslib.training.recipe import Recipe

TRAINING = Recipe(epochs=3, batch=32, learning_rate=4e-3, augmentation=Augmentation(shift_ms=60))
RECIPE = AwareRecipe(TRAINING)


@pytest.fixture(scope="module")
def dataset(tones):
    return Dataset(open_source(tones), Task())


@pytest.fixture(scope="module")
def network(dataset, tmp_path_factory):
    recipe = replace(TRAINING, epochs=8, learning_rate=5e-3)
    return fit("tiny_conv", dataset, recipe, 0, tmp_path_factory.mktemp("run"), False).network


@pytest.mark.real_speech
@pytest.mark.parametrize(
    ("learn_scales", "epochs"), [(True, 1), pytest.param(False, 3, marks=pytest.mark.long)]
)
def test_two_bits_can_be_learned_but_not_found_afterwards(learn_scales, epochs, official_task):
    network, widths = load("tiny_conv-yes_no")[0], Widths(2, 8)
    clips = official_task.examples("validation")

    def accuracy(quantized):
        return float((predictor(quantized)(clips.deployed).argmax(1) == clips.labels).mean())

    calibration = calibration_clips(official_task.examples("training").deployed)
    afterwards = accuracy(quantize_after_training(network, widths, calibration))
    assert afterwards < 0.6
    recipe = AwareRecipe(Recipe(epochs=epochs, learning_rate=4e-3), learn_scales=learn_scales)
    assert (
        accuracy(quantize_in_training(network, widths, official_task, recipe, 0)) > afterwards + 0.2
    )


def test_float_weights_are_kept_off_the_grid(network, dataset):
    quantized = quantize_in_training(network, Widths(3, 8), dataset, RECIPE, 0)
    for _, layer in quantized.layers():
        weight = layer.layer.weight.detach()
        assert float((layer.quantizer(weight) - weight).abs().max()) > 1e-3


def test_the_ablation_overwrites_them(network, dataset):
    recipe = replace(RECIPE, overwrite=True, training=replace(TRAINING, epochs=1))
    quantized = quantize_in_training(network, Widths(3, None), dataset, recipe, 0)
    for _, layer in quantized.layers():
        for channel in layer.layer.weight:
            assert len(channel.detach().unique()) <= 7


def test_the_ablation_moves_weights_that_were_clamped(network, dataset):
    """With a gradient through clamping, weights beyond the grid's end still follow the loss."""
    recipe = replace(RECIPE, training=replace(TRAINING, epochs=1))
    clipped, unclipped = (
        quantize_in_training(
            network, Widths(2, None), dataset, replace(recipe, clipped_gradient=each), 0
        )
        for each in (True, False)
    )
    differing = [
        not torch.equal(one.layer.weight, other.layer.weight)
        for (_, one), (_, other) in zip(clipped.layers(), unclipped.layers(), strict=True)
    ]
    assert any(differing)


def test_it_repeats_and_leaves_the_network_alone(network, dataset):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    first, second = (
        quantize_in_training(network, Widths(4, 4), dataset, RECIPE, 5) for _ in range(2)
    )
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


def test_grids_of_activations_freeze(network, dataset, monkeypatch):
    bounds = []
    for share in (1.0, 0.05):
        monkeypatch.setattr(qat, "FREEZE", share)
        found = quantize_in_training(network, Widths(8, 8), dataset, RECIPE, 0)
        bounds.append([float(each.observer.greatest) for each in found.activations()])
    assert bounds[0] != bounds[1]
    assert not any(quantizer.observing for quantizer in found.activations())


@pytest.mark.parametrize("learn_scales", [False, True])
def test_weights_may_be_held_at_zero(network, dataset, learn_scales):
    masks = smallest(network, 0.8)
    pruned = copy.deepcopy(network)
    masks.apply(pruned)
    recipe = replace(RECIPE, learn_scales=learn_scales)
    quantized = quantize_in_training(pruned, Widths(4, 8), dataset, recipe, 0, masks.hold)
    for name, layer in quantized.layers():
        pruned_weights = layer.quantizer(layer.layer.weight)[~masks.remaining[name]]
        assert not pruned_weights.any()
        assert not layer.layer.weight[~masks.remaining[name]].any()
        assert not torch.equal(layer.layer.weight, pruned.get_submodule(name).weight)


def test_small_floats_can_be_trained(network, dataset):
    quantized = quantize_in_training(network, Widths(E2M1, E4M3), dataset, RECIPE, 0)
    for _, layer in quantized.layers():
        for channel in layer.quantizer(layer.layer.weight):
            assert len(channel.unique()) <= 15


def test_every_kind_of_network_can_be_trained_with_quantizers(dataset):
    for name in KINDS:
        torch.manual_seed(0)
        network = models.create(name, 4)
        recipe = replace(RECIPE, training=replace(TRAINING, epochs=1))
        quantized = quantize_in_training(network, Widths(4, 8), dataset, recipe, 0)
        assert predictor(quantized)(dataset.examples("validation").deployed).shape[1] == 4
