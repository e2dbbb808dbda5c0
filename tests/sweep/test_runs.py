import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pytest
import sweep_runs
from sweep_runs import (
    GATED,
    MANY,
    OPEN_AT_FIRST,
    PATIENCE_SECONDS,
    Width,
    numbered,
    pending,
    runs,
    sweep_gated,
)

from kwslib.errors import InputError
from kwslib.files import write_json
from kwslib.records import Record
from kwslib.sweep.runs import SweepError, sweep


@pytest.fixture
def marks(tmp_path):
    folder = tmp_path / "marks"
    folder.mkdir()
    return folder


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "results"


@pytest.fixture
def quiet(folder):
    return partial(sweep, "numbers", key="k", folder=folder, jobs=1, progress=False)


def values(results):
    return [record.value for records in results for record in records]


def test_each_setting_gives_its_records_and_is_measured_once_ever(quiet, marks, folder):
    settings = numbered(marks, 3)
    results = quiet(settings, sweep_runs.number)
    assert values(results) == [0, 1, 2]
    assert results[1][0].subject == settings[1]
    assert quiet(settings, sweep_runs.number) == results
    assert runs(marks) == {0: 1, 1: 1, 2: 1}
    assert sorted(path.suffix for path in folder.iterdir()) == [".json"] * 3


def test_the_key_of_a_setting_is_its_content(quiet, marks):
    at = str(marks)
    settings = [Width(4, 0, at), Width(8, 0, at)]
    first = quiet(settings, sweep_runs.width)
    same = [{"seed": 0, "marks": at, "bits": 4}, {"marks": at, "bits": 8, "seed": 0}]
    assert quiet(same, sweep_runs.width) == first
    assert quiet([Width(4, 1, at)], sweep_runs.width)[0] != first
    assert runs(marks) == {4: 2, 8: 1}


def test_another_key_measures_anew_and_keeps_the_old(quiet, marks):
    settings = numbered(marks, 2)
    for key in ["one", "two", "one"]:
        quiet(settings, sweep_runs.number, key=key)
    assert runs(marks) == {0: 2, 1: 2}


def test_settings_that_differ_are_never_taken_for_each_other(folder, marks):
    different = [1, 1.5, "1", True, None, [1], {"a": 1}, {"a": 1, "b": 2}]
    settings = [{"value": value} for value in different]
    assert len(pending("p", settings * 2, key="k", folder=folder)) == len(different)
    assert len(pending("p", [{"v": (1, 2)}, {"v": [1, 2]}], key="k", folder=folder)) == 1


def test_a_setting_given_twice_is_measured_once_and_returned_twice(quiet, marks):
    settings = numbered(marks, 2)
    assert values(quiet([*settings, *settings[::-1]], sweep_runs.number)) == [0, 1, 1, 0]
    assert runs(marks) == {0: 1, 1: 1}


def test_pending_tells_what_is_left(quiet, folder, marks):
    settings = numbered(marks, 3)
    left = partial(pending, "numbers", [*settings, settings[2]], key="k", folder=folder)
    assert left() == settings
    quiet(settings[:2], sweep_runs.number)
    assert left() == [settings[2]]
    quiet(settings, sweep_runs.number)
    assert left() == []
    assert left(key="other") == settings


def test_results_lie_in_the_cache_by_default(monkeypatch, tmp_path, marks):
    monkeypatch.setenv("KWS_CACHE", str(tmp_path / "cache"))
    settings = numbered(marks, 1)
    sweep("in the cache", settings, sweep_runs.number, key="k", jobs=1, progress=False)
    assert len(list((tmp_path / "cache" / "sweeps" / "in the cache").iterdir())) == 1
    assert pending("in the cache", settings, key="k") == []


def without_time(results):
    return [[{**asdict(record), "when": ""} for record in records] for records in results]


def test_parallel_equals_serial(tmp_path):
    settings = [{"seed": seed} for seed in range(5)]
    draw = partial(sweep, "draws", settings, sweep_runs.drawn, key="k", progress=False)
    serial = draw(jobs=1, folder=tmp_path / "serial")
    parallel = draw(jobs=2, folder=tmp_path / "parallel")
    assert without_time(parallel) == without_time(serial)
    assert [len(records) for records in parallel] == [2] * 5
    assert len({records[0].value for records in parallel}) == 5


