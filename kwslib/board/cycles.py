"""Cycles that a Cortex-M4 takes for an instruction and for a run of a program, were its memory
never to make it wait.

The costs follow tables 3-1 and 7-1 of ARM's Cortex-M4 Technical Reference Manual (r0p1), where
they leave a choice the cheaper or the usual one:

=============================================  ====================================================
data processing, multiplies, DSP, IT           1
load                                           2, or 1 straight after another load or store
store                                          1
LDM, STM, PUSH, POP, LDRD, STRD and VFP's      1 + number of words
SDIV, UDIV                                     7 (2 to 12, depending on the operands)
VFMA, VMLA and their relatives                 3
VDIV, VSQRT                                    14
other FPU instructions                         1
whatever writes the program counter            2 more, if it does, to fill the pipeline (1 to 3)
=============================================  ====================================================

"Straight after" means in front of it in memory and executed before it: where a load is jumped to,
it takes 2. Loads and stores of several words are no neighbours; the processor does not overlap
them. An instruction of an IT block whose condition fails is charged as if it had been executed,
unless it is a branch, a return or a jump through memory, which then takes 1.

Known errors. Of the model: divisions take 2 to 12 cycles, refills 1 to 3 depending on where the
target lies, a load behind a store is not always overlapped, VSTR and moves of two registers to or
from the FPU take 2, the FPU waits for a product that it adds at once, and so does a load for an
address that was computed or loaded just before. These partly cancel: a few per cent either way.
Of its premise: memory makes the processor wait. The nRF52840 fetches from flash with wait states.
With its instruction cache on, which it is not after a reset, a loop runs as modelled but for its
first pass; constants in flash are not cached and wait each time they are read. With the cache off
code waits too. A physical board therefore takes longer than is modelled, by a few to some twenty
per cent: the less, the more it computes for each constant that it reads.
``measurements/board/published.json`` puts published times of boards beside modelled ones.

A hook in C counts how often each block of an emulated program ran: straight lines of code, each up
to a branch or to where unicorn splits them. What a block costs is worked out once; a call then
costs a few operations on short arrays.
"""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import capstone
import numpy as np
import unicorn
from capstone import arm
from numpy.typing import NDArray
from unicorn.unicorn_py3 import unicorn as binding

from kwslib.deploy.toolchain import EMULATOR, shared_library
from kwslib.folders import cache_folder

REFILL = 2
"""Cycles to fill the pipeline after a jump: 1 to 3 in the manual."""

FLASH_WAIT = 2
"""Cycles for which a constant read from the nRF52840's flash makes the processor wait. The number
follows from the comparison of :mod:`kwslib.studies.bench.physical`; its instruction cache, on
there, does not hold constants."""

_LOADS = frozenset(
    [
        "ldr",
        "ldrb",
        "ldrh",
        "ldrsb",
        "ldrsh",
        "ldrt",
        "ldrbt",
        "ldrht",
        "ldrsbt",
        "ldrsht",
        "ldrex",
        "ldrexb",
        "ldrexh",
        "vldr",
    ]
)
_STORES = frozenset(
    ["str", "strb", "strh", "strt", "strbt", "strht", "strex", "strexb", "strexh", "vstr"]
)
_LISTS_WITH_BASE = frozenset(
    ["ldm", "ldmdb", "stm", "stmdb", "vldmia", "vldmdb", "vstmia", "vstmdb"]
)
_LISTS = frozenset(["push", "pop", "vpush", "vpop"])
_PAIRS = frozenset(("ldrd", "strd"))
_BRANCHES = frozenset(["b", "bl", "bx", "blx", "cbz", "cbnz"])
_TABLE_BRANCHES = frozenset(("tbb", "tbh"))
_CYCLES = {
    **dict.fromkeys(("sdiv", "udiv"), 7),
    **dict.fromkeys(["vmla", "vmls", "vfma", "vfms", "vnmla", "vnmls", "vfnma", "vfnms"], 3),
    **dict.fromkeys(("vdiv", "vsqrt"), 14),
}


