"""An emulated Cortex-M4F with the board's memory, which counts every instruction it executes.

unicorn emulates the processor; a hook in C counts how often each basic block runs, from which the
executions of every instruction follow exactly. Instructions of an IT block that are not taken
count as executed, as they take their cycle on the processor.
"""

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import unicorn
from numpy.typing import NDArray
from unicorn import arm_const
from unicorn.unicorn_py3 import unicorn as binding

from kwslib.board.elf import read_elf
from kwslib.config import NANO33BLE
from kwslib.deploy.toolchain import EMULATOR, shared_library
from kwslib.errors import InputError
from kwslib.files import cache_folder

FLASH_START, RAM_START = 0x00000000, 0x20000000
_SYSTEM_START, _SYSTEM_SIZE = 0xE000E000, 0x1000
_RETURN_TO = 0x00FF_F000
"""Where a called function returns to: an address outside of the program, at which we stop."""

_STACK_PAINT = 0xA5
_STACK_GUARD = 64
"""Bytes at the end of the stack that nothing may touch; what overflows leaves its mark there."""
LIMIT = 2_000_000_000
"""Halfwords of code after which a call is taken to hang."""


class _BlockCounts(ctypes.Structure):
    _fields_ = (
        ("start", ctypes.c_uint64),
        ("entries", ctypes.c_uint64),
        ("limit", ctypes.c_uint64),
        ("spent", ctypes.c_uint64),
        ("executed", ctypes.c_void_p),
        ("size", ctypes.c_void_p),
        ("stop", ctypes.c_void_p),
    )


@dataclass(frozen=True)
class Call:
    """What a call gave.

    Attributes:
        value: register r0 afterwards, unsigned.
        instructions: executed, from the function's first to its return.
        stack: bytes of stack that it reached.
    """

    value: int
    instructions: int
    stack: int


class Emulator:
    """A program in the emulated board, started up and ready to be called."""

    def __init__(self, program: Path | str, limit: int = LIMIT) -> None:
        """Load a program and run its start-up code.

        Args:
            program: an ELF file.
            limit: of a call, in halfwords of executed code.

        Raises:
            InputError: it is no program for the board, or it does not start.
        """
        self.program = program
        self.elf = read_elf(program)
        self._engine = unicorn.Uc(
            unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS
        )
        self._engine.ctl_set_cpu_model(arm_const.UC_CPU_ARM_CORTEX_M4)
        self._engine.mem_map(
            FLASH_START, NANO33BLE.flash, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC
        )
        self._engine.mem_map(RAM_START, NANO33BLE.ram)
        self._engine.mem_map(_SYSTEM_START, _SYSTEM_SIZE)
        self._engine.mem_map(_RETURN_TO, 0x1000)
        self._stack = self.symbol("kws_stack_limit"), self.symbol("kws_stack_top")
        try:
            self._load()
            self._start()
        except (unicorn.UcError, ValueError) as error:
            raise InputError(
                f"{program}: is not laid out for the board ({error}); 'kws compile' makes one"
            ) from error
        self._counts = _count_blocks(self._engine, limit)

    def symbol(self, name: str) -> int:
        """Address of a function or variable.

        Raises:
            InputError: the program has none of that name.
        """
        if name not in self.elf.symbols:
            raise InputError(f"{self.program}: has no symbol {name!r}; compile it anew")
        return self.elf.symbols[name].address

    def write(self, where: int | str, data: bytes) -> None:
        """Write bytes to an address or symbol in RAM."""
        self._engine.mem_write(self._address(where), data)

    def read(self, where: int | str, size: int) -> bytes:
        """Read bytes from an address or symbol."""
        return bytes(self._engine.mem_read(self._address(where), size))

    def call(self, name: str, *arguments: int) -> Call:
        """Call a function with up to four words and run it to its return.

        Raises:
            InputError: no such function, a fault (address and function are named), the stack
                overflowed, or the limit was reached.
        """
        if len(arguments) > 4:
            raise ValueError("more than four arguments go over the stack")
        limit, top = self._stack
        self._engine.mem_write(limit, bytes([_STACK_PAINT]) * (top - limit))
        for i, argument in enumerate(arguments):
            self._engine.reg_write(arm_const.UC_ARM_REG_R0 + i, argument & 0xFFFFFFFF)
        self._engine.reg_write(arm_const.UC_ARM_REG_SP, top)
        self._run(name, self.symbol(name))
        value = self._engine.reg_read(arm_const.UC_ARM_REG_R0)
        stack = self._stack_used()
        if stack > top - limit - _STACK_GUARD:
            raise InputError(
                f"{self.program}: {name} needs more than the {top - limit:,} bytes of stack; "
                "take a smaller network"
            )
        return Call(value, self._counts.instructions(self), stack)

    def executed(self) -> Mapping[int, int]:
        """How often each instruction of the last call was executed, by its address."""
        return self._counts.executed(self)

    def profile(self) -> dict[str, int]:
        """Instructions of the last call by the function they belong to, called ones not added."""
        functions = [s for s in self.elf.symbols.values() if s.is_function and s.size]
        executed = self.executed()
        addresses = np.fromiter(executed.keys(), np.int64, len(executed))
        times = np.fromiter(executed.values(), np.int64, len(executed))
        found = {}
        for symbol in functions:
            inside = (addresses >= symbol.address) & (addresses < symbol.address + symbol.size)
            if inside.any():
                found[symbol.name] = int(times[inside].sum())
        return found

    def _address(self, where: int | str) -> int:
        return self.symbol(where) if isinstance(where, str) else where

    def _load(self) -> None:
        for segment in self.elf.segments:
            if segment.data:
                self._engine.mem_write(segment.load_address, segment.data)
        limit, top = self._stack
        if not RAM_START <= limit < top <= RAM_START + NANO33BLE.ram:
            raise ValueError(f"a stack from {limit:#x} to {top:#x}")

    def _start(self) -> None:
        """Enable the FPU and set up .data and .bss, as the start-up code would before main."""
        self._engine.mem_write(0xE000ED88, (0xF << 20).to_bytes(4, "little"))
        self._engine.reg_write(arm_const.UC_ARM_REG_FPEXC, 0x40000000)
        start, end = self.symbol("kws_data_start"), self.symbol("kws_data_end")
        source = self.symbol("kws_data_source")
        if end > start:
            self.write(start, self.read(source, end - start))

    def _run(self, name: str, address: int) -> None:
        self._counts.clear()
        self._engine.reg_write(arm_const.UC_ARM_REG_LR, _RETURN_TO | 1)
        try:
            self._engine.emu_start(address | 1, _RETURN_TO)
        except unicorn.UcError as error:
            at = self._engine.reg_read(arm_const.UC_ARM_REG_PC)
            raise InputError(
                f"{self.program}: {name} failed at {at:#x} in {self._function_at(at)}: {error}"
            ) from error
        if self._engine.reg_read(arm_const.UC_ARM_REG_PC) & ~1 != _RETURN_TO:
            raise InputError(f"{self.program}: {name} did not return within the limit; it hangs")

    def _function_at(self, address: int) -> str:
        for symbol in self.elf.symbols.values():
            if symbol.is_function and symbol.address <= address < symbol.address + symbol.size:
                return symbol.name
        return "no function"

    def _stack_used(self) -> int:
        limit, top = self._stack
        memory = np.frombuffer(self.read(limit, top - limit), np.uint8)
        touched = np.flatnonzero(memory != _STACK_PAINT)
        return len(memory) - int(touched[0]) if len(touched) else 0


