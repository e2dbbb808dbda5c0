"""Sweeps on a cluster: a scheduler and two workers of this machine, one of which is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

import pytest
import sweep_runs
from sweep_runs import GATED, OPEN_AT_FIRST, PATIENCE_SECONDS, numbered, pending, runs, sweep_gated

from kwslib.errors import InputError
from kwslib.sweep import cluster
from kwslib.sweep import runs as module
from kwslib.sweep.runs import SweepError, sweep
from kwslib.sweep.tasks import tasks_of


class Cluster:
    """A scheduler and workers, each a process; the workers run elsewhere and share no cache."""

    def __init__(self, folder):
        self.folder, self.processes, self._numbers = folder, [], count()
        self._file = folder / "scheduler.json"
        self._start("dask_scheduler", "--port", "0", "--no-dashboard", "--no-show")
        self._wait(self._file.exists)

    @property
    def address(self):
        return json.loads(self._file.read_text())["address"]

    def add_worker(self, threads=1, **environment):
        return self._start(
            "dask_worker", "--no-nanny", "--nthreads", str(threads), "--no-dashboard",
            "--death-timeout", "60", **environment,
        )  # fmt: skip

    def refill(self):
        """New workers in place of those that tests killed."""
        alive = [process for process in self.processes[1:] if process.poll() is None]
        self.processes[1:] = alive[:2]
        for process in alive[2:]:
            process.kill()
            process.wait()
        while len(self.processes) < 3:
            self.add_worker()

    def _start(self, module, *arguments, **environment):
        place = self.folder / f"{module}{next(self._numbers)}"
        place.mkdir()
        process = subprocess.Popen(
            [
                sys.executable, "-m", f"distributed.cli.{module}", *arguments,
                "--scheduler-file", str(self._file),
            ],
            cwd=place,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                "KWS_CACHE": str(place / "cache"),
                **environment,
            },
            stdout=subprocess.DEVNULL,
            stderr=(place / "log").open("w"),
        )  # fmt: skip
        self.processes.append(process)
        return process

    def _wait(self, ready):
        end = time.monotonic() + PATIENCE_SECONDS
        while not ready():
            assert time.monotonic() < end and self.processes[0].poll() is None
            time.sleep(0.05)

    def end(self):
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()


@pytest.fixture(scope="module")
def one_cluster(tmp_path_factory):
    """For all tests that leave its scheduler alive."""
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    yield found
    found.end()


@pytest.fixture
def two_workers(one_cluster):
    """Both alive at first."""
    one_cluster.refill()
    return one_cluster


@pytest.fixture
def marks(tmp_path):
    (tmp_path / "marks").mkdir()
    return tmp_path / "marks"


@pytest.fixture
def on(tmp_path):
    def on(found, settings, run, **options):
        options = {"key": "k", "progress": False, **options}
        return sweep(
            "numbers", settings, run, folder=tmp_path / "results", backend="dask",
            scheduler=found.address, **options,
        )  # fmt: skip

    return on


def values(results):
    return [record.value for records in results for record in records]


def test_records_come_back_to_the_callers_folder(two_workers, on, marks, tmp_path, capfd):
    settings = numbered(marks, 6)
    results = on(two_workers, settings, partial(sweep_runs.shifted, by=10), progress=True)
    assert values(results) == list(range(10, 16))
    assert len(list((tmp_path / "results").glob("*.json"))) == 6
    output, errors = capfd.readouterr()
    assert output == "" and "6/6" in errors and "workers" in errors
    before = [path.stat().st_mtime_ns for path in sorted((tmp_path / "results").iterdir())]
    assert on(two_workers, settings, partial(sweep_runs.shifted, by=10)) == results
    assert [p.stat().st_mtime_ns for p in sorted((tmp_path / "results").iterdir())] == before


def test_the_cluster_measures_what_this_machine_does(two_workers, on, tmp_path):
    settings = [{"seed": seed} for seed in range(3)]
    here = sweep("draws", settings, sweep_runs.drawn, key="k", jobs=1, folder=tmp_path / "here")
    assert values(on(two_workers, settings, sweep_runs.drawn)) == values(here)


def test_a_killed_worker_costs_nothing_but_time(two_workers, on, marks, tmp_path):
    """The setting at which it died is measured again by the other, and every record is right."""
    settings = numbered(marks, 8)
    assert values(on(two_workers, settings, sweep_runs.deadly)) == list(range(8))
    assert runs(marks)[2] == 2
    alive = [process.poll() is None for process in two_workers.processes]
    assert sorted(alive) == [False, True, True]
    assert pending("numbers", settings, key="k", folder=tmp_path / "results") == []


def test_a_worker_that_is_killed_from_outside_and_one_that_joins(two_workers, marks, tmp_path):
    with ThreadPoolExecutor(1) as pool:
        swept = pool.submit(
            sweep_gated, marks, tmp_path / "results", backend="dask",
            scheduler=two_workers.address, progress=False,
        )  # fmt: skip
        end = time.monotonic() + PATIENCE_SECONDS
        while len(list(marks.glob("alive-*"))) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        two_workers.processes[1].send_signal(signal.SIGKILL)
        two_workers.add_worker()
        (marks / "open").touch()
        assert values(swept.result(PATIENCE_SECONDS)) == list(range(GATED))
        assert all(1 <= count <= 2 for count in runs(marks).values())


def test_settings_that_fail_lose_no_other(two_workers, on, marks):
    settings = numbered(marks, 4)
    with pytest.raises(SweepError, match="2 of 4 settings failed") as caught:
        on(two_workers, settings, sweep_runs.even)
    assert "number=1 | " in str(caught.value) and "no half of an odd number" in str(caught.value)
    assert "sweep_runs.py" in caught.value.__notes__[0]
    with pytest.raises(InputError, match="0 is out of range"):
        on(two_workers, numbered(marks, 1), sweep_runs.unwelcome, key="other")
    (marks / "mended").touch()
    assert values(on(two_workers, settings, sweep_runs.even)) == [0, 0, 1, 1]


def test_a_worker_with_other_data_measures_nothing(two_workers, on, marks, monkeypatch):
    key = partial(sweep_runs.key_of_this_place, "k")
    assert values(on(two_workers, numbered(marks, 1), sweep_runs.number, key=key)) == [0]
    monkeypatch.setenv("SWEEP_RUNS_PLACE", "elsewhere")
    with pytest.raises(InputError, match="its data differ from the caller's; give it the same"):
        on(two_workers, numbered(marks, 2), sweep_runs.number, key=key)
    assert runs(marks) == {0: 1}


def test_a_worker_with_another_library_measures_nothing(two_workers, on, marks, monkeypatch):
    monkeypatch.setattr(module, "_code_version", lambda: "another")
    with pytest.raises(InputError, match="another version of kwslib; install the caller's"):
        on(two_workers, numbered(marks, 1), sweep_runs.number)
    assert runs(marks) == {}


def test_threads_of_a_worker_take_turns(marks):
    """Seeds and torch's threads belong to a process."""
    tasks = tasks_of("numbers", numbered(marks, 6), "k", marks)
    measure = partial(module._elsewhere, run=sweep_runs.alone, key="k", code=module._code_version())
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(measure, tasks))
    assert values(found) == list(range(6))