@dataclass(frozen=True)
class Instruction:
    """What an instruction of a straight line of code costs.

    Attributes:
        offset: halfwords from the line's first instruction.
        cycles: where execution goes on behind it; a load's are those without a neighbour.
        taken: further ones where it goes on elsewhere.
        is_load: of one word; takes a cycle less behind a neighbour.
        is_neighbour: a load straight behind it takes a cycle less.
    """

    offset: int
    cycles: int
    taken: int = 0
    is_load: bool = False
    is_neighbour: bool = False


@cache
def instructions_of(code: bytes) -> tuple[Instruction, ...]:
    """The instructions of a straight line of Thumb code, loads behind neighbours made cheaper.

    What is no instruction of the Cortex-M4 costs a cycle; it ends a program anyway.
    """
    found: list[Instruction] = []
    for offset, word in _words(code):
        this = _instruction(offset, word)
        if found and found[-1].is_neighbour and this.is_load:
            this = replace(this, cycles=this.cycles - 1)
        found.append(this)
    return tuple(found)


def _words(code: bytes) -> Iterator[tuple[int, bytes]]:
    """Offsets in halfwords and bytes of the instructions.

    A first halfword of 0b11101, 0b11110 or 0b11111 in its top five bits has a second one
    (ARMv7-M Architecture Reference Manual, A5.1).
    """
    position = 0
    while position < len(code):
        size = 4 if code[position + 1] >> 3 in (0b11101, 0b11110, 0b11111) else 2
        yield position // 2, code[position : position + size]
        position += size


@cache
def _disassembler() -> capstone.Cs:
    disassembler = capstone.Cs(
        capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS
    )
    disassembler.detail = True
    return disassembler


def _instruction(offset: int, word: bytes) -> Instruction:
    decoded = next(_disassembler().disasm(word, 0), None)
    if decoded is None:
        return Instruction(offset, 1)
    name = decoded.insn_name()
    words = _words_moved(name, decoded)
    if name in _BRANCHES:
        return Instruction(offset, 1, REFILL)
    if name in _TABLE_BRANCHES:
        return Instruction(offset, 1, 1 + REFILL)
    if _writes_program_counter(name, decoded):
        return Instruction(offset, 1, words + REFILL)
    if words == 1 and name not in _LISTS | _LISTS_WITH_BASE:
        is_load = name in _LOADS
        return Instruction(offset, 1 + is_load, is_load=is_load, is_neighbour=True)
    return Instruction(offset, 1 + words if words else _CYCLES.get(name, 1))


def _words_moved(name: str, decoded: capstone.CsInsn) -> int:
    """Words that go from or to memory."""
    if name in _PAIRS:
        return 2
    if name not in _LOADS | _STORES | _LISTS | _LISTS_WITH_BASE:
        return 0
    registers = [operand.reg for operand in decoded.operands if operand.type == arm.ARM_OP_REG]
    if name in _LISTS_WITH_BASE:
        registers = registers[1:]
    elif name in _LOADS | _STORES:
        registers = registers[:1]
    return sum(2 if decoded.reg_name(register).startswith("d") else 1 for register in registers)


def _writes_program_counter(name: str, decoded: capstone.CsInsn) -> bool:
    registers = [operand.reg for operand in decoded.operands if operand.type == arm.ARM_OP_REG]
    if name in ("pop", "ldm", "ldmdb"):
        return arm.ARM_REG_PC in registers
    return name in ("ldr", "mov", "add") and registers[0] == arm.ARM_REG_PC


_INSTRUCTION_SUM, _CYCLE_SUM, _TAKEN, _BEGINS, _ENDS, _SIZE, _COLUMNS = range(7)
"""Columns of what is known of a block: its instructions and cycles, cycles more where it is left
by a jump, whether it begins with a load, ends with a neighbour of loads, and its halfwords."""

_NOWHERE = 2**64 - 1

Times = NDArray[np.int64]


_BLOCK = np.dtype([("executed", np.uint32), ("left", np.uint32), ("size", np.uint32)])
"""``struct kws_block`` of firmware/emulator/host/count.c."""


class _Raw(ctypes.Structure):
    """``struct kws_block_counts`` of the same file."""

    _fields_ = (
        ("start", ctypes.c_uint64),
        ("entries", ctypes.c_uint64),
        ("limit", ctypes.c_uint64),
        ("spent", ctypes.c_uint64),
        ("behind", ctypes.c_uint64),
        ("last", ctypes.c_uint64),
        ("different", ctypes.c_uint64),
        ("blocks", ctypes.c_uint64),
        ("which", ctypes.c_uint64),
        ("stop", ctypes.c_void_p),
    )


