"""The converted network is the PyTorch network."""

import numpy as np
import pytest
import torch
from torch import nn

from kwslib.deploy.convert import (
    CALIBRATION_CLIPS,
    calibration_images,
    convert_float,
    convert_int8,
    layer_differences,
    reference_interpreter,
)
from kwslib.deploy.flatfile import parse
from kwslib.deploy.interpreter import predictor
from kwslib.deploy.reader import graph_of
from kwslib.deploy.tflite_file import facts_in
from kwslib.deploy.translate import Translation
from kwslib.errors import InputError
from kwslib.models import create
from kwslib.models.padding import SameConv2d
from kwslib.training.predict import predictor as torch_predictor

IMAGES = np.random.default_rng(0).integers(0, 256, (24, 49, 40)).astype(np.uint8)


class Separable(nn.Module):
    """Everything that a network for the board may be made of."""

    def __init__(self):
        super().__init__()
        self.first = SameConv2d(1, 4, (5, 4), stride=(2, 2))
        self.norm = nn.BatchNorm2d(4)
        self.depthwise = nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False)
        self.norm_2 = nn.BatchNorm2d(4)
        self.pointwise = nn.Conv2d(4, 4, 1)
        self.pool = nn.MaxPool2d(2)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(4 * 12 * 10, 3)

    def forward(self, x):
        x = torch.relu(self.norm(self.first(x)))
        y = nn.functional.relu6(self.norm_2(self.depthwise(x)))
        x = self.pool(x + self.pointwise(y))
        return self.classifier(self.flatten(x))


@pytest.fixture(scope="module")
def separable():
    torch.manual_seed(1)
    network = Separable()
    for norm in (network.norm, network.norm_2):
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2.0)
    return network.eval()


@pytest.fixture(scope="module")
def tiny_conv():
    torch.manual_seed(0)
    return create("tiny_conv", 4).eval()


@pytest.mark.parametrize("name", ["tiny_conv", "separable"])
def test_every_layer_equals_pytorch(name, request):
    network = request.getfixturevalue(name)
    differences = layer_differences(network, IMAGES[:4])
    assert max(differences.values()) < 1e-4
    assert len(differences) >= 5


@pytest.mark.parametrize("name", ["tiny_conv", "separable"])
def test_nothing_is_transposed_or_padded_apart(name, request):
    data = convert_int8(request.getfixturevalue(name), IMAGES, {})
    names = {operator.name for operator in parse(data).operators}
    assert not names & {"TRANSPOSE", "PAD", "PADV2", "MUL", "QUANTIZE", "DEQUANTIZE"}
    assert parse(data).operators[-1].name == "SOFTMAX"
    graph_of(data)


def test_probabilities_of_the_float_file_are_pytorchs(separable, tmp_path):
    path = tmp_path / "float.tflite"
    path.write_bytes(convert_float(separable, {}))
    expected = torch_predictor(separable)(IMAGES)
    np.testing.assert_allclose(predictor(path)(IMAGES), expected, atol=1e-5)


def test_int8_is_deterministic_and_says_what_it_is(tiny_conv):
    facts = {"model": "tiny_conv", "labels": ["a", "b", "c", "d"]}
    first = convert_int8(tiny_conv, IMAGES, facts)
    assert first == convert_int8(tiny_conv, IMAGES, facts)
    assert facts_in(first) == facts
    assert len(first) <= 20 * 1024


def test_the_interpreters_agree_bit_for_bit(separable, tmp_path):
    path = tmp_path / "int8.tflite"
    path.write_bytes(convert_int8(separable, IMAGES, {}))
    micro = predictor(path)(IMAGES)
    assert micro.dtype == np.int8
    lite = reference_interpreter(path.read_bytes())
    for image, scores in zip(IMAGES, micro, strict=True):
        pixels = (image.astype(np.int16) - 128).astype(np.int8).reshape(1, 49, 40, 1)
        lite.set_tensor(lite.get_input_details()[0]["index"], pixels)
        lite.invoke()
        found = lite.get_tensor(lite.get_output_details()[0]["index"])[0]
        np.testing.assert_array_equal(found, scores)


def test_few_images_calibrate_all_of_them_and_many_are_spread():
    assert len(calibration_images(IMAGES)) == len(IMAGES)
    many = np.arange(3 * CALIBRATION_CLIPS).reshape(-1, 1, 1)
    chosen = calibration_images(many)[:, 0, 0]
    assert len(chosen) == CALIBRATION_CLIPS
    assert (chosen[0], chosen[-1]) == (0, len(many) - 1)


def test_a_layer_without_translation_is_named():
    network = nn.Sequential(SameConv2d(1, 2, 3), nn.Hardswish(), nn.Flatten(), nn.Linear(3920, 2))
    with pytest.raises(InputError, match="Hardswish has no translation"):
        convert_float(network, {})


def test_symmetric_padding_that_same_is_not_is_refused():
    network = nn.Sequential(nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.Flatten())
    with pytest.raises(InputError, match=r"take kwslib\.models\.padding\.SameConv2d"):
        convert_float(network, {})


def test_a_batch_norm_on_its_own_is_refused():
    with pytest.raises(InputError, match="BatchNorm must follow a convolution"):
        Translation(nn.Sequential(nn.BatchNorm2d(1), nn.Flatten()))
