"""What the core executes, and that it is as little as promised."""

import numpy as np
import pytest
from reference import run_reference
from small_networks import Builder, options, window_options

from kwslib.network.reader import graph_of
from kwslib.studies.bench import core
from kwslib.studies.bench.cmsis import CmsisNetwork


@pytest.fixture(scope="module")
def rows():
    """Without gcc, which never gives the least for the others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core, "which", lambda name: None)
        return {row.what: row for row in core.core()}


def test_the_network_and_what_surrounds_it_cost_little(rows):
    assert rows["tiny_conv, all of it: ours"].value <= 280_000
    assert rows["front end, a frame"].value <= 30_000
    assert rows["smoothing, an inference"].value < 5_000


def test_the_convolution_takes_a_sixth_of_what_others_take(rows):
    ours = rows["tiny_conv, convolution: ours"].value
    for others in ("C loop nests", "CMSIS-NN with DSP"):
        assert rows[f"tiny_conv, convolution: {others}"].value >= 6 * ours
        assert "the best of zig -O2, zig -O3" in rows[f"tiny_conv, convolution: {others}"].how


def test_cmsis_nn_is_as_fast_as_elsewhere(rows):
    """TensorFlow Lite Micro with CMSIS-NN executes 2.3 million instructions on this network."""
    assert rows["tiny_conv, all of it: CMSIS-NN with DSP"].value < 2_300_000


def small_network(rng):
    """Odd sizes, so that CMSIS-NN's loops leave something over."""
    build = Builder()
    x = build.tensor([1, 9, 7, 1], 1 / 255, -128)
    w = build.tensor(
        [3, 4, 3, 1], [0.01, 0.02, 0.015], 0, rng.integers(-127, 128, (3, 4, 3, 1), np.int8)
    )
    b = build.tensor([3], [1.0], 0, rng.integers(-5000, 5000, 3, np.int32))
    y = build.tensor([1, 5, 4, 3], 0.03, -128)
    build.operator("CONV_2D", [x, w, b], y, window_options("Conv2DOptions", (2, 2), "SAME", "RELU"))
    flat = build.tensor([1, 60], 0.03, -128)
    shape = build.tensor([2], constant=np.array([1, 60], np.int32))
    build.operator("RESHAPE", [y, shape], flat, options("ReshapeOptions", newShape=[1, 60]))
    v = build.tensor([5, 60], 0.02, 0, rng.integers(-127, 128, (5, 60), np.int8))
    c = build.tensor([5], 0.03 * 0.02, 0, rng.integers(-5000, 5000, 5, np.int32))
    logits = build.tensor([1, 5], 0.5, 17)
    build.operator("FULLY_CONNECTED", [flat, v, c], logits, options("FullyConnectedOptions"))
    scores = build.tensor([1, 5], 1 / 256, -128)
    build.operator("SOFTMAX", [logits], scores, options("SoftmaxOptions", beta=1.0))
    return build.finish([x], [scores])


def test_cmsis_nn_gives_the_reference_bits(tmp_path):
    rng = np.random.default_rng(3)
    data = small_network(rng)
    network = CmsisNetwork(graph_of(data, "small"), tmp_path / "cmsis", ["-O2"], "zig")
    for values in rng.integers(-128, 128, (5, 63), np.int8):
        found, instructions = network.network(values)
        np.testing.assert_array_equal(found, run_reference(data, [values])[0])
        assert network.convolution(values)[1] < instructions


def test_dense_and_sparse_code_in_every_pattern(monkeypatch):
    monkeypatch.setattr(core, "_ZEROS", (0.9,))
    dense, *sparse = core.sparsity()
    assert dense.what == "dense" and "1.00 x" in dense.how
    assert [row.what for row in sparse] == [
        "90% zeros, global", "90% zeros, uniform", "90% zeros, blocks",
    ]  # fmt: skip
    assert all(row.value < dense.value and row.unit == "cycles" for row in sparse)
    assert sparse[1].how.startswith("2.") and "conv2d_straight" in sparse[1].how
