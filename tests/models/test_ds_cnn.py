import torch

from kwslib import models
from kwslib.cost import cost_of


def test_it_is_mlperf_tinys_network_but_for_the_first_stride():
    """24,908 parameters with BatchNorm as Keras counts it: four numbers a channel, none folded."""
    network = models.create("ds_cnn", 12)
    learned = sum(parameter.numel() for parameter in network.parameters())
    statistics = sum(
        tensor.numel() for name, tensor in network.named_buffers() if "running" in name
    )
    # The convolutions of Keras' blocks have biases, which BatchNorm makes idle: left out here.
    idle_biases = 4 * (64 + 64)
    assert learned + statistics + idle_biases == 24_908
    assert network.first(torch.zeros(1, 1, 49, 40)).shape == (1, 64, 10, 10)


def test_cost_by_hand():
    cost = cost_of(models.create("ds_cnn", 12))
    stem = 64 * 40 + 64
    block = 64 * 9 + 64 + 64 * 64 + 64
    assert cost.parameters == stem + 4 * block + 64 * 12 + 12
    assert cost.macs == 100 * (64 * 40 + 4 * (64 * 9 + 64 * 64)) + 64 * 12
    assert cost.macs <= 2_700_000
