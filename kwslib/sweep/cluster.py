"""Calls on the workers of a dask cluster: results come back as they are done.

A worker that dies costs time alone: the scheduler gives what it was at, and what it had done but
not yet sent, to another. dask.distributed is loaded where it is used; it comes with
``pip install 'kwslib[cluster]'``.
"""

import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from kwslib.errors import InputError
from kwslib.interrupt import deferred_interrupt

Argument = TypeVar("Argument")

CONNECT_SECONDS = 20
"""For the scheduler to answer."""

_LOOK_S = 0.02


class LostError(Exception):
    """Workers were lost after work had begun: how, and how to go on."""

    def __init__(self, message: str, mend: str = "run it again to go on") -> None:
        super().__init__(message)
        self.mend = mend


def results(
    scheduler: str, function: Callable[[Argument], Any], arguments: Sequence[Argument]
) -> Iterator[tuple[int, Any, int]]:
    """Call a function with each argument on a cluster.

    Args:
        scheduler: address, such as ``tcp://node1:8786``.
        function: stands in a module that the workers can import; calls may run more than once.
        arguments: one a call.

    Yields:
        For each call as it is done: its index, what it returned or the exception that ended it,
        and how many workers there are now.

    Raises:
        InputError: dask.distributed is missing, or no scheduler answers.
        LostError: the scheduler is gone.
    """
    with deferred_interrupt() as check_interrupt, _connected(scheduler) as client:
        from distributed import as_completed

        if not _workers(client, scheduler):
            print(f"{scheduler}: has no worker yet; waiting for one", file=sys.stderr)
        numbers = {
            client.submit(function, argument, pure=False): number
            for number, argument in enumerate(arguments)
        }
        completed = as_completed(list(numbers), loop=client.loop)
        while numbers:
            check_interrupt()
            if not completed.has_ready():
                time.sleep(_LOOK_S)
                continue
            future = next(completed)
            found = _outcome(future, scheduler)
            number = numbers.pop(future)  # the scheduler forgets what nobody holds
            yield number, found, _workers(client, scheduler)


def _outcome(future: Any, scheduler: str) -> Any:
    """What a call returned, or the exception that ended it."""
    from distributed import CancelledError, KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        return InputError(
            f"{error.allowed_failures + 1} workers died at it, perhaps for want of memory; "
            "give the workers more"
        )
    except CancelledError as error:
        raise LostError(f"the scheduler at {scheduler} is gone") from error
    except Exception as error:
        return error


def _workers(client: Any, scheduler: str) -> int:
    try:
        return len(client.scheduler_info(n_workers=-1)["workers"])
    except OSError as error:
        raise LostError(f"the scheduler at {scheduler} is gone") from error


@contextmanager
def _connected(scheduler: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError(
            "dask.distributed is missing; pip install 'kwslib[cluster]' brings it"
        ) from error
    log = logging.getLogger("distributed")
    level = log.level
    log.setLevel(logging.CRITICAL)  # what happens to the cluster is told here, in one line
    try:
        try:
            client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                f"scheduler {scheduler}: does not answer; start one with 'dask scheduler' and "
                "name the address that it prints, such as tcp://node1:8786"
            ) from error
        with client:
            yield client
    finally:
        log.setLevel(level)
