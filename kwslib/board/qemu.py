"""QEMU as a second opinion on the emulated board: another emulator, another way of counting.

QEMU is told that every instruction takes the same virtual time, and a timer of the emulated board
is read before and after a call; the time is longer than a tick of the timer, so that the count is
exact. Programs need :data:`HARNESS` among their sources to be called function by function; those
that ``kws compile --target qemu`` makes are served at a socket instead.
"""

import shutil
import socket
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kwslib.board.elf import read_elf
from kwslib.deploy.toolchain import EMULATOR
from kwslib.errors import InputError

HARNESS = EMULATOR / "qemu" / "main.c"
"""The ``main`` that reads what to call, calls it, and writes what came of it."""

_QEMU = "qemu-system-arm"
_SHIFT = 8
_NS_PER_INSTRUCTION = 1 << _SHIFT
_NS_PER_TICK = 40  # the timer of mps2-an386 counts at 25 MHz
_TIMEOUT_S = 300
_LAST_WORDS_S = 1
_REQUEST = struct.Struct("<I4I2I2I")
_REPLY = struct.Struct("<III")


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
    addresses = _Addresses(program)
    request = _REQUEST.pack(
        addresses[name] | 1, *words, addresses[write[0]], len(write[1]), addresses[read[0]], read[1]
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="kws-qemu-") as folder:
        Path(folder, "request").write_bytes(request + write[1])
        _run(program, name, folder)
        reply = Path(folder, "reply").read_bytes()
    value, ticks, overhead = _REPLY.unpack_from(reply)
    # What returns at once has executed an instruction as well.
    instructions = 1 + round((ticks - overhead) * _NS_PER_TICK / _NS_PER_INSTRUCTION)
    return QemuCall(value, instructions, reply[_REPLY.size :])


@contextmanager
def serve(program: Path | str) -> Iterator[str]:
    """Run a program whose UART is at a socket of this machine, until the body ends.

    Whoever connects may leave and connect again; the program runs on.

    Args:
        program: an ELF file of ``kws compile --target qemu``.

    Yields:
        where it is, as ``--target`` takes it: ``socket://127.0.0.1:PORT``.

    Raises:
        InputError: QEMU is not installed, or it ended, and the body failed for it.
    """
    # QEMU gets a socket that listens already, so that nobody can come too early or take its port.
    with socket.create_server(("127.0.0.1", 0)) as listening, tempfile.TemporaryFile() as messages:
        command = _command(
            program, "-chardev", f"socket,id=uart,fd={listening.fileno()},server=on,wait=off",
            "-serial", "chardev:uart",
        )  # fmt: skip
        process = subprocess.Popen(
            command, pass_fds=[listening.fileno()], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=messages,
        )  # fmt: skip
        port = listening.getsockname()[1]
        listening.close()  # else, once QEMU is gone, connections would still be taken
        try:
            yield f"socket://127.0.0.1:{port}"
        except Exception as error:
            if _ends(process):
                messages.seek(0)
                text = messages.read().decode(errors="replace")
                raise InputError(_failure(program, "the device", text)) from error
            raise
        finally:
            process.kill()
            process.wait()


def _ends(process: "subprocess.Popen[bytes]") -> bool:
    """Whether a process has ended, or is about to: its sockets close before it is gone."""
    try:
        process.wait(_LAST_WORDS_S)
    except subprocess.TimeoutExpired:
        return False
    return True


class _Addresses:
    def __init__(self, program: Path | str) -> None:
        self._program, self._symbols = program, read_elf(program).symbols

    def __getitem__(self, where: int | str) -> int:
        if isinstance(where, int):
            return where
        if where not in self._symbols:
            raise InputError(f"{self._program}: has no symbol {where!r}; compile it anew")
        return self._symbols[where].address


def _run(program: Path | str, name: str, folder: str) -> None:
    command = _command(program, "-serial", "none")
    try:
        run = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{program}: {name} did not return within {_TIMEOUT_S} s") from error
    if run.returncode:
        raise InputError(_failure(program, name, run.stderr))


def _command(program: Path | str, *options: str) -> Sequence[str]:
    if shutil.which(_QEMU) is None:
        raise InputError(f"{_QEMU} is missing; 'apt-get install qemu-system-arm' brings it")
    return [
        _QEMU, "-M", "mps2-an386", "-nographic", "-monitor", "none", *options,
        "-semihosting-config", "enable=on,target=native",
        "-icount", f"shift={_SHIFT},sleep=off", "-kernel", str(Path(program).resolve()),
    ]  # fmt: skip


def _failure(program: Path | str, name: str, messages: str) -> str:
    message = (messages.strip().splitlines() or ["it faulted"])[0]
    return f"{program}: {name} failed in QEMU: {message}"
