"""What a kernel takes of the board for a layer: cycles of an inference, bytes of flash.

Cycles are estimates of those that :mod:`kwslib.board.cycles` models, from what a kernel's loops
execute and what was counted on the emulated board; they are within a fifth or so, for layers at
random, and nearer for those that take long (``tests/deploy/test_prices.py``). Code of kernels is
as zig makes it.
"""

from dataclasses import dataclass

from kwslib.config import DEPLOYED, NANO33BLE, SAMPLE_RATE
from kwslib.deploy.packing import Packed
from kwslib.deploy.planes import OUTPUTS_AT_ONCE, Planes, planes_of, taps_of
from kwslib.deploy.straight_line import groups_of
from kwslib.network.weighted import Conv2d, FullyConnected

_CYCLES_A_HOP = NANO33BLE.clock_hz * DEPLOYED.hop / SAMPLE_RATE
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
        return self.cycles / _CYCLES_A_HOP + self.flash / NANO33BLE.flash

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
