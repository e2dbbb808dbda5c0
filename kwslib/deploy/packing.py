"""Which kernel runs a layer, and its constants in the order in which that kernel reads them.

Weights of fewer than 8 bits stand several to a byte or a word, which ``firmware/core`` unpacks.
They are stored in two or four bits: those of three bits in four, those of more in a byte each.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kwslib.network.operators import Operator, Reshape
from kwslib.network.requantization import INT8_MAX, INT8_MIN
from kwslib.network.tensors import Window
from kwslib.network.weighted import Conv2d, DepthwiseConv2d, FullyConnected, Weighted

_BYTE, _HALF = 8, 16
"""Bits."""


def stored_bits(bits: int) -> int:
    """Bits in flash for a weight of ``bits``, a power of two: 2, 4 or 8."""
    return next(stored for stored in (2, 4, _BYTE) if bits <= stored)


def packed_bytes(weights: NDArray[np.int8], bits: int) -> NDArray[np.int8]:
    """Weights in bytes, from the lowest bits on; the last byte is filled up with zeros.

    >>> packed_bytes(np.array([1, -1, 3], np.int8), 4).view(np.uint8).tolist()
    [241, 3]
    """
    if bits == _BYTE:
        return weights
    fields = filled(weights.reshape(-1), (_BYTE // bits,)).reshape(-1, _BYTE // bits)
    return side_by_side(fields, bits).astype(np.uint8).view(np.int8)


def packed_pairs(pairs: NDArray[Any], bits: int) -> NDArray[np.uint32]:
    """Groups of pairs of weights ``[groups, pairs, 2]`` as words ``[groups, words]``.

    At 8 bits a pair is a word, two int16. Else a word holds several pairs, its low half the first
    of each and its high half the second, from the lowest bits on, with half of their range added.

    >>> hex(packed_pairs(np.array([[[0, 7], [-8, 1]]]), 4)[0, 0])
    '0x889f8808'
    """
    if bits == _BYTE:
        return np.ascontiguousarray(pairs).astype("<i2").view("<u4")[..., 0]
    each = _HALF // bits
    fields = filled(pairs, (1, each, 1)).astype(np.int64) + (1 << bits >> 1)
    halves = side_by_side(fields.reshape(len(fields), -1, each, 2).swapaxes(2, 3), bits)
    return np.ascontiguousarray(halves.astype("<u2")).view("<u4")[..., 0]


def copied_pairs(pairs: int, bits: int) -> int:
    """Pairs that a kernel unpacks into RAM where it reads so many: those of whole words."""
    return 0 if bits == _BYTE else pairs + -pairs % (_HALF // bits)


def side_by_side(fields: NDArray[Any], bits: int) -> NDArray[np.int64]:
    """The last axis as the bits of one number, the first of it lowest."""
    unsigned = fields.astype(np.int64) & ((1 << bits) - 1)
    return (unsigned << bits * np.arange(fields.shape[-1])).sum(axis=-1)


def filled(values: NDArray[Any], multiples: Sequence[int]) -> NDArray[Any]:
    """Zeros after each axis up to a multiple."""
    after = [(0, -size % multiple) for size, multiple in zip(values.shape, multiples, strict=True)]
    return np.pad(values, after)


DSP_SUM_LIMIT = 2**30
"""Sums of the DSP kernels are doubled before their multiplication, or all along."""

SPARE_STEPS = 3
"""Rows of outputs for which there is room below the rows before they are moved up."""

LANE_BITS = 21
"""Of ``conv2d_lanes``: three sums stand in 64 bits."""

_LANES_AT_ONCE = 3

_ROUNDING_LIMIT = 2**29
"""Zero points are added before the last shift, beside products below ``2 ** 30``."""


@dataclass(frozen=True)
class Table:
    """A constant array of a layer.

    Attributes:
        kind: its C type; a ``struct`` has one row an entry.
        name: in C, by which the kernel's arguments call it.
        values: as the kernel reads them.
    """

    kind: str
    name: str
    values: NDArray[Any]


@dataclass(frozen=True)
class Packed:
    """A kernel that computes a layer, or some channels of it, and its constants.

    Attributes:
        function: of the kernel.
        header: that defines it.
        weights: as the kernel reads them.
        weight_type: their C type.
        channels: one row a channel, in the order of the fields of ``channel_type``.
        channel_type: the C struct of a channel.
        scratch: bytes of scratch space.
        scratch_type: its C type.
        row_stride: values of a row in it, where the kernel asks for them.
        lanes: the fields of ``struct kws_lanes``, where the kernel asks for them.
        lane_starts: what each channel's lanes start with, likewise.
        bits: in which a weight is stored, where the kernel asks for them.
        places: the output channels that are computed, where those are not all.
        tables: further constants, of a sparse kernel.
        arguments: of a sparse kernel, by the names of its constants, up to its scratch space;
            ``{0}`` stands for the input, ``{name}`` for the layer's name.
        lines: statements of a function ``{name}_channels`` that a sparse kernel calls.
    """

    function: str = ""
    header: str = ""
    weights: NDArray[Any] = field(default_factory=lambda: np.empty(0, np.int8))
    weight_type: str = "int8_t"
    channels: tuple[tuple[int, ...], ...] = ()
    channel_type: str = "kws_channel"
    scratch: int = 0
    scratch_type: str = "int16_t"
    row_stride: int | None = None
    lanes: tuple[int, ...] = ()
    lane_starts: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    bits: int | None = None
    places: tuple[int, ...] = ()
    tables: tuple[Table, ...] = ()
    arguments: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


def pack(operator: Operator, dsp: bool) -> Packed:
    """The kernel of an operator: the DSP one where there is one that fits, else the portable.

    Args:
        operator: of the graph.
        dsp: whether DSP kernels may be chosen.
    """
    if isinstance(operator, Reshape):
        return Packed()
    if dsp and isinstance(operator, Weighted) and _sums_fit(operator):
        if isinstance(operator, Conv2d) and operator.window.dilation == (1, 1):
            return pack_lanes(operator) if _fits_lanes(operator) else _conv2d_dsp(operator)
        if isinstance(operator, FullyConnected) and operator.output.size == len(operator.bias):
            is_wide = stored_bits(operator.bits) == 8
            return _fully_connected_dsp(operator) if is_wide else _fully_connected_narrow(operator)
        if (
            isinstance(operator, DepthwiseConv2d)
            and operator.window.dilation == (1, 1)
            and operator.depth_multiplier == 1
        ):
            return _depthwise_conv2d_dsp(operator)
    name = operator.kind
    if not isinstance(operator, Weighted):
        return Packed(f"kws_{name}", f"{name}.h")
    channels = tuple(
        (int(bias), by.mantissa, by.left, by.right)
        for bias, by in zip(operator.bias, operator.multipliers, strict=True)
    )
    bits = stored_bits(operator.bits)
    return Packed(
        f"kws_{name}", f"{name}.h", packed_bytes(operator.weights, bits), channels=channels,
        bits=bits,
    )  # fmt: skip


def _sums_fit(operator: Weighted) -> bool:
    """Whether the DSP kernels' arithmetic holds every sum of a layer.

    They round negative values away from zero by a term that is meant for a shift: without one,
    values below the zero point come out right only where the clamp cuts them off.
    """
    greatest_exponent = 0 if operator.clamp.low >= operator.output.zero_point else -1
    return all(
        bound < DSP_SUM_LIMIT
        and by.exponent <= greatest_exponent
        and abs(operator.output.zero_point) << by.right < _ROUNDING_LIMIT
        for bound, by in zip(operator.bounds, operator.multipliers, strict=True)
    )


def dsp_channels(operator: Weighted, multiple: int) -> tuple[tuple[int, ...], ...]:
    """``(bias, multiplier, rounding, shift)``, filled up with zeros to a multiple."""
    zero_point = operator.output.zero_point
    rows = [
        (int(bias), by.mantissa, (1 << by.right >> 1) + (zero_point << by.right), by.right)
        for bias, by in zip(operator.bias, operator.multipliers, strict=True)
    ]
    return tuple(rows + [(0, 0, 0, 0)] * (-len(rows) % multiple))


def _row_stride(window: Window, out_width: int, channels: int) -> int:
    """Values of a padded row of the input, even; the last pair read may lie beyond the kernel."""
    columns = (out_width - 1) * window.stride[1]
    row = columns * channels + 2 * -(-window.kernel[1] * channels // 2)
    return row + row % 2


def _conv2d_dsp(operator: Conv2d) -> Packed:
    window = operator.window
    outputs, height, width, depth = operator.weights.shape
    rows = filled(operator.weights.reshape(outputs, height, width * depth), (2, 1, 2))
    pairs = rows.reshape(-1, 2, height, rows.shape[-1] // 2, 2).swapaxes(1, 2)
    pairs = pairs.reshape(len(pairs), -1, 2)  # [channel pair, row, channel, word], pair
    stride, bits = _row_stride(window, operator.output.shape[2], depth), stored_bits(operator.bits)
    return Packed(
        "kws_conv2d_dsp", "conv2d_dsp.h", packed_pairs(pairs, bits), "uint32_t",
        dsp_channels(operator, 2), "kws_channel_dsp",
        2 * stride * height + 4 * copied_pairs(pairs.shape[1], bits), row_stride=stride, bits=bits,
    )  # fmt: skip


def _lowest_and_highest(operator: Conv2d, taps: NDArray[np.int8]) -> NDArray[np.int64]:
    """Bounds of each output's sum over some taps, without bias, ``[2, outputs]``."""
    weights = taps.reshape(len(taps), -1).astype(np.int64)
    inputs = np.array([INT8_MIN, INT8_MAX])[:, None, None] - operator.input.zero_point
    products = weights * inputs  # for the least and for the greatest input
    return np.stack([products.min(axis=0).sum(axis=1), products.max(axis=0).sum(axis=1)])


