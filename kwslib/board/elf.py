"""The few parts of a 32-bit little-endian ELF file that running it needs."""

import struct
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

from kwslib.errors import InputError
from kwslib.files import read_bounded

_HEADER = struct.Struct("<16sHHIIIIIHHHHHH")
_SEGMENT = struct.Struct("<IIIIIIII")
_SECTION = struct.Struct("<IIIIIIIIII")
_SYMBOL = struct.Struct("<IIIBBH")
_LOAD, _SYMBOL_TABLE, _FUNCTION, _FILE = 1, 2, 2, 4
_LARGEST = 2**26


@dataclass(frozen=True)
class Symbol:
    """A name in the program.

    Attributes:
        name: several may name one address.
        address: without the Thumb bit.
        size: in bytes; 0 for marks of the linker.
        is_function: whether it is code, not data.
        file: the source file, of what is local to one; else empty.
    """

    name: str
    address: int
    size: int
    is_function: bool
    file: str = ""


@dataclass(frozen=True)
class Elf:
    """A program.

    Attributes:
        path: its file.
        segments: addresses, and the bytes to load there.
        symbols: by name; of several of one name, such as functions of two files, the last.
        functions: all that have a size, by address, each address once.
        objects: variables and constants, likewise.
    """

    path: Path | str
    segments: tuple[tuple[int, bytes], ...]
    symbols: dict[str, Symbol]
    functions: tuple[Symbol, ...]
    objects: tuple[Symbol, ...]

    def address_of(self, name: str) -> int:
        """Address of a function or variable.

        Raises:
            InputError: the program has none of that name.
        """
        if name not in self.symbols:
            raise InputError(f"{self.path}: has no symbol {name!r}; compile it anew")
        return self.symbols[name].address

    def function_at(self, address: int) -> str:
        """Name of the function that an address lies in; ``"no function"`` where there is none."""
        i = bisect_right(self.functions, address, key=lambda function: function.address) - 1
        if i >= 0 and address < self.functions[i].address + self.functions[i].size:
            return self.functions[i].name
        return "no function"

    @property
    def flash(self) -> int:
        """Bytes that the program takes in flash: code, constants and initial values."""
        return sum(len(data) for _, data in self.segments)


def read_elf(path: Path | str) -> Elf:
    """Read a program.

    Raises:
        InputError: it is missing or no ELF file for ARM.
    """
    data = read_bounded(path, _LARGEST, "'kws compile' makes a program")
    try:
        return _parse(path, data)
    except (struct.error, ValueError, IndexError) as error:
        raise InputError(
            f"{path}: is no program for the board ({error}); 'kws compile' makes one"
        ) from error


def _parse(path: Path | str, data: bytes) -> Elf:
    header = _HEADER.unpack_from(data)
    if header[0][:6] != b"\x7fELF\x01\x01" or header[2] != 40:
        raise ValueError("not a 32-bit ELF file for ARM")
    segment_at, section_at = header[5], header[6]
    n_segments, n_sections = header[10], header[12]
    segments = []
    for i in range(n_segments):
        kind, offset, _, load, size, memory, _, _ = _SEGMENT.unpack_from(
            data, segment_at + i * _SEGMENT.size
        )
        if kind == _LOAD and memory:
            if offset + size > len(data):
                raise ValueError("truncated")
            segments.append((load, data[offset : offset + size]))
    sections = [
        _SECTION.unpack_from(data, section_at + i * _SECTION.size) for i in range(n_sections)
    ]
    symbols: list[Symbol] = []
    for section in sections:
        if section[1] == _SYMBOL_TABLE:
            symbols += _symbols(data, section, sections[section[6]])
    by_name = {symbol.name: symbol for symbol in symbols}
    functions = _by_address([symbol for symbol in symbols if symbol.is_function])
    objects = _by_address([symbol for symbol in symbols if not symbol.is_function])
    return Elf(path, tuple(segments), by_name, functions, objects)


def _by_address(symbols: list[Symbol]) -> tuple[Symbol, ...]:
    """Of the names of one address the one that a reader would choose: not ``__aeabi_memcpy8``."""
    found: dict[int, Symbol] = {}
    for symbol in sorted(symbols, key=lambda s: (s.name.startswith("_"), s.name)):
        if symbol.size:
            found.setdefault(symbol.address, symbol)
    return tuple(found[address] for address in sorted(found))


def _symbols(data: bytes, table: tuple, strings: tuple) -> list[Symbol]:
    found, file = [], ""
    for i in range(table[5] // _SYMBOL.size):
        name_at, value, size, info, _, index = _SYMBOL.unpack_from(
            data, table[4] + i * _SYMBOL.size
        )
        start = strings[4] + name_at
        name = data[start : data.index(b"\0", start)].decode()
        if info & 15 == _FILE:
            file = name
        if not name or name.startswith("$") or index == 0 or info & 15 == _FILE:
            continue
        is_local = info >> 4 == 0
        is_function = info & 15 == _FUNCTION
        address = value & ~1 if is_function else value
        found.append(Symbol(name, address, size, is_function, file if is_local else ""))
    return found