def test_results_keep_the_order_of_settings_whatever_ends_first(quiet, marks):
    results = quiet(numbered(marks, 3), sweep_runs.last_first, jobs=2)
    assert values(results) == [0, 1, 2]


def test_a_setting_is_measured_on_one_thread(quiet, marks):
    import torch

    results = quiet(numbered(marks, 2), sweep_runs.threads, jobs=2)
    assert values(results) == [[1, "1"], [1, "1"]]
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert values(quiet(numbered(marks, 1), sweep_runs.threads, key="serial"))[0][0] == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_arguments_for_all_settings_may_be_bound(quiet, marks):
    assert values(quiet(numbered(marks, 2), partial(sweep_runs.shifted, by=10))) == [10, 11]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_setting_that_fails_loses_no_other(quiet, marks, jobs):
    settings = numbered(marks, 4)
    with pytest.raises(SweepError) as caught:
        quiet(settings, sweep_runs.even, jobs=jobs)
    message = str(caught.value)
    assert message.startswith("numbers: 2 of 4 settings failed: marks=")
    assert "number=1 | " in message
    assert "number=3: ZeroDivisionError: no half of an odd number, time 1; " in message
    assert "number=0" not in message
    assert "sweep_runs.py" in caught.value.__notes__[0]  # where it happened
    (marks / "mended").touch()
    assert values(quiet(settings, sweep_runs.even, jobs=jobs)) == [0, 0, 1, 1]
    assert runs(marks) == {0: 1, 1: 2, 2: 1, 3: 2}


def test_bad_input_to_settings_stays_bad_input(quiet, marks):
    with pytest.raises(
        InputError, match=r"number=0: 0 is out of range; give less; marks=.*number=1"
    ):
        quiet(numbered(marks, 2), sweep_runs.unwelcome)


@pytest.mark.parametrize("run", [sweep_runs.nothing, sweep_runs.bare])
def test_a_function_that_gives_no_records_fails(quiet, marks, run):
    with pytest.raises(SweepError, match="gives one or several Records"):
        quiet(numbered(marks, 1), run)


