from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kwslib.training.passes import learning_rate_at
from kwslib.training.recipe import Recipe


def test_the_rate_starts_at_a_25th_peaks_after_the_warm_up_and_ends_at_a_250_000th():
    recipe = Recipe(learning_rate=0.01, warm_up=0.25)
    assert learning_rate_at(recipe, 0, 1_000) == pytest.approx(0.01 / 25)
    assert learning_rate_at(recipe, 250, 1_000) == pytest.approx(0.01)
    assert learning_rate_at(recipe, 999, 1_000) == pytest.approx(0.01 / 250_000)


@given(
    steps=st.integers(2, 3_000),
    warm_up=st.floats(0, 1),
    peak=st.floats(1e-5, 1.0),
)
def test_the_rate_rises_to_one_peak_and_falls_and_stays_within_bounds(steps, warm_up, peak):
    recipe = Recipe(learning_rate=peak, warm_up=warm_up)
    rates = [learning_rate_at(recipe, step, steps) for step in range(steps)]
    top = rates.index(max(rates))
    assert all(a <= b * (1 + 1e-9) for a, b in pairwise(rates[: top + 1]))
    assert all(a * (1 + 1e-9) >= b for a, b in pairwise(rates[top:]))
    assert peak / 250_000 * (1 - 1e-9) <= min(rates)
    assert max(rates) <= peak * (1 + 1e-9)


def test_the_schedule_is_the_one_cycle_of_pytorch():
    recipe = Recipe(learning_rate=0.02, warm_up=0.3)
    steps = 200
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    # PyTorch's warm-up is one step shorter: it peaks at pct_start * total_steps - 1.
    reference = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.02, total_steps=steps, pct_start=0.305, anneal_strategy="cos"
    )
    theirs = []
    for _ in range(steps):
        theirs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        reference.step() if len(theirs) < steps else None
    ours = [learning_rate_at(recipe, step, steps) for step in range(steps)]
    assert ours == pytest.approx(theirs, rel=1e-9)


def test_a_single_step_has_a_rate():
    assert learning_rate_at(Recipe(), 0, 1) > 0
