"""What joins the layers of a quantized network."""

from dataclasses import replace

import numpy as np
import pytest

from kwslib.errors import InputError
from kwslib.quantize.integer import IntegerNetwork
from kwslib.quantize.integer_layers import FullyConnected, Reshape, Softmax
from kwslib.quantize.integer_tensor import IntegerTensor

IMAGE = IntegerTensor("image", (1, 49, 40, 1), 1 / 255, -128)
FLAT = IntegerTensor("flat", (1, 1960), 1 / 255, -128)
LOGITS = IntegerTensor("logits", (1, 3), 0.1, 5)
SCORES = IntegerTensor("scores", (1, 3), 1 / 256, -128)
RESHAPE = Reshape((IMAGE,), FLAT)
LAYER = FullyConnected(
    (FLAT,), LOGITS, np.ones((3, 1960), np.int8), np.ones(1), np.zeros(3, int), bits=3
)
SOFTMAX = Softmax((LOGITS,), SCORES)
LABELS = ("_silence_", "_unknown_", "yes")


def test_a_network_tells_its_output_and_widths():
    network = IntegerNetwork(IMAGE, (RESHAPE, LAYER, SOFTMAX), LABELS)
    assert network.output == SCORES
    assert network.weight_bits == (3,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input": replace(IMAGE, scale=1.0)}, "the scale 1/255, the zero point -128 and 8 bits"),
        ({"layers": (LAYER, RESHAPE, SOFTMAX)}, "'logits': reads tensor 'flat', which is not"),
        (
            {"layers": (Reshape((replace(IMAGE, shape=(1, 1960)),), FLAT), LAYER, SOFTMAX)},
            "'flat': reads tensor 'image', which is not",
        ),
        ({"layers": (RESHAPE, LAYER, LAYER, SOFTMAX)}, "two tensors are named 'logits'"),
        ({"layers": (RESHAPE, LAYER)}, "needs one Softmax, as its last layer"),
        ({"layers": ()}, "needs one Softmax, as its last layer"),
        ({"labels": ("yes", "no")}, "gives 3 scores for the labels yes no; name"),
        ({"labels": ("yes", "no", "no")}, "name each output once"),
    ],
)
def test_what_is_no_network(changes, message):
    given = {"input": IMAGE, "layers": (RESHAPE, LAYER, SOFTMAX), "labels": LABELS}
    with pytest.raises(InputError, match=message):
        IntegerNetwork(**{**given, **changes})
