import numpy as np
import pytest
import torch

from kwslib import models
from kwslib.models.layers import SameConv2d
from kwslib.models.standardise import Standardised, input_convolution, pixel_statistics


@pytest.mark.parametrize("name", models.names())
def test_folded_weights_give_the_same_logits_without_the_change_of_variables(name):
    torch.manual_seed(0)
    trained = Standardised(models.create(name, 4), mean=0.37, deviation=0.21).eval()
    plain = models.create(name, 4).eval()
    plain.load_state_dict(trained.folded())
    images = torch.rand(5, 1, 49, 40)
    images[0] = 0  # nothing but padding and zeros
    assert torch.allclose(trained(images), plain(images), atol=1e-5)


def test_folding_leaves_the_trained_weights_as_they_are():
    trained = Standardised(models.create("tiny_conv", 4), 0.3, 0.2)
    before = trained.network.conv.weight.clone()
    trained.folded()
    assert torch.equal(trained.network.conv.weight, before)


def test_pixel_statistics_are_those_of_numpy():
    images = torch.randint(0, 256, (7, 98, 40), dtype=torch.uint8)
    mean, deviation = pixel_statistics(images)
    pixels = images.numpy().astype(np.float64) / 255
    assert mean == pytest.approx(pixels.mean())
    assert deviation == pytest.approx(pixels.std())


def test_constant_images_have_a_deviation_to_divide_by():
    assert pixel_statistics(torch.zeros(2, 98, 40, dtype=torch.uint8))[1] > 0


def test_the_first_layer_must_be_a_convolution_with_a_bias():
    with pytest.raises(TypeError, match="SameConv2d"):
        input_convolution(torch.nn.Sequential(torch.nn.Linear(3, 3)))
    with pytest.raises(TypeError, match="bias"):
        input_convolution(torch.nn.Sequential(SameConv2d(1, 2, 3, bias=False)))


@pytest.mark.parametrize("name", models.names())
def test_a_trained_network_learns_on_in_standardised_coordinates_and_comes_back(name):
    torch.manual_seed(0)
    network = models.create(name, 4).eval()
    first = input_convolution(network)[1]
    first.weight.data[0, 0, 0] = 0
    images = torch.rand(5, 1, 49, 40)
    images[0] = 0
    with torch.no_grad():
        before = network(images)
        wrapped = Standardised.of_trained(network, 0.37, 0.21)
        torch.testing.assert_close(wrapped(images), before, rtol=1e-4, atol=1e-5)
        assert torch.equal(first.weight[0, 0, 0], torch.zeros_like(first.weight[0, 0, 0]))
        restored = wrapped.restore()
        assert restored is network and first.padding_value == 0
        torch.testing.assert_close(network(images), before, rtol=1e-4, atol=1e-5)
    assert torch.equal(first.weight[0, 0, 0], torch.zeros_like(first.weight[0, 0, 0]))
