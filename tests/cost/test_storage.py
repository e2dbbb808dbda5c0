"""Flash and live activations against sums made by hand."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from kwslib import models
from kwslib.cost import flash_bytes, layer_costs, live_memory
from kwslib.cost.storage import scale_bytes


def test_flash_of_tiny_conv_by_hand():
    layers = layer_costs(models.create("tiny_conv", 4))

    assert flash_bytes(layers, "float32") == 4 * 16_652
    assert flash_bytes(layers, "int8") == 640 + 16_000 + 4 * (8 + 4)
    assert scale_bytes(layers) == 4 * (8 + 4)


def test_live_activations_of_tiny_conv_by_hand():
    memory = live_memory(models.create("tiny_conv", 4))

    # The image (49 x 40) and the convolution's output (25 x 20 x 8) together; ReLU, dropout
    # and reshaping write nothing.
    assert [(step.name, step.live) for step in memory.steps] == [
        ("conv", 1960 + 4000),
        ("classifier", 4000 + 4),
    ]
    assert memory.peak == 5960
    assert memory.inputs + memory.outputs == 1964


class Residual(nn.Module):
    """``a`` waits while ``b`` and ``c`` run, and is added to the end."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(3, 5), nn.Linear(5, 7), nn.Linear(7, 5)

    def forward(self, x):
        kept = F.relu(self.a(x))
        return kept + self.c(self.b(kept))


def test_a_tensor_that_waits_for_a_residual_addition_stays_alive():
    memory = live_memory(Residual(), (3,))

    assert [(step.name.split(".")[-1], step.held, step.written) for step in memory.steps[:3]] == [
        ("a", 3, 5),
        ("b", 5, 7),
        ("c", 5 + 7, 5),
    ]
    assert (memory.steps[3].held, memory.steps[3].written) == (5 + 5, 5)
    assert memory.peak == 17


class Branches(nn.Module):
    """Both branches read the same input and are concatenated."""

    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Linear(4, 2), nn.Linear(4, 3)

    def forward(self, x):
        return torch.cat((self.left(x), self.right(x)), 1)


def test_branches_are_alive_together():
    assert [step.live for step in live_memory(Branches(), (4,)).steps] == [6, 4 + 2 + 3, 5 + 5]


def test_pooling_writes_and_flatten_does_not():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())

    assert [step.live for step in live_memory(network, (1, 4, 4)).steps] == [16 + 32, 32 + 8]


@pytest.mark.parametrize("name", models.names())
def test_every_network_can_be_followed(name):
    network = models.create(name, 12).train()
    memory = live_memory(network)

    assert memory.inputs == 49 * 40
    assert memory.outputs == 12
    assert memory.peak >= memory.inputs
    assert network.training


class TwoBranches(nn.Module):
    """One branch is read, the other is not, or both are returned."""

    def __init__(self, both):
        super().__init__()
        self.first, self.second, self.both = nn.Linear(4, 3), nn.Linear(4, 5), both

    def forward(self, image):
        first, second = self.first(image), self.second(image)
        return (first, second) if self.both else first


@pytest.mark.parametrize(
    ("network", "peak", "outputs"),
    [
        (nn.Sequential(nn.ReLU(), nn.ReLU()), 12, 12),  # all is written over the image
        (nn.ReLU(), 12, 12),
        (nn.Sequential(nn.Flatten(), nn.Unflatten(1, (4, 3))), 12, 12),
        (nn.Identity(), 12, 12),
        (nn.Linear(4, 7), 12 + 21, 21),
        (TwoBranches(both=False), 12 + 9 + 15, 9),  # the unused one is there while it is written
        (TwoBranches(both=True), 12 + 9 + 15, 9 + 15),
    ],
)
def test_networks_that_write_little_or_in_vain_are_counted(network, peak, outputs):
    memory = live_memory(network, (1, 3, 4))
    assert (memory.peak, memory.inputs, memory.outputs) == (peak, 12, outputs)