def damaged(good, other):
    return {
        "half": good[: len(good) // 2],
        "empty": b"",
        "no JSON": b"\xff\x00",
        "another shape": b"[]",
        "no records": good.replace(b'"records"', b'"others"'),
        "strange records": good.replace(b'"metric"', b'"matrix"'),
        "of another setting": other,
    }


@pytest.mark.parametrize("damage", damaged(b"", b""))
def test_a_file_that_is_not_whole_is_measured_again(quiet, marks, folder, damage):
    settings = numbered(marks, 2)
    first = quiet(settings[:1], sweep_runs.number)
    (path,) = folder.iterdir()
    quiet(settings[1:], sweep_runs.number)
    (other,) = set(folder.iterdir()) - {path}
    whole = path.read_bytes()
    path.write_bytes(damaged(whole, other.read_bytes())[damage])
    assert pending("numbers", settings, key="k", folder=folder) == settings[:1]
    assert without_time(quiet(settings[:1], sweep_runs.number)) == without_time(first)
    assert runs(marks) == {0: 2, 1: 1}


def test_a_file_in_the_making_is_no_result(quiet, marks, folder):
    write_json(folder / ".half-of.json", {})
    assert values(quiet(numbered(marks, 1), sweep_runs.number)) == [0]


def test_a_killed_worker_costs_what_was_under_way(quiet, marks, folder):
    settings = numbered(marks, 6)
    with pytest.raises(InputError, match="a worker was killed") as caught:
        quiet(settings, sweep_runs.deadly, jobs=2)
    message = str(caught.value)
    assert f"{kept(folder)} of 6 settings are kept in {folder}; lost is" in message
    assert "number=2" in message
    assert message.count("number=") <= 2
    assert values(quiet(settings, sweep_runs.deadly, jobs=2)) == list(range(6))
    assert runs(marks)[2] == 2
    assert sum(runs(marks).values()) <= 6 + 2


def sweeping(name, marks, folder, interrupts=signal.SIG_DFL):
    """A process that sweeps; it may be started with interrupts ignored, as in the background."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    before = signal.signal(signal.SIGINT, interrupts)
    try:
        return subprocess.Popen(
            [sys.executable, sweep_runs.__file__, name, str(marks), str(folder)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)


def start(marks, folder):
    """A process that sweeps, once the settings before the gate are kept and two wait at it."""
    process = sweeping("gated", marks, folder)
    end = time.monotonic() + PATIENCE_SECONDS
    while len(list(marks.glob("alive-*"))) < 2 or kept(folder) < OPEN_AT_FIRST:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.05)
    return process


def kept(folder):
    return len([path for path in folder.glob("*.json") if not path.name.startswith(".")])


def wait_for_the_end_of_workers(marks):
    """Settings at the gate show that they are alive; wait until they no longer do."""

    def signs():
        return [path.read_text() for path in sorted(marks.glob("alive-*"))]

    end = time.monotonic() + PATIENCE_SECONDS
    before = signs()
    time.sleep(1)
    while signs() != before:
        assert time.monotonic() < end, "workers outlive their parent"
        before = signs()
        time.sleep(1)


def check_resumed(marks, folder):
    """Only what was under way is measured twice, and what had not begun only now."""
    begun = {**dict.fromkeys(range(OPEN_AT_FIRST), 1), OPEN_AT_FIRST: 1, OPEN_AT_FIRST + 1: 1}
    assert runs(marks) == begun
    (marks / "open").touch()
    assert len(pending("gated", numbered(marks, GATED), key="k", folder=folder)) == 3
    assert values(sweep_gated(marks, folder, jobs=2, progress=False)) == list(range(GATED))
    assert list(runs(marks).values()).count(2) == 2
    assert sorted(runs(marks).items()) == [(0, 1), (1, 1), (2, 1), (3, 2), (4, 2), (5, 1)]


def test_a_killed_sweep_resumes(marks, folder):
    process = start(marks, folder)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == -signal.SIGKILL
    wait_for_the_end_of_workers(marks)
    check_resumed(marks, folder)


def test_an_interrupted_sweep_stops_and_says_what_is_kept(marks, folder):
    process = start(marks, folder)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: workers get it too
    output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, output) == (130, "")
    assert f"gated: stopped; 3 of 6 settings are kept in {folder}; " in errors
    assert "Traceback" not in errors
    assert "Warning" not in errors
    wait_for_the_end_of_workers(marks)
    check_resumed(marks, folder)


INTERRUPTIONS = int(os.environ.get("KWS_TEST_INTERRUPTIONS", "4"))
"""At random moments; 50 with a load beside them are worth a run after a change."""

RETURNS_IN_S = 10


@pytest.mark.parametrize("number", range(INTERRUPTIONS))
def test_an_interruption_at_any_moment_returns_soon_and_keeps_what_was_done(marks, folder, number):
    draw = random.Random(number)
    ignored = signal.SIG_IGN if number % 2 else signal.SIG_DFL
    process = sweeping("short", marks, folder, ignored)
    end = time.monotonic() + PATIENCE_SECONDS
    while not runs(marks):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.01)
    time.sleep(draw.uniform(0, 3))
    # to all processes, as a terminal does, or to the one alone, as kill does
    (os.kill if number % 4 > 1 else os.killpg)(process.pid, signal.SIGINT)
    interrupted = time.monotonic()
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert time.monotonic() - interrupted < RETURNS_IN_S
    assert process.returncode == 130
    assert f"short: stopped; {kept(folder)} of {MANY} settings are kept in {folder}; " in errors
    assert "Traceback" not in errors and "Warning" not in errors
    done = runs(marks)
    assert kept(folder) <= len(done) <= kept(folder) + 2, "lost is what was under way alone"
    left = pending("short", numbered(marks, MANY), key="k", folder=folder)
    assert len(left) == MANY - kept(folder)


IN_A_LOCK = """
import os, signal, sys, threading
main, wanted, taken = threading.get_ident(), int(sys.argv[1]), 0

def enter(condition):
    global taken
    entered = condition._lock.__enter__()
    if threading.get_ident() == main:
        taken += 1
        if taken == wanted:
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(3):
                pass  # where Python looks for signals
    return entered

threading.Condition.__enter__ = enter
import sweep_runs
sweep_runs.main("short", *sys.argv[2:])
"""


@pytest.mark.parametrize("wanted", [8, 10, 20, 30])
def test_an_interruption_just_after_a_library_took_a_lock_leaves_nothing_locked(
    marks, folder, wanted
):
    """While settings are handed out, a lock that stays taken is waited for without end."""
    done = subprocess.run(
        [sys.executable, "-c", IN_A_LOCK, str(wanted), str(marks), str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 130
    assert f"short: stopped; {kept(folder)} of {MANY} settings" in done.stderr


def test_an_interrupt_in_this_process_keeps_what_is_done(quiet, marks, capfd):
    settings = numbered(marks, 3)
    with pytest.raises(KeyboardInterrupt):
        quiet(settings, sweep_runs.stopped)
    output, errors = capfd.readouterr()
    assert output == ""
    assert errors.startswith("numbers: stopped; 1 of 3 settings are kept in ")
    assert values(quiet(settings, sweep_runs.stopped)) == [0, 1, 2]
    assert runs(marks) == {0: 1, 1: 2, 2: 1}


@pytest.mark.parametrize("jobs", [1, 2])
def test_progress_goes_to_standard_error_alone(quiet, marks, capfd, jobs):
    settings = [{"seed": seed} for seed in range(3)]
    call = partial(quiet, run=sweep_runs.drawn, jobs=jobs, progress=True)
    call(settings[:1])
    call(settings)
    output, errors = capfd.readouterr()
    assert output == ""
    assert "numbers" in errors
    assert "1/3" in errors  # what was kept counts as done
    assert "3/3" in errors
    assert "seed=1" in errors


def test_no_progress_is_shown_where_none_is_wanted_or_nothing_is_left(quiet, marks, capfd):
    settings = numbered(marks, 2)
    quiet(settings, sweep_runs.number)
    quiet(settings, sweep_runs.number, progress=True)
    assert capfd.readouterr() == ("", "")


def inner(setting):
    return lambda setting: [Record("n", 1, "", "measured")]


@pytest.mark.parametrize(
    ("settings", "run", "options", "message"),
    [
        ([3], sweep_runs.number, {}, "setting 3 is neither a dataclass nor a mapping"),
        ([Width], sweep_runs.number, {}, "is neither a dataclass nor a mapping"),
        ([{"a": {1}}], sweep_runs.number, {}, "set is not JSON serializable; give strings"),
        ([{"a": float("nan")}], sweep_runs.number, {}, "not JSON compliant.*; give strings"),
        ([{"a": {1: 2}}], sweep_runs.number, {}, "the name 1 is not a string; give strings"),
        ([], sweep_runs.number, {"jobs": 0}, "jobs is 0; give 1 or more"),
        ([], inner(None), {}, "cannot be found by other processes; put it at the top level"),
        ([], partial(inner(None)), {}, "cannot be found by other processes"),
        ([], sweep_runs.number, {"folder": __file__}, "test_runs.py: is no folder"),
    ],
)
def test_bad_input_is_told_with_its_mend(quiet, settings, run, options, message):
    with pytest.raises(InputError, match=message):
        quiet(settings, run, **options)


def test_a_function_of_the_main_module_is_refused(quiet, monkeypatch):
    monkeypatch.setattr(sweep_runs.number, "__module__", "__main__")
    with pytest.raises(InputError, match="that can be imported"):
        quiet([], sweep_runs.number)


def test_a_folder_that_takes_no_files_is_told_before_the_work(quiet, folder, marks, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(InputError, match=r"cannot be written .*; name another"):
        quiet(numbered(marks, 1), sweep_runs.number)
    assert runs(marks) == {}


def test_no_settings_give_no_results(quiet):
    assert quiet([], sweep_runs.number) == []


def test_importing_the_module_does_not_load_torch():
    code = "import kwslib.sweep.runs, sys; sys.exit('torch' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0