def _fits_lanes(operator: Conv2d) -> bool:
    """Whether the lanes of ``conv2d_lanes`` hold every sum: the middle one sees every tap.

    Padding adds products of 0, which every bound spans.
    """
    low, high = _lowest_and_highest(operator, operator.weights)
    return operator.input.shape[3] == 1 and int((high - low).max()) < 1 << LANE_BITS


def _lane_starts(operator: Conv2d) -> NDArray[np.uint64]:
    """What makes the least value of each lane 0; the outer lanes see odd and even taps."""
    phases = operator.window.stride[1]
    is_odd = np.arange(operator.window.kernel[1]) // phases % 2 == 1
    odd, even = (
        -_lowest_and_highest(operator, operator.weights[:, :, part])[0]
        for part in (is_odd, ~is_odd)
    )
    return (odd + ((odd + even) << LANE_BITS) + (even << 2 * LANE_BITS)).astype(np.uint64)


def _pairs_of_lanes(operator: Conv2d) -> NDArray[np.int32]:
    """Taps ``w[m + 1], w[m]`` of each phase, ``[out, row, phase, pair, 2]``; zeros after the last.

    A phase are the columns of one remainder modulo the stride.
    """
    outputs, height = operator.weights.shape[:2]
    phases = operator.window.stride[1]
    taps = filled(operator.weights[..., 0].astype(np.int32), (1, 1, 2 * phases))
    taps = taps.reshape(outputs, height, -1, 2, phases).transpose(0, 1, 4, 2, 3)
    return taps[..., ::-1]


