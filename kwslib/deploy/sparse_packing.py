"""Layers without their zeros: the weights that are left, in the orders in which kernels read them.

Four forms: a fully connected layer's single weights with the steps between their inputs, or its
blocks of four neighbouring inputs; a convolution's taps as a list, or as straight lines of code.
Weights of fewer than 8 bits take a byte each here, or a constant of an instruction.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kwslib.deploy.bit_fields import filled
from kwslib.deploy.packing import DSP_SUM_LIMIT, Packed, Table, dsp_channels
from kwslib.deploy.planes import Planes, Tap, planes_of, taps_of
from kwslib.deploy.straight_line import FARTHEST, channel_code, groups_of
from kwslib.network.requantization import INT8_MIN
from kwslib.network.weighted import Conv2d, FullyConnected

Form = Literal["single", "blocks", "taps", "straight"]
"""What is stored: single weights or blocks of a fully connected layer, taps of a convolution in a
list or in straight lines of code."""

BLOCK = 4
"""Neighbouring inputs of a block: what one load brings."""

_AT_ONCE = 4
"""Weights or blocks that the fully connected kernels take at a time."""

_FARTHEST_STEP = 255
"""From one input to the next: a byte."""

_MOST_COUNTED = 2**16
"""Counts and places are of 16 bits."""


def pack_single(operator: FullyConnected) -> Packed | None:
    """A fully connected layer's weights one by one; None where its sums do not allow it."""
    rows, counts = [], []
    for weights in operator.weights:
        at = np.flatnonzero(weights)
        steps, values = _with_steps(at, weights[at], _FARTHEST_STEP)
        fours = np.stack([values.reshape(-1, _AT_ONCE), steps.view(np.int8)], axis=1)
        rows.append(fours.reshape(-1))
        counts.append(len(fours))
    return _fully_connected(operator, "single", rows, counts)


