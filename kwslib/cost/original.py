"""The arithmetic behind the original course report's figures, so that a page can explain them.

The report printed 660,004 FLOPs, 6.7 % of the flash and 3.1 % of the RAM. Each follows from
the same network by a convention other than :mod:`kwslib.cost.operations` and
:mod:`kwslib.cost.memory` use; here is that convention, and nothing else is computed with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kwslib.config import NANO33BLE, Board
from kwslib.cost.operations import LayerCost
from kwslib.cost.summary import Cost

DECIMAL_FLASH = 1_000_000
"""Bytes of "1 MB" of flash read as a power of ten."""

DECIMAL_RAM = 256_000
"""Bytes of "256 KB" of RAM read as a power of ten."""


@dataclass(frozen=True)
class OriginalFigures:
    """A network's figures by the original's conventions, and two by the board's real sizes.

    Shares are fractions of flash and of RAM.
    """

    flops: int
    flash_share: float
    flash_share_of_board: float
    ram_bytes: int
    ram_share: float
    ram_share_of_board: float


def flops_counting_last_macs_once(layers: Sequence[LayerCost]) -> int:
    """``2 * MAC + biases`` for every layer but the last, ``MAC + biases`` for the last."""
    return sum(each.flops for each in layers) - layers[-1].macs


def as_original(cost: Cost, board: Board = NANO33BLE) -> OriginalFigures:
    """What the original report would have printed for a network.

    Flash is the float32 parameters; RAM is the float32 image and logits, without what lies
    between them.
    """
    flash = cost.flash["float32"]
    ram = cost.ram_input_output["float32"]
    return OriginalFigures(
        flops=flops_counting_last_macs_once(cost.layers),
        flash_share=flash / DECIMAL_FLASH,
        flash_share_of_board=flash / board.flash,
        ram_bytes=ram,
        ram_share=ram / DECIMAL_RAM,
        ram_share_of_board=ram / board.ram,
    )
