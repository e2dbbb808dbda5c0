"""How the kernels of sparse convolutions lay out an image, and where each weight meets it.

A row of the image is taken apart into planes (``firmware/core/planes.h``): the columns of one
remainder modulo the stride of one channel. What a weight multiplies for neighbouring outputs then
stands side by side, two values of 16 bits to a word.
"""

from dataclasses import dataclass

from kwslib.network.weighted import Conv2d

OUTPUTS_AT_ONCE = 4
"""Of a channel and a row; the last group of a row may have fewer."""

SPARE_STEPS = 3
"""Rows of outputs for which there is room below the rows before they are moved up."""


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