def pack_blocks(operator: FullyConnected) -> Packed | None:
    """A fully connected layer's blocks; None where its sums do not allow it."""
    rows, counts = [], []
    for blocks in filled(operator.weights, (1, BLOCK)).reshape(len(operator.weights), -1, BLOCK):
        at = np.flatnonzero(blocks.any(axis=1))
        steps, values = _with_steps(BLOCK * at, blocks[at], _FARTHEST_STEP // BLOCK * BLOCK)
        fours = values.reshape(-1, BLOCK * _AT_ONCE)
        rows.append(np.concatenate([steps.view(np.int8), fours], axis=1).reshape(-1))
        counts.append(len(fours))
    return _fully_connected(operator, "blocks", rows, counts)


def _with_steps(
    at: NDArray[np.int64], values: NDArray[np.int8], farthest: int
) -> tuple[NDArray[np.uint8], NDArray[np.int8]]:
    """Values with the step to each from the one before, ``[fours, 4]``, and zeros in between.

    A step beyond ``farthest`` is gone in several, each to a value of zeros; so is what is missing
    to a multiple of four, in steps of 0.
    """
    gaps = np.diff(at, prepend=0)
    before = np.maximum(-(-gaps // farthest) - 1, 0)  # zeros in front of each value
    places = np.arange(len(at)) + np.cumsum(before)
    used = len(at) + int(before.sum())
    size = used + -used % _AT_ONCE
    steps = np.where(np.arange(size) < used, farthest, 0).astype(np.uint8)
    steps[places] = gaps - farthest * before
    spread = np.zeros((size, *values.shape[1:]), np.int8)
    spread[places] = values
    return steps.reshape(-1, _AT_ONCE), spread


def _fully_connected(
    operator: FullyConnected, form: Form, rows: Sequence[NDArray[np.int8]], counts: Sequence[int]
) -> Packed | None:
    channels = _without_zero_point(operator)
    if channels is None or max(counts) >= _MOST_COUNTED:
        return None
    entries = np.concatenate(rows).view("<u4")
    name = f"fully_connected_{form}"
    return Packed(
        f"kws_{name}", f"{name}.h", entries, "uint32_t", channels, "kws_channel_dsp",
        tables=(Table("uint16_t", "fours", np.array(counts)),),
        arguments=(
            str(len(counts)), "&quantization", "{0}", "weights", "channels", "fours",
        ),
    )  # fmt: skip


def _without_zero_point(operator: FullyConnected) -> tuple[tuple[int, ...], ...] | None:
    """Channels with the zero point of the input taken off their biases.

    The sums of what is left stay within the kernels' arithmetic, or there are none.
    """
    weights = operator.weights.astype(np.int64)
    biases = operator.bias - operator.input.zero_point * weights.sum(axis=1)
    bounds = np.abs(biases) + -INT8_MIN * np.abs(weights).sum(axis=1)
    if bounds.max() >= DSP_SUM_LIMIT:
        return None
    channels = dsp_channels(operator, 1)
    return tuple((int(bias), *rest) for bias, (_, *rest) in zip(biases, channels, strict=True))


def pack_taps(operator: Conv2d, places: Sequence[int]) -> Packed | None:
    """A convolution's taps in a list; None where a word is too far away for one.

    Args:
        operator: with the channels that are computed alone.
        places: where these are among the layer's output channels.
    """
    planes = planes_of(operator)
    if planes.window >= _MOST_COUNTED or max(places) >= _MOST_COUNTED:
        return None
    words, counts = [], []
    for taps in taps_of(operator, planes):
        twos = [_in_twos([tap for tap in taps if tap.odd == is_odd]) for is_odd in (False, True)]
        words += [word for half in twos for word in half]
        counts.append([len(half) // 2 for half in twos])
    rows = np.column_stack([places, counts])
    weights = np.array(words, np.uint32)
    return Packed(
        "kws_conv2d_taps", "conv2d_taps.h", weights, "uint32_t", _doubled(operator),
        "kws_channel_dsp", 4 * len(weights) + planes.size, "int32_t",
        tables=(_table_of(planes), Table("struct kws_tap_counts", "counts", rows)),
        arguments=(
            "&window", "&quantization", "planes", "{0}", "weights", str(len(weights)), "channels",
            "counts", str(len(rows)),
        ),
    )  # fmt: skip


def _in_twos(taps: Sequence[Tap]) -> list[int]:
    """Taps as words, place and twice the weight; an odd number is filled up by a weight of 0."""
    words = [tap.at << 16 | 2 * tap.weight & 0xFFFF for tap in taps]
    return words + [words[-1] & ~0xFFFF for _ in range(len(words) % 2)]


def pack_straight(operator: Conv2d, places: Sequence[int]) -> Packed | None:
    """A convolution's taps in straight lines of code; None where a word is too far away.

    Args:
        operator: with the channels that are computed alone.
        places: where these are among the layer's output channels.
    """
    planes = planes_of(operator)
    if planes.window > FARTHEST:
        return None
    channels = zip(places, _doubled(operator), taps_of(operator, planes), strict=True)
    return Packed(
        "kws_conv2d_straight", "conv2d_straight.h", scratch=planes.size,
        tables=(_table_of(planes),),
        arguments=("&window", "&quantization", "planes", "{0}", "{name}_channels"),
        lines=tuple(
            channel_code(place, channel, groups_of(taps)) for place, channel, taps in channels
        ),
    )  # fmt: skip


def _table_of(planes: Planes) -> Table:
    return Table("struct kws_planes", "planes", np.array([[planes.values, planes.rows]]))


def _doubled(operator: Conv2d) -> tuple[tuple[int, ...], ...]:
    """Channels of sums that are doubled from the start."""
    return tuple((2 * bias, *rest) for bias, *rest in dsp_channels(operator, 1))


FULLY_CONNECTED: dict[Form, Callable[[FullyConnected], Packed | None]] = {
    "single": pack_single,
    "blocks": pack_blocks,
}

CONV2D: dict[Form, Callable[[Conv2d, Sequence[int]], Packed | None]] = {
    "taps": pack_taps,
    "straight": pack_straight,
}
