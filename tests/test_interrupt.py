"""Interrupts at any moment, also where Python would leave a lock behind."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from kwslib.folders import lock_folder
from kwslib.interrupt import deferred_interrupt, enable_interrupt, run, started

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


def wait_for_end(process, others):
    """Kill a process, and wait until nobody holds its standard output, as ``others`` do."""
    process.kill()
    try:
        process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        for other in others:
            os.kill(other, signal.SIGKILL)
        raise


def start(*command):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)


def test_a_process_ends_with_its_parent_though_that_is_killed():
    process = start(sys.executable, "-c", PARENT, sys.executable, "-c", CHILD)
    wait_for_end(process, [int(process.stdout.readline())])


STARTER = """
import sys
from kwslib.folders import lock_folder
from kwslib.interrupt import run, started
with lock_folder(sys.argv[1]):
    if sys.argv[2] == "run":
        run(sys.argv[3:])
    elif sys.argv[2] == "two":
        with started(sys.argv[3:]) as first, started(sys.argv[3:]) as second:
            first.wait()
    else:  # what it started before has ended
        run(["true"])
        run(sys.argv[3:])
"""
DRIVER = 'sleep 600 & echo "$$ $!"; wait'  # as a compiler's driver starts the compiler


@pytest.mark.parametrize(("how", "drivers"), [("run", 1), ("two", 2), ("after another", 1)])
def test_what_a_killed_process_started_ends_with_all_that_it_started(how, drivers, tmp_path):
    process = start(sys.executable, "-c", STARTER, str(tmp_path), how, "sh", "-c", DRIVER)
    lines = [process.stdout.readline() for _ in range(drivers)]
    wait_for_end(process, [int(number) for line in lines for number in line.split()])
    with lock_folder(tmp_path):
        pass


def test_what_is_started_ends_with_the_body():
    with pytest.raises(ZeroDivisionError), started(["sh", "-c", DRIVER], stdout=-1) as process:
        process.stdout.readline()
        own = os.dup(process.stdout.fileno())
        raise ZeroDivisionError
    assert process.returncode == -signal.SIGKILL
    with os.fdopen(own) as output:  # to whose end nobody comes before both have ended
        assert output.read() == ""


def test_a_command_that_takes_too_long_ends():
    with pytest.raises(subprocess.TimeoutExpired):
        run(["sh", "-c", DRIVER], 0.1, stdout=subprocess.PIPE)
    done = run([sys.executable, "-c", "print(7); exit(3)"], 60, stdout=subprocess.PIPE, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (3, "7\n", None)


def test_a_process_that_has_started_others_ends_without_a_word():
    code = "from kwslib.interrupt import run; print(run(['true']).returncode)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.stdout, done.stderr, done.returncode) == ("0\n", "", 0)
