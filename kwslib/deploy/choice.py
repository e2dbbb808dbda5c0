"""Dense or sparse: how each layer is stored and computed, chosen when a network is compiled.

The rule. A layer of which less than a quarter of the weights is zero is dense, and so is a
depthwise one, whose filters are too small to skip in. Of the others, each sparse form that is
faster than the dense kernel is weighed by the board's time and flash that it takes (the share of
20 ms and the share of the flash, added), and the least wins; where none takes less than the dense
kernel, the layer stays dense. A convolution in lanes may have its emptiest channels sparse and the
others dense.

A kernel's price is what it takes of the board: cycles of an inference, bytes of flash. Cycles are
estimates of those that :mod:`kwslib.board.cycles` models, from what a kernel's loops execute and
what was counted on the emulated board; they are within a fifth or so, for layers at random, and
nearer for those that take long (``tests/deploy/test_prices.py``). Code of kernels is as zig makes
it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from kwslib.config import DEPLOYED, NANO33BLE, SAMPLE_RATE
from kwslib.deploy.packing import Packed, pack, pack_lanes
from kwslib.deploy.sparse_packing import (
    CONV2D,
    FULLY_CONNECTED,
    OUTPUTS_AT_ONCE,
    Form,
    Planes,
    groups_of,
    planes_of,
    taps_of,
)
from kwslib.network.operators import Operator
from kwslib.network.weighted import Conv2d, FullyConnected

_CYCLES_PER_HOP = NANO33BLE.clock_hz * DEPLOYED.hop / SAMPLE_RATE
"""From one frame to the next, 20 ms, after each of which the network may run."""


@dataclass(frozen=True)
class Price:
    """What a layer takes.

    Attributes:
        cycles: of one inference.
        flash: bytes of code and constants.
    """

    cycles: float
    flash: float

    @property
    def share(self) -> float:
        """Of the board: the share of the time from frame to frame and that of the flash, added.

        A byte of flash weighs as much as 1.2 cycles.
        """
        return self.cycles / _CYCLES_PER_HOP + self.flash / NANO33BLE.flash

    def __add__(self, other: "Price") -> "Price":
        return Price(self.cycles + other.cycles, self.flash + other.flash)


def price_of(operator: FullyConnected | Conv2d, layer: Packed) -> Price:
    """The price of a layer, or of those of its channels that ``operator`` has, by a kernel.

    Raises:
        KeyError: the kernel has no price.
    """
    if isinstance(operator, Conv2d):
        cycles, code = _CONV2D[layer.function](operator, layer)
    else:
        cycles, code = _fully_connected(operator, layer)
    tables = sum(table.values.nbytes for table in layer.tables)
    return Price(cycles, code + layer.weights.nbytes + tables)


def _fully_connected(operator: FullyConnected, layer: Packed) -> tuple[float, int]:
    outputs, depth = operator.weights.shape
    fours, stored = -(-depth // 4) * -(-outputs // 4), len(layer.weights)
    return {
        "kws_fully_connected_dsp": (28 * fours + 25 * outputs, 370),
        "kws_fully_connected_narrow": (23.5 * fours + 25 * outputs, 900),
        "kws_fully_connected_single": (20 * stored / 2 + 30 * outputs, 340),
        "kws_fully_connected_blocks": (43 * stored / 5 + 30 * outputs, 340),
    }[layer.function]


def _conv2d_lanes(operator: Conv2d, layer: Packed) -> tuple[float, int]:
    """Steps are a row of a phase; two words of taps have code of their own."""
    phases, phase_words, tap_words, blocks, _, channels = layer.lanes
    _, out_height, out_width, _ = operator.output.shape
    steps = operator.window.kernel[0] * phases
    threes, last = divmod(blocks - 2, 3)
    is_short = tap_words == 2 and phase_words < 64
    if is_short:
        sums = steps * (13.9 * (threes + last) + 10.3 * (1 - last)) + 80
    else:
        sums = steps * (threes + 1) * (9 * tap_words + 5) + 40
    rows = out_height * channels * (sums + 14 * out_width)
    return rows + 4 * operator.input.size, 1950 if is_short else 1250


def _conv2d_dsp(operator: Conv2d, layer: Packed) -> tuple[float, int]:
    """A block are two outputs of two channels."""
    outputs, height, width, depth = operator.weights.shape
    _, out_height, out_width, _ = operator.output.shape
    blocks = out_height * -(-out_width // 2) * -(-outputs // 2)
    sums = 16 * height * -(-width * depth // 2) + 40
    return blocks * sums + 2 * operator.input.size, 800


def _conv2d_taps(operator: Conv2d, layer: Packed) -> tuple[float, int]:
    planes = planes_of(operator)
    cycles = 0.0
    for taps in taps_of(operator, planes):
        twos = [-(-sum(tap.odd == is_odd for tap in taps) // 2) for is_odd in (False, True)]
        cycles += 20 * twos[0] + 23 * twos[1] + 80
    return cycles * _groups(operator) + _filling(operator, planes), 1250


def _conv2d_straight(operator: Conv2d, layer: Packed) -> tuple[float, int]:
    planes = planes_of(operator)
    channels = [groups_of(taps) for taps in taps_of(operator, planes)]
    groups = [group for groups in channels for group in groups]
    cycles = sum(group.cycles for group in groups) + 29 * len(channels)
    code = 4 * sum(group.instructions for group in groups) + 130 * len(channels) + 700
    return cycles * _groups(operator) + _filling(operator, planes), code


def _groups(operator: Conv2d) -> int:
    """Of outputs of one channel."""
    _, out_height, out_width, _ = operator.output.shape
    return out_height * -(-out_width // OUTPUTS_AT_ONCE)


def _filling(operator: Conv2d, planes: Planes) -> float:
    """Cycles to take the image apart and to move its rows up now and then."""
    out_height, down = operator.output.shape[1], operator.window.stride[0]
    height = operator.window.kernel[0]
    moves = out_height * down // max(planes.rows - height + down, 1)
    return 4 * operator.input.size + moves * planes.row_values * max(height - down, 0)


_CONV2D = {
    "kws_conv2d_lanes": _conv2d_lanes,
    "kws_conv2d_dsp": _conv2d_dsp,
    "kws_conv2d_taps": _conv2d_taps,
    "kws_conv2d_straight": _conv2d_straight,
}


Sparse = Literal["auto", "never"] | tuple[Form, ...]
"""What may be sparse: what pays, nothing, or every layer that can be in one of these forms,
whether that pays or not."""

FORMS: tuple[Form, ...] = get_args(Form)

LEAST_ZEROS = 0.25
"""Share of a layer's weights below which nobody has pruned it."""


