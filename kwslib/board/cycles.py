"""Cycles that a Cortex-M4 takes for an instruction, were its memory never to make it wait.

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
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import capstone
from capstone import arm

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
