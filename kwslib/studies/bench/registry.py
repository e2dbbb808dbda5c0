"""The benchmarks by name, and the row that each gives."""

import importlib
import pkgutil
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import kwslib.studies.bench


@dataclass(frozen=True)
class Row:
    """One figure of a benchmark.

    Attributes:
        what: what was timed.
        value: the figure.
        unit: e.g. ``"clips/s"``.
        how: repetitions, batch, threads: what one needs to time it again.
    """

    what: str
    value: float
    unit: str
    how: str


Benchmark = Callable[[], Sequence[Row]]

BENCHMARKS: dict[str, Benchmark] = {}
"""Filled as the modules of the package are imported; see :func:`load`."""


def benchmark(function: Benchmark) -> Benchmark:
    """Enter a function without arguments under its name."""
    if function.__name__ in BENCHMARKS:
        raise ValueError(f"two benchmarks are called {function.__name__!r}; rename one")
    BENCHMARKS[function.__name__] = function
    return function


def load() -> dict[str, Benchmark]:
    """Import every module of the package and return the benchmarks by name."""
    for module in pkgutil.iter_modules(kwslib.studies.bench.__path__):
        if module.name != "__main__":
            importlib.import_module(f"kwslib.studies.bench.{module.name}")
    return dict(sorted(BENCHMARKS.items()))


def median_seconds(action: Callable[[], object], repetitions: int = 5) -> float:
    """Median duration of ``action`` over ``repetitions``, after one that does not count."""
    action()
    durations = []
    for _ in range(repetitions):
        start = time.perf_counter()
        action()
        durations.append(time.perf_counter() - start)
    return statistics.median(durations)
