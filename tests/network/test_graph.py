"""What joins the layers of a quantized network."""

from dataclasses import replace

import numpy as np
import pytest

from kwslib.errors import InputError
from kwslib.network.graph import Graph
from kwslib.network.operators import Add, Reshape, Softmax
from kwslib.network.tensors import Tensor
from kwslib.network.weighted import FullyConnected

IMAGE = Tensor("image", (1, 49, 40, 1), 1 / 255, -128)
FLAT = Tensor("flat", (1, 1960), 1 / 255, -128)
LOGITS = Tensor("logits", (1, 3), 0.1, 5)
SCORES = Tensor("scores", (1, 3), 1 / 256, -128)
RESHAPE = Reshape((IMAGE,), FLAT)
LAYER = FullyConnected(
    (FLAT,), LOGITS, np.ones((3, 1960), np.int8), np.ones(1), np.zeros(3, int), bits=3
)
SOFTMAX = Softmax((LOGITS,), SCORES)
LABELS = ("_silence_", "_unknown_", "yes")


def network(**changes):
    given = {"inputs": (IMAGE,), "outputs": (SCORES,), "operators": (RESHAPE, LAYER, SOFTMAX)}
    return Graph(**{**given, **changes})


def test_a_network_tells_its_output_labels_and_widths():
    assert network().output == SCORES
    assert network().weight_bits == (3,)
    assert network(facts={"labels": list(LABELS)}).labels == LABELS
    assert network().labels == network(facts={"labels": "yes"}).labels == ()


def test_variables_are_there_from_the_start():
    kept = replace(FLAT, name="kept")
    add = Add((FLAT, kept), replace(FLAT, name="sum"))
    assert network(operators=(RESHAPE, LAYER, SOFTMAX, add), variables=(kept,)).macs == 3 * 1960


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"operators": (LAYER, RESHAPE, SOFTMAX)}, "'logits': reads tensor 'flat', which is not"),
        (
            {"operators": (Reshape((replace(IMAGE, shape=(1, 1960)),), FLAT), LAYER, SOFTMAX)},
            "'flat': reads tensor 'image', which is not",
        ),
        ({"operators": (RESHAPE, LAYER, LAYER, SOFTMAX)}, "two tensors are named 'logits'"),
        ({"operators": (RESHAPE, LAYER)}, "no operator writes the network's output 'scores'"),
        ({"operators": ()}, "no operator writes the network's output 'scores'"),
        ({"outputs": (IMAGE,)}, "no operator writes the network's output 'image'"),
    ],
)
def test_what_is_no_network(changes, message):
    with pytest.raises(InputError, match=message):
        network(**changes)


def test_what_needs_one_output_names_several():
    with pytest.raises(InputError, match="the network has 2 outputs; one can be compiled"):
        _ = network(outputs=(LOGITS, SCORES)).output
