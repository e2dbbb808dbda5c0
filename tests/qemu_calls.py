"""Functions of a program called one by one in QEMU, and the instructions of each.

A timer of the emulated board is read before and after a call; the time is longer than a tick of the
timer, so that the count is exact. Programs need :data:`HARNESS` among their sources.
"""

import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from qemu_board import SHIFT, command_of, failure_of

from kwslib.board.elf import read_elf
from kwslib.deploy.toolchain import EMULATOR
from kwslib.errors import InputError

HARNESS = EMULATOR / "qemu" / "main.c"
"""The ``main`` that reads what to call, calls it, and writes what came of it."""

NS_PER_TICK = 40  # the timer of mps2-an386 counts at 25 MHz
TIMEOUT_S = 300
REQUEST = struct.Struct("<I4I2I2I")
REPLY = struct.Struct("<III")


@dataclass(frozen=True)
class QemuCall:
    """What a call gave.

    Attributes:
        value: register r0 afterwards, unsigned.
        instructions: executed, from the function's first to its return; below 670 million.
        output: the bytes asked for.
    """

    value: int
    instructions: int
    output: bytes


def call(
    program: Path | str,
    name: str,
    *arguments: int,
    write: tuple[int | str, bytes] = (0, b""),
    read: tuple[int | str, int] = (0, 0),
) -> QemuCall:
    """Start a program, write bytes, call a function, read bytes.

    Args:
        program: an ELF file with ``HARNESS`` in it.
        name: of the function.
        *arguments: up to four words.
        write: an address or symbol in RAM, and what is written there before the call.
        read: an address or symbol, and how many bytes are read from it after the call.

    Raises:
        InputError: QEMU is not installed, the program lacks a symbol, or it faults or hangs.
    """
    words = [word & 0xFFFFFFFF for word in (*arguments, 0, 0, 0, 0)[:4]]
    elf = read_elf(program)
    places = [
        elf.address_of(where) if isinstance(where, str) else where
        for where in (name, write[0], read[0])
    ]
    request = REQUEST.pack(places[0] | 1, *words, places[1], len(write[1]), places[2], read[1])
    with tempfile.TemporaryDirectory(prefix="kws-qemu-") as folder:
        Path(folder, "request").write_bytes(request + write[1])
        _run(program, name, folder)
        reply = Path(folder, "reply").read_bytes()
    value, ticks, overhead = REPLY.unpack_from(reply)
    # What returns at once has executed an instruction as well.
    instructions = 1 + round((ticks - overhead) * NS_PER_TICK / (1 << SHIFT))
    return QemuCall(value, instructions, reply[REPLY.size :])


def _run(program: Path | str, name: str, folder: str) -> None:
    command = command_of(program, "-serial", "none")
    try:
        run = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{program}: {name} did not return within {TIMEOUT_S} s") from error
    if run.returncode:
        raise InputError(failure_of(program, name, run.stderr))
