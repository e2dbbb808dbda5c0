"""Channels that are removed."""

from dataclasses import replace

import pytest
import torch
from kinds import KINDS
from residual import trained_looking
from separable import Separable

from kwslib import models
from kwslib.data.augment import Augmentation
from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.errors import InputError
from kwslib.models.channels import channels_of
from kwslib.prune import structured
from kwslib.prune.finetune import FineTuning
from kwslib.prune.importance import importance
from kwslib.prune.structured import remove_and_tune, widths_without, without_channels
from kwslib.training.recipe import Recipe

HOW = FineTuning(
    Recipe(epochs=2, batch=32, learning_rate=4e-3, augmentation=Augmentation(shift_ms=60))
)


@pytest.fixture(scope="module")
def dataset(tones):
    return Dataset(open_source(tones), Task())


@pytest.fixture
def network():
    torch.manual_seed(0)
    return models.create("tiny_conv", 4).eval()


def test_the_most_important_channels_stay_in_their_order(network):
    scores = {"conv": torch.tensor([3.0, 9, 1, 9, 0, 5, 2, 4])}
    smaller = without_channels(network, {"conv": 3}, scores)
    assert torch.equal(smaller.conv.weight, network.conv.weight[[1, 3, 5]])
    inputs = network.classifier.weight.view(4, 500, 8)[:, :, [1, 3, 5]].flatten(1)
    assert torch.equal(smaller.classifier.weight, inputs)


def test_of_equal_channels_the_first_stay(network):
    smaller = without_channels(network, {"conv": 2}, {"conv": torch.ones(8)})
    assert torch.equal(smaller.conv.weight, network.conv.weight[:2])


@pytest.mark.parametrize("amount, width", [(0, 8), (0.125, 7), (0.3, 6), (0.5, 4), (0.9, 1)])
def test_widths_of_a_share(network, amount, width):
    assert widths_without(network, amount) == {"conv": width}


def test_every_group_loses_the_same_share():
    assert widths_without(Separable(), 0.5) == {"stem.0": 3, "first.1.0": 4}


def test_all_channels_cannot_go(network):
    with pytest.raises(InputError, match=r"amount 0\.95: removes all 8 channels of layer conv"):
        widths_without(network, 0.95)
    with pytest.raises(InputError, match="amount 1: must be a share"):
        widths_without(network, 1)


@pytest.mark.parametrize("widths", [{"conv": 0}, {"conv": 9}, {"conv": -1}, {"classifier": 2}])
def test_widths_that_it_cannot_have(network, widths):
    with pytest.raises(InputError, match=r"layer '?(conv|classifier)"):
        without_channels(network, widths, {"conv": torch.ones(8)})


def test_the_criterion_chooses_and_the_network_learns_on(network, dataset):
    smaller = remove_and_tune(network, {"conv": 3}, "taylor", dataset, HOW, 0)
    scores = importance(network, "taylor", dataset.examples("training"))
    cut = without_channels(network, {"conv": 3}, scores)
    assert smaller.conv.weight.shape == cut.conv.weight.shape == (3, 1, 10, 8)
    assert not torch.equal(smaller.conv.weight, cut.conv.weight)
    assert not smaller.training


def test_in_rounds_channels_are_judged_anew(network, dataset, monkeypatch):
    widths, judged = [], []

    def cut(network, step, scores):
        widths.append(step)
        return without_channels(network, step, scores)

    def judge(network, *rest):
        judged.append(len(network.conv.weight))
        return importance(network, *rest)

    monkeypatch.setattr(structured, "without_channels", cut)
    monkeypatch.setattr(structured, "importance", judge)
    monkeypatch.setattr("kwslib.prune.finetune.ROUNDS", 3)
    how = replace(HOW, schedule="iterative")
    smaller = remove_and_tune(network, {"conv": 1}, "l2", dataset, how, 0)
    assert widths == [{"conv": 4}, {"conv": 2}, {"conv": 1}]
    assert judged == [8, 4, 2]
    assert len(smaller.conv.weight) == 1


def test_channels_do_not_go_gradually(network, dataset):
    with pytest.raises(InputError, match="schedule 'gradual': a channel goes at once"):
        remove_and_tune(network, {"conv": 1}, "l2", dataset, replace(HOW, schedule="gradual"), 0)


@pytest.mark.parametrize("name", KINDS)
def test_every_network_of_the_registry_can_lose_half_its_channels(name, dataset):
    torch.manual_seed(0)
    network = trained_looking(models.create(name, 4))
    widths = widths_without(network, 0.5)
    smaller = remove_and_tune(network, widths, "l1", dataset, HOW, 0)
    assert channels_of(smaller).sizes == widths
    assert smaller(torch.rand(2, 1, 49, 40)).shape == (2, 4)
