"""The converted network is the PyTorch network."""

import numpy as np
import pytest
import torch
from torch import nn

from kwslib.deploy.convert import (
    convert_float,
    convert_int8,
    layer_differences,
)
from kwslib.deploy.predictors import predictor, reference_interpreter
from kwslib.deploy.translate import Translation
from kwslib.errors import InputError
from kwslib.models import create
from kwslib.models.layers import SameConv2d
from kwslib.network.facts import facts_in
from kwslib.network.flatfile import parse
from kwslib.network.reader import graph_of
from kwslib.quantize.ptq import CALIBRATION_CLIPS, calibration_clips
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


class Pooled(nn.Module):
    """The same ends said otherwise, with as many channels as rows and columns on the way."""

    def __init__(self):
        super().__init__()
        self.first = SameConv2d(1, 7, 3, stride=(7, 6))
        self.convs = nn.Sequential(
            nn.Conv2d(7, 14, 3, padding="same", groups=7), nn.ReLU6(), nn.Conv2d(14, 7, 1)
        )
        self.pool = nn.AvgPool2d(kernel_size=(2, 1), stride=1)
        self.classifier = nn.Linear(7, 3, bias=False)

    def forward(self, x):
        x = self.first(x)  # [n, 7, 7, 7]
        x += self.convs(x)
        x = nn.functional.max_pool2d(nn.functional.dropout(self.pool(x), 0.5, self.training), 2)
        return self.classifier(x.relu().mean(dim=(2, 3)))


@pytest.fixture(scope="module")
def pooled():
    torch.manual_seed(2)
    return Pooled().eval()


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


@pytest.mark.parametrize("name", ["tiny_conv", "separable", "pooled"])
def test_every_layer_equals_pytorch(name, request):
    network = request.getfixturevalue(name)
    differences = layer_differences(network, IMAGES[:4])
    assert max(differences.values()) < 1e-4
    assert len(differences) >= 5


@pytest.mark.parametrize("name", ["tiny_conv", "separable", "pooled"])
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
    assert len(calibration_clips(IMAGES)) == len(IMAGES)
    many = np.arange(3 * CALIBRATION_CLIPS).reshape(-1, 1, 1)
    chosen = calibration_clips(many)[:, 0, 0]
    assert len(chosen) == CALIBRATION_CLIPS
    assert (chosen[0], chosen[-1]) == (0, len(many) - 1)


class Said(nn.Module):
    """A network that ends as ``end`` says."""

    def __init__(self, end):
        super().__init__()
        self.conv = SameConv2d(1, 2, 3)
        self.end = end

    def forward(self, x):
        return self.end(self.conv(x))


@pytest.mark.parametrize(
    ("end", "message"),
    [
        (nn.Hardswish(), "layer end: Hardswish has no translation"),
        (nn.Conv2d(2, 2, 3, stride=2, padding=1), r"layer end: .*take kwslib.*SameConv2d"),
        (nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"), "layer end: .*pad with zeros"),
        (nn.Conv2d(3, 2, 3), "layer end: Conv2d does not convert so"),
        (nn.MaxPool2d(3, padding=1), "layer end: .*padding does not convert"),
        (nn.AvgPool2d(3, ceil_mode=True), "layer end: .*ceil_mode does not convert"),
        (nn.AdaptiveAvgPool2d(2), "layer end: .*one value a channel"),
        (nn.Linear(40, 2), r"layer end: .*flatten\(1\)"),
        (nn.BatchNorm1d(2), "layer end: BatchNorm1d has no translation"),
        (lambda x: x.mean(1), "layer mean: .*over time and frequency"),
        (lambda x: x + 1, "layer add: .*into a bias"),
        (lambda x: x + x.permute(0, 2, 3, 1), "layer add: .*one shape and order"),
        (lambda x: x.permute(0, 3, 2, 1), "layer permute: .*does"),
        (lambda x: x.flatten(2), "layer flatten: .*from axis 1"),
        (lambda x: x.view(1, -1), "layer view: view has no translation"),
        (lambda x: (x, x), "one tensor, its logits"),
        (lambda x: x if x.sum() > 0 else -x, "cannot be traced"),
    ],
)  # fmt: skip
def test_what_does_not_convert_is_named(end, message):
    with pytest.raises(InputError, match=message):
        convert_float(Said(end), {})


def test_a_batch_norm_on_its_own_is_refused():
    with pytest.raises(InputError, match="BatchNorm must follow a convolution"):
        Translation(nn.Sequential(nn.BatchNorm2d(1), nn.Flatten()))


def test_a_convolution_that_two_steps_share_keeps_its_weights():
    conv = SameConv2d(1, 1, 3)
    with pytest.raises(InputError, match="nothing else uses"):
        Translation(nn.Sequential(conv, conv, nn.BatchNorm2d(1), nn.Flatten()))
