"""Single layers for the tests of sparse code, as the compiler sees them, with weights at random."""

import numpy as np
from small_networks import Builder, options, same, window_options

from kwslib.network.reader import graph_of


def convolution_network(size, kernel, stride, channels=1, outputs=1, zeros=0.0, seed=0):
    """A graph of a convolution alone, padded as SAME."""
    rng = np.random.default_rng(seed)
    build = Builder()
    image = build.tensor([1, *size, channels], 0.1, -128)
    weights = with_zeros(rng, (outputs, *kernel, channels), zeros)
    taps = build.tensor(weights.shape, [0.01] * outputs, 0, weights)
    bias = build.tensor([outputs], [1.0], 0, rng.integers(-999, 999, outputs, np.int32))
    out = [same(n, k, s) for n, k, s in zip(size, kernel, stride, strict=True)]
    output = build.tensor([1, *out, outputs], 0.02 * channels * float(np.prod(kernel)), -128)
    build.operator(
        "CONV_2D",
        [image, taps, bias],
        output,
        window_options("Conv2DOptions", stride, "SAME", "RELU"),
    )
    return graph_of(build.finish([image], [output]))


def fully_connected_network(depth, outputs, zeros=0.0, block=1, seed=0):
    """A graph of a fully connected layer alone; zeros come in blocks."""
    rng = np.random.default_rng(seed)
    build = Builder()
    x = build.tensor([1, depth], 0.1, -128)
    weights = with_zeros(rng, (outputs, depth), zeros, block)
    w = build.tensor(weights.shape, 0.01, 0, weights)
    bias = build.tensor(
        [outputs], float(np.float32(0.1) * np.float32(0.01)), 0,
        rng.integers(-999, 999, outputs, np.int32),
    )  # fmt: skip
    y = build.tensor([1, outputs], 0.02 * depth, 5)
    build.operator("FULLY_CONNECTED", [x, w, bias], y, options("FullyConnectedOptions"))
    return graph_of(build.finish([x], [y]))


def with_zeros(rng, shape, zeros, block=1):
    """Weights of which a share is zero, no other is."""
    weights = rng.integers(1, 128, shape) * rng.choice([-1, 1], shape)
    rows = weights.reshape(shape[0], -1)
    empty = rng.random((shape[0], -(-rows.shape[1] // block))) < zeros
    rows[np.repeat(empty, block, axis=1)[:, : rows.shape[1]]] = 0
    return weights.astype(np.int8)


def convolution(*arguments, **more):
    """The layer of :func:`convolution_network`."""
    return convolution_network(*arguments, **more).operators[0]


def fully_connected(*arguments, **more):
    """The layer of :func:`fully_connected_network`."""
    return fully_connected_network(*arguments, **more).operators[0]
