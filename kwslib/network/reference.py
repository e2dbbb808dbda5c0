"""The reference interpreter: a network in integers run by numpy, many clips at a time.

The arithmetic is that of TensorFlow Lite Micro's reference kernels, to the bit.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from kwslib.errors import InputError
from kwslib.network.graph import Graph
from kwslib.network.operators import (
    Add,
    AveragePool,
    MaxPool,
    Mean,
    Operator,
    Pad,
    Reshape,
    Sliding,
    Softmax,
)
from kwslib.network.requantization import (
    ADD_LEFT_SHIFT,
    INT8_MIN,
    Multiplier,
    doubling_high_multiply,
    rounding_shift_right,
)
from kwslib.network.tensors import Tensor
from kwslib.network.weighted import Conv2d, DepthwiseConv2d, FullyConnected, Weighted

_CLIPS_AT_A_TIME = 32
"""So many that a step's numbers stay in a processor's cache."""

_Values = NDArray[np.int8]
_Sums = NDArray[np.int64]


def pixels(images: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Images uint8 as a network takes them, minus 128, which is the first bit flipped."""
    return (images ^ np.uint8(128)).view(np.int8)


def run(network: Graph, images: NDArray[np.uint8]) -> NDArray[np.int8]:
    """The scores of images.

    Args:
        network: the network, of one input and one output.
        images: uint8 ``[n, ...]``, each as many pixels as the network's input, such as
            ``[n, 49, 40]``.

    Returns:
        int8 ``[n, labels]``: 256 times a probability, minus 128.

    Raises:
        InputError: the images are not uint8, or have another size.
    """
    images = np.asarray(images)
    scores = np.empty((len(images), network.output.size), np.int8)
    for start in range(0, len(images), _CLIPS_AT_A_TIME):
        part = slice(start, start + _CLIPS_AT_A_TIME)
        found = activations(network, images[part])[network.output.name]
        scores[part] = found.reshape(-1, network.output.size)
    return scores


def activations(network: Graph, *inputs: NDArray[Any]) -> dict[str, NDArray[np.int8]]:
    """What each tensor holds, by its name: int8 ``[n, ...]``.

    Args:
        network: the network.
        inputs: for each of its inputs int8 ``[n, ...]``, or images uint8; few, since nothing is
            forgotten.

    Raises:
        InputError: they are neither, or have another size.
    """
    values: dict[str, NDArray[np.int8]] = {}
    for tensor, given in zip(network.inputs, map(np.asarray, inputs), strict=True):
        shape = len(given), *tensor.shape[1:]
        if given.dtype not in (np.uint8, np.int8) or given.size != len(given) * tensor.size:
            raise InputError(
                f"images are {given.dtype} {given.shape}; the network takes uint8 {shape}"
            )
        held = pixels(given) if given.dtype == np.uint8 else given
        values[tensor.name] = held.reshape(shape)
    for operator in network.operators:
        operands = [values[tensor.name] for tensor in operator.inputs]
        found = _KERNELS[type(operator)](operator, *operands)
        values[operator.output.name] = found.reshape(len(operands[0]), *operator.output.shape[1:])
    return values


def _conv2d(layer: Conv2d, x: _Values) -> _Values:
    windows = _windows(layer, _offset(x, layer.input), 0)
    taps = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, layer.taps.shape[1])
    return _scaled(layer, _products(taps, layer))


def _depthwise_conv2d(layer: DepthwiseConv2d, x: _Values) -> _Values:
    spread = np.repeat(_offset(x, layer.input), layer.depth_multiplier, axis=3)
    windows = _windows(layer, spread, 0)
    sums = np.zeros(windows.shape[:4], np.int64)
    for row, column in np.ndindex(layer.window.kernel):
        # At most 255 * 128, which int16 holds.
        sums += windows[..., row, column] * layer.weights[row, column].astype(np.int16)
    return _scaled(layer, sums)


def _fully_connected(layer: FullyConnected, x: _Values) -> _Values:
    rows = _offset(x, layer.input).reshape(-1, layer.weights.shape[1])
    return _scaled(layer, _products(rows, layer))


def _add(layer: Add, first: _Values, second: _Values) -> _Values:
    inputs, whole = layer.multipliers
    total: Any = 0
    for x, tensor, by in zip((first, second), layer.inputs, inputs, strict=True):
        widened = _offset(x, tensor).astype(np.int64) << ADD_LEFT_SHIFT
        total = total + _requantized(widened, (by,))
    return _stored(layer, _requantized(total, (whole,)))