def test_a_scheduler_that_goes_leaves_what_is_done(marks, tmp_path):
    found = Cluster(tmp_path)
    found.add_worker()
    with ThreadPoolExecutor(1) as pool:
        try:
            swept = pool.submit(
                sweep_gated, marks, tmp_path / "results", backend="dask",
                scheduler=found.address, progress=False,
            )  # fmt: skip
            end = time.monotonic() + PATIENCE_SECONDS
            results = tmp_path / "results"
            while len(list(results.glob("[!.]*.json"))) < OPEN_AT_FIRST and time.monotonic() < end:
                time.sleep(0.05)
            found.processes[0].kill()
            with pytest.raises(
                InputError, match=r"is gone; 3 of 6 settings are kept in .*; run it"
            ):
                swept.result(PATIENCE_SECONDS)
        finally:
            found.end()
    (marks / "open").touch()
    assert values(sweep_gated(marks, results, jobs=1, progress=False)) == list(range(GATED))


def test_nobody_answers(on, marks, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)

    class Nowhere:
        address = "tcp://127.0.0.1:9"

    with pytest.raises(InputError, match=r"127.0.0.1:9: does not answer; start one with") as caught:
        on(Nowhere, numbered(marks, 1), sweep_runs.number)
    assert "\n" not in str(caught.value)
    Nowhere.address = "somewhere://else"
    with pytest.raises(InputError, match="does not answer"):
        on(Nowhere, numbered(marks, 1), sweep_runs.number)


def test_without_dask_it_is_told_how_to_get_it(on, marks, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)

    class Anywhere:
        address = "tcp://127.0.0.1:9"

    with pytest.raises(InputError, match=r"pip install 'kwslib\[cluster\]'"):
        on(Anywhere, numbered(marks, 1), sweep_runs.number)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "slurm"}, "backend 'slurm': must be one of processes, dask"),
        ({"backend": "dask"}, "backend dask: name its scheduler"),
        ({"scheduler": "tcp://x:1"}, "add --backend dask"),
        ({"backend": "dask", "scheduler": "tcp://x:1", "jobs": 2}, "leave --jobs out"),
        ({"key": lambda: "k"}, "cannot be found by other processes"),
    ],
)
def test_what_cannot_be_meant(tmp_path, options, message):
    options = {"key": "k", **options}
    with pytest.raises(InputError, match=message):
        sweep("numbers", [], sweep_runs.number, folder=tmp_path, **options)


def test_importing_the_library_does_not_load_dask():
    code = "import kwslib.sweep.runs, sys; sys.exit('distributed' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0
