import torch

from kwslib import models
from kwslib.cost import cost_of


def test_the_paper_counts_66_thousand_variables_for_twelve_labels():
    """Table 1 of the paper: 66K, BatchNorm's four numbers a channel included."""
    network = models.create("tc_resnet8", 12)
    learned = sum(parameter.numel() for parameter in network.parameters())
    statistics = sum(
        tensor.numel() for name, tensor in network.named_buffers() if "running" in name
    )
    assert round((learned + statistics) / 1000) == 66


def test_time_is_halved_three_times_and_bands_are_channels():
    network = models.create("tc_resnet8", 4)
    first = network.first(torch.zeros(1, 1, 49, 40))
    assert first.shape == (1, 16, 49, 1)
    assert network.blocks(first).shape == (1, 48, 7, 1)


def test_cost_by_hand():
    def block(time, channels, outputs):
        return time * (channels * outputs + 9 * channels * outputs + 9 * outputs * outputs)

    cost = cost_of(models.create("tc_resnet8", 4))
    assert cost.macs == (
        49 * 3 * 40 * 16 + block(25, 16, 24) + block(13, 24, 32) + block(7, 32, 48) + 48 * 4
    )