def _average_pool(layer: AveragePool, x: _Values) -> _Values:
    sums = _windows(layer, x, 0).sum(axis=(4, 5), dtype=np.int64)
    places = np.ones((1, *x.shape[1:3], 1), np.int8)
    counts = _windows(layer, places, 0).sum(axis=(4, 5), dtype=np.int64)
    averages = np.sign(sums) * ((np.abs(sums) + counts // 2) // counts)
    return averages.clip(layer.clamp.low, layer.clamp.high).astype(np.int8)


def _max_pool(layer: MaxPool, x: _Values) -> _Values:
    greatest = _windows(layer, x, INT8_MIN).max(axis=(4, 5))
    return greatest.clip(layer.clamp.low, layer.clamp.high).astype(np.int8)


def _mean(layer: Mean, x: _Values) -> _Values:
    sums = _offset(x, layer.input).reshape(len(x), *layer.extents).sum(axis=2, dtype=np.int64)
    return _stored(layer, _requantized(sums, (layer.multiplier,)))


def _pad(layer: Pad, x: _Values) -> _Values:
    return np.pad(x, ((0, 0), *layer.paddings[1:]), constant_values=layer.output.zero_point)


def _reshape(_: Reshape, x: _Values) -> _Values:
    return x


def _softmax(layer: Softmax, x: _Values) -> _Values:
    """Source: ``Softmax`` of TensorFlow Lite's reference kernels."""
    table = np.zeros(256, np.int64)
    table[: len(layer.exponentials)] = layer.exponentials
    distances = x.max(axis=-1, keepdims=True).astype(np.int64) - x
    exponentials = table[distances]
    sums = rounding_shift_right(exponentials, np.int64(12)).sum(axis=-1, keepdims=True)  # Q12.19
    leading_zeros = 32 - np.frexp(sums.astype(np.float64))[1].astype(np.int64)
    reciprocals = _reciprocal((sums << leading_zeros) & 0x7FFFFFFF)
    products = doubling_high_multiply(reciprocals, exponentials)
    return _stored(layer, rounding_shift_right(products, 35 - leading_zeros))


def _reciprocal(a: _Sums) -> _Sums:
    """``1 / (1 + a)`` for ``a`` between 0 and 1, both in Q0.31.

    Three Newton-Raphson steps in Q2.29, from 48/17 - 32/17 of half the denominator.

    Source: gemmlowp's ``one_over_one_plus_x_for_x_in_0_1``.
    """
    half_denominator = (a + 2**31) // 2
    slope = np.full_like(a, -1010580540)
    x: _Sums = 1515870810 + doubling_high_multiply(half_denominator, slope)
    for _ in range(3):
        rest: _Sums = 2**29 - doubling_high_multiply(half_denominator, x)
        x = x + doubling_high_multiply(x, rest) * 4
    return np.minimum(x * 2, 2**31 - 1)


_KERNELS: Mapping[type[Operator], Callable[..., _Values]] = {
    Conv2d: _conv2d,
    DepthwiseConv2d: _depthwise_conv2d,
    FullyConnected: _fully_connected,
    Add: _add,
    AveragePool: _average_pool,
    MaxPool: _max_pool,
    Mean: _mean,
    Pad: _pad,
    Reshape: _reshape,
    Softmax: _softmax,
}


def _offset(x: _Values, tensor: Tensor) -> NDArray[np.int16]:
    """Distances from the zero point."""
    return x.astype(np.int16) - np.int16(tensor.zero_point)


def _windows(layer: Sliding, x: NDArray[Any], outside: int) -> NDArray[Any]:
    """What each place of a window covers, ``[n, places, places, channels, height, width]``."""
    window = layer.window
    around = [
        (before, added - before) for before, added in zip(window.before, window.added, strict=True)
    ]
    padded = np.pad(x, ((0, 0), *around, (0, 0)), constant_values=outside)
    views = sliding_window_view(padded, window.reach, (1, 2))
    (down, across), (rows, columns) = window.stride, window.dilation
    return views[:, ::down, ::across, :, ::rows, ::columns]


def _products(taps: NDArray[np.int16], layer: Weighted) -> _Sums:
    """Sums of products, ``[n, taps]`` to ``[n, outputs]``.

    In double precision, which is exact for integers below 2^53 and, unlike numpy's integers, has a
    fast matrix product.
    """
    return (taps.astype(np.float64) @ layer.taps.T.astype(np.float64)).astype(np.int64)


def _scaled(layer: Weighted, sums: _Sums) -> _Values:
    """Sums ``[..., outputs]`` as the layer's output."""
    return _stored(layer, _requantized(sums + layer.bias, layer.multipliers))


def _requantized(sums: _Sums, by: Sequence[Multiplier]) -> _Sums:
    """Sums times multipliers, one for each index of the last axis or one for all; rounded twice.

    Source: ``MultiplyByQuantizedMultiplier`` of TensorFlow Lite, double rounding.
    """
    mantissa, left, right = (
        np.array([getattr(m, part) for m in by], np.int64) for part in ("mantissa", "left", "right")
    )
    return rounding_shift_right(doubling_high_multiply(sums << left, mantissa), right)


def _stored(layer: Operator, values: _Sums) -> _Values:
    """Distances from the output's zero point as what is stored."""
    clamp = layer.clamp
    return (values + layer.output.zero_point).clip(clamp.low, clamp.high).astype(np.int8)
