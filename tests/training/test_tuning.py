"""Training on: passes of a recipe, hooks around its steps, the best weights kept."""

from dataclasses import replace

import pytest
import torch

from kwslib import models
from kwslib.data.augment import Augmentation
from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.training import passes as tuning
from kwslib.training.passes import Hooks, accuracy_on, optimizer_for, tune
from kwslib.training.recipe import Recipe

RECIPE = Recipe(epochs=4, batch=32, learning_rate=4e-3, augmentation=Augmentation(shift_ms=60))


@pytest.fixture(scope="module")
def dataset(tones):
    return Dataset(open_source(tones), Task())


@pytest.fixture
def network():
    torch.manual_seed(0)
    return models.create("tiny_conv", 4)


class Recorder(Hooks):
    def __init__(self, network):
        self.network, self.calls, self.gradients = network, [], []

    def before_step(self, step, steps):
        self.calls.append((step, steps))
        self.before = self.network.conv.weight.detach().clone()

    def after_backward(self):
        self.gradients.append(float(self.network.conv.weight.grad.norm()))
        self.network.conv.weight.grad.zero_()

    def after_step(self):
        change = self.network.conv.weight.detach() - self.before
        assert float(change.abs().max()) < 1e-4  # decay alone


def test_hooks_see_every_step_and_may_change_gradients(network, dataset):
    recorder = Recorder(network)
    tune(network, dataset, RECIPE, 0, hooks=[recorder])
    batches = -(-len(dataset.examples("training")) // 32)
    assert recorder.calls == [(step, 4 * batches) for step in range(4 * batches)]
    assert all(each > 0 for each in recorder.gradients)


def test_it_may_begin_late_in_the_recipe(network, dataset):
    recorder = Recorder(network)
    tune(network, dataset, RECIPE, 0, hooks=[recorder], first=3)
    batches = -(-len(dataset.examples("training")) // 32)
    assert recorder.calls == [(step, 4 * batches) for step in range(3 * batches, 4 * batches)]


@pytest.mark.parametrize("keep_from, kept", [(0, 1), (2, 2), (3, 3)])
def test_the_best_pass_is_kept_among_those_that_may_be(
    network, dataset, monkeypatch, keep_from, kept
):
    accuracies, states = iter([0.5, 0.9, 0.7, 0.6]), []

    def measured(network, _):
        states.append(network.conv.weight.detach().clone())
        return next(accuracies)

    monkeypatch.setattr(tuning, "accuracy_on", measured)
    best = tune(network, dataset, RECIPE, 0, keep_from=keep_from)
    assert best == [0.5, 0.9, 0.7, 0.6][kept]
    assert torch.equal(network.conv.weight, states[kept])
    assert not network.training


def test_the_same_seed_gives_the_same_weights(dataset):
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(0)
        network = models.create("tiny_conv", 4)
        tune(network, dataset, replace(RECIPE, epochs=2), seed)
        found.append(network.classifier.weight)
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])


def test_rates_may_fall_with_inputs(network):
    scales = {
        flag: {
            tuple(parameter.shape): group["scale"]
            for group in optimizer_for(network, RECIPE, rates_by_inputs=flag).param_groups
            for parameter in group["params"]
        }
        for flag in (True, False)
    }
    shapes = [tuple(parameter.shape) for parameter in network.parameters()]
    assert scales[True] == dict(zip(shapes, [1.0, 1.0, 0.1, 1.0], strict=True))
    assert scales[False] == dict.fromkeys(shapes, 1.0)


def test_accuracy_is_the_share_of_clips_told_right(network, dataset):
    clips = dataset.examples("validation")
    with torch.no_grad():
        logits = network.eval()(torch.from_numpy(clips.deployed)[:, None].float() / 255)
    share = (logits.argmax(1).numpy() == clips.labels).mean()
    assert accuracy_on(network, clips) == pytest.approx(share)
