"""Operations against layers counted by hand, and against two libraries' counters."""

import pytest
import torch
import torchinfo
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from kwslib import models
from kwslib.cost import layer_costs
from kwslib.cost.operations import IMAGE_SHAPE


def test_tiny_conv_by_hand():
    conv, linear = layer_costs(models.create("tiny_conv", 4))

    # 25 x 20 x 8 outputs, each a sum of 10 x 8 products, each with a bias
    assert (conv.output_shape, conv.weights, conv.biases) == ((8, 25, 20), 640, 8)
    assert (conv.macs, conv.biased_outputs, conv.flops) == (320_000, 4_000, 644_000)
    # 4 outputs, each a sum of 4,000 products
    assert (linear.input_shape, linear.weights, linear.biases) == ((4000,), 16_000, 4)
    assert (linear.macs, linear.flops) == (16_000, 32_004)


@pytest.mark.parametrize(
    ("layer", "shape", "macs", "parameters"),
    [
        (nn.Conv2d(6, 4, 3, padding=1, bias=False), (6, 5, 7), 4 * 35 * 6 * 9, 216),
        (nn.Conv2d(6, 6, 3, stride=2, padding=1, groups=6), (6, 5, 7), 6 * 12 * 9, 60),
        (nn.Conv1d(3, 5, 4), (3, 10), 5 * 7 * 3 * 4, 65),
        (nn.BatchNorm2d(3), (3, 4, 5), 60, 6),
        (nn.Linear(7, 2), (7,), 14, 16),
    ],
)
def test_a_layer_by_hand(layer, shape, macs, parameters):
    (cost,) = layer_costs(nn.Sequential(layer), shape)

    assert (cost.macs, cost.parameters) == (macs, parameters)


def test_flops_are_two_a_mac_and_one_a_biased_output():
    without, with_bias = (
        layer_costs(nn.Sequential(nn.Linear(3, 2, bias=bias)), (3,))[0] for bias in (False, True)
    )

    assert (without.flops, with_bias.flops) == (12, 14)


def test_batch_norm_shift_is_part_of_its_mac():
    (cost,) = layer_costs(nn.Sequential(nn.BatchNorm2d(2)), (2, 3, 3))

    assert cost.flops == 2 * 18


def test_a_layer_used_twice_computes_twice_and_is_stored_once():
    shared = nn.Linear(3, 3)
    first, second = layer_costs(nn.Sequential(shared, shared), (3,))

    assert (first.parameters, second.parameters) == (12, 0)
    assert first.macs == second.macs == 9


@pytest.mark.parametrize("name", models.names())
def test_agrees_with_pytorch_and_torchinfo(name):
    network = models.create(name, 4).eval()
    convolutions = [each for each in layer_costs(network) if "BatchNorm" not in each.kind]
    image = torch.zeros(1, *IMAGE_SHAPE)

    with FlopCounterMode(display=False) as counter:
        network(image)
    summary = torchinfo.summary(network, input_data=image, verbose=0)

    # PyTorch's counter leaves biases out; torchinfo counts a bias once for each output of a
    # linear layer and once for each position of a convolution.
    assert counter.get_total_flops() == sum(2 * each.macs for each in convolutions)
    assert summary.total_params == sum(each.parameters for each in layer_costs(network))
    assert summary.total_mult_adds >= sum(each.macs for each in convolutions)


def test_torchinfo_counts_the_same_macs_where_there_are_no_biases():
    network = nn.Sequential(
        nn.Conv2d(1, 4, (10, 8), 2, bias=False),
        nn.Conv2d(4, 4, 3, groups=4, bias=False),
        nn.Flatten(),
        nn.LazyLinear(5, bias=False),
    )
    summary = torchinfo.summary(network, input_size=(1, *IMAGE_SHAPE), verbose=0)

    assert summary.total_mult_adds == sum(each.macs for each in layer_costs(network))


def test_leaves_the_network_as_it_was():
    network = models.create("tiny_conv", 4).train()
    layer_costs(network)

    assert network.training
    assert not any(layer._forward_hooks for layer in network.modules())


def test_an_unknown_kind_of_layer_is_refused_not_counted_as_nothing():
    with pytest.raises(TypeError, match="PReLU"):
        layer_costs(nn.Sequential(nn.PReLU()), (3,))
