"""The kinds of pruning by name."""

from dataclasses import replace

import pytest
import torch

from kwslib import models
from kwslib.data.augment import Augmentation
from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.errors import InputError
from kwslib.models.channels import with_widths
from kwslib.prune.finetune import FineTuning
from kwslib.prune.importance import importance
from kwslib.prune.masks import zeros_of
from kwslib.prune.methods import (
    CRITERIA_OF,
    EPOCHS,
    METHODS,
    USUAL,
    fine_tuning,
    prune_network,
    remove_channels,
    zero_weights,
)
from kwslib.prune.structured import without_channels
from kwslib.prune.unstructured import smallest, smallest_blocks
from kwslib.training.recipe import Recipe, recipe_for

HOW = FineTuning(
    Recipe(epochs=1, batch=32, learning_rate=4e-3, augmentation=Augmentation(shift_ms=60))
)


@pytest.fixture(scope="module")
def dataset(tones):
    return Dataset(open_source(tones), Task())


@pytest.fixture
def network():
    torch.manual_seed(0)
    return models.create("tiny_conv", 4)


def equal(one, other):
    return all(torch.equal(tensor, other.state_dict()[name])
               for name, tensor in one.state_dict().items())  # fmt: skip


def test_every_method_has_criteria_and_a_usual_one():
    assert set(METHODS) == set(CRITERIA_OF) == set(USUAL)
    assert all(USUAL[method] in CRITERIA_OF[method] for method in METHODS)


@pytest.mark.parametrize("criterion", CRITERIA_OF["weights"])
def test_weights_without_training(network, dataset, criterion):
    pruned = prune_network(network, "weights", 0.8, dataset, None, 0, criterion)
    smallest(network, 0.8, criterion).apply(network)
    assert equal(pruned, network) and not pruned.training


@pytest.mark.parametrize("criterion", CRITERIA_OF["blocks"])
def test_blocks_without_training(network, dataset, criterion):
    pruned = prune_network(network, "blocks", 0.8, dataset, None, 0, criterion)
    smallest_blocks(network, 0.8, criterion).apply(network)
    assert equal(pruned, network)


@pytest.mark.parametrize("criterion", CRITERIA_OF["channels"])
def test_channels_without_training(network, dataset, criterion):
    pruned = prune_network(network, "channels", 0.75, dataset, None, 0, criterion)
    scores = importance(network, criterion, dataset.examples("training"))
    assert equal(pruned, without_channels(network, {"conv": 2}, scores))
    assert not pruned.training


@pytest.mark.parametrize("method", METHODS)
def test_with_training_what_is_pruned_is_as_much_and_otherwise_it_learned(network, dataset, method):
    untuned, tuned = (prune_network(network, method, 0.75, dataset, how, 0) for how in (None, HOW))
    assert zeros_of(tuned).left == zeros_of(untuned).left
    assert tuned.conv.weight.shape == untuned.conv.weight.shape
    assert not equal(tuned, untuned)


def test_known_masks_and_widths(network, dataset):
    masks = smallest(network, 0.6)
    assert zeros_of(zero_weights(network, masks, dataset, HOW, 0)).left == masks.left
    assert len(remove_channels(network, {"conv": 3}, dataset, HOW, 0).conv.weight) == 3


def test_fine_tuning_follows_the_networks_recipe():
    recipe = recipe_for("tiny_conv")
    assert fine_tuning(recipe, "weights") == FineTuning(
        replace(recipe, epochs=EPOCHS["weights"], learning_rate=recipe.learning_rate / 2),
        "gradual",
    )
    assert fine_tuning(recipe, "channels", epochs=3).schedule == "one_shot"
    rewound = fine_tuning(recipe, "blocks", epochs=7, schedule="iterative", rewind=True)
    assert rewound == FineTuning(recipe, "iterative", rewind=7)
    short = replace(recipe, epochs=2)
    assert fine_tuning(short, "blocks", rewind=True).rewind == 2
    with pytest.raises(InputError, match="rewind 3: the training had 2 epochs"):
        fine_tuning(short, "blocks", epochs=3, rewind=True)


@pytest.mark.parametrize(
    "method, amount, criterion, words",
    [
        ("layers", 0.5, None, "method 'layers': must be one of weights, blocks, channels"),
        ("weights", 0.5, "l2", "criterion 'l2': weights are chosen by one of global, layer, lamp"),
        ("blocks", 0.5, "taylor", "criterion 'taylor': blocks are chosen by one of l1, l2, linf"),
        ("channels", 0.5, "lamp", "channels are chosen by one of l1, l2, linf, taylor, activation"),
        ("weights", 1.2, None, r"amount 1\.2: must be a share"),
        ("channels", 0.99, None, "removes all 8 channels of layer conv"),
    ],
)
def test_what_cannot_be_pruned(network, dataset, method, amount, criterion, words):
    with pytest.raises(InputError, match=words):
        prune_network(network, method, amount, dataset, None, 0, criterion)


def test_known_masks_have_no_schedule(network, dataset):
    masks = smallest(network, 0.6)
    with pytest.raises(InputError, match="schedule 'gradual': chooses weights by an amount"):
        zero_weights(network, masks, dataset, replace(HOW, schedule="gradual"), 0)
    with pytest.raises(InputError, match="the mask is for another network"):
        zero_weights(with_widths(network, {"conv": 2}), masks, dataset, None, 0)
