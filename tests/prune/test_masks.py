"""Masks as data: what belongs to a network, what stays zero."""

import numpy as np
import pytest
import torch
from residual import Residual
from torch.nn import functional as F

from kwslib import models
from kwslib.errors import InputError
from kwslib.models.channels import with_widths
from kwslib.models.checkpoint import NetworkInfo, load, save
from kwslib.prune.masks import Masks, weights_of, zeros_of
from kwslib.prune.unstructured import smallest
from kwslib.quantize.network import Widths
from kwslib.quantize.ptq import quantize_after_training
from kwslib.quantize.to_integers import integers_of

LABELS = ("_silence_", "_unknown_", "yes", "no")


@pytest.fixture
def network():
    torch.manual_seed(0)
    return models.create("tiny_conv", 4).eval()


def equal(masks, others):
    return all(torch.equal(others.remaining[name], each) for name, each in masks.remaining.items())


def test_sparsity_is_of_all_weights(network):
    masks = zeros_of(network)
    assert (masks.weights, masks.left, masks.sparsity) == (16_640, 16_640, 0)
    masks.remaining["conv"][:4] = False
    assert masks.sparsity == pytest.approx(320 / 16_640)


def test_pruned_weights_are_zero_and_others_as_they_were(network):
    before = {name: weight.detach().clone() for name, weight in weights_of(network).items()}
    masks = smallest(network, 0.7)
    masks.apply(network)
    for name, weight in weights_of(network).items():
        assert torch.equal(weight, before[name] * masks.remaining[name])
    assert equal(masks, zeros_of(network))


def test_held_weights_are_zero_after_every_step_and_their_gradients_too(network):
    masks = smallest(network, 0.9)
    held = masks.hold(weights_of(network))
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1)
    for step in range(6):
        if step == 3:  # more is pruned, with momentum in what goes
            masks = smallest(network, 0.97)
            held.replace(masks)
        optimizer.zero_grad()
        F.cross_entropy(network(torch.rand(8, 1, 49, 40)), torch.arange(8) % 4).backward()
        held.after_backward()
        for name, weight in weights_of(network).items():
            assert not weight.grad[~masks.remaining[name]].any()
            assert weight.grad[masks.remaining[name]].any()
        optimizer.step()
        held.after_step()
        for name, weight in weights_of(network).items():
            assert not weight[~masks.remaining[name]].any()
    assert equal(masks, zeros_of(network))


def test_zeros_stay_zeros_in_a_checkpoint_and_in_integers(network, tmp_path):
    masks = smallest(network, 0.8)
    masks.apply(network)
    save(tmp_path / "p.safetensors", network.state_dict(), NetworkInfo("tiny_conv", LABELS))
    loaded, _ = load(tmp_path / "p.safetensors")
    assert equal(masks, zeros_of(loaded))
    images = np.random.default_rng(0).integers(0, 256, (20, 49, 40), np.uint8)
    for bits in (8, 4, 2):
        quantized = quantize_after_training(loaded, Widths(bits, 8), images)
        conv, _, classifier, _ = integers_of(quantized, LABELS).operators
        assert not conv.weights.transpose(0, 3, 1, 2)[~masks.remaining["conv"].numpy()].any()
        assert not classifier.weights[~masks.remaining["classifier"].numpy()].any()


@pytest.mark.parametrize(
    "other",
    [
        lambda: models.create("tiny_conv", 3),
        lambda: with_widths(models.create("tiny_conv", 4), {"conv": 4}),
        Residual,
    ],
)
def test_a_mask_for_another_network(network, other):
    words = "the mask is for another network: it covers conv 8x1x10x8, classifier 4x4000"
    with pytest.raises(InputError, match=words):
        smallest(network, 0.5).apply(other())


def test_what_remains_in_both(network):
    both = smallest(network, 0.5, "layer") & smallest(network, 0.5, "global")
    for name, remains in both.remaining.items():
        one, other = (smallest(network, 0.5, scope).remaining for scope in ("layer", "global"))
        assert torch.equal(remains, one[name] * other[name])


def test_a_mask_of_some_layers_is_none_for_the_network(network):
    masks = Masks({"conv": torch.zeros(8, 1, 10, 8, dtype=torch.bool)})
    with pytest.raises(InputError, match="the network has conv 8x1x10x8, classifier 4x4000"):
        masks.apply(network)
    assert bool(network.conv.weight.any())
