"""How often each block of an emulated program ran, and the instructions and cycles of that.

A hook in C counts blocks: straight lines of code, each up to a branch or to where unicorn splits
them. What a block costs is worked out once; a call then costs a few operations on short arrays.
"""

import ctypes
from functools import cache

import numpy as np
import unicorn
from numpy.typing import NDArray
from unicorn.unicorn_py3 import unicorn as binding

from kwslib.board.cycles import instructions_of
from kwslib.deploy.toolchain import EMULATOR, shared_library
from kwslib.folders import cache_folder

_INSTRUCTIONS, _CYCLES, _TAKEN, _BEGINS, _ENDS, _SIZE, _COLUMNS = range(7)
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
        self.instructions = int(runs @ known[:, _INSTRUCTIONS])
        # A block that unicorn split goes on behind itself: its first load has a neighbour.
        overlapped = ((runs - jumps) * known[:, _ENDS]) @ self._known[blocks + sizes, _BEGINS]
        self.cycles = int(runs @ known[:, _CYCLES] + jumps @ known[:, _TAKEN] - overlapped)

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
