"""The few parts of a 32-bit little-endian ELF file that running it needs."""

import io
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from kwslib.errors import InputError
from kwslib.files import read_bounded

_LARGEST = 2**26
_STUMBLES = (ELFError, ValueError, KeyError, TypeError, AttributeError, OverflowError)
"""What pyelftools raises on a damaged file."""


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
        return _parse(path, ELFFile(io.BytesIO(data)))
    except _STUMBLES as error:
        raise InputError(
            f"{path}: is no program for the board ({error}); 'kws compile' makes one"
        ) from error


def _parse(path: Path | str, file: ELFFile) -> Elf:
    if (file.elfclass, file.little_endian, file["e_machine"]) != (32, True, "EM_ARM"):
        raise ValueError("not a 32-bit ELF file for ARM")
    loaded = [each for each in file.iter_segments("PT_LOAD") if each["p_memsz"]]
    segments = tuple((each["p_paddr"], each.data()) for each in loaded)
    if [len(data) for _, data in segments] != [each["p_filesz"] for each in loaded]:
        raise ValueError("truncated")
    symbols = list(_symbols(file))
    by_name = {symbol.name: symbol for symbol in symbols}
    functions = _by_address([symbol for symbol in symbols if symbol.is_function])
    objects = _by_address([symbol for symbol in symbols if not symbol.is_function])
    return Elf(path, segments, by_name, functions, objects)


def _by_address(symbols: list[Symbol]) -> tuple[Symbol, ...]:
    """Of the names of one address the one that a reader would choose: not ``__aeabi_memcpy8``."""
    ranked = sorted(symbols, key=lambda s: (s.name.startswith("_"), s.name), reverse=True)
    found = {symbol.address: symbol for symbol in ranked if symbol.size}
    return tuple(found[address] for address in sorted(found))


def _symbols(file: ELFFile) -> Iterator[Symbol]:
    table: Any = next(file.iter_sections("SHT_SYMTAB"), None)
    source = ""
    for each in table.iter_symbols() if table else ():
        name, kind, value = each.name, each["st_info"]["type"], each["st_value"]
        if kind == "STT_FILE":
            source = name
        elif name and not name.startswith("$") and each["st_shndx"] != "SHN_UNDEF":
            is_function, is_local = kind == "STT_FUNC", each["st_info"]["bind"] == "STB_LOCAL"
            address = value & ~1 if is_function else value
            yield Symbol(name, address, each["st_size"], is_function, source if is_local else "")
