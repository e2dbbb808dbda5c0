"""An emulated Cortex-M4F with the board's memory, which counts every instruction it executes.

unicorn emulates the processor; a hook in C counts how often each basic block runs, from which the
executions of every instruction follow exactly. Instructions of an IT block that are not taken
count as executed, as they take their cycle on the processor. Cycles are modelled from the same
counts. A call costs some ten microseconds beside what it executes.
"""

import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import unicorn
from numpy.typing import NDArray
from unicorn import arm_const

from kwslib.board.cycles import BlockCounts
from kwslib.board.elf import read_elf
from kwslib.config import NANO33BLE
from kwslib.errors import InputError

FLASH_START, RAM_START = 0x00000000, 0x20000000
_SYSTEM_START, _SYSTEM_SIZE = 0xE000E000, 0x1000
_RETURN_TO = 0x00FF_F000
"""Where a called function returns to: an address outside of the program, at which we stop."""

_STACK_PAINT = 0xA5
_STACK_GUARD = 64
"""Bytes at the end of the stack that nothing may touch; what overflows leaves its mark there."""
LIMIT = 2_000_000_000
"""Halfwords of code after which a call is taken to hang."""


@dataclass(frozen=True)
class Call:
    """What a call gave.

    Attributes:
        value: register r0 afterwards, unsigned.
        instructions: executed, from the function's first to its return.
        cycles: modelled for them, see :mod:`kwslib.board.cycles`.
        stack: bytes of stack that it reached.
    """

    value: int
    instructions: int
    cycles: int
    stack: int


