"""Which weights go: against torch.nn.utils.prune, and by hand."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from residual import Residual, trained_looking
from torch import nn
from torch.nn.utils import prune

from kwslib import models
from kwslib.errors import InputError
from kwslib.prune.masks import weights_of
from kwslib.prune.norms import NORMS
from kwslib.prune.unstructured import below, smallest, smallest_blocks


def networks():
    torch.manual_seed(0)
    return {"tiny_conv": models.create("tiny_conv", 4), "residual": trained_looking(Residual())}


NETWORKS = networks()
AMOUNTS = (0.0, 0.3, 0.8, 0.9, 0.995)


def theirs(network, amount, scope):
    """The masks of torch's own library."""
    pruned = copy.deepcopy(network)
    layers = [(pruned.get_submodule(name), "weight") for name in weights_of(pruned)]
    if scope == "global":
        prune.global_unstructured(layers, pruning_method=prune.L1Unstructured, amount=amount)
    else:
        for layer, name in layers:
            prune.l1_unstructured(layer, name, amount)
    named = zip(weights_of(network), layers, strict=True)
    return {name: layer.weight_mask.bool() for name, (layer, _) in named}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("amount", AMOUNTS)
def test_the_weights_are_those_that_torch_prunes(name, scope, amount):
    found = smallest(NETWORKS[name], amount, scope).remaining
    for layer, remains in theirs(NETWORKS[name], amount, scope).items():
        assert torch.equal(found[layer], remains), layer


@pytest.mark.parametrize("scope", ["global", "layer", "lamp"])
@settings(max_examples=20)
@given(amount=st.floats(0, 1, exclude_max=True))
def test_so_many_go_and_they_are_the_smallest_of_their_layer(scope, amount):
    network = NETWORKS["residual"]
    masks = smallest(network, amount, scope)
    if scope != "layer":
        assert masks.weights - masks.left == round(amount * masks.weights)
    for name, remains in masks.remaining.items():
        sizes = weights_of(network)[name].detach().abs()
        if scope == "layer":
            assert int((~remains).sum()) == round(amount * remains.numel())
        if bool(remains.any()) and not bool(remains.all()):
            assert float(sizes[~remains].max()) <= float(sizes[remains].min())


def lamp_by_definition(weight):
    """Equation 4 of the paper, weight by weight."""
    flat = weight.detach().flatten().double().square()
    scores = [float(each / flat[flat >= each].sum()) for each in flat]
    return torch.tensor(scores, dtype=torch.float64).view_as(weight)


def test_lamp_ranks_by_its_definition():
    network = NETWORKS["residual"]
    scores = {name: lamp_by_definition(weight) for name, weight in weights_of(network).items()}
    ranked = torch.cat([each.flatten() for each in scores.values()]).sort().values
    for amount in (0.2, 0.7, 0.95):
        index = round(amount * len(ranked))
        between = (ranked[index - 1] + ranked[index]) / 2
        for name, remains in smallest(network, amount, "lamp").remaining.items():
            assert torch.equal(remains, scores[name] > between), name


def shares(network, scope):
    masks = smallest(network, 0.9, scope).remaining
    return {name: 1 - float(remains.float().mean()) for name, remains in masks.items()}


@pytest.mark.parametrize("factor", [0.01, 100])
def test_lamp_does_not_ask_for_a_layers_scale(factor):
    network = copy.deepcopy(NETWORKS["tiny_conv"])
    before = shares(network, "lamp")
    network.conv.weight.data *= factor
    assert shares(network, "lamp") == pytest.approx(before, abs=1e-3)
    assert shares(network, "global")["conv"] == (1.0 if factor < 1 else 0.0)


def test_lamp_leaves_every_layer_a_weight():
    masks = smallest(NETWORKS["tiny_conv"], 0.9998, "lamp")
    assert all(bool(remains.any()) for remains in masks.remaining.values())


def test_below_a_threshold():
    network = NETWORKS["tiny_conv"]
    for name, remains in below(network, 0.01).remaining.items():
        assert torch.equal(remains, weights_of(network)[name].abs() >= 0.01)
    only = below(network, {"conv": 0.05}).remaining
    assert bool(only["classifier"].all())
    assert torch.equal(only["conv"], network.conv.weight.abs() >= 0.05)


def test_blocks_are_whole_and_the_least():
    network = NETWORKS["tiny_conv"]
    for kind, order in zip(NORMS, (1, 2, float("inf")), strict=True):
        masks = smallest_blocks(network, 0.75, kind)
        assert bool(masks.remaining["conv"].all())
        blocks = masks.remaining["classifier"].view(4, 1000, 4)
        assert bool((blocks.all(2) == blocks.any(2)).all())
        assert int(blocks.any(2).sum()) == 1000
        norms = network.classifier.weight.detach().view(4, 1000, 4).norm(order, dim=2)
        remains = blocks.any(2)
        assert float(norms[~remains].max()) <= float(norms[remains].min())


@pytest.mark.parametrize("amount", [-0.1, 1.0, 1.5, float("nan")])
def test_shares_that_are_none(amount):
    for choose in (smallest, smallest_blocks):
        with pytest.raises(InputError, match=r"amount .*: must be a share from 0 to below 1"):
            choose(NETWORKS["tiny_conv"], amount)


def test_what_cannot_be_chosen():
    network = NETWORKS["tiny_conv"]
    with pytest.raises(InputError, match="scope 'all': must be one of global, layer, lamp"):
        smallest(network, 0.5, "all")
    with pytest.raises(InputError, match="threshold -1: must be 0 or more"):
        below(network, -1)
    with pytest.raises(InputError, match="layer 'body': not in this network; it has conv"):
        below(network, {"body": 1})


def test_a_network_without_a_fully_connected_layer_has_no_blocks():
    with pytest.raises(InputError, match="no fully connected layer"):
        smallest_blocks(nn.Sequential(nn.Conv2d(1, 2, 3)), 0.5)


def test_weights_that_are_not_finite():
    network = copy.deepcopy(NETWORKS["tiny_conv"])
    network.conv.weight.data[0, 0, 0, 0] = float("nan")
    with pytest.raises(InputError, match="NaN or infinite"):
        smallest(network, 0.5)