def static_memory(program: Path | str) -> tuple[int, int]:
    """Bytes that a program takes in flash, and in RAM without its stack.

    Raises:
        InputError: it is no program for the board.
    """
    elf = read_elf(program)
    ram = elf.symbols["kws_bss_end"].address - elf.symbols["kws_data_start"].address
    return elf.flash, ram


class _Counts:
    """Executions of the blocks of flash."""

    def __init__(self, limit: int) -> None:
        entries = NANO33BLE.flash // 2
        self._executed = np.zeros(entries, np.uint32)
        self._size = np.zeros(entries, np.uint16)
        self.raw = _BlockCounts(
            FLASH_START, entries, limit, 0, self._executed.ctypes.data, self._size.ctypes.data, 0
        )

    def clear(self) -> None:
        self._executed[:] = 0
        self._size[:] = 0
        self.raw.spent = 0

    def _per_instruction(self, emulator: Emulator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Addresses of instructions that ran, and how often."""
        times: dict[int, int] = {}
        for entry in np.flatnonzero(self._executed):
            runs = int(self._executed[entry])
            code = np.frombuffer(
                emulator.read(FLASH_START + 2 * int(entry), 2 * int(self._size[entry])), "<u2"
            )
            for offset in _instruction_starts(code.tobytes()):
                address = FLASH_START + 2 * (int(entry) + offset)
                times[address] = times.get(address, 0) + runs
        addresses = np.array(sorted(times), np.int64)
        return addresses, np.array([times[a] for a in addresses], np.int64)

    def executed(self, emulator: Emulator) -> Mapping[int, int]:
        addresses, times = self._per_instruction(emulator)
        return dict(zip(addresses.tolist(), times.tolist(), strict=True))

    def instructions(self, emulator: Emulator) -> int:
        return int(self._per_instruction(emulator)[1].sum())


@cache
def _instruction_starts(code: bytes) -> tuple[int, ...]:
    """Halfword offsets at which the Thumb instructions of a block begin.

    A first halfword of 0b11101, 0b11110 or 0b11111 in its top five bits has a second one
    (ARMv7-M Architecture Reference Manual, A5.1).
    """
    starts, position = [], 0
    halfwords = np.frombuffer(code, "<u2")
    while position < len(halfwords):
        starts.append(position)
        position += 2 if halfwords[position] >> 11 in (0b11101, 0b11110, 0b11111) else 1
    return tuple(starts)


@cache
def _hook_library() -> ctypes.CDLL:
    source = EMULATOR / "host" / "count.c"
    return ctypes.CDLL(str(shared_library([source], cache_folder("emulator") / "count.so")))


def _count_blocks(engine: unicorn.Uc, limit: int) -> _Counts:
    """Install the hook in C; the counts must live as long as the engine."""
    counts = _Counts(limit)
    unicorn_library = binding.uclib
    counts.raw.stop = ctypes.cast(unicorn_library.uc_emu_stop, ctypes.c_void_p).value
    handle = ctypes.c_size_t()
    status = unicorn_library.uc_hook_add(
        engine._uch,
        ctypes.byref(handle),
        unicorn.UC_HOOK_BLOCK,
        ctypes.cast(_hook_library().kws_count_block, ctypes.c_void_p),
        ctypes.cast(ctypes.pointer(counts.raw), ctypes.c_void_p),
        ctypes.c_uint64(1),
        ctypes.c_uint64(0),
    )
    if status != unicorn.UC_ERR_OK:
        raise RuntimeError(f"unicorn took no hook: {unicorn.UcError(status)}")
    return counts
