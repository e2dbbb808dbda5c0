"""Run time of a network on this machine.

A single timing says little: the first calls allocate memory, and every call waits for what
else the machine does. So the network is warmed up, timed many times, and the median stands
with its spread.
"""

import gc
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kwslib.cost.operations import IMAGE_SHAPE
from kwslib.errors import InputError, check
from kwslib.records import Record, machine_name

Device = Literal["cpu", "cuda"]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Which quantiles of the calls a record keeps."""

MOST_REPETITIONS = 1_000_000
"""Calls that can be timed."""


@dataclass(frozen=True)
class Timing:
    """A network's run time.

    Attributes:
        median: record of the median in microseconds, with its 95 % interval.
        quantiles: record of ``{"0.05": us, ...}`` over :data:`QUANTILES`.
    """

    median: Record
    quantiles: Record


def run_time(
    network: nn.Module,
    *,
    subject: Mapping[str, Any],
    device: Device = "cpu",
    batch: int = 1,
    repetitions: int = 2000,
    warm_up: int = 200,
) -> Timing:
    """Time calls of ``network`` in PyTorch's eager mode, on one thread.

    On a GPU every call is timed until the device has finished, the launch included.

    Args:
        network: takes ``[batch, 1, 49, 40]``; it comes back in the mode and on the device it had.
        subject: what is timed; goes into the records.
        device: ``"cpu"``, or ``"cuda"`` where a GPU is present.
        batch: images in a call.
        repetitions: calls that are timed.
        warm_up: calls before them that are not.

    Raises:
        InputError: fewer than 10 repetitions, or no GPU is present.
    """
    check_repetitions(repetitions)
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device cuda: no GPU is present; take cpu")
    with _alone(network, device):
        image = torch.rand(batch, *IMAGE_SHAPE, device=device)
        calls = time_calls(network, image, repetitions, warm_up)
    facts: dict[str, Any] = {
        "subject": {
            **subject,
            "runtime": f"PyTorch {torch.__version__}, eager",
            "number_type": "float32",
            "batch": batch,
            "threads": 1,
            "repetitions": repetitions,
            "warm_up": warm_up,
        },
        "machine": torch.cuda.get_device_name() if device == "cuda" else machine_name(),
        "target": "host" if device == "cpu" else device,
    }
    quantiles = {str(q): float(np.quantile(calls, q)) for q in QUANTILES}
    return Timing(
        median=Record(
            "run_time", quantiles["0.5"], "us", "measured", interval=median_interval(calls), **facts
        ),
        quantiles=Record("run_time_quantiles", quantiles, "us", "measured", **facts),
    )


def check_repetitions(repetitions: int) -> None:
    """Refuse too few calls for an interval of their median, and more than memory holds.

    Raises:
        InputError: fewer than 10, or more than :data:`MOST_REPETITIONS`.
    """
    if repetitions < 10:
        raise InputError(f"repetitions {repetitions}: too few for a median; take at least 10")
    most = f"at most {MOST_REPETITIONS:,}"
    check(f"repetitions {repetitions}", repetitions <= MOST_REPETITIONS, most)


def median_interval(calls: NDArray[np.float64]) -> tuple[float, float]:
    """Distribution-free 95 % interval of the median, from order statistics.

    The number of calls below the true median is binomial(n, 1/2); its normal approximation
    gives the ranks ``n/2 -+ 1.96 * sqrt(n) / 2``.

    Source: Conover, Practical Nonparametric Statistics, 3rd edition, section 3.2.
    """
    ordered = np.sort(calls)
    n = len(ordered)
    reach = 1.96 * math.sqrt(n) / 2
    low = max(math.floor(n / 2 - reach), 0)
    high = min(math.ceil(n / 2 + reach), n - 1)
    return float(ordered[low]), float(ordered[high])


@contextmanager
def _alone(network: nn.Module, device: Device) -> Iterator[None]:
    """One thread and no garbage collection; ``network`` in evaluation mode on ``device``."""
    threads, was_training = torch.get_num_threads(), network.training
    home = next((p.device for p in network.parameters()), torch.device("cpu"))
    collected = gc.isenabled()
    torch.set_num_threads(1)
    gc.disable()
    try:
        network.eval().to(device)
        yield
    finally:
        network.train(was_training).to(home)
        torch.set_num_threads(threads)
        if collected:
            gc.enable()


def time_calls(
    network: nn.Module, image: Tensor, repetitions: int, warm_up: int
) -> NDArray[np.float64]:
    """Microseconds of each call that follows the warm-up, ``[repetitions]``.

    Args:
        network: in evaluation mode.
        image: ``[batch, 1, 49, 40]``, on its device.
        repetitions: calls that are timed.
        warm_up: calls before them that are not.
    """
    finish: Callable[[], None] = torch.cuda.synchronize if image.is_cuda else lambda: None
    calls = np.empty(repetitions)
    with torch.inference_mode():
        for _ in range(warm_up):
            network(image)
        finish()
        for i in range(repetitions):
            start = time.perf_counter_ns()
            network(image)
            finish()
            calls[i] = (time.perf_counter_ns() - start) / 1000
    return calls
