"""The published run, on tones and with one epoch of everything."""

import numpy as np
import pytest

from kwslib.data.augment import Augmentation
from kwslib.data.task import Task
from kwslib.deploy.predictors import predictor
from kwslib.errors import InputError
from kwslib.models import names
from kwslib.models.checkpoint import load
from kwslib.records import read_records, select
from kwslib.studies import base as base_of_studies
from kwslib.studies import published as studies
from kwslib.studies.published import RUN, Training, chosen, published_run
from kwslib.training.recipe import Recipe
from kwslib.training.study import published

TEACHERS = {"funnel_teacher"}
"""Networks that are there to be learned from."""


def test_all_networks_are_published_on_four_labels_and_on_twelve():
    seeds = {}
    for training in RUN:
        assert len(Task.of(training.keywords).labels) in (4, 5, 12)
        seeds.setdefault(training.name, []).append(training.seed)
    for name, own in seeds.items():
        assert own == ([0] if name.endswith("ten_words") else [0, 1, 2])
    for task in ("yes_no", "ten_words"):
        smaller = {"funnel_large"} if task == "yes_no" else set()
        assert {f"{model}-{task}" for model in set(names()) - TEACHERS - smaller} <= set(seeds)


def test_some_can_be_chosen_by_name():
    assert chosen("") == list(RUN)
    assert chosen("ds_cnn-yes_no, tiny_conv-ten_words") == [
        Training("tiny_conv", "ten", 0), *(Training("ds_cnn", "yes,no", seed) for seed in range(3))
    ]  # fmt: skip
    with pytest.raises(InputError, match=r"'huge-yes_no': is not published; choose of .*ds_cnn"):
        chosen("huge-yes_no")


@pytest.fixture(scope="module")
def run(tones, tmp_path_factory):
    """Two seeds of a network."""
    recipe = Recipe(epochs=1, batch=32, averaging=0.9, augmentation=Augmentation(shift_ms=20))
    folder = tmp_path_factory.mktemp("published")
    trainings = [Training("tc_resnet8", "yes,no", seed) for seed in (0, 1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KWS_CACHE", str(folder / "cache"))
        for module in (studies, base_of_studies):
            patch.setattr(module, "recipe_for", lambda model, **_: recipe)
        paths = [
            published_run(str(tones), trainings, jobs=1, folder=folder, board=folder / "board")
            for _ in range(2)
        ]
    assert paths[0] == paths[1]
    return folder, recipe, paths[0]


def test_checkpoint_records_file_and_profile_are_of_one_network(run):
    folder, recipe, paths = run
    assert [path.relative_to(folder).as_posix() for path in paths] == [
        "tc_resnet8-yes_no.json",
        "tc_resnet8-yes_no-int8.json",
        "board/tc_resnet8-yes_no-emulator.json",
    ]
    found = published("tc_resnet8", Task.of("yes,no"), folder)
    assert [study.subject["seed"] for study in found] == [0, 1]
    assert all(Recipe.from_json(study.subject["recipe"]) == recipe for study in found)
    _, info = load(folder / "tc_resnet8-yes_no.safetensors")
    assert info.training["seed"] == 0
    (size,) = select(read_records(paths[1]), "size")
    assert size.subject["checkpoint"] == found[0].subject["checkpoint"]
    (profiled,) = read_records(paths[2])
    assert profiled.subject["tflite"] == size.subject["tflite"]
    assert profiled.value["stages"]["network"]["instructions"] > profiled.subject["macs"] / 2


def test_the_file_tells_what_the_network_tells(run):
    folder, _, _ = run
    images = np.random.default_rng(0).integers(0, 256, (4, 49, 40)).astype(np.uint8)
    assert predictor(folder / "tc_resnet8-yes_no.tflite")(images).shape == (4, 4)