def pack_lanes(operator: Conv2d, places: Sequence[int] = ()) -> Packed:
    """A convolution of one channel in lanes.

    Pairs of taps are words ``w[m + 1] + w[m] * 2 ** 21``, which narrow ones become in RAM.

    Args:
        operator: with the channels that are computed alone; its lanes hold its sums.
        places: where these are among the layer's output channels, if they are not all.
    """
    height = operator.weights.shape[1]
    window, (_, out_height, out_width, _) = operator.window, operator.output.shape
    phases = window.stride[1]
    pairs, bits = _pairs_of_lanes(operator), stored_bits(operator.bits)
    tap_words, copied = pairs.shape[3], pairs.size // 2
    words = pairs[..., 0] + pairs[..., 1] * (1 << LANE_BITS)
    if bits < 8:
        words = packed_pairs(pairs.reshape(1, -1, 2), bits).view("<i4")
        copied = copied_pairs(copied, bits)
    blocks = out_width // 2 + 1
    blocks += blocks % _LANES_AT_ONCE == 1
    phase_words = blocks + tap_words - 1
    row_words = phases * phase_words
    spare = min(SPARE_STEPS, out_height - 1) if height > window.stride[0] else 0
    rows = height + spare * window.stride[0]
    scratch = 4 * (copied + row_words * rows) + 2 * row_words + -window.before[1] % 4
    lowest = _lowest_and_highest(operator, operator.weights)[0]
    channels = tuple(
        (2 * (bias + int(low)), *rest)
        for low, (bias, *rest) in zip(lowest, dsp_channels(operator, 1), strict=True)
    )
    return Packed(
        "kws_conv2d_lanes", "conv2d_lanes.h", words, "int32_t", channels, "kws_channel_dsp",
        scratch, "int32_t",
        lanes=(phases, phase_words, tap_words, blocks, rows, len(channels)),
        lane_starts=_lane_starts(operator), bits=bits, places=tuple(places),
    )  # fmt: skip


