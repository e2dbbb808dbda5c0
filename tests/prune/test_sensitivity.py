"""What pruning one layer alone does."""

import copy

import pytest
import torch

from kwslib.data.augment import Augmentation
from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.prune.methods import channel_sensitivity, weight_sensitivity
from kwslib.training.fit import fit
from kwslib.training.passes import accuracy_on
from kwslib.training.recipe import Recipe


@pytest.fixture(scope="module")
def dataset(tones):
    return Dataset(open_source(tones), Task())


@pytest.fixture(scope="module")
def network(dataset, tmp_path_factory):
    recipe = Recipe(epochs=6, batch=32, learning_rate=5e-3, augmentation=Augmentation(shift_ms=60))
    return fit("tiny_conv", dataset, recipe, 0, tmp_path_factory.mktemp("run"), False).network


def test_weights_of_one_layer_at_a_time(network, dataset):
    clips = dataset.examples("validation")
    found = weight_sensitivity(network, (0.0, 0.5, 0.9), clips)
    assert [(each["layer"], each["amount"]) for each in found] == [
        (layer, amount) for layer in ("conv", "classifier") for amount in (0.0, 0.5, 0.9)
    ]
    assert found[0]["accuracy"] == found[3]["accuracy"] == accuracy_on(network, clips)
    pruned = copy.deepcopy(network)
    least = pruned.conv.weight.abs().flatten().sort().values[319:321].mean()
    pruned.conv.weight.data[pruned.conv.weight.abs() < least] = 0
    assert found[1]["accuracy"] == accuracy_on(pruned, clips)


def test_channels_of_one_group_at_a_time(network, dataset):
    clips = dataset.examples("validation")
    found = channel_sensitivity(network, "linf", dataset.examples("training"), clips)
    assert [each["amount"] for each in found] == [gone / 8 for gone in range(8)]
    assert {each["layer"] for each in found} == {"conv"}
    assert found[0]["accuracy"] == accuracy_on(network, clips)
    silent = copy.deepcopy(network)
    least = int(silent.conv.weight.flatten(1).abs().amax(1).argmin())
    with torch.no_grad():
        silent.conv.weight[least], silent.conv.bias[least] = 0, 0
    assert found[1]["accuracy"] == accuracy_on(silent, clips)
