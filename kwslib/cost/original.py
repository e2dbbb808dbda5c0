"""The arithmetic behind the original course report's figures, so that a page can explain them.

The report printed 660,004 FLOPs, 6.7 % of the flash and 3.1 % of the RAM. Each follows from
the same network by a convention other than :mod:`kwslib.cost.operations` and
:mod:`kwslib.cost.storage` use; here is that convention, and nothing else is computed with it.
"""

from dataclasses import dataclass

from kwslib.cost.summary import Cost

DECIMAL_FLASH = 1_000_000
"""Bytes of "1 MB" of flash read as a power of ten."""

DECIMAL_RAM = 256_000
"""Bytes of "256 KB" of RAM read as a power of ten."""


@dataclass(frozen=True)
class OriginalFigures:
    """A network's figures by the original's conventions; shares are fractions of flash and RAM."""

    flops: int
    flash_share: float
    ram_bytes: int
    ram_share: float


def as_original(cost: Cost) -> OriginalFigures:
    """What the original report would have printed for a network.

    FLOPs are ``2 * MAC + biases`` for every layer but the last, ``MAC + biases`` for that. Flash
    is the float32 parameters; RAM is the float32 image and logits, without what lies between them.
    """
    ram = cost.ram_input_output["float32"]
    return OriginalFigures(
        flops=cost.flops - cost.layers[-1].macs,
        flash_share=cost.flash["float32"] / DECIMAL_FLASH,
        ram_bytes=ram,
        ram_share=ram / DECIMAL_RAM,
    )
