"""Observers: what they remember, and grids that follow from it."""

import pytest
import torch

from kwslib.errors import InputError
from kwslib.quantize.quantizers import BatchObserver, MovingAverageObserver


def batches(count=5):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(100, generator=generator) * (i + 1) for i in range(count)]


def test_a_moving_average_follows_its_formula():
    observer, least = MovingAverageObserver(momentum=0.9), None
    for batch in batches():
        observer.observe(batch)
        new = float(batch.min())
        least = new if least is None else 0.9 * least + 0.1 * new
    assert float(observer.least) == pytest.approx(least, rel=1e-5)
    grid = observer.qparams(8)
    span = float(observer.greatest - observer.least)
    assert float(grid.scale) == pytest.approx(span / 255, rel=1e-5)


def test_a_moving_average_is_kept_with_a_network():
    observer = MovingAverageObserver()
    observer.observe(torch.tensor([-1.0, 2.0]))
    again = MovingAverageObserver()
    again.load_state_dict(observer.state_dict())
    assert (float(again.least), float(again.greatest)) == (-1.0, 2.0)


def test_batches_are_remembered_whole():
    observer = BatchObserver()
    for batch in batches():
        observer.observe(batch)
    assert torch.equal(observer.numbers(), torch.cat(batches()))
    assert torch.equal(observer.rows(), torch.cat(batches()))


def test_a_large_batch_keeps_its_extremes():
    observer = BatchObserver(kept=100)
    x = torch.zeros(10_001)
    x[5003], x[7777] = -3.0, 5.0
    observer.observe(x)
    numbers = observer.numbers()
    assert len(numbers) <= 102 and (numbers.min(), numbers.max()) == (-3, 5)


@pytest.mark.parametrize(
    "call", [lambda: MovingAverageObserver().qparams(8), lambda: BatchObserver().numbers()]
)
def test_nothing_observed(call):
    with pytest.raises(InputError, match="nothing was observed"):
        call()
