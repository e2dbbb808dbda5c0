import json
import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kwslib.data.augment import Augmentation
from kwslib.errors import InputError
from kwslib.training.recipe import RECIPES, Distillation, Pretraining, Recipe, recipe_for


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(),
        Recipe(epochs=3, augmentation=None),
        Recipe(augmentation=Augmentation(shift_ms=50, noise_snr_db=(0.0, 20.0))),
        Recipe(
            averaging=0.99,
            pretraining=Pretraining(Recipe(epochs=3), 500),
            distillation=Distillation("ds_cnn", Recipe(averaging=0.9), 0.7, 3.0),
        ),
    ],
)
def test_a_recipe_comes_back_from_json(recipe):
    assert Recipe.from_json(json.loads(json.dumps(recipe.as_json()))) == recipe


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": 0},
        {"epochs": -1},
        {"batch": 0},
        {"learning_rate": 0.0},
        {"learning_rate": -1e-3},
        {"learning_rate": math.nan},
        {"learning_rate": math.inf},
        {"averaging": 1.0},
        {"averaging": -0.1},
    ],
)
def test_settings_that_cannot_train_are_input_errors(settings):
    with pytest.raises(InputError, match=next(iter(settings)).replace("_", " ")):
        Recipe(**settings)


def test_only_given_settings_change_the_recipe_of_a_network():
    assert recipe_for("tiny_conv") == RECIPES["tiny_conv"]
    changed = recipe_for("tiny_conv", epochs=7, batch=None)
    assert changed.epochs == 7
    assert changed.batch == RECIPES["tiny_conv"].batch
    assert recipe_for("a network without an entry") == Recipe()


def test_the_rate_starts_at_a_25th_peaks_after_the_warm_up_and_ends_at_a_250_000th():
    recipe = Recipe(learning_rate=0.01, warm_up=0.25)
    assert recipe.learning_rate_at(0, 1_000) == pytest.approx(0.01 / 25)
    assert recipe.learning_rate_at(250, 1_000) == pytest.approx(0.01)
    assert recipe.learning_rate_at(999, 1_000) == pytest.approx(0.01 / 250_000)


@given(
    steps=st.integers(2, 3_000),
    warm_up=st.floats(0, 1),
    peak=st.floats(1e-5, 1.0),
)
def test_the_rate_rises_to_one_peak_and_falls_and_stays_within_bounds(steps, warm_up, peak):
    recipe = Recipe(learning_rate=peak, warm_up=warm_up)
    rates = [recipe.learning_rate_at(step, steps) for step in range(steps)]
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
    ours = [recipe.learning_rate_at(step, steps) for step in range(steps)]
    assert ours == pytest.approx(theirs, rel=1e-9)


def test_a_single_step_has_a_rate():
    assert Recipe().learning_rate_at(0, 1) > 0


def test_a_recipe_written_before_a_setting_was_added_has_its_default():
    settings = Recipe().as_json()
    for name in ("averaging", "pretraining", "distillation"):
        del settings[name]
    for name in ("gain_db", "time_stretch", "mel_warp", "time_mask_ms", "band_mask"):
        del settings["augmentation"][name]
    assert Recipe.from_json(settings) == Recipe()


def test_the_moving_average_forgets_the_start_soon():
    recipe = Recipe(averaging=0.99)
    decays = [recipe.averaging_at(step) for step in range(2_000)]
    assert decays[0] == 0.1 and decays[-1] == 0.99
    assert all(a <= b for a, b in pairwise(decays))
    assert not any(Recipe().averaging_at(step) for step in (0, 1, 100))
