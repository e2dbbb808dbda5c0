"""One engine for every sweep: the same measurement at many settings, each kept once it is done.

A sweep is a name, a list of settings and a function that gives the records of one setting::

    @dataclass(frozen=True)
    class Width:
        bits: int
        seed: int

    def accuracy_at(setting: Width) -> list[Record]: ...

    widths = [Width(bits, seed) for bits in (8, 4, 2) for seed in (0, 1, 2)]
    key = sha256_of_sources("models", "training", "quantize") + source.identity()
    records = sweep("widths", widths, accuracy_at, key=key)

The records of a setting lie in a file of their own, named by a hash of the setting and of
``key``. A killed sweep loses the settings under way and no others; the same call goes on.

Settings run in processes of their own, which live on between settings: what all settings share,
such as a data set, is loaded once a process by a function under :func:`functools.cache` in the
module of the caller's function. What every setting is told alike, such as the folder of the data,
is bound with :func:`functools.partial`; it is no part of a setting, so ``key`` has to stand for
its content.

With ``backend="dask"`` the same settings are measured by the workers of a dask cluster, which may
be on other machines. Nothing but the setting goes there, and nothing but its records comes back, to
be kept by the caller: the workers need no folder of the caller's. What they do need is the same
library, and data under the path that was bound to the function. A worker makes sure of the first,
and of the second where ``key`` is a function, which is called there too; where either differs it
measures nothing.
"""

import gc
import os
import platform
import sys
import traceback
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import closing
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from multiprocessing import resource_tracker
from pathlib import Path
from threading import Lock
from typing import Any, Literal, TypedDict, get_args

from loky import cpu_count, get_reusable_executor
from loky.backend import resource_tracker as loky_tracker
from loky.process_executor import TerminatedWorkerError
from tqdm import tqdm

from kwslib.errors import InputError
from kwslib.files import check_writable, sha256_of_sources
from kwslib.folders import cache_folder, make_folder
from kwslib.interrupt import CHECK_S, deferred_interrupt, end_with_parent
from kwslib.records import Record
from kwslib.sweep.cluster import LostError, results
from kwslib.sweep.tasks import Setting, Task, left_of, tasks_of

Run = Callable[[Setting], Iterable[Record]]
"""One or several records of one setting, the same whenever and wherever it runs."""

Key = str | Callable[[], str]
"""Stands for code and data: a text, or a function at the top level of a module that gives it."""

Backend = Literal["processes", "dask"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)


class Workers(TypedDict, total=False):
    """Who measures, and where it is kept: keywords of :func:`sweep` that studies hand on."""

    jobs: int | None
    folder: Path | None
    backend: Backend
    scheduler: str | None


_IDLE_SECONDS = 300  # after which a worker without a setting ends
_ONE_THREAD = {
    f"{library}_NUM_THREADS": "1"
    for library in ("OMP", "OPENBLAS", "MKL", "BLIS", "VECLIB_MAXIMUM", "NUMBA", "NUMEXPR")
}
"""Environment of a worker: there are as many workers as cores."""

_SHOWN_CHARACTERS = 60  # of the settings under way: the bar stays on one line


class SweepError(Exception):
    """Some settings raised an exception. All others are kept."""


def sweep(
    name: str,
    settings: Sequence[Setting],
    run: Run[Setting],
    *,
    key: Key,
    jobs: int | None = None,
    folder: Path | str | None = None,
    progress: bool = True,
    backend: Backend = "processes",
    scheduler: str | None = None,
) -> list[list[Record]]:
    """The records of every setting; only those that are not kept yet are measured.

    Args:
        name: of the sweep; names its folder, and what is said of it.
        settings: what to measure; one that occurs twice is measured once.
        run: measures one setting, torch with one thread. It stands at the top level of a module
            other than ``__main__``, so that another process finds it; arguments may be bound.
        key: stands for code and data: where it differs, all settings are measured anew. A
            function, arguments bound, is asked for it; on a cluster by each worker too.
        jobs: processes at once; by default one a core. With one, all runs in this process.
        folder: where the results are kept; by default one of the cache.
        progress: show a bar on standard error.
        backend: ``"processes"`` of this machine, or the workers of a ``"dask"`` cluster.
        scheduler: address of the cluster's scheduler, such as ``tcp://node1:8786``.

    Returns:
        For each setting, in the order of ``settings``, its records.

    Raises:
        InputError: a setting is no plain JSON, ``run`` is not found by other processes, the folder
            cannot be written to, workers are lost, or every failure of a setting was one.
        SweepError: settings failed; all others were measured nonetheless.
    """
    if jobs is not None and jobs < 1:
        raise InputError(f"{name}: jobs is {jobs}; give 1 or more, or none for one a core")
    check_workers(backend=backend, jobs=jobs, scheduler=scheduler)
    for function in filter(callable, (run, key)):
        _check_importable(name, function)
    folder = make_folder(folder or cache_folder("sweeps", name))
    check_writable(folder, folder=True)  # an hour's work should not end there
    tasks = tasks_of(name, settings, _text_of(key), folder)
    measure: _Measure = partial(_in_processes, run=run, jobs=jobs or cpu_count())
    if scheduler:
        measure = partial(_on_cluster, run=run, key=key, scheduler=scheduler)
    if failures := _measure(name, tasks, measure, progress):
        raise _failure(name, failures, len(set(tasks)))
    return [task.records() for task in tasks]


