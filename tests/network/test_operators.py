"""What is no layer is refused, in one line that names the thing."""

import numpy as np
import pytest

from kwslib.errors import InputError
from kwslib.network.operators import Add, AveragePool, Mean, Reshape, Softmax
from kwslib.network.tensors import Tensor
from kwslib.network.weighted import Conv2d, DepthwiseConv2d, FullyConnected

IMAGE = Tensor("image", (1, 49, 40, 1), 1 / 255, -128)
MAPS = Tensor("maps", (1, 25, 20, 8), 0.05, -128)


def conv2d(**changes):
    given = {
        "inputs": (IMAGE,),
        "output": MAPS,
        "weights": np.ones((8, 10, 8, 1), np.int8),
        "scales": np.full(8, 0.01),
        "bias": np.zeros(8, np.int32),
        "stride": (2, 2),
    }
    return Conv2d(**{**given, **changes})


def test_a_scale_is_kept_in_single_precision():
    assert IMAGE.scale == float(np.float32(1 / 255))


def test_values_of_a_width():
    assert Tensor("t", (1, 2), 1.0, 0, bits=4).range == (-8, 7)
    assert IMAGE.range == (-128, 127)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": float("nan")}, "tensor 't': has the scale nan; it must be finite and above 0"),
        ({"scale": float("inf")}, "has the scale inf"),
        ({"scale": 1e39}, "has the scale 1e\\+39"),
        ({"scale": 1e-60}, "has the scale 1e-60"),
        ({"scale": -1.0}, "has the scale -1.0"),
        ({"zero_point": 128}, "has the zero point 128; 8 bits hold -128 to 127"),
        ({"zero_point": 2, "bits": 2}, "has the zero point 2; 2 bits hold -2 to 1"),
        ({"bits": 9}, "tensor 't': bits 9: must be 2 to 8"),
        ({"shape": (2, 3)}, r"has the shape \(2, 3\); it needs 1 and one to three extents"),
        ({"shape": (1, 0)}, r"has the shape \(1, 0\)"),
        ({"shape": (1,)}, r"has the shape \(1,\)"),
    ],
)
def test_what_is_no_tensor(changes, message):
    given = {"name": "t", "shape": (1, 4), "scale": 1.0, "zero_point": 0}
    with pytest.raises(InputError, match=message):
        Tensor(**{**given, **changes})


def scales(bad):
    return np.array([0.01] * 3 + [bad] + [0.01] * 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"weights": np.full((8, 10, 8, 1), 2), "bits": 2},
            r"operator 'maps' \(conv2d\): weights reach 2, outside of -2 to 1",
        ),
        ({"weights": np.full((8, 10, 8, 1), -129)}, "weights reach -129, outside of -128 to 127"),
        ({"weights": np.ones((8, 10, 8, 1))}, "weights are float64; quantize them to integers"),
        ({"weights": np.ones((8, 10, 8), int)}, r"weights have the shape \(8, 10, 8\); 4 axes"),
        ({"weights": np.ones((8, 10, 8, 2), int)}, r"\(8, 10, 8, 2\) do not fit \(1, 49, 40, 1\)"),
        ({"weights": np.ones((8, 0, 8, 1), int)}, r"shape \(8, 0, 8, 1\)"),
        ({"scales": scales(np.nan)}, "scale 3 of its weights is nan; it must be finite"),
        ({"scales": scales(np.inf)}, "scale 3 of its weights is inf"),
        ({"scales": scales(0)}, "scale 3 of its weights is 0.0"),
        ({"scales": np.ones(7)}, r"scales have the shape \(7,\), not \(8,\)"),
        ({"bias": np.zeros(4, int)}, r"biases have the shape \(4,\), not \(8,\)"),
        ({"bias": np.full(8, 2**31)}, "biases reach 2147483648"),
        ({"bias": np.full(8, np.nan)}, "biases are float64"),
        ({"bias": np.full(8, 2**31 - 1)}, "sums of channel 0 can exceed 32 bits"),
        ({"scales": np.full(8, 1e9)}, "sums of channel 0 can exceed 32 bits"),
        (
            {"inputs": (Tensor("t", IMAGE.shape, 1e30, 0),), "scales": np.full(8, 1e30)},
            "the scale of its biases is beyond single precision",
        ),
        ({"bits": 1}, "operator 'maps': bits 1: must be 2 to 8"),
        ({"activation": "TANH"}, "activation 'TANH' must be one of NONE, RELU, RELU6"),
        ({"padding": "FULL"}, "padding 'FULL' must be SAME or VALID"),
        ({"stride": (1, 1)}, r"gives \(49, 40\) places, but its output has \(25, 20\)"),
        ({"padding": "VALID"}, r"gives \(20, 17\) places"),
        ({"stride": (0, 1)}, r"stride \(0, 1\) and dilation \(1, 1\) must be 1 or more"),
        ({"inputs": ()}, "has 0 inputs, not 1"),
        (
            {"output": Tensor("t", (1, 4000), 0.1, 0)},
            "four axes are needed",
        ),
        (
            {"output": Tensor("t", MAPS.shape, 1e-12, 0), "activation": "RELU6",
             "weights": np.zeros((8, 10, 8, 1), int), "scales": np.full(8, 1e-12)},
            "is beyond 32 bits",
        ),
    ],
)  # fmt: skip
def test_what_is_no_convolution(changes, message):
    with pytest.raises(InputError, match=message) as caught:
        conv2d(**changes)
    assert "\n" not in str(caught.value)


