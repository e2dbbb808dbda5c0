"""Hypothesis strategies: quantized networks with everything at random.

Each has one layer of a kind between a convolution, which gives it inputs of any scale and zero
point, and a fully connected layer with a softmax. Widths, shapes, strides, scales and zero points
reach their edges.
"""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from kwslib.errors import InputError
from kwslib.network.graph import Graph
from kwslib.network.operators import Add, AveragePool, MaxPool, Mean, Reshape, Softmax
from kwslib.network.tensors import Tensor
from kwslib.network.weighted import Conv2d, DepthwiseConv2d, FullyConnected

zero_points = st.one_of(st.sampled_from([-128, 127, 0]), st.integers(-128, 127))
zoom = st.one_of(st.just(1.0), st.sampled_from([1e-4, 0.03, 40.0, 1e6]))
"""How far a scale is from what would suit the numbers: most of them saturate, or are 0."""

widths = st.sampled_from([8, 8, 2, 3, 4, 5, 6, 7])
activations = st.sampled_from(["NONE", "RELU", "RELU6"])
paddings = st.sampled_from(["SAME", "SAME", "VALID"])
seeds = st.integers(0, 2**32 - 1)

TOO_EXTREME = ("can exceed 32 bits", "too small", "beyond 32 bits", "beyond single precision")


