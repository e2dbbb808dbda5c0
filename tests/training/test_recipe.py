import json
import math

import pytest

from kwslib.data.augment import Augmentation
from kwslib.errors import InputError
from kwslib.models import names
from kwslib.training.recipe import RECIPES, Recipe, recipe_for


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(),
        Recipe(epochs=3, augmentation=None),
        Recipe(augmentation=Augmentation(shift_ms=50, noise_snr_db=(0.0, 20.0))),
        Recipe(averaging=0.99, words_weight=0.3),
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
        {"words_weight": -0.1},
        {"words_weight": math.inf},
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


def test_every_network_has_a_recipe_that_comes_back_from_json():
    assert set(RECIPES) == set(names())
    for recipe in RECIPES.values():
        assert Recipe.from_json(json.loads(json.dumps(recipe.as_json()))) == recipe


def test_a_recipe_written_before_a_setting_was_added_has_its_default():
    settings = Recipe().as_json()
    for name in ("averaging", "words_weight", "pretraining", "distillation"):
        del settings[name]
    for name in ("gain_db", "time_stretch", "mel_warp", "time_mask_ms", "band_mask"):
        del settings["augmentation"][name]
    assert Recipe.from_json(settings) == Recipe()