@dataclass(frozen=True)
class Choice:
    """A way to compute a layer.

    Attributes:
        parts: kernels, each for other channels; one for all in most cases.
        price: of all.
    """

    parts: tuple[Packed, ...]
    price: Price


def choose(operator: Operator, dsp: bool, sparse: Sparse = "auto") -> tuple[Packed, ...]:
    """The kernels of a layer.

    Args:
        operator: of the graph.
        dsp: whether DSP kernels may be chosen; the portable ones are dense.
        sparse: what may be sparse.
    """
    dense = pack(operator, dsp)
    if sparse == "never" or not isinstance(operator, (FullyConnected, Conv2d)):
        return (dense,)
    if dense.channel_type != "kws_channel_dsp":  # whose arithmetic the sparse ones share
        return (dense,)
    if sparse != "auto":
        forced = [choice for form in sparse for choice in _whole(operator, form)]
        return forced[0].parts if forced else (dense,)
    if np.mean(operator.weights == 0) < LEAST_ZEROS:
        return (dense,)
    best = Choice((dense,), price_of(operator, dense))
    most = best.price.cycles
    for choice in _choices(operator, dense):
        if choice.price.cycles < most and choice.price.share < best.price.share:
            best = choice
    return best.parts


def _choices(operator: FullyConnected | Conv2d, dense: Packed) -> Iterator[Choice]:
    for form in FORMS:
        yield from _whole(operator, form)
        if isinstance(operator, Conv2d) and dense.function == "kws_conv2d_lanes":
            yield from _mixed(operator, form)


def _whole(operator: FullyConnected | Conv2d, form: Form) -> Iterator[Choice]:
    """All of a layer in a form, if it can be."""
    layer = None
    if isinstance(operator, FullyConnected):
        layer = FULLY_CONNECTED[form](operator) if form in FULLY_CONNECTED else None
    elif form in CONV2D:
        layer = CONV2D[form](operator, range(len(operator.weights)))
    if layer is not None:
        yield Choice((layer,), price_of(operator, layer))


def _mixed(operator: Conv2d, form: Form) -> Iterator[Choice]:
    """The emptiest channels in a form, the others in lanes; one more at a time."""
    if form not in CONV2D:
        return
    taps = np.count_nonzero(operator.weights.reshape(len(operator.weights), -1), axis=1)
    order = np.argsort(taps, kind="stable").tolist()
    for n in range(1, len(order)):
        few, many = sorted(order[:n]), sorted(order[n:])
        emptier, fuller = _channels_of(operator, few), _channels_of(operator, many)
        layer, lanes = CONV2D[form](emptier, few), pack_lanes(fuller, many)
        if layer is not None:
            price = price_of(emptier, layer) + price_of(fuller, lanes)
            yield Choice((lanes, layer), price)


def _channels_of(operator: Conv2d, places: Sequence[int]) -> Conv2d:
    """The layer with these output channels alone."""
    rows = list(places)
    output = replace(operator.output, shape=(*operator.output.shape[:3], len(rows)))
    scales = np.broadcast_to(operator.scales, operator.outputs)[rows]
    return replace(
        operator, output=output, weights=operator.weights[rows], bias=operator.bias[rows],
        scales=scales,
    )  # fmt: skip