def check_workers(
    *, backend: str = "processes", jobs: int | None = None, scheduler: str | None = None, **_: Any
) -> None:
    """Refuse keywords of :func:`sweep` that do not go together, before anything long begins.

    Raises:
        InputError: no such backend, a cluster without an address or an address without a cluster,
            or ``jobs`` of a cluster.
    """
    if backend not in BACKENDS:
        raise InputError(f"backend {backend!r}: must be one of {', '.join(BACKENDS)}")
    if backend == "dask" and not scheduler:
        raise InputError("backend dask: name its scheduler, e.g. --scheduler tcp://node1:8786")
    if backend != "dask" and scheduler:
        raise InputError(f"scheduler {scheduler}: is of a cluster; add --backend dask")
    if backend == "dask" and jobs is not None:
        raise InputError("jobs: a cluster has as many as it has workers; leave --jobs out")


def _text_of(key: Key) -> str:
    return key if isinstance(key, str) else key()


@dataclass(frozen=True)
class _Failed:
    """What became of a setting that raised an exception; an InputError leaves no trace."""

    setting: str
    reason: str
    trace: str = ""


def _check_importable(name: str, run: Callable[..., Any]) -> None:
    """A function that travels by value would take its caches' contents along, or lose them."""
    function = run.func if isinstance(run, partial) else run
    module = getattr(function, "__module__", None)
    known = getattr(sys.modules.get(module or ""), getattr(function, "__name__", ""), None)
    if module == "__main__" or known is not function:
        raise InputError(
            f"{name}: {function!r} cannot be found by other processes; "
            "put it at the top level of a module that can be imported"
        )


_Outcomes = Generator[tuple[Task[Any], list[Record] | _Failed], None, None]
"""Tasks as they are done, with their records or why there are none."""

_Show = Callable[[str], None]
"""Shows what is under way."""

_Measure = Callable[[Sequence[Task[Any]], _Show], _Outcomes]


def _measure(
    name: str, tasks: Sequence[Task[Any]], measure: _Measure, progress: bool
) -> list[_Failed]:
    """Measure what is left, and keep it as it comes; the settings that failed."""
    left, total, failures = left_of(tasks), len(set(tasks)), {}
    if not left:
        return []

    def kept() -> str:
        return (
            f"{total - len(left_of(tasks))} of {total} settings are kept in {tasks[0].path.parent}"
        )

    # smoothing=0: the settings of a sweep differ in cost, so the mean of all tells time left
    with tqdm(
        total=total, initial=total - len(left), desc=name, unit="setting", file=sys.stderr,
        smoothing=0, disable=not progress,
    ) as bar, closing(measure(left, bar.set_postfix_str)) as measured:  # fmt: skip
        try:
            for task, found in measured:
                if isinstance(found, _Failed):
                    failures[task] = found
                else:
                    task.keep(found)
                bar.update()
        except KeyboardInterrupt:
            bar.close()
            print(f"{name}: stopped; {kept()}; the same call goes on from there", file=sys.stderr)
            raise
        except LostError as error:
            raise InputError(f"{name}: {error}; {kept()}; {error.mend}") from error
    return [failures[task] for task in left if task in failures]


def _in_processes(left: Sequence[Task[Any]], show: _Show, *, run: Run[Any], jobs: int) -> _Outcomes:
    if min(jobs, len(left)) > 1:
        yield from _in_workers(left, show, run, min(jobs, len(left)))
        return
    for task in left:
        show(_shortened([task]))
        yield task, _measured(task, run)


