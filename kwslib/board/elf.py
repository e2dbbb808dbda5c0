"""The few parts of a 32-bit little-endian ELF file that running it needs."""

import struct
from dataclasses import dataclass
from pathlib import Path

from kwslib.errors import InputError

_HEADER = struct.Struct("<16sHHIIIIIHHHHHH")
_SEGMENT = struct.Struct("<IIIIIIII")
_SECTION = struct.Struct("<IIIIIIIIII")
_SYMBOL = struct.Struct("<IIIBBH")
_LOAD, _SYMBOL_TABLE, _FUNCTION = 1, 2, 2
_LARGEST = 2**26


@dataclass(frozen=True)
class Symbol:
    """A name in the program; ``address`` is without the Thumb bit, ``size`` in bytes."""

    name: str
    address: int
    size: int
    is_function: bool


@dataclass(frozen=True)
class Segment:
    """Bytes to load, followed in memory by zeros up to ``memory_size``."""

    load_address: int
    data: bytes
    memory_size: int


@dataclass(frozen=True)
class Elf:
    """A program.

    Attributes:
        segments: what to load where.
        symbols: by name.
    """

    segments: tuple[Segment, ...]
    symbols: dict[str, Symbol]

    @property
    def flash(self) -> int:
        """Bytes that the program takes in flash: code, constants and initial values."""
        return sum(len(segment.data) for segment in self.segments)


def read_elf(path: Path | str) -> Elf:
    """Read a program.

    Raises:
        InputError: it is missing or no ELF file for ARM.
    """
    try:
        data = Path(path).read_bytes()
        if len(data) > _LARGEST:
            raise ValueError("too large")
        return _parse(data)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (struct.error, ValueError, IndexError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: is no program for the board ({error}); 'kws compile' makes one"
        ) from error


def _parse(data: bytes) -> Elf:
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
            segments.append(Segment(load, data[offset : offset + size], memory))
    sections = [
        _SECTION.unpack_from(data, section_at + i * _SECTION.size) for i in range(n_sections)
    ]
    symbols: dict[str, Symbol] = {}
    for section in sections:
        if section[1] == _SYMBOL_TABLE:
            symbols.update(_symbols(data, section, sections[section[6]]))
    return Elf(tuple(segments), symbols)


def _symbols(data: bytes, table: tuple, strings: tuple) -> dict[str, Symbol]:
    found = {}
    for i in range(table[5] // _SYMBOL.size):
        name_at, value, size, info, _, index = _SYMBOL.unpack_from(
            data, table[4] + i * _SYMBOL.size
        )
        start = strings[4] + name_at
        name = data[start : data.index(b"\0", start)].decode()
        if not name or name.startswith("$") or index == 0:
            continue
        is_function = info & 15 == _FUNCTION
        found[name] = Symbol(name, value & ~1 if is_function else value, size, is_function)
    return found