class BlockCounts:
    """Executions of the blocks of code that does not change, from one start to one finish.

    Attributes:
        instructions: executed between the last start and finish.
        cycles: modelled for them, see :mod:`kwslib.board.cycles`.
    """

    def __init__(self, engine: unicorn.Uc, start: int, size: int, limit: int) -> None:
        """Install the hook; the object must live as long as the engine.

        Args:
            engine: unicorn's.
            start: address of the code.
            size: of the code, in bytes.
            limit: halfwords of code after which the engine is stopped.
        """
        self._engine, self._start, self._entries = engine, start, size // 2
        self._counted = np.zeros(self._entries + 1, _BLOCK)
        self._which = np.zeros(self._entries + 1, np.uint32)
        self._known = np.zeros((self._entries + 1, _COLUMNS), np.int64)
        stop = ctypes.cast(binding.uclib.uc_emu_stop, ctypes.c_void_p).value
        addresses = (self._counted.ctypes.data, self._which.ctypes.data)
        self._raw = _Raw(start, self._entries, limit, 0, _NOWHERE, 0, 0, *addresses, stop)
        self._keep()
        _add_hook(engine, self._raw)

    def start(self) -> None:
        """Forget what ran."""
        self._take()

    def finish(self) -> None:
        """Work out what ran since the start; it ended with a jump."""
        last = (self._raw.last - self._raw.blocks) // _BLOCK.itemsize
        self._counted["left"][last] += 1
        self._keep()

    def _keep(self) -> None:
        blocks, runs, jumps, sizes = self._take()
        unknown = self._known[blocks, _SIZE] != sizes
        for block, size in zip(blocks[unknown], sizes[unknown], strict=True):
            self._learn(int(block), int(size))
        known = self._known[blocks]
        self.instructions = int(runs @ known[:, _INSTRUCTION_SUM])
        # A block that unicorn split goes on behind itself: its first load has a neighbour.
        overlapped = ((runs - jumps) * known[:, _ENDS]) @ self._known[blocks + sizes, _BEGINS]
        self.cycles = int(runs @ known[:, _CYCLE_SUM] + jumps @ known[:, _TAKEN] - overlapped)

    def _take(self) -> tuple[Times, Times, Times, Times]:
        """Blocks that ran: first halfword, runs, jumps from it, halfwords. All counts are 0 then.

        What ran outside of the counted code is left out.
        """
        which = self._which[: self._raw.different]
        counted = self._counted[which]
        self._counted[which] = 0
        self._raw.spent = self._raw.different = 0
        self._raw.behind = _NOWHERE
        self._raw.last = self._raw.blocks + self._entries * _BLOCK.itemsize
        self._counted[self._entries] = 0
        inside = which < self._entries
        columns = (which, counted["executed"], counted["left"], counted["size"])
        first, runs, jumps, sizes = (column[inside].astype(np.int64) for column in columns)
        return first, runs, jumps, sizes

    def _learn(self, block: int, size: int) -> None:
        code = self._engine.mem_read(self._start + 2 * block, 2 * size)
        lines = instructions_of(bytes(code))
        self._known[block] = (
            len(lines),
            sum(line.cycles for line in lines),
            lines[-1].taken,
            lines[0].is_load,
            lines[-1].is_neighbour,
            size,
        )


@cache
def _hook_library() -> ctypes.CDLL:
    source = EMULATOR / "host" / "count.c"
    return ctypes.CDLL(str(shared_library([source], cache_folder("emulator") / "count.so")))


def _add_hook(engine: unicorn.Uc, raw: _Raw) -> None:
    handle = ctypes.c_size_t()
    status = binding.uclib.uc_hook_add(
        engine._uch,
        ctypes.byref(handle),
        unicorn.UC_HOOK_BLOCK,
        ctypes.cast(_hook_library().kws_count_block, ctypes.c_void_p),
        ctypes.cast(ctypes.pointer(raw), ctypes.c_void_p),
        ctypes.c_uint64(1),
        ctypes.c_uint64(0),
    )
    if status != unicorn.UC_ERR_OK:
        raise RuntimeError(f"unicorn took no hook: {unicorn.UcError(status)}")
