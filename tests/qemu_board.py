"""QEMU as a second opinion on the emulated board: another emulator, another way of counting.

Programs that ``kws compile --target qemu`` makes are served at a socket. QEMU is told that every
instruction takes the same virtual time.
"""

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kwslib.errors import InputError
from kwslib.interrupt import started

_QEMU = "qemu-system-arm"
SHIFT = 8
"""An instruction takes 2 to this nanoseconds."""

_LAST_WORDS_S = 1


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
        command = command_of(
            program, "-chardev", f"socket,id=uart,fd={listening.fileno()},server=on,wait=off",
            "-serial", "chardev:uart",
        )  # fmt: skip
        with started(
            command, pass_fds=[listening.fileno()], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=messages,
        ) as process:  # fmt: skip
            port = listening.getsockname()[1]
            listening.close()  # else, once QEMU is gone, connections would still be taken
            try:
                yield f"socket://127.0.0.1:{port}"
            except Exception as error:
                if _ends(process):
                    messages.seek(0)
                    text = messages.read().decode(errors="replace")
                    raise InputError(failure_of(program, "the device", text)) from error
                raise


def _ends(process: "subprocess.Popen[bytes]") -> bool:
    """Whether a process has ended, or is about to: its sockets close before it is gone."""
    try:
        process.wait(_LAST_WORDS_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def command_of(program: Path | str, *options: str) -> Sequence[str]:
    """The command that runs a program in QEMU.

    Raises:
        InputError: QEMU is not installed.
    """
    if shutil.which(_QEMU) is None:
        raise InputError(f"{_QEMU} is missing; 'apt-get install qemu-system-arm' brings it")
    return [
        _QEMU, "-M", "mps2-an386", "-nographic", "-monitor", "none", *options,
        "-semihosting-config", "enable=on,target=native",
        "-icount", f"shift={SHIFT},sleep=off", "-kernel", str(Path(program).resolve()),
    ]  # fmt: skip


def failure_of(program: Path | str, name: str, messages: str) -> str:
    """What is told of a run that failed, from what QEMU wrote."""
    message = (messages.strip().splitlines() or ["it faulted"])[0]
    return f"{program}: {name} failed in QEMU: {message}"
