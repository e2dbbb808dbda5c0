"""What quantization does inside a network."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from residual import Residual, trained_looking

from kwslib.models.checkpoint import load
from kwslib.quantize.inside import (
    decibels,
    grid_levels,
    logits_grids,
    noise_at_logits,
    weight_noise,
)


def random_images(count=80, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 49, 40), np.uint8)


def test_decibels():
    signal = torch.tensor([1.0, -1.0, 1.0])
    assert decibels(signal, signal * 10 ** (-6 / 20)) == pytest.approx(6)
    assert math.isinf(decibels(signal, torch.zeros(3)))


@pytest.mark.parametrize("bits", [4, 5, 6, 7])
def test_a_bit_more_is_six_decibels(bits):
    """For evenly distributed weights, whose noise is a twelfth of the squared step."""
    weights = torch.rand(1, 50_000, generator=torch.Generator().manual_seed(0)) * 2 - 1
    found = weight_noise(weights, bits, by_channel=False, method="minmax")
    step = 1 / (2 ** (bits - 1) - 1)
    assert found == pytest.approx(10 * math.log10((1 / 3) / (step**2 / 12)), abs=0.2)


def test_scales_by_channel_help_where_channels_differ():
    weights = torch.randn(4, 500, generator=torch.Generator().manual_seed(1))
    weights *= torch.tensor([0.01, 0.1, 1.0, 10.0])[:, None]
    one = weight_noise(weights[1:], 4, by_channel=False, method="mse")
    own = weight_noise(weights[1:], 4, by_channel=True, method="mse")
    assert own >= one


def test_levels_are_those_of_the_width():
    weights = torch.linspace(-1.5, 1.5, 1001)
    assert grid_levels(weights, 3, "minmax") == pytest.approx([-1.5, -1, -0.5, 0, 0.5, 1, 1.5])
    assert len(grid_levels(weights, 2)) == 3


@pytest.mark.parametrize(
    "make, places",
    [
        (
            lambda: load("tiny_conv-yes_no")[0],
            ["weights of conv", "weights of conv, biases corrected", "activations of conv",
             "weights of classifier", "weights of classifier, biases corrected"],
        ),
        (
            lambda: trained_looking(Residual()),
            ["weights of stem", "weights of stem, biases corrected", "activations of stem",
             "weights of body.0", "weights of body.0, biases corrected", "activations of body.0",
             "activations of add", "activations of mean",
             "weights of head", "weights of head, biases corrected"],
        ),
    ],
    ids=["tiny_conv", "residual"],
)  # fmt: skip
def test_each_place_is_looked_at_alone(make, places):
    torch.manual_seed(0)
    network, images = make(), random_images()
    found = {bits: noise_at_logits(network, bits, images, images) for bits in (4, 8)}
    assert [str(place) for place in found[8]] == places
    gained = [found[8][place] - found[4][place] for place in found[8]]
    assert np.mean(gained) > 12  # of the 24 that four bits are
    for place in found[4]:
        if place.corrected:  # at few bits the shift is most of the noise of images above 0
            assert found[4][place] > found[4][replace(place, corrected=False)] - 1


def test_a_grid_for_the_softmax_changes_it_less():
    torch.manual_seed(0)
    images = random_images(400)
    network = load("tiny_conv-yes_no")[0]
    found = logits_grids(network, images, images)
    assert found["output"].divergence <= found["minmax"].divergence
    assert found["output"].changed <= found["minmax"].changed
    assert found["minmax"].images == 400