class Emulator:
    """A program in the emulated board, started up and ready to be called.

    A call that fails resets the board: the next one finds it as it was made.

    Attributes:
        flash_reads: constants that the last call loaded from flash, of several words each; on the
            nRF52840 the processor waits for them, instruction cache or not. None unless watched.
    """

    def __init__(
        self, program: Path | str, limit: int = LIMIT, *, watch_flash: bool = False
    ) -> None:
        """Load a program and run its start-up code.

        Args:
            program: an ELF file.
            limit: of a call, in halfwords of executed code.
            watch_flash: whether ``flash_reads`` is counted, which makes calls slower and may lead
                them astray; see :class:`FlashWatch`.

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
        self._ram = np.frombuffer(mmap.mmap(-1, NANO33BLE.ram), np.uint8)
        self._engine.mem_map_ptr(
            RAM_START, NANO33BLE.ram, unicorn.UC_PROT_ALL, self._ram.ctypes.data
        )
        self._engine.mem_map(_SYSTEM_START, _SYSTEM_SIZE)
        self._engine.mem_map(_RETURN_TO, 0x1000)
        self._stack = self.symbol("kws_stack_limit"), self.symbol("kws_stack_top")
        self._at_reset = self._engine.context_save()
        try:
            self._stack_bytes = self._view_of_stack()
            self._reset()
        except (unicorn.UcError, ValueError) as error:
            raise InputError(
                f"{program}: is not laid out for the board ({error}); 'kws compile' makes one"
            ) from error
        self._counts = BlockCounts(self._engine, FLASH_START, NANO33BLE.flash, limit)
        self.flash_reads: int | None = None
        if watch_flash:
            self._watch_flash()

    def symbol(self, name: str) -> int:
        """Address of a function or variable.

        Raises:
            InputError: the program has none of that name.
        """
        return self.elf.address_of(name)

    def write(self, where: int | str, data: bytes) -> None:
        """Write bytes to an address or symbol in RAM.

        Raises:
            InputError: they do not lie in RAM.
        """
        address = self.symbol(where) if isinstance(where, str) else where
        start, end = address - RAM_START, address - RAM_START + len(data)
        if not 0 <= start <= end <= len(self._ram):
            raise InputError(
                f"{self.program}: {len(data):,} bytes at {where if where else address} do not "
                "lie in RAM; write to a variable"
            )
        self._engine.mem_write(address, bytes(data))

    def read(self, where: int | str, size: int) -> bytes:
        """Read bytes from an address or symbol."""
        address = self.symbol(where) if isinstance(where, str) else where
        return bytes(self._engine.mem_read(address, size))

    def call(self, name: str, *arguments: int) -> Call:
        """Call a function with up to four words and run it to its return.

        Raises:
            InputError: no such function, a fault (address and function are named), the stack
                overflowed, or the limit was reached. The board is reset then.
        """
        if len(arguments) > 4:
            raise ValueError("more than four arguments go over the stack")
        address = self.symbol(name)
        self._stack_bytes[:] = _STACK_PAINT
        for i, argument in enumerate(arguments):
            self._engine.reg_write(arm_const.UC_ARM_REG_R0 + i, argument & 0xFFFFFFFF)
        try:
            self._run(name, address)
            stack = self._measured_stack(name)
        except InputError:
            self._reset()
            raise
        value = self._engine.reg_read(arm_const.UC_ARM_REG_R0)
        return Call(value, self._counts.instructions, self._counts.cycles, stack)

    def _view_of_stack(self) -> NDArray[np.uint8]:
        """The stack, cut to whole words of eight bytes."""
        limit, top = self._stack
        if not RAM_START <= limit < top <= RAM_START + len(self._ram):
            raise ValueError(f"a stack from {limit:#x} to {top:#x}")
        self._stack = -(-limit // 8) * 8, top // 8 * 8
        first, last = (address - RAM_START for address in self._stack)
        return self._ram[first:last]

    def _reset(self) -> None:
        """Enable the FPU and set up memory, as the start-up code would before main."""
        self._engine.context_restore(self._at_reset)
        self._ram[:] = 0
        for address, data in self.elf.segments:
            if data:
                self._engine.mem_write(address, data)
        self._engine.mem_write(0xE000ED88, (0xF << 20).to_bytes(4, "little"))
        self._engine.reg_write(arm_const.UC_ARM_REG_FPEXC, 0x40000000)
        start, end = self.symbol("kws_data_start"), self.symbol("kws_data_end")
        source = self.symbol("kws_data_source")
        if end > start:
            self._engine.mem_write(start, self.read(source, end - start))

    def _watch_flash(self) -> None:
        self.flash_reads = 0

        def saw(*_: Any) -> None:
            self.flash_reads = (self.flash_reads or 0) + 1

        end = FLASH_START + NANO33BLE.flash - 1
        self._engine.hook_add(unicorn.UC_HOOK_MEM_READ, saw, begin=FLASH_START, end=end)

    def _run(self, name: str, address: int) -> None:
        self._counts.start()
        self.flash_reads = None if self.flash_reads is None else 0
        self._engine.reg_write(arm_const.UC_ARM_REG_SP, self._stack[1])
        self._engine.reg_write(arm_const.UC_ARM_REG_LR, _RETURN_TO | 1)
        try:
            self._engine.emu_start(address | 1, _RETURN_TO)
        except unicorn.UcError as error:
            at = self._engine.reg_read(arm_const.UC_ARM_REG_PC)
            where = self.elf.function_at(at)
            raise InputError(
                f"{self.program}: {name} failed at {at:#x} in {where}: {error}"
            ) from error
        if self._engine.reg_read(arm_const.UC_ARM_REG_PC) & ~1 != _RETURN_TO:
            raise InputError(f"{self.program}: {name} did not return within the limit; it hangs")
        self._counts.finish()

    def _measured_stack(self, name: str) -> int:
        """How many bytes of the stack have lost their paint, from the lowest on."""
        touched = self._stack_bytes != _STACK_PAINT
        first = int(touched.argmax())
        used = len(touched) - first if touched[first] else 0
        if used > len(touched) - _STACK_GUARD:
            raise InputError(
                f"{self.program}: {name} needs more than the {len(touched):,} bytes of stack; "
                "take a smaller network"
            )
        return used


def static_memory(program: Path | str) -> tuple[int, int]:
    """Bytes that a program takes in flash, and in RAM without its stack.

    Raises:
        InputError: it is no program for the board.
    """
    elf = read_elf(program)
    return elf.flash, elf.address_of("kws_bss_end") - elf.address_of("kws_data_start")


class FlashWatch:
    """A board and its twin, which is watched: how often the board reads constants from flash.

    Watching memory is not free of consequences: unicorn 2.1 loses the state of an IT block in which
    a watched load stands. So the twin is watched, and believed only if it executed as many
    instructions as the board itself.
    """

    def __init__(self, board: Emulator) -> None:
        self._board, self._twin = board, Emulator(board.program, watch_flash=True)

    def call(self, name: str, *arguments: int) -> tuple[Call, int | None]:
        """Call a function of the board; what it took, and the words that it read from flash.

        The number is None if the twin went another way.

        Raises:
            InputError: as :meth:`Emulator.call` does.
        """
        self._twin.write(RAM_START, self._board.read(RAM_START, NANO33BLE.ram))
        watched = self._twin.call(name, *arguments)
        call = self._board.call(name, *arguments)
        went_along = watched.instructions == call.instructions
        return call, self._twin.flash_reads if went_along else None