def _in_workers(left: Sequence[Task[Any]], show: _Show, run: Run[Any], jobs: int) -> _Outcomes:
    """Measure in ``jobs`` processes; however this ends, none of them goes on.

    A setting leaves here when a worker is free for it and not before: what has left is under way,
    and workers find nothing in a queue after this process was killed.
    """
    tasks = iter(left)
    running: dict[Future[list[Record] | _Failed], Task[Any]] = {}
    resource_tracker.ensure_running()  # started later, it would unblock interrupts of the workers
    with deferred_interrupt() as check_interrupt:
        pool = get_reusable_executor(jobs, timeout=_IDLE_SECONDS, env=_ONE_THREAD)
        try:
            while True:
                for task in islice(tasks, jobs - len(running)):
                    running[pool.submit(_in_worker, task, run, os.getpid())] = task
                    show(_shortened(running.values()))
                if not running:
                    return
                for future in wait(running, CHECK_S, FIRST_COMPLETED).done:
                    found = future.result()
                    yield running.pop(future), found
                check_interrupt()
        except TerminatedWorkerError as error:
            raise LostError(
                "a worker was killed, perhaps for want of memory",
                f"lost is what was under way ({' | '.join(map(str, running.values()))}); "
                "run it again to go on, with fewer jobs if memory is short",
            ) from error
        finally:
            if running:
                pool.shutdown(kill_workers=True)
                # What is collected while loky's tracker of semaphores is told of another one is
                # told to it with the next message; without one, it would warn of a leak.
                gc.collect()
                loky_tracker.ensure_running()


def _shortened(under_way: Iterable[Task[Any]]) -> str:
    text = " | ".join(map(str, under_way))
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _in_worker(task: Task[Any], run: Run[Any], parent: int) -> list[Record] | _Failed:
    end_with_parent(parent)  # or it would go on beside the workers of the next call
    return _measured(task, run)


def _measured(task: Task[Any], run: Run[Any]) -> list[Record] | _Failed:
    """The records of a setting, or why there are none."""
    from kwslib.features.threads import one_thread  # loads torch

    try:
        with one_thread():
            records = list(run(task.setting))
        if not records or not all(isinstance(record, Record) for record in records):
            raise TypeError("the sweep's function gives one or several Records, it gave others")
    except Exception as error:
        return _failed(task, error)
    return records


def _failed(task: Task[Any], error: BaseException) -> _Failed:
    if isinstance(error, InputError):
        return _Failed(str(task), str(error))
    trace = "".join(traceback.format_exception(error))
    return _Failed(str(task), f"{type(error).__name__}: {error}", trace)


def _on_cluster(
    left: Sequence[Task[Any]], show: _Show, *, run: Run[Any], key: Key,
    scheduler: str,
) -> _Outcomes:  # fmt: skip
    """Measure on a cluster."""
    elsewhere = partial(_elsewhere, run=run, key=key, code=_code_version())
    for number, found, workers in results(scheduler, elsewhere, left):
        show(f"{workers} workers")
        task = left[number]
        yield task, _failed(task, found) if isinstance(found, BaseException) else found


_ONE_AT_A_TIME = Lock()
"""Seeds and numbers of threads belong to a process: a worker with several threads takes turns."""


def _elsewhere(task: Task[Any], *, run: Run[Any], key: Key, code: str) -> list[Record] | _Failed:
    """Measure one setting in a worker of a cluster, if library and data are the caller's."""
    with _ONE_AT_A_TIME:
        try:
            _check_same(task.key, key, code)
        except InputError as error:
            return _failed(task, error)
        return _measured(task, run)


_CHECKED: set[tuple[str, str]] = set()


def _check_same(expected: str, key: Key, code: str) -> None:
    """Make sure, once a process, that what is measured here is what the caller would measure."""
    if (expected, code) in _CHECKED:
        return
    where = f"worker on {platform.node()}"
    if _code_version() != code:
        raise InputError(
            f"{where}: has another version of kwslib; install the caller's and start it again"
        )
    if _text_of(key) != expected:
        raise InputError(f"{where}: its data differ from the caller's; give it the same")
    _CHECKED.add((expected, code))


@cache
def _code_version() -> str:
    """Hash of all code that a measurement can depend on."""
    return sha256_of_sources(without=("cli", "live", "results", "site", "studies/bench"))


def _failure(name: str, failures: Sequence[_Failed], total: int) -> Exception:
    """One error for all settings that failed, those with the same reason named together."""
    by_reason: dict[str, list[str]] = {}
    for failed in failures:
        by_reason.setdefault(failed.reason, []).append(failed.setting)
    reasons = "; ".join(f"{' | '.join(named)}: {reason}" for reason, named in by_reason.items())
    message = (
        f"{name}: {len(failures)} of {total} settings failed: {reasons}; "
        "the others are kept, so mend this and run it again"
    )
    first = next((failed for failed in failures if failed.trace), None)
    if first is None:
        return InputError(message)
    error = SweepError(message)
    error.add_note(f"At {first.setting}:\n{first.trace}")
    return error
