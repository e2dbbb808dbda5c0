"""Every network of the registry, from PyTorch to the board, with weights as after training."""

import numpy as np
import pytest
import torch
from kinds import KINDS
from reference import run_reference
from torch import nn

from kwslib import models
from kwslib.board.profile import profile
from kwslib.board.target import board_predictor, open_board
from kwslib.cost import cost_of
from kwslib.deploy.codegen import KERNELS
from kwslib.deploy.convert import convert_int8
from kwslib.deploy.host import build_host_network
from kwslib.network.reader import graph_of, read_graph
from kwslib.network.reference import run
from kwslib.network.writer import tflite_bytes
from kwslib.quantize.network import Widths
from kwslib.quantize.ptq import quantize_after_training
from kwslib.quantize.to_integers import integers_of

LABELS = ("_silence_", "_unknown_", "yes", "no")
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 7, 5)).repeat(7, 1).repeat(8, 2)
IMAGES = IMAGES.astype(np.uint8)
"""In blocks: of noise that changes from pixel to pixel a mean leaves little."""

PIXELS = (IMAGES.astype(np.int16) - 128).astype(np.int8).reshape(len(IMAGES), -1)


@pytest.fixture(scope="module", params=KINDS)
def network(request):
    torch.manual_seed(0)
    network = models.create(request.param, len(LABELS))
    return request.param, as_if_trained(network, torch.from_numpy(IMAGES)[:, None] / 255)


@torch.no_grad()
def as_if_trained(network, images):
    """BatchNorm with statistics of what passes and a scale and shift of its own, and logits of some
    size that differ from image to image.
    """
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.momentum = 1.0  # statistics of the last batch
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, std=0.3)
    network.train()(images)
    logits = network.eval()(images)
    *_, last = network.modules()
    last.weight *= 2 / logits.std()
    last.bias -= logits.mean(0) * 2 / logits.std()
    return network


def check_everywhere(data, name, network, path):
    """The interpreter, the C of both kinds here, and the emulated board give the same bits."""
    path.write_bytes(data)
    graph = read_graph(path)
    assert graph.macs == cost_of(network).macs
    expected = run_reference(data, PIXELS)
    assert len(np.unique(expected, axis=0)) > 1
    for kernels in KERNELS:
        here = build_host_network(graph, kernels)
        np.testing.assert_array_equal([here.run(values) for values in PIXELS], expected)
    with open_board("emulator", graph, str(path)) as board:
        np.testing.assert_array_equal(board_predictor(board)(IMAGES), expected)
    found = profile(graph, "emulator", str(path))
    assert 0.3 * graph.macs < found.stages["network"].instructions < 8 * graph.macs, name


def test_the_converters_file_is_the_same_everywhere(network, tmp_path):
    name, network = network
    data = convert_int8(network, IMAGES, {"model": name, "labels": list(LABELS)})
    kinds = {operator.kind for operator in graph_of(data).operators}
    assert "pad" not in kinds, "SAME padding belongs to the layers"
    check_everywhere(data, name, network, tmp_path / "int8.tflite")


def test_our_own_file_is_the_same_everywhere(network, tmp_path):
    name, network = network
    quantized = quantize_after_training(network, Widths(), IMAGES, activation_method="minmax")
    integers = integers_of(quantized, LABELS, {"model": name})
    data = tflite_bytes(integers)
    np.testing.assert_array_equal(run(integers, IMAGES[:1]), run_reference(data, PIXELS[:1]))
    check_everywhere(data, name, network, tmp_path / "own.tflite")
