"""A first call of a network in a new process beside warm ones: what a single timing is worth.

``python -m kwslib.cost.cold`` prints it as JSON.
"""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass

import numpy as np
import torch

from kwslib import interrupt
from kwslib.cost.operations import IMAGE_SHAPE
from kwslib.cost.timing import time_calls
from kwslib.data.task import Task
from kwslib.models import create
from kwslib.records import machine_name

CALLS = 2000


@dataclass(frozen=True)
class Cold:
    """Calls of tiny_conv in PyTorch's eager mode on one thread of this machine.

    Attributes:
        first_us: the first of its process, in microseconds.
        median_us: median of those that followed.
        calls: that followed.
        machine: processor and cores.
    """

    first_us: float
    median_us: float
    calls: int
    machine: str


def cold_calls() -> Cold:
    """Time the calls in a process of their own, since a network is cold but once."""
    command = [sys.executable, "-m", "kwslib.cost.cold"]
    done = interrupt.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    done.check_returncode()
    return Cold(**json.loads(done.stdout))


def timed() -> Cold:
    """Time the calls in this process."""
    torch.set_num_threads(1)
    network = create("tiny_conv", len(Task().labels)).eval()
    calls = time_calls(network, torch.rand(1, *IMAGE_SHAPE), CALLS + 1, warm_up=0)
    return Cold(float(calls[0]), float(np.median(calls[1:])), CALLS, machine_name())


if __name__ == "__main__":
    print(json.dumps(asdict(timed())))
