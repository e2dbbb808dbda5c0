"""How important channels are: against definitions, gates and finite differences."""

import copy

import numpy as np
import pytest
import torch
from residual import Residual, trained_looking
from separable import Separable
from torch import nn
from torch.nn import functional as F

from kwslib import models
from kwslib.data.dataset import Examples
from kwslib.errors import InputError
from kwslib.models.traced import folded_trace
from kwslib.prune.importance import CRITERIA, importance
from kwslib.training.predict import to_input


def network_named(name):
    torch.manual_seed(0)
    made = {"tiny_conv": lambda: models.create("tiny_conv", 4), "residual": Residual,
            "separable": Separable}  # fmt: skip
    return trained_looking(made[name]())


@pytest.fixture(scope="module")
def clips():
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (200, 98, 40), np.uint8)
    return Examples(tuple(map(str, range(200))), random.integers(0, 4, 200), images)


@pytest.mark.parametrize("kind, order", [("l1", 1), ("l2", 2), ("linf", float("inf"))])
def test_norms_are_of_filters_with_batch_norm_folded_in(kind, order, clips):
    network = network_named("residual")
    norm = network.norm
    by_hand = (
        network.stem.weight
        * (norm.weight / (norm.running_var + norm.eps).sqrt())[:, None, None, None]
    )
    first = by_hand.detach().flatten(1).norm(order, dim=1)
    second = folded_trace(network).get_submodule("body.0").weight.flatten(1).norm(order, dim=1)
    wanted = (first / first.mean() + second.detach() / second.detach().mean()) / 2
    torch.testing.assert_close(importance(network, kind, clips)["stem"], wanted)


def gated_loss(network, gates, images, labels):
    """The loss when the channels of tiny_conv's convolution are multiplied by gates."""
    x = F.relu(network.conv(images) * gates[:, None, None])
    logits = network.classifier(x.permute(0, 2, 3, 1).flatten(1))
    return F.cross_entropy(logits, labels)


def test_taylor_is_the_squared_derivative_by_a_gate(clips):
    network = network_named("tiny_conv")
    images, labels = torch.from_numpy(clips.deployed), torch.from_numpy(clips.labels)
    wanted = torch.zeros(8)
    for batch in torch.arange(200).split(128):
        gates = torch.ones(8, requires_grad=True)
        gated_loss(network, gates, to_input(images[batch]), labels[batch]).backward()
        wanted += gates.grad.square() * len(batch) / 200
    found = importance(network, "taylor", clips)["conv"]
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-12)


def test_taylor_foretells_a_small_change_of_the_loss_behind_batch_norm(clips):
    """In the residual network a group's channels go in both layers that make them."""
    network = network_named("residual")
    few = Examples(clips.names[:100], clips.labels[:100], clips.images[:100])
    images = to_input(torch.from_numpy(few.deployed)).double()
    labels = torch.from_numpy(few.labels)

    def loss(channel, step):
        folded = folded_trace(copy.deepcopy(network).double())
        for name in ("stem", "body.0"):
            layer = folded.get_submodule(name)
            layer.weight.data[channel] *= 1 + step
            layer.bias.data[channel] *= 1 + step
        with torch.no_grad():
            return float(F.cross_entropy(folded(images), labels))

    found = importance(network, "taylor", few)["stem"]
    for channel in range(6):
        slope = (loss(channel, 1e-5) - loss(channel, -1e-5)) / 2e-5
        assert float(found[channel]) == pytest.approx(slope**2, rel=1e-2, abs=1e-12)


def test_activations_are_those_that_the_next_layer_reads(clips):
    network = network_named("tiny_conv")
    with torch.no_grad():
        wanted = F.relu(network.conv(to_input(torch.from_numpy(clips.deployed))))
    found = importance(network, "activation", clips)["conv"]
    torch.testing.assert_close(found, wanted.mean(dim=(0, 2, 3)))


def test_activations_of_several_readers_are_averaged(clips):
    network = network_named("residual")
    images = to_input(torch.from_numpy(clips.deployed))
    with torch.no_grad():
        stem = F.relu(network.norm(network.stem(images)))
        summed = stem + network.body(stem)
    wanted = (stem.mean(dim=(0, 2, 3)) + summed.mean(dim=(2, 3)).abs().mean(0)) / 2
    torch.testing.assert_close(importance(network, "activation", clips)["stem"], wanted)


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("name", ["tiny_conv", "residual", "separable"])
def test_every_channel_has_its_importance_and_the_network_stays(name, criterion, clips):
    network = network_named(name).train()
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    found = importance(network, criterion, clips)
    for each in found.values():
        assert each.ndim == 1 and bool((each >= 0).all()) and bool(torch.isfinite(each).all())
    again = importance(network, criterion, clips)
    assert all(torch.equal(each, again[group]) for group, each in found.items())
    assert network.training
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(module._forward_pre_hooks for module in network.modules())


@pytest.mark.parametrize("criterion", CRITERIA)
def test_a_silent_channel_is_the_least_important(criterion, clips):
    network = network_named("tiny_conv")
    network.conv.weight.data[5] = network.conv.bias.data[5] = 0
    found = importance(network, criterion, clips)["conv"]
    assert float(found[5]) == 0 and int(found.argmin()) == 5


def test_a_criterion_that_is_none(clips):
    with pytest.raises(InputError, match="criterion 'luck': must be one of l1, l2, linf, taylor"):
        importance(network_named("tiny_conv"), "luck", clips)


class NormAlone(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)

    def forward(self, x):
        return self.norm(F.relu(self.conv(x))).mean(dim=(2, 3))


def test_a_batch_norm_that_cannot_be_folded(clips):
    with pytest.raises(InputError, match="layer norm: BatchNorm must follow a convolution"):
        importance(NormAlone(), "l2", clips)
