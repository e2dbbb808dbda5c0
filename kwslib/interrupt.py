"""How processes end that were started together: by Ctrl-C, and when the first of them is killed.

Where threads and other processes are waited for, Ctrl-C is noticed between two waits. Python raises
KeyboardInterrupt between any two instructions of the main thread. Where that is inside a lock that
a library has just taken, the lock stays taken, and whoever waits for it to shut down waits for ever
(https://github.com/python/cpython/issues/74174). Here the signal is noted instead, and the
exception is raised where nothing is held.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from types import FrameType
from typing import Any

CHECK_S = 0.1
"""How long to wait at most before looking whether Ctrl-C was pressed."""

_LOOK_FOR_PARENT_S = 0.5
_HAS_MASKS = hasattr(signal, "pthread_sigmask")  # not on Windows
_GUARD = "import os, sys; sys.stdin.read(); hasattr(os, 'killpg') and os.killpg(0, 9)"
"""Python that waits for the end of its parent, and kills its own group of processes then."""


class _Note:
    """A handler of interrupts that remembers that there was one."""

    def __init__(self) -> None:
        self.noted = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.noted = True


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], None]]:
    """Note an interrupt during the body; processes that it starts do not get any.

    An interrupt is noted though the process was started with interrupts ignored. In another
    thread than the main one nothing is done, as no interrupt is raised there; nor in a process
    that was started within such a body, which is ended by the one that started it.

    Yields:
        a function that raises KeyboardInterrupt if there was one.
    """
    before = signal.getsignal(signal.SIGINT)
    blocked = _HAS_MASKS and signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    left_to_another = blocked and not isinstance(before, _Note)
    if left_to_another or threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    note = _Note()

    def check() -> None:
        if note.noted or (_HAS_MASKS and signal.SIGINT in signal.sigpending()):
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, note)
    # blocked here, and in what is started from here
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if _HAS_MASKS else None
    try:
        yield check
    finally:
        if mask is not None:  # what is pending is noted, and not raised once more
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
    check()  # what came since the last look is not lost


def enable_interrupt() -> None:
    """Answer interrupts even where the process was started with interrupts ignored, as shells
    without job control start what they put in the background.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@cache
def end_with_parent(parent: int) -> None:
    """End this process when its parent has ended, which cannot stop it if it is killed.

    Args:
        parent: number of the process that started this one.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_FOR_PARENT_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def started(command: Sequence[str], **options: Any) -> Iterator["subprocess.Popen[Any]"]:
    """A process that is killed with all that it has started when the body ends, and when this
    process is killed itself.

    A compiler's driver starts the compiler proper, a browser its helpers. They belong to the group
    of a guard, which reads from a pipe whose other end this process alone holds.

    Args:
        command: to start.
        options: of :class:`subprocess.Popen`.
    """
    guard_command = [sys.executable, "-I", "-S", "-c", _GUARD]
    with (
        subprocess.Popen(guard_command, stdin=subprocess.PIPE, process_group=0) as guard,
        subprocess.Popen(command, process_group=guard.pid, **options) as process,
    ):
        try:
            yield process
        finally:
            guard.communicate()
            process.kill()  # where there are no groups, as on Windows


def run(
    command: Sequence[str], timeout: float | None = None, **options: Any
) -> "subprocess.CompletedProcess[Any]":
    """Run a command to its end as :func:`subprocess.run` does, but as :func:`started` starts it.

    Raises:
        subprocess.TimeoutExpired: it took longer than ``timeout`` seconds.
    """
    with started(command, **options) as process:
        out, err = process.communicate(timeout=timeout)
    return subprocess.CompletedProcess(command, process.returncode, out, err)
