"""Layers without their zeros: the weights that are left, in the orders in which kernels read them.

Four forms: a fully connected layer's single weights with the steps between their inputs, or its
blocks of four neighbouring inputs; a convolution's taps as a list, or as straight lines of code.
Weights of fewer than 8 bits take a byte each here, or a constant of an instruction.

For a sparse convolution a row of the image is taken apart into planes (``firmware/core/planes.h``):
the columns of one remainder modulo the stride of one channel. What a weight multiplies for
neighbouring outputs then stands side by side, two values of 16 bits to a word.

In straight lines of code each weight is a constant of an instruction, so that nothing is spent on
finding it: in groups, so many words of the image are loaded as registers hold, then all weights
that meet them multiply (``firmware/core/conv2d_straight.h`` has the macros).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kwslib.deploy.packing import (
    DSP_SUM_LIMIT,
    SPARE_STEPS,
    Packed,
    Table,
    dsp_channels,
    filled,
)
from kwslib.network.requantization import INT8_MIN
from kwslib.network.weighted import Conv2d, FullyConnected

OUTPUTS_AT_ONCE = 4
"""Of a channel and a row; the last group of a row may have fewer."""


@dataclass(frozen=True)
class Planes:
    """The rows of an image under a kernel.

    Attributes:
        values: of a plane, even.
        row_values: of all planes of a row.
        window: bytes of the rows under a kernel.
        rows: for which there is room.
    """

    values: int
    row_values: int
    window: int
    rows: int

    @property
    def size(self) -> int:
        """Bytes of all rows."""
        return 2 * self.row_values * self.rows


@dataclass(frozen=True)
class Tap:
    """A weight that is not zero.

    Attributes:
        at: bytes from the rows' start to the first of the words that it meets.
        odd: whether it begins with that word's second value, and so meets three words, not two.
        weight: int8.
    """

    at: int
    odd: bool
    weight: int

    @property
    def words(self) -> tuple[int, ...]:
        """Where the words are that it multiplies, in bytes."""
        return tuple(self.at + 4 * k for k in range(2 + self.odd))


def planes_of(operator: Conv2d) -> Planes:
    """The planes of a convolution without dilation."""
    _, height, width, depth = operator.weights.shape
    down, across = operator.window.stride
    _, out_height, out_width, _ = operator.output.shape
    groups = -(-out_width // OUTPUTS_AT_ONCE)
    values = OUTPUTS_AT_ONCE * groups + (width - 1) // across + 1
    values += values % 2
    row_values = across * depth * values
    spare = min(SPARE_STEPS, out_height - 1) if height > down else 0
    return Planes(values, row_values, 2 * row_values * height, height + spare * down)


def taps_of(operator: Conv2d, planes: Planes) -> list[list[Tap]]:
    """The weights of each output channel that are not zero, in the order of their words."""
    across, depth = operator.window.stride[1], operator.weights.shape[3]
    found: list[list[Tap]] = [[] for _ in operator.weights]
    for channel, row, column, d in zip(*operator.weights.nonzero(), strict=True):
        step, phase = divmod(int(column), across)
        plane = int(row) * planes.row_values + (phase * depth + int(d)) * planes.values
        weight = int(operator.weights[channel, row, column, d])
        found[channel].append(Tap(2 * (plane + step - step % 2), bool(step % 2), weight))
    return [sorted(taps, key=lambda tap: (tap.at, tap.odd)) for taps in found]


FARTHEST = 4095
"""Bytes from the rows' start that a load reaches (Thumb-2, LDR with a 12-bit offset)."""

REGISTERS = "uvwxyz"
"""Of the macros, for words of the image."""


@dataclass(frozen=True)
class Group:
    """Words that are loaded together, and the taps that multiply nothing else.

    Attributes:
        words: bytes from the rows' start.
        taps: with all of their words among those.
    """

    words: tuple[int, ...]
    taps: tuple[Tap, ...]

    @property
    def instructions(self) -> int:
        """A load for each word; for each tap its constant and four products."""
        return len(self.words) + 5 * len(self.taps)

    @property
    def cycles(self) -> int:
        """The first load takes two, each behind it one."""
        return self.instructions + 1


def groups_of(taps: Sequence[Tap]) -> list[Group]:
    """A channel's taps in groups; neighbouring taps share words."""
    groups: list[Group] = []
    words: list[int] = []
    members: list[Tap] = []
    for tap in taps:
        new = [word for word in tap.words if word not in words]
        if len(words) + len(new) > len(REGISTERS):
            groups.append(Group(tuple(words), tuple(members)))
            words, members, new = [], [], list(tap.words)
        words += new
        members.append(tap)
    return [*groups, Group(tuple(words), tuple(members))] if members else groups


def lines_of(group: Group) -> list[str]:
    """A group in the macros' words: a line of loads, and one for each tap."""
    names = dict(zip(group.words, REGISTERS, strict=False))
    lines = [" ".join(f"KWS_WORD({name}, {at})" for at, name in names.items())]
    for tap in group.taps:
        operands = ", ".join([str(2 * tap.weight), *(names[word] for word in tap.words)])
        lines.append(f"KWS_{'ODD' if tap.odd else 'EVEN'}({operands})")
    return lines


def channel_code(place: int, channel: Sequence[int], groups: Sequence[Group]) -> str:
    """A statement that computes a row of a channel's outputs.

    Args:
        place: the channel's number among the outputs.
        channel: its fields of ``struct kws_channel_dsp``, the bias doubled.
        groups: of its taps.
    """
    numbers = ", ".join(map(str, (place, *channel)))
    if not groups:
        return f"    KWS_CONSTANT_CHANNEL({numbers});"
    lines = [line for group in groups for line in lines_of(group)]
    body = "".join(f"\n        {line}" for line in lines)
    return f"    KWS_STRAIGHT_CHANNEL({numbers},{body});"


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
