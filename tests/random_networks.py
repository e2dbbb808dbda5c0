"""Hypothesis strategies: networks of one operator with everything at random, as .tflite files.

Shapes, strides, paddings, scales and zero points reach their edges; sums stay within 32 bits, as
those of any sane network do.
"""

import numpy as np
from hypothesis import strategies as st
from small_networks import Builder, options, same, valid, window_options

from kwslib.network.facts import with_facts

DENSE, SPARSE = st.just(0.0), st.sampled_from([0.3, 0.6, 0.8, 0.9, 0.97, 1.0])
"""Share of the weights that is zero."""
zero_points = st.one_of(st.sampled_from([-128, 127, 0]), st.integers(-128, 127))
scales = st.floats(1e-3, 2.0).map(lambda x: float(np.float32(x)))
WIDE, NARROW = st.just(8), st.sampled_from([4, 3, 4, 3, 5, 6, 7])
"""Bits of weights; a kernel has those of two or four to a byte, or a whole one."""
activations = st.sampled_from(["NONE", "RELU", "RELU6", "RELU_N1_TO_1"])
seeds = st.integers(0, 2**32 - 1)


def _values(seed, shape, spread=127):
    return np.random.default_rng(seed).integers(-spread, spread + 1, shape).astype(np.int8)


def _weights(draw, shape, bits, zeros=DENSE):
    """All of the range that narrow weights have, of which wide ones may use a little.

    Zeros come one by one or four side by side, and more of them in some outputs than in others.
    """
    zeros = draw(zeros)
    if bits == 8:
        values = _values(draw(seeds), shape, draw(st.sampled_from([3, 127])))
    else:
        rng = np.random.default_rng(draw(seeds))
        values = rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), shape).astype(np.int8)
    if zeros:
        rng = np.random.default_rng(draw(seeds))
        rows = values.reshape(len(values), -1)
        width = draw(st.sampled_from([1, 4]))
        share = zeros ** rng.choice([0.5, 1, 1, 2], (len(rows), 1))
        empty = rng.random((len(rows), -(-rows.shape[1] // width))) < share
        rows[np.repeat(empty, width, axis=1)[:, : rows.shape[1]]] = 0
    return values


def _finish(build, x, y, *bits):
    """The file; it tells the bits of weights unless all have 8."""
    data = build.finish([x], [y])
    return data if set(bits) == {8} else with_facts(data, {"weight_bits": bits})


def _biases(draw, shape):
    extent = draw(st.sampled_from([0, 100, 100_000, 2**29]))
    return np.random.default_rng(draw(seeds)).integers(-extent, extent + 1, shape, np.int32)


@st.composite
def windows(draw, dilated):
    padding = draw(st.sampled_from(["SAME", "VALID"]))
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    dilation = (draw(st.integers(1, 2)), draw(st.integers(1, 2))) if dilated else (1, 1)
    if not draw(st.booleans()):
        dilation = (1, 1)
    stride = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    extents, kernel, count = (height, width), [], same if padding == "SAME" else valid
    for size, step in zip(extents, dilation, strict=True):
        most = 5 if padding == "SAME" else (size - 1) // step + 1
        kernel.append(draw(st.integers(1, min(most, 5))))
    out = [count(s, k, t, d) for s, k, t, d in zip(extents, kernel, stride, dilation, strict=True)]
    return extents, tuple(kernel), stride, dilation, padding, tuple(out)


@st.composite
def conv2d(draw, widths=WIDE, most_channels=5, zeros=DENSE):
    bits = draw(widths)
    extents, kernel, stride, dilation, padding, out = draw(windows(dilated=True))
    inputs, outputs = draw(st.integers(1, most_channels)), draw(st.integers(1, 5))
    build = Builder()
    x = build.tensor([1, *extents, inputs], draw(scales), draw(zero_points))
    weights = _weights(draw, (outputs, *kernel, inputs), bits, zeros)
    channel_scales = [draw(scales) for _ in range(draw(st.sampled_from([1, outputs])))]
    w = build.tensor(weights.shape, channel_scales, 0, weights)
    b = build.tensor([outputs], [1.0], 0, _biases(draw, outputs))
    wide = np.prod(kernel) * inputs  # keeps outputs within reach of the scale
    y = build.tensor([1, *out, outputs], draw(scales) * float(wide), draw(zero_points))
    given = window_options("Conv2DOptions", stride, padding, draw(activations), dilation)
    build.operator("CONV_2D", [x, w, b], y, given)
    return _finish(build, x, y, bits)


@st.composite
def one_channel_conv2d(draw, widths=WIDE, zeros=DENSE):
    return draw(conv2d(widths, most_channels=1, zeros=zeros))


@st.composite
def depthwise_conv2d(draw, widths=WIDE):
    bits = draw(widths)
    extents, kernel, stride, dilation, padding, out = draw(windows(dilated=True))
    inputs, factor = draw(st.integers(1, 5)), draw(st.sampled_from([1, 1, 1, 2]))
    build = Builder()
    x = build.tensor([1, *extents, inputs], draw(scales), draw(zero_points))
    weights = _weights(draw, (1, *kernel, inputs * factor), bits)
    w = build.tensor(
        weights.shape, [draw(scales) for _ in range(inputs * factor)], 0, weights, axis=3
    )
    b = build.tensor([inputs * factor], [1.0], 0, _biases(draw, inputs * factor))
    y = build.tensor(
        [1, *out, inputs * factor], draw(scales) * float(np.prod(kernel)), draw(zero_points)
    )
    given = window_options(
        "DepthwiseConv2DOptions", stride, padding, draw(activations), dilation,
        depthMultiplier=factor,
    )  # fmt: skip
    build.operator("DEPTHWISE_CONV_2D", [x, w, b], y, given)
    return _finish(build, x, y, bits)


@st.composite
def fully_connected(draw, widths=WIDE, zeros=DENSE):
    bits = draw(widths)
    depth = draw(st.integers(1, 40) | st.integers(250, 530))
    outputs, rows = draw(st.integers(1, 9)), 1
    build = Builder()
    source, weight = draw(scales), draw(scales)
    x = build.tensor([rows, depth], source, draw(zero_points))
    weights = _weights(draw, (outputs, depth), bits, zeros)
    w = build.tensor(weights.shape, weight, 0, weights)
    bias_scale = float(np.float32(source) * np.float32(weight))
    b = build.tensor([outputs], bias_scale, 0, _biases(draw, outputs))
    y = build.tensor([rows, outputs], draw(scales) * depth, draw(zero_points))
    build.operator(
        "FULLY_CONNECTED", [x, w, b], y,
        options("FullyConnectedOptions", fusedActivationFunction=draw(st.sampled_from([0, 1, 3]))),
    )  # fmt: skip
    return _finish(build, x, y, bits)


@st.composite
def pool(draw, name):
    extents, kernel, stride, _, padding, out = draw(windows(dilated=False))
    channels, scale, zero_point = draw(st.integers(1, 5)), draw(scales), draw(zero_points)
    build = Builder()
    x = build.tensor([1, *extents, channels], scale, zero_point)
    y = build.tensor([1, *out, channels], scale, zero_point)
    given = window_options(
        "Pool2DOptions", stride, padding, draw(st.sampled_from(["NONE", "RELU", "RELU6"])),
        filterHeight=kernel[0], filterWidth=kernel[1],
    )  # fmt: skip
    build.operator(name, [x], y, given)
    return build.finish([x], [y])


@st.composite
def add(draw):
    shape = [1, draw(st.integers(1, 5)), draw(st.integers(1, 5)), draw(st.integers(1, 5))]
    scale, zero_point = draw(scales), draw(zero_points)
    build = Builder()
    x = build.tensor(shape, scale, zero_point)
    other = build.tensor(shape, scale, zero_point)
    build.operator(
        "MAX_POOL_2D", [x], other,
        window_options("Pool2DOptions", (1, 1), "SAME", "NONE", filterHeight=2, filterWidth=2),
    )  # fmt: skip
    y = build.tensor(shape, draw(scales), draw(zero_points))
    build.operator(
        "ADD", [x, other], y,
        options("AddOptions", fusedActivationFunction=draw(st.sampled_from([0, 1, 3]))),
    )  # fmt: skip
    return build.finish([x], [y])


@st.composite
def mean(draw):
    height, width, channels = (draw(st.integers(1, 7)) for _ in range(3))
    build = Builder()
    x = build.tensor([1, height, width, channels], draw(scales), draw(zero_points))
    axes = build.tensor([2], constant=np.array([1, 2], np.int32))
    y = build.tensor([1, channels], draw(scales), draw(zero_points))
    build.operator("MEAN", [x, axes], y, options("ReducerOptions", keepDims=False))
    return build.finish([x], [y])


@st.composite
def pad(draw):
    shape = [1, draw(st.integers(1, 5)), draw(st.integers(1, 5)), draw(st.integers(1, 5))]
    scale, zero_point = draw(scales), draw(zero_points)
    around = np.array([[0, 0]] + [[draw(st.integers(0, 3)) for _ in "ab"] for _ in "hwc"], np.int32)
    build = Builder()
    x = build.tensor(shape, scale, zero_point)
    paddings = build.tensor([4, 2], constant=around)
    out = [s + int(p.sum()) for s, p in zip(shape, around, strict=True)]
    y = build.tensor(out, scale, zero_point)
    build.operator("PAD", [x, paddings], y, options("PadOptions"))
    return build.finish([x], [y])


@st.composite
def softmax(draw):
    depth = draw(st.integers(1, 12))
    scale = draw(st.floats(1e-3, 4.0))
    build = Builder()
    x = build.tensor([1, depth], scale, draw(zero_points))
    y = build.tensor([1, depth], 1 / 256, -128)
    build.operator("SOFTMAX", [x], y, options("SoftmaxOptions", beta=1.0))
    return build.finish([x], [y])


@st.composite
def chain(draw, widths=WIDE):
    """Convolution, depthwise convolution, a sum with what went in, mean, softmax."""
    height, width, channels = draw(st.integers(2, 8)), draw(st.integers(2, 8)), 3
    bits = draw(widths), draw(widths)
    rng = np.random.default_rng(draw(seeds))
    build = Builder()
    x = build.tensor([1, height, width, 1], 1 / 255, -128)

    def weights(shape, axis, bits):
        count, values = shape[axis], _weights(draw, shape, bits)
        return [
            build.tensor(shape, rng.uniform(0.005, 0.02, count) * 2 ** (8 - bits), 0, values, axis),
            build.tensor([count], [1.0], 0, rng.integers(-999, 999, count, np.int32)),
        ]  # fmt: skip

    first = build.tensor([1, height, width, channels], 0.03, -128)
    given = window_options("Conv2DOptions", (1, 1), "SAME", "RELU")
    build.operator("CONV_2D", [x, *weights((channels, 3, 3, 1), 0, bits[0])], first, given)
    second = build.tensor([1, height, width, channels], 0.05, 4)
    given = window_options("DepthwiseConv2DOptions", (1, 1), "SAME", "NONE", depthMultiplier=1)
    taps = weights((1, 3, 3, channels), 3, bits[1])
    build.operator("DEPTHWISE_CONV_2D", [first, *taps], second, given)
    total = build.tensor([1, height, width, channels], 0.06, -20)
    build.operator("ADD", [first, second], total, options("AddOptions"))
    axes = build.tensor([2], constant=np.array([1, 2], np.int32))
    means = build.tensor([1, channels], 0.05, -10)
    build.operator("MEAN", [total, axes], means, options("ReducerOptions", keepDims=False))
    scores = build.tensor([1, channels], 1 / 256, -128)
    build.operator("SOFTMAX", [means], scores, options("SoftmaxOptions", beta=1.0))
    return _finish(build, x, scores, *bits)


NETWORKS = {
    "conv2d": conv2d(),
    "one_channel_conv2d": one_channel_conv2d(),
    "depthwise_conv2d": depthwise_conv2d(),
    "fully_connected": fully_connected(),
    "average_pool": pool("AVERAGE_POOL_2D"),
    "max_pool": pool("MAX_POOL_2D"),
    "add": add(),
    "mean": mean(),
    "pad": pad(),
    "softmax": softmax(),
    "chain": chain(),
    "conv2d_narrow": conv2d(NARROW),
    "conv2d_2_bits": conv2d(st.just(2)),
    "one_channel_conv2d_narrow": one_channel_conv2d(NARROW),
    "one_channel_conv2d_2_bits": one_channel_conv2d(st.just(2)),
    "depthwise_conv2d_narrow": depthwise_conv2d(NARROW),
    "depthwise_conv2d_2_bits": depthwise_conv2d(st.just(2)),
    "fully_connected_narrow": fully_connected(NARROW),
    "fully_connected_2_bits": fully_connected(st.just(2)),
    "chain_narrow": chain(st.integers(2, 8)),
}

ways = st.sampled_from([("single", "taps"), ("blocks", "straight"), "auto"])
"""Forms that are forced on the layers of a network, or what pays."""

SPARSE_NETWORKS = {
    "conv2d": conv2d(zeros=SPARSE),
    "one_channel_conv2d": one_channel_conv2d(zeros=SPARSE),
    "fully_connected": fully_connected(zeros=SPARSE),
    "conv2d_narrow": conv2d(NARROW, zeros=SPARSE),
    "one_channel_conv2d_2_bits": one_channel_conv2d(st.just(2), zeros=SPARSE),
    "fully_connected_narrow": fully_connected(NARROW, zeros=SPARSE),
    "fully_connected_2_bits": fully_connected(st.just(2), zeros=SPARSE),
}
