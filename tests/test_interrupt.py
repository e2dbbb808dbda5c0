"""Interrupts at any moment, also where Python would leave a lock behind."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from kwslib.interrupt import deferred_interrupt, enable_interrupt

CHILD = """
import os, sys, threading
from kwslib.interrupt import end_with_parent
end_with_parent(int(sys.argv[1]))
print(os.getpid(), flush=True)
threading.Event().wait()
"""
PARENT = "import os, subprocess, sys; subprocess.run([*sys.argv[1:], str(os.getpid())])"


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupt_is_raised_where_it_is_asked_for():
    passed = False
    with pytest.raises(KeyboardInterrupt), deferred_interrupt() as check:
        check()
        interrupt()
        passed = True
        check()
        pytest.fail("not raised")
    assert passed


def test_an_interrupt_that_nobody_asked_for_is_not_lost():
    with pytest.raises(KeyboardInterrupt), deferred_interrupt():
        interrupt()


def test_an_error_of_the_body_comes_first():
    with pytest.raises(ZeroDivisionError), deferred_interrupt():
        interrupt()
        raise ZeroDivisionError


def test_afterwards_all_is_as_before():
    before = signal.getsignal(signal.SIGINT), signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with deferred_interrupt() as check:
        check()
    with pytest.raises(KeyboardInterrupt), deferred_interrupt():
        interrupt()
    assert (signal.getsignal(signal.SIGINT), signal.pthread_sigmask(signal.SIG_BLOCK, [])) == before
    with pytest.raises(KeyboardInterrupt):
        interrupt()
        threading.Event().wait(10)


def test_it_may_stand_within_itself():
    with pytest.raises(KeyboardInterrupt), deferred_interrupt() as outer:
        with pytest.raises(KeyboardInterrupt), deferred_interrupt() as inner:
            interrupt()
            inner()
        outer()
        interrupt()
        outer()


def test_a_process_that_is_started_meanwhile_gets_no_interrupt():
    code = "import os, signal; os.kill(os.getpid(), signal.SIGINT); print('lives')"
    with deferred_interrupt():
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "lives\n"


def test_a_process_that_was_started_within_it_leaves_interrupts_to_the_other():
    code = (
        "import os, signal; from kwslib.interrupt import deferred_interrupt\n"
        "with deferred_interrupt() as check:\n"
        "    os.kill(os.getpid(), signal.SIGINT); check(); print('lives')"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with deferred_interrupt():
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.stdout, done.stderr) == ("lives\n", "")


def test_another_thread_is_left_alone():
    def body():
        with deferred_interrupt() as check:
            check()
            return signal.getsignal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(body).result() is before


def test_interrupts_that_were_ignored_are_answered_again():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt), deferred_interrupt() as check:
            interrupt()
            check()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        enable_interrupt()
        with pytest.raises(KeyboardInterrupt):
            interrupt()
            threading.Event().wait(10)
        enable_interrupt()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_process_ends_with_its_parent_though_that_is_killed():
    command = [sys.executable, "-c", PARENT, sys.executable, "-c", CHILD]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    child = int(process.stdout.readline())
    process.kill()
    try:
        process.communicate(timeout=60)  # until nobody holds the other end
    except subprocess.TimeoutExpired:
        os.kill(child, signal.SIGKILL)
        raise
