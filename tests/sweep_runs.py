"""What the tests of sweeps measure, in a module that their worker processes can import.

Every setting names a folder, ``marks``, in which it leaves a line for each time it ran.
torch is loaded where it is used: a process that only sweeps can do without.
"""

import os
import random
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kwslib.errors import InputError
from kwslib.folders import cache_folder
from kwslib.records import Record
from kwslib.sweep.runs import sweep
from kwslib.sweep.tasks import left_of, tasks_of

OPEN_AT_FIRST = 3
GATED = 6
MANY = 2_000
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Width:
    bits: int
    seed: int
    marks: str


def mark(setting):
    """Note a run of the setting; how often it has run, this time included."""
    path = Path(setting["marks"], f"ran-{setting['number']}")
    with path.open("a") as stream:
        stream.write(f"{os.getpid()}\n")
    return len(path.read_text().splitlines())


def runs(marks):
    """How often each setting ran, by its number."""
    paths = Path(marks).glob("ran-*")
    return {int(path.name[4:]): len(path.read_text().splitlines()) for path in paths}


def numbered(marks, count, **more):
    return [{"number": number, "marks": str(marks), **more} for number in range(count)]


def pending(name, settings, *, key, folder=None):
    """The settings that a sweep with the same arguments would measure, each once."""
    tasks = tasks_of(name, settings, key, folder or cache_folder("sweeps", name))
    return [task.setting for task in left_of(tasks)]


def wait_for(path):
    """Wait for a file, and show by another that this process still waits."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not path.exists():
        assert time.monotonic() < end, f"{path} never came"
        path.with_name(f"alive-{os.getpid()}").write_text(str(time.monotonic()))
        time.sleep(0.02)


def number(setting):
    mark(setting)
    return [Record("number", setting["number"], "", "measured", subject=setting)]


def width(setting):
    path = Path(setting.marks, f"ran-{setting.bits}")
    with path.open("a") as stream:
        stream.write(f"{os.getpid()}\n")
    return [Record("bits", setting.bits, "bits", "measured")]


def shifted(setting, by):
    return [Record("number", setting["number"] + by, "", "measured")]


def drawn(setting):
    """Two records, of random numbers that the seed decides."""
    draw = random.Random(setting["seed"])
    weights = np.random.default_rng(setting["seed"]).random(1000)
    return [
        Record("accuracy", draw.random(), "fraction", "measured", interval=(0.1, 0.2)),
        Record("sum", float(weights.sum()), "", "measured", subject={"seed": setting["seed"]}),
    ]


def last_first(setting):
    """The first setting ends only after the last has run."""
    if setting["number"] == 0:
        wait_for(Path(setting["marks"], "ran-2"))
    return number(setting)


def threads(setting):
    """How many torch and other libraries would use."""
    import torch

    value = [torch.get_num_threads(), os.environ.get("OMP_NUM_THREADS")]
    return [Record("threads", value, "", "measured", subject=setting)]


def even(setting):
    """Odd numbers fail, for as long as there is no file that mends them."""
    count = mark(setting)
    if setting["number"] % 2 and not Path(setting["marks"], "mended").exists():
        raise ZeroDivisionError(f"no half of an odd number, time {count}")
    return [Record("half", setting["number"] // 2, "", "measured")]


def unwelcome(setting):
    raise InputError(f"{setting['number']} is out of range; give less")


def deadly(setting):
    """One setting in the middle ends its process, the first time, as for want of memory."""
    if mark(setting) == 1 and setting["number"] == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return [Record("number", setting["number"], "", "measured")]


def stopped(setting):
    """The second setting is interrupted, the first time, as by Ctrl-C."""
    if mark(setting) == 1 and setting["number"] == 1:
        raise KeyboardInterrupt
    return [Record("number", setting["number"], "", "measured")]


def nothing(setting):
    return []


def bare(setting):
    return [0.5]


def gated(setting):
    """All but the first few settings wait for a gate to open."""
    mark(setting)
    if setting["number"] >= OPEN_AT_FIRST:
        wait_for(Path(setting["marks"], "open"))
    return [Record("number", setting["number"], "", "measured")]


def key_of_this_place(text):
    """A key that differs where the environment does, as that of data does."""
    return f"{text} {os.environ.get('SWEEP_RUNS_PLACE', '')}"


def alone(setting):
    """Fails if another setting is measured in this process meanwhile."""
    path = Path(setting["marks"], f"busy-{os.getpid()}")
    path.touch(exist_ok=False)
    time.sleep(0.05)
    path.unlink()
    return number(setting)


def short(setting):
    """A few hundredths of a second, not all the same."""
    time.sleep(0.02 * (setting["number"] % 4))
    return number(setting)


def sweep_gated(marks, folder, **options):
    return sweep("gated", numbered(marks, GATED), gated, key="k", folder=folder, **options)


def sweep_short(marks, folder, **options):
    settings = numbered(marks, MANY)
    return sweep("short", settings, short, key="k", folder=folder, **options)


def main(name, marks, folder):
    """A process that sweeps, to be killed or interrupted."""
    try:
        {"gated": sweep_gated, "short": sweep_short}[name](marks, folder, jobs=2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    import sweep_runs  # workers find functions in modules, not in __main__

    sweep_runs.main(*sys.argv[1:])
