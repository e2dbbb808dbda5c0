"""torch on one thread, for work whose parts are too short to share out."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch's operations run on one thread inside the block.

    For a network or a clip this small, two idle cores save a third of the time at most, and two
    busy ones cost many times as much. Sums are then added in the same order however
    many cores there are. (Another kind of processor may still add them in another: a training on it
    is another draw, as with another seed.)
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
