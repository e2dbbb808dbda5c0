"""What fills the flash and the RAM of a board, part by part."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from kwslib.board.elf import Symbol
from kwslib.board.emulator import RAM_START, Emulator, static_memory

NETWORK, FRONT_END, SMOOTHING = "network", "front end", "smoothing"
DEVICE, START_UP = "protocol and device", "start-up"
LINK, REST = "emulated link", "unnamed"

_FILES = {
    "network": NETWORK, "frontend": FRONT_END, "fft": FRONT_END, "smoothing": SMOOTHING,
    "memory": START_UP, "startup": START_UP, "device": DEVICE, "frame": DEVICE, "crc32": DEVICE,
    "pipeline": DEVICE, "stages": DEVICE, "port": LINK,
}  # fmt: skip
"""Parts by how the name of the source file begins, for what is local to one."""

_NAMES = {
    "kws_network": NETWORK, "kws_frontend": FRONT_END, "kws_fft": FRONT_END,
    "kws_smoothing": SMOOTHING, "kws_mailbox": LINK, "kws_port": LINK, "kws_reset": START_UP,
    "kws_halt": START_UP, "kws_": DEVICE,
}  # fmt: skip
"""Parts by how the symbol's own name begins, the first that fits."""


@dataclass(frozen=True)
class Part:
    """A part of a program, in bytes.

    Attributes:
        name: of the part.
        code: functions, in flash.
        constants: weights and tables, in flash.
        ram: variables.
    """

    name: str
    code: int = 0
    constants: int = 0
    ram: int = 0

    @property
    def flash(self) -> int:
        """Code and constants."""
        return self.code + self.constants


def memory_parts(board: Emulator) -> tuple[Part, ...]:
    """The parts of a program with a device; their sums are what the linker gave it.

    The front end's and the smoothing's variables lie inside the device's, and are taken out.

    Raises:
        InputError: the program has no device.
    """
    flash, ram = static_memory(board.program)
    names = (NETWORK, FRONT_END, SMOOTHING, DEVICE, LINK, START_UP)
    parts = {name: _part(name, board.elf.functions, board.elf.objects) for name in names}
    for name, function in ((FRONT_END, "kws_frontend_size"), (SMOOTHING, "kws_smoothing_size")):
        size = board.call(function).value
        for part, more in ((parts[name], size), (parts[DEVICE], -size)):
            parts[part.name] = replace(part, ram=part.ram + more)
    named_flash = sum(part.flash for part in parts.values())
    named_ram = sum(part.ram for part in parts.values())
    return (*parts.values(), Part(REST, 0, flash - named_flash, ram - named_ram))


def _part(name: str, functions: Iterable[Symbol], objects: Iterable[Symbol]) -> Part:
    own = [symbol for symbol in objects if _part_of(symbol) == name]
    return Part(
        name,
        sum(symbol.size for symbol in functions if _part_of(symbol) == name),
        sum(symbol.size for symbol in own if symbol.address < RAM_START),
        sum(symbol.size for symbol in own if symbol.address >= RAM_START),
    )


def _part_of(symbol: Symbol) -> str:
    table, name = (_FILES, symbol.file) if symbol.file else (_NAMES, symbol.name)
    return next((part for start, part in table.items() if name.startswith(start)), START_UP)