class Draw:
    """Draws the layers of one network, one after the other."""

    def __init__(self, draw):
        self.draw = draw
        self.rng = np.random.default_rng(draw(seeds))
        self.layers = []

    def tensor(self, shape, scale, zero_point=None):
        if zero_point is None:
            zero_point = self.draw(zero_points)
        return Tensor(f"tensor{len(self.layers)}", shape, scale, zero_point)

    def add(self, layer):
        self.layers.append(layer)
        return layer.output

    def numbers(self, shape, outputs, source):
        """Weights, scales, biases and width, and a scale that suits the sums."""
        bits = self.draw(widths)
        high = 2 ** (bits - 1)
        weights = self.rng.integers(-high, high, shape)
        extent = self.draw(st.sampled_from([0, 100, 100_000, 2**27]))
        bias = self.rng.integers(-extent, extent + 1, outputs)
        wide = 0.01 * self.draw(zoom)
        scales = self.rng.uniform(0.2, 1, outputs if self.draw(st.booleans()) else 1) * wide
        taps = np.prod(shape) / outputs
        suits = source.scale * wide * high * np.sqrt(taps) * self.draw(zoom)
        return weights, scales, bias, {"bits": bits, "activation": self.draw(activations)}, suits

    def window(self, source):
        padding = self.draw(paddings)
        stride = self.draw(st.integers(1, 3)), self.draw(st.integers(1, 3))
        sizes = source.shape[1:3]
        most = [5, 5] if padding == "SAME" else [min(5, size) for size in sizes]
        kernel = tuple(self.draw(st.integers(1, m)) for m in most)
        out = tuple(
            -(-n // s) if padding == "SAME" else (n - k) // s + 1
            for n, k, s in zip(sizes, kernel, stride, strict=True)
        )
        return kernel, {"stride": stride, "padding": padding}, out

    def conv2d(self, source, outputs=None, same=False):
        outputs = outputs or self.draw(st.integers(1, 5))
        kernel, sliding, out = self.window(source)
        if same:
            kernel, sliding, out = (3, 3), {}, source.shape[1:3]
        shape = (outputs, *kernel, source.shape[3])
        *numbers, more, scale = self.numbers(shape, outputs, source)
        output = self.tensor((1, *out, outputs), scale)
        return self.add(Conv2d((source,), output, *numbers, **more, **sliding))

    def depthwise_conv2d(self, source):
        kernel, sliding, out = self.window(source)
        outputs = source.shape[3] * self.draw(st.sampled_from([1, 1, 2]))
        *numbers, more, scale = self.numbers((*kernel, outputs), outputs, source)
        output = self.tensor((1, *out, outputs), scale)
        return self.add(DepthwiseConv2d((source,), output, *numbers, **more, **sliding))

    def fully_connected(self, source, outputs=None):
        outputs = outputs or self.draw(st.integers(1, 9))
        *numbers, more, scale = self.numbers((outputs, source.size), outputs, source)
        output = self.tensor((1, outputs), scale)
        return self.add(FullyConnected((source,), output, *numbers, **more))

    def residual(self, source):
        other = self.conv2d(source, source.shape[3], same=True)
        scale = max(source.scale, other.scale) * self.draw(st.sampled_from([1, 2, 0.3, 1e4]))
        output = self.tensor(source.shape, scale)
        return self.add(Add((source, other), output, activation=self.draw(activations)))

    def pool(self, source, kind):
        kernel, sliding, out = self.window(source)
        output = self.tensor((1, *out, source.shape[3]), source.scale, source.zero_point)
        return self.add(
            kind((source,), output, kernel, activation=self.draw(activations), **sliding)
        )

    def average_pool(self, source):
        return self.pool(source, AveragePool)

    def max_pool(self, source):
        return self.pool(source, MaxPool)

    def mean(self, source):
        scale = source.scale * self.draw(st.sampled_from([1, 0.7, 0.1, 30]))
        return self.add(Mean((source,), self.tensor((1, source.shape[3]), scale)))

    def reshape(self, source):
        output = self.tensor((1, source.size), source.scale, source.zero_point)
        return self.add(Reshape((source,), output))

    def network(self, kind):
        shape = 1, self.draw(st.integers(1, 9)), self.draw(st.integers(1, 9)), 1
        image = Tensor("image", shape, 1 / 255, -128)
        source = image if self.draw(st.booleans()) else self.conv2d(image)
        body = getattr(self, kind)(source)
        n_labels = self.draw(st.integers(1, 5))
        logits = self.fully_connected(body, n_labels)
        scores = self.tensor((1, n_labels), 1 / 256, -128)
        self.add(Softmax((logits,), scores))
        labels = [f"label {i}" for i in range(n_labels)]
        facts = {"model": kind, "labels": labels}
        return Graph((image,), (scores,), tuple(self.layers), facts)


KINDS = (
    "conv2d", "depthwise_conv2d", "fully_connected", "residual", "average_pool", "max_pool",
    "mean", "reshape",
)  # fmt: skip


@st.composite
def integer_networks(draw, kind):
    """A network around a layer of ``kind``."""
    try:
        return Draw(draw).network(kind)
    except InputError as error:
        assume(not any(reason in str(error) for reason in TOO_EXTREME))
        raise


IMAGE = Tensor("image", (1, 4, 5, 1), 1 / 255, -128)


def with_head(layers):
    """Layers that end in logits, with a softmax behind them."""
    logits = layers[-1].output
    scores = Tensor("scores", logits.shape, 1 / 256, -128)
    return Graph((IMAGE,), (scores,), (*layers, Softmax((logits,), scores)))


def network_at_ties(kind, one_scale):
    """Large sums beside a tie, where the last bits of a multiplier decide: biases alone."""
    outputs = 200
    rng = np.random.default_rng(one_scale)
    scales = rng.uniform(0.001, 0.002, 1 if one_scale else outputs).astype(np.float32)
    scale = IMAGE.scale * 0.0015 * 2**22
    ties = rng.integers(-120, 120, outputs) + 0.5
    bias = np.rint(ties * scale / (IMAGE.scale * scales.astype(float))).astype(int)
    bias += rng.integers(-20, 21, outputs)
    logits = Tensor("logits", (1, outputs), scale, 0)
    if kind == "fully_connected":
        weights = np.zeros((outputs, IMAGE.size), int)
        return with_head((FullyConnected((IMAGE,), logits, weights, scales, bias),))
    maps = Tensor("maps", (*IMAGE.shape[:3], outputs), scale, 0)
    weights = np.zeros((outputs, 1, 1, 1), int)
    return with_head((Conv2d((IMAGE,), maps, weights, scales, bias), Mean((maps,), logits)))


def images_for(network, seed):
    """Random ones, a smooth one, black and white."""
    rng = np.random.default_rng(seed)
    shape = network.input.shape[1:3]
    dark = rng.integers(0, 30, shape)
    images = [*rng.integers(0, 256, (3, *shape)), dark, np.zeros(shape), np.full(shape, 255)]
    return np.stack(images).astype(np.uint8)
