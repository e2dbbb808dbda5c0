"""Networks in integers: the predictions of the fake-quantized ones."""

import numpy as np
import pytest
import torch
from residual import Residual, trained_looking
from torch import nn

from kwslib.errors import InputError
from kwslib.models.checkpoint import load
from kwslib.network.reference import run
from kwslib.quantize.network import QuantizedNetwork, Widths
from kwslib.quantize.ptq import calibration_clips, quantize_after_training
from kwslib.quantize.to_integers import integers_of
from kwslib.training.predict import predictor

LABELS = ("_silence_", "_unknown_", "yes", "no")


def random_images(count=100, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 49, 40), np.uint8)


def residual():
    torch.manual_seed(3)
    return trained_looking(Residual())


@pytest.mark.parametrize("make", [lambda: load("tiny_conv-yes_no")[0], residual])
@pytest.mark.parametrize("widths", [Widths(8, 8), Widths(4, 8), Widths(2, 8), Widths(3, 4)])
def test_scores_are_those_of_the_fake_quantized_network(make, widths):
    images = random_images()
    quantized = quantize_after_training(make(), widths, images)
    expected = predictor(quantized)(images)
    found = (run(integers_of(quantized, LABELS), images).astype(np.float64) + 128) / 256
    step = float(list(quantized.activations())[-1].qparams().scale)
    # a rounding at most decides otherwise: a step of two logits, and one of the output
    assert np.abs(found - expected).max() < 0.5 * step + 1 / 128
    assert (found.argmax(1) == expected.argmax(1)).mean() > 0.95


@pytest.mark.parametrize(
    "silent", [{"conv": [0, 3]}, {"classifier": [2]}, {"classifier": range(4)}]
)
@pytest.mark.parametrize("widths", [Widths(8, 8), Widths(3, 8)])
def test_channels_without_weights_are_their_bias(silent, widths):
    network, images = load("tiny_conv-yes_no")[0], random_images()
    for name, channels in silent.items():
        network.get_submodule(name).weight.data[list(channels)] = 0
    quantized = quantize_after_training(network, widths, images)
    expected = predictor(quantized)(images)
    found = (run(integers_of(quantized, LABELS), images).astype(np.float64) + 128) / 256
    step = float(list(quantized.activations())[-1].qparams().scale)
    assert np.abs(found - expected).max() < 0.5 * step + 1 / 128


@pytest.fixture(scope="module")
def speech(official_task):
    """Images to calibrate with, and those to validate on."""
    calibration = calibration_clips(official_task.examples("training").deployed)
    return calibration, official_task.examples("validation").deployed


@pytest.mark.real_speech
@pytest.mark.parametrize("widths", [Widths(8, 8), Widths(4, 8), Widths(3, 8), Widths(4, 4)])
def test_predictions_on_speech_are_the_same_but_for_ties(widths, speech):
    calibration, clips = speech
    quantized = quantize_after_training(load("tiny_conv-yes_no")[0], widths, calibration)
    expected = predictor(quantized)(clips)
    scores = run(integers_of(quantized, LABELS), clips)
    differ = scores.argmax(1) != expected.argmax(1)
    step = float(list(quantized.activations())[-1].qparams().scale)
    logits = np.sort(np.log(expected.clip(1e-12)), axis=1)
    steps_apart = (logits[:, -1] - logits[:, -2]) / step
    assert differ.mean() < 0.02
    assert (steps_apart[differ] < 1.01).all()


def test_facts_and_widths_are_told():
    quantized = quantize_after_training(load("tiny_conv-yes_no")[0], Widths(3, 8), random_images())
    network = integers_of(quantized, LABELS, {"model": "tiny_conv"})
    assert network.weight_bits == (3, 3)
    assert (network.labels, network.facts["model"]) == (LABELS, "tiny_conv")


@pytest.mark.parametrize("widths", [Widths(None, 8), Widths(8, None)])
def test_floats_have_no_integers(widths):
    quantized = quantize_after_training(load("tiny_conv-yes_no")[0], widths, random_images())
    with pytest.raises(InputError, match="needs a width of 2 to 8 bits for either"):
        integers_of(quantized, LABELS)


def test_what_was_not_calibrated():
    quantized = QuantizedNetwork(load("tiny_conv-yes_no")[0], Widths())
    with pytest.raises(InputError, match="nothing was observed"):
        integers_of(quantized, LABELS)


class Squashed(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(1960, 4)

    def forward(self, x):
        return self.head(torch.sigmoid(x).flatten(1))


class ChannelsFirst(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 2, 1), nn.Linear(2 * 1960, 4)

    def forward(self, x):
        return self.head(self.conv(x).flatten(1))


@pytest.mark.parametrize(
    "make, words", [(Squashed, "sigmoid"), (ChannelsFirst, "flatten with channels first")]
)
def test_steps_without_an_integer_kernel(make, words):
    quantized = quantize_after_training(make().eval(), Widths(), random_images(5))
    with pytest.raises(InputError, match=f"{words} has no integer kernel"):
        integers_of(quantized, LABELS)