def tensor(shape, scale=0.1, zero_point=0, bits=8):
    return Tensor("t", shape, scale, zero_point, bits)


def fully_connected(weights, output):
    outputs = len(weights)
    return FullyConnected((MAPS,), output, weights, np.ones(1), np.zeros(outputs, int))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: DepthwiseConv2d(
                (MAPS,), MAPS, np.ones((3, 3, 4), int), np.ones(1), np.zeros(4, int)
            ),
            r"do not fit \(1, 25, 20, 8\) in and \(1, 25, 20, 8\) out",
        ),
        (
            lambda: fully_connected(np.ones((4, 3999), int), tensor((1, 4))),
            r"weights \(4, 3999\) do not fit",
        ),
        (
            lambda: fully_connected(np.ones((4, 4000), int), tensor((1, 5))),
            r"do not fit \(1, 25, 20, 8\) in and \(1, 5\) out",
        ),
        (lambda: Add((MAPS, IMAGE), MAPS), "take one shape"),
        (lambda: Add((MAPS,), MAPS), "has 1 inputs, not 2"),
        (
            lambda: Add((MAPS, MAPS), tensor(MAPS.shape, 1e-9)),
            "scale .* is too small beside its inputs'",
        ),
        (
            lambda: AveragePool((MAPS,), tensor((1, 13, 10, 8)), (2, 2), stride=(2, 2)),
            "must have one scale, zero point and width",
        ),
        (
            lambda: AveragePool((MAPS,), tensor((1, 13, 10, 4)), (2, 2), stride=(2, 2)),
            "has 8 channels in, 4 out",
        ),
        (lambda: Mean((MAPS,), tensor((1, 4))), r"is not what its axes \(1, 2\) leave"),
        (lambda: Mean((MAPS,), tensor((1, 8), 1e-9)), "sums can exceed 32 bits"),
        (lambda: Reshape((MAPS,), tensor((1, 3999), MAPS.scale, -128)), "differ in size"),
        (lambda: Reshape((MAPS,), tensor((1, 4000))), "must have one scale"),
        (lambda: Softmax((tensor((1, 4)),), tensor((1, 4))), "the scale 1/256"),
        (lambda: Softmax((MAPS,), tensor((1, 4), 1 / 256, -128)), "not to its shape"),
        (
            lambda: Softmax((tensor((1, 4), 1e-9),), tensor((1, 4), 1 / 256, -128)),
            "too small for a softmax",
        ),
        (
            lambda: Softmax((tensor((1, 4096)),), tensor((1, 4096), 1 / 256, -128)),
            "has 4096 labels, more than 4,095",
        ),
    ],
)
def test_what_is_no_layer(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_a_clamp_keeps_to_activation_and_width():
    output = Tensor("t", MAPS.shape, 1.0, -4, bits=4)
    layer = conv2d(output=output, activation="RELU6")
    assert (layer.clamp.low, layer.clamp.high) == (-4, 2)
    layer = conv2d(output=output, activation="RELU")
    assert (layer.clamp.low, layer.clamp.high) == (-4, 7)


def test_one_scale_stands_for_all_channels():
    one, each = conv2d(scales=np.array([0.01])), conv2d()
    assert one.multipliers == each.multipliers
    assert len(one.multipliers) == 8


def test_the_taps_of_a_depthwise_convolution_stand_together():
    weights = np.arange(3 * 2 * 8).reshape(3, 2, 8)
    layer = DepthwiseConv2d((MAPS,), MAPS, weights, np.ones(1), np.zeros(8, int))
    assert layer.taps[5].tolist() == weights[:, :, 5].ravel().tolist()
