"""A whole network with zeros, compiled: the same scores, faster and smaller."""

import numpy as np
import pytest
from devices import TINY_CONV, tiny_conv

from kwslib.deploy.codegen import generate
from kwslib.deploy.host import build_host_network
from kwslib.studies.sparsity import built, with_zeros


@pytest.fixture(scope="module")
def dense():
    return built(tiny_conv(), "never")


def test_a_network_that_nobody_pruned_is_the_same(dense):
    assert generate(tiny_conv()).source == generate(tiny_conv(), sparse="never").source
    assert list(dense.kernels.values()) == ["conv2d_lanes", "fully_connected_dsp", "softmax"]


@pytest.mark.parametrize(
    ("pattern", "faster", "less_flash"),
    [("uniform", 2.7, 0.3), ("blocks", 2.8, 0.35), ("global", 1.07, 0.3)],
)
def test_nine_tenths_zeros(pattern, faster, less_flash, dense):
    """Zeros by magnitude across layers leave the convolution as it is, which takes the time."""
    graph = with_zeros(tiny_conv(), pattern, 0.9)
    expected, found = built(graph, "never"), built(graph, "auto")
    np.testing.assert_array_equal(found.outputs, expected.outputs)
    assert expected.cycles > faster * found.cycles
    assert expected.instructions > faster * 0.95 * found.instructions
    assert found.flash < (1 - less_flash) * expected.flash
    assert found.ram <= expected.ram
    assert abs(expected.instructions - dense.instructions) < 100  # of the softmax


@pytest.mark.parametrize("pattern", ["global", "uniform"])
@pytest.mark.parametrize("zeros", [0.95, 0.99])
def test_two_kernels_in_a_layer_and_channels_without_taps(pattern, zeros):
    graph = with_zeros(tiny_conv(), pattern, zeros)
    kernels = generate(graph).kernels[0]
    assert kernels == (
        ("conv2d_lanes", "conv2d_straight") if pattern == "global" else ("conv2d_straight",)
    )
    images = np.random.default_rng(0).integers(-128, 128, (4, 1960)).astype(np.int8)
    dense, sparse = (build_host_network(graph, "dsp", way) for way in ("never", "auto"))
    for image in images:
        np.testing.assert_array_equal(sparse.run(image), dense.run(image))


def test_weights_are_counted_where_they_are_data():
    graph = with_zeros(tiny_conv(), "uniform", 0.9)
    assert generate(graph, sparse="never").weights == 17_280
    words = generate(graph).weights
    assert 2 * 1600 <= words < 2 * 1600 + 64  # weights and steps of the last layer
    assert TINY_CONV.exists()
