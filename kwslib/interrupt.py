"""How processes end that were started together: by Ctrl-C, and when the first of them is killed.

Where threads and other processes are waited for, Ctrl-C is noticed between two waits. Python raises
KeyboardInterrupt between any two instructions of the main thread. Where that is inside a lock that
a library has just taken, the lock stays taken, and whoever waits for it to shut down waits for ever
(https://github.com/python/cpython/issues/74174). Here the signal is noted instead, and the
exception is raised where nothing is held.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from types import FrameType

CHECK_S = 0.1
"""How long to wait at most before looking whether Ctrl-C was pressed."""

_LOOK_FOR_PARENT_S = 0.5
_HAS_MASKS = hasattr(signal, "pthread_sigmask")  # not on Windows


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
