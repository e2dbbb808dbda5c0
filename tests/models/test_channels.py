"""Channels that belong together, and networks without some of them."""

import copy

import pytest
import torch
import torch_pruning
from hypothesis import given, settings
from hypothesis import strategies as st
from kinds import KINDS
from residual import Residual, trained_looking
from separable import Separable
from torch import nn
from torch.nn import functional as F

from kwslib import models
from kwslib.errors import InputError
from kwslib.models.channels import channels_of, narrowed, widths_of, with_widths
from kwslib.models.layers import SameConv2d
from kwslib.models.traced import trace


def seeded(make):
    torch.manual_seed(0)
    return trained_looking(make())


NETWORKS = {
    "residual": seeded(Residual),
    "separable": seeded(Separable),
    **{name: seeded(lambda name=name: models.create(name, 4)) for name in KINDS},
}
IMAGES = torch.rand(3, 1, 49, 40, generator=torch.Generator().manual_seed(0))


def steps_of(name):
    return {node.target for node in trace(NETWORKS[name]).graph.nodes}


def silenced(network, kept):
    """The network whose other channels are zero wherever they are made, and stay so."""
    silent = copy.deepcopy(network)
    channels = channels_of(network)
    for name, layer in channels.layers.items():
        if layer.output.group in kept:
            gone = ~torch.isin(layer.output.channels, torch.tensor(kept[layer.output.group]))
            module = silent.get_submodule(name)
            for tensor in (module.weight, module.bias):
                if tensor is not None:
                    tensor.data[gone] = 0
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean[gone] = 0
    return silent


def test_groups_of_networks_told_by_hand():
    assert channels_of(NETWORKS["tiny_conv"]).sizes == {"conv": 8}
    residual = channels_of(NETWORKS["residual"])
    assert residual.sizes == {"stem": 6}
    assert residual.makers("stem") == ["stem", "body.0"]
    assert residual.readers("stem") == ["body.0", "head"]
    separable = channels_of(NETWORKS["separable"])
    assert separable.sizes == {"stem.0": 6, "first.1.0": 8}
    assert separable.makers("first.1.0") == ["first.1.0", "second.1.0"]
    assert separable.readers("stem.0") == ["first.1.0"]
    assert separable.layers["first.0.0"].input is None


def test_a_flatten_with_channels_last_interleaves_them():
    read = channels_of(NETWORKS["tiny_conv"]).layers["classifier"].input
    assert read.channels.tolist() == list(range(8)) * 500


class ChannelsFirst(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = SameConv2d(1, 3, 5, 4)
        self.head = nn.Linear(3 * 130, 4)

    def forward(self, x):
        return self.head(torch.flatten(F.relu(self.conv(x)), 1))


def test_a_flatten_with_channels_first_has_them_one_after_the_other():
    read = channels_of(ChannelsFirst()).layers["head"].input
    assert read.channels.tolist() == [0] * 130 + [1] * 130 + [2] * 130


@pytest.mark.parametrize("name", NETWORKS)
@settings(max_examples=15)
@given(data=st.data())
def test_a_network_without_channels_is_one_in_which_they_are_zero(name, data):
    network = NETWORKS[name]
    sizes = channels_of(network).sizes
    kept = {
        group: sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=1)))
        for group, size in sizes.items()
    }
    with torch.no_grad():
        smaller, silent = narrowed(network, kept)(IMAGES), silenced(network, kept)(IMAGES)
    torch.testing.assert_close(smaller, silent, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_tell_the_sizes_of_their_weights(name):
    network = NETWORKS[name]
    widths = {group: (size + 1) // 2 for group, size in channels_of(network).sizes.items()}
    smaller = with_widths(network, widths)
    assert widths_of(smaller, network) == {
        group: width for group, width in widths.items() if width < channels_of(network).sizes[group]
    }
    for module in smaller.modules():
        if isinstance(module, nn.Conv2d):
            inputs = module.in_channels // module.groups
            assert module.weight.shape[:2] == (module.out_channels, inputs)
        elif isinstance(module, nn.Linear):
            assert module.weight.shape == (module.out_features, module.in_features)
        elif isinstance(module, nn.BatchNorm2d):
            assert module.running_var.shape == module.weight.shape == (module.num_features,)
    smaller.train()(IMAGES).sum().backward()
    assert all(parameter.grad is not None for parameter in smaller.parameters())


@pytest.mark.parametrize(
    "name", [name for name in NETWORKS if name not in ("tiny_conv", "separable")]
)
def test_torch_pruning_removes_the_same(name):
    """It takes a flatten for one with channels first, so networks with a mean alone agree."""
    network = NETWORKS[name]
    for group, size in channels_of(network).sizes.items():
        gone = [0, size - 2]
        theirs = copy.deepcopy(network)
        graph = torch_pruning.DependencyGraph().build_dependency(theirs, example_inputs=IMAGES[:1])
        layer = theirs.get_submodule(group)
        graph.get_pruning_group(layer, torch_pruning.prune_conv_out_channels, idxs=gone).prune()
        ours = narrowed(network, {group: [each for each in range(size) if each not in gone]})
        assert torch.equal(theirs(IMAGES), ours(IMAGES))
        for one, other in zip(
            theirs.state_dict().values(), ours.state_dict().values(), strict=True
        ):
            assert torch.equal(one, other)


def test_the_network_stays_as_it_is():
    network = NETWORKS["separable"]
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with_widths(network, {"stem.0": 1, "first.1.0": 2})
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])


@pytest.mark.parametrize(
    "widths, words",
    [
        ({"conv": 0}, "layer conv: cannot keep 0 channels; give 1 to 8"),
        ({"conv": 9}, "cannot keep 9 channels"),
        ({"classifier": 2}, "layer 'classifier': makes no channels that can be removed.*: conv"),
        ({"body": 1}, "layer 'body'"),
    ],
)
def test_widths_that_a_network_cannot_have(widths, words):
    with pytest.raises(InputError, match=words):
        with_widths(NETWORKS["tiny_conv"], widths)


@pytest.mark.parametrize("kept", [[], [0, 0], [8], [-1]])
def test_channels_that_a_network_does_not_have(kept):
    with pytest.raises(InputError, match="layer conv: cannot keep"):
        narrowed(NETWORKS["tiny_conv"], {"conv": kept})


class Odd(nn.Module):
    """A network whose forward is given."""

    def __init__(self, forward):
        super().__init__()
        self.conv, self.grouped = SameConv2d(1, 4, 3), SameConv2d(4, 4, 3, groups=2)
        self.other = SameConv2d(4, 4, 3)
        self.way = forward

    def forward(self, x):
        return self.way(self, self.conv(x)).mean(dim=(2, 3))


@pytest.mark.parametrize(
    "forward, words",
    [
        (lambda net, x: torch.cat([x, x], 1), "step cat: channels cannot be followed through cat"),
        (lambda net, x: net.grouped(x), "layer grouped: has 2 groups"),
        (lambda net, x: net.other(net.other(x)), "layer other: is used twice"),
        (lambda net, x: x if x.sum() > 0 else -x, "cannot be traced"),
    ],
)
def test_networks_whose_channels_cannot_be_followed(forward, words):
    with pytest.raises(InputError, match=words):
        channels_of(Odd(forward))