def _depthwise_conv2d_dsp(operator: DepthwiseConv2d) -> Packed:
    height, width, channels = operator.weights.shape
    taps = filled(operator.weights.reshape(height * width, channels), (2, 2))
    twos = taps.reshape(len(taps) // 2, 2, -1, 2)  # [tap pair, tap, channel pair, channel]
    pairs = twos.transpose(2, 0, 3, 1).reshape(1, -1, 2)
    stride = _row_stride(operator.window, operator.output.shape[2], channels)
    stride += 2 * (channels % 2)  # the last channel is read with one beside it
    bits = stored_bits(operator.bits)
    return Packed(
        "kws_depthwise_conv2d_dsp", "depthwise_conv2d_dsp.h", packed_pairs(pairs, bits),
        "uint32_t", dsp_channels(operator, 2), "kws_channel_dsp",
        2 * stride * height + 4 * copied_pairs(pairs.shape[1], bits), row_stride=stride, bits=bits,
    )  # fmt: skip


def _fully_connected_dsp(operator: FullyConnected) -> Packed:
    weights = filled(operator.weights, (4, 4))
    words = np.ascontiguousarray(weights).view("<u4")  # [outputs, words]
    words = words.reshape(-1, 4, words.shape[-1]).swapaxes(1, 2)
    return Packed(
        "kws_fully_connected_dsp", "fully_connected_dsp.h", np.ascontiguousarray(words),
        "uint32_t", dsp_channels(operator, 4), "kws_channel_dsp",
    )  # fmt: skip


def _fully_connected_narrow(operator: FullyConnected) -> Packed:
    """Halves hold fields of inputs 0 and 2, 1 and 3 of each of four outputs, the first highest.

    A field in the highest bits of a half is a weight times a power of two. So many products are
    summed up at once that they stay within 32 bits whatever they are; then their sums are divided.
    """
    bits = stored_bits(operator.bits)
    weights = filled(operator.weights, (4, 4))
    fours = weights.reshape(len(weights) // 4, 4, -1, 2, 2)  # [four, output, word, half, parity]
    halves = fours.transpose(0, 2, 3, 1, 4).reshape(-1, 2, 8)
    fields = halves.reshape(-1, 2, bits // 2, 16 // bits).swapaxes(1, 2)
    words = side_by_side(fields[..., ::-1], bits).astype("<u2")
    return Packed(
        "kws_fully_connected_narrow", "fully_connected_narrow.h",
        np.ascontiguousarray(words).view("<u4"), "uint32_t",
        dsp_channels(operator, 4), "kws_channel_dsp", bits=bits,
    )  # fmt: skip
