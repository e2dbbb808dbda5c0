"""Networks with quantizers in them: the same network, on grids where it is stored."""

import pytest
import torch
from minifloat_values import values_of
from residual import Residual, trained_looking
from torch import nn

from kwslib import models
from kwslib.errors import InputError
from kwslib.models.checkpoint import PUBLISHED, load
from kwslib.network.reader import read_graph
from kwslib.network.weighted import Weighted
from kwslib.quantize.affine import quantize
from kwslib.quantize.minifloat import E2M1, E4M3
from kwslib.quantize.network import QuantizedNetwork, Widths


def images(count=4, seed=0):
    return torch.rand(count, 1, 49, 40, generator=torch.Generator().manual_seed(seed))


def networks():
    torch.manual_seed(0)
    return [models.create("tiny_conv", 4).eval(), trained_looking(Residual())]


@pytest.mark.parametrize("network", networks(), ids=["tiny_conv", "residual"])
def test_without_widths_it_is_the_network_itself(network):
    quantized = QuantizedNetwork(network, Widths(None, None)).eval()
    torch.testing.assert_close(quantized(images()), network(images()), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("network", networks(), ids=["tiny_conv", "residual"])
def test_the_network_it_was_made_of_stays_as_it_is(network):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    quantized = QuantizedNetwork(network, Widths(2, 4))
    quantized(images()).sum().backward()
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
    assert all(parameter.grad is None for parameter in network.parameters())


def test_what_is_stored_has_a_quantizer_and_nothing_else():
    tiny, residual = (QuantizedNetwork(network, Widths()) for network in networks())
    assert len(list(tiny.activations())) == 2  # the convolution with its ReLU, and the logits
    # stem with ReLU, body with ReLU, sum, mean, logits
    assert len(list(residual.activations())) == 5
    assert [name for name, _ in residual.layers()] == ["stem", "body.0", "head"]


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_layers_compute_with_few_values_a_channel(bits):
    quantized = QuantizedNetwork(networks()[0], Widths(bits, None))
    for _, layer in quantized.layers():
        for channel in layer.quantizer(layer.layer.weight):
            assert len(channel.unique()) <= 2**bits - 1


@pytest.mark.parametrize("number", [E2M1, E4M3])
def test_layers_compute_with_small_floats(number):
    quantized = QuantizedNetwork(networks()[0], Widths(number, None))
    for _, layer in quantized.layers():
        weight = layer.layer.weight
        scale = layer.quantizer.scale(weight)
        for channel, one in zip(layer.quantizer(weight), scale, strict=True):
            values = torch.from_numpy(values_of(number)).float() * one
            nearest = (channel.detach().reshape(-1, 1) - values).abs().amin(1)
            assert float(nearest.max()) <= 1e-6 * float(one)


def test_weights_in_8_bits_are_those_of_the_published_file():
    """TensorFlow Lite's converter chooses min-max grids by channel, as we do by min-max."""
    network, _ = load("tiny_conv-yes_no")
    quantized = QuantizedNetwork(network, Widths(8, 8), "minmax")
    graph = read_graph(PUBLISHED / "tiny_conv-yes_no.tflite")
    theirs = [operator for operator in graph.operators if isinstance(operator, Weighted)]
    for (_, layer), operator in zip(quantized.layers(), theirs, strict=True):
        weight = layer.layer.weight
        ours = quantize(weight, layer.quantizer.qparams(weight))
        if ours.ndim == 4:
            ours = ours.permute(0, 2, 3, 1)
        difference = (ours.reshape(-1) - torch.from_numpy(operator.weights).reshape(-1)).abs()
        assert int(difference.max()) <= 1
        assert float((difference > 0).float().mean()) < 0.001


def test_learned_steps_begin_where_the_grid_was_and_are_trained():
    quantized = QuantizedNetwork(networks()[0], Widths(3, None), "mse")
    before = quantized(images())
    for _, layer in quantized.layers():
        layer.quantizer.learn_scale(layer.layer.weight)
    torch.testing.assert_close(quantized(images()), before)
    quantized(images()).square().sum().backward()
    steps = [layer.quantizer.log_scale for _, layer in quantized.layers()]
    assert all(step.grad is not None and bool((step.grad != 0).any()) for step in steps)


@pytest.mark.parametrize("bits", [1, 0, 9, 17])
def test_widths_that_are_none(bits):
    with pytest.raises(InputError, match=f"weights {bits}: must be 2 to 8"):
        Widths(bits, 8)
    with pytest.raises(InputError, match=f"activations {bits}: must be 2 to 8"):
        Widths(8, bits)


def test_weights_that_are_not_finite():
    network = models.create("tiny_conv", 4)
    network.classifier.weight.data[0, 0] = float("nan")
    with pytest.raises(InputError, match="layer classifier: some weights are NaN"):
        QuantizedNetwork(network, Widths())


class NormAlone(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(1)

    def forward(self, x):
        return self.norm(x).flatten(1)


def test_a_batch_norm_that_cannot_be_folded():
    with pytest.raises(InputError, match="layer norm: BatchNorm must follow a convolution"):
        QuantizedNetwork(NormAlone(), Widths())


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


def test_a_network_that_cannot_be_traced():
    with pytest.raises(InputError, match="cannot be traced"):
        QuantizedNetwork(Branching(), Widths())
