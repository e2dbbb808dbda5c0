import pytest
from published_networks import publish

from kwslib.data.augment import Augmentation
from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.errors import InputError
from kwslib.files import sha256_of_file
from kwslib.models.checkpoint import load
from kwslib.records import read_records, write_records
from kwslib.training.fit import score
from kwslib.training.recipe import Recipe
from kwslib.training.study import Study, findings, published, published_paths

TASK = Task.of("yes,no")
RECIPE = Recipe(epochs=2, batch=16, augmentation=Augmentation(shift_ms=20))


@pytest.fixture(scope="module")
def dataset(tones):
    return Dataset(open_source(tones), TASK)


@pytest.fixture(scope="module")
def folder(dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    publish("tiny_conv", dataset, [0, 1], RECIPE, folder)
    return folder


@pytest.fixture(scope="module")
def studies(folder):
    return published("tiny_conv", TASK, folder)


def test_there_is_one_study_a_seed(studies):
    assert [study.subject["seed"] for study in studies] == [0, 1]


def test_a_study_says_what_its_checkpoint_does(studies, folder, dataset):
    weights = published_paths("tiny_conv", TASK, folder)[0]
    network, info = load(weights)
    study = studies[0]
    assert study.subject["checkpoint"] == sha256_of_file(weights)
    assert info.training["seed"] == 0
    for split in ("training", "validation", "testing"):
        result = score(network, dataset, split)
        assert study.value("accuracy", split=split) == result.accuracy
        assert study.value("confusion", split=split) == result.confusion.tolist()
    assert study.best.validation_accuracy == pytest.approx(
        study.value("accuracy", split="validation")
    )


def test_records_survive_the_file(studies, tmp_path):
    write_records(tmp_path / "x.json", studies[0].records)
    again = Study(tuple(read_records(tmp_path / "x.json")))
    assert again.records == studies[0].records
    assert again.history == studies[0].history
    assert again.counts == {"training": 80, "validation": 28, "testing": 28}


def test_every_record_says_where_it_comes_from(studies):
    for record in studies[0].records:
        assert record.method == "measured" and record.machine and record.data["hash"]
        assert record.subject["recipe"]["epochs"] == 2


def test_publishing_again_trains_nothing(studies, folder, dataset):
    before = published_paths("tiny_conv", TASK, folder)[0].stat().st_ino
    publish("tiny_conv", dataset, [0, 1], RECIPE, folder)
    again = published("tiny_conv", TASK, folder)
    assert [study.history for study in again] == [study.history for study in studies]
    assert published_paths("tiny_conv", TASK, folder)[0].stat().st_ino != before


def test_full_without_data_shows_the_published_run(folder, monkeypatch):
    monkeypatch.setattr("kwslib.training.study.recipe_for", lambda *_, **__: RECIPE)
    shown = findings("full", "", "tiny_conv", "yes,no", 0, 1, folder)
    assert shown.origin == shown.run.split()[0] == "published"
    assert shown.study.subject["seed"] == 1
    sound = shown.hear("yes/0_nohash_0")
    assert sound.shape == (16_000,) and sound.any()


def test_full_without_data_cannot_take_other_settings(folder):
    with pytest.raises(InputError, match="--data"):
        findings("full", "", "tiny_conv", "yes,no", 7, 0, folder)
    with pytest.raises(InputError, match="--data"):
        findings("full", "", "tiny_conv", "yes,left", 0, 0, folder)


def test_full_with_the_same_data_scores_the_published_weights_now(
    folder, tones, studies, monkeypatch
):
    monkeypatch.setattr("kwslib.training.study.recipe_for", lambda *_, **__: RECIPE)
    monkeypatch.setattr("kwslib.training.study.fitted", _must_not_train)
    shown = findings("full", str(tones), "tiny_conv", "yes,no", 0, 0, folder)
    assert shown.origin == "scored"
    assert shown.study.value("accuracy", split="testing") == studies[0].value(
        "accuracy", split="testing"
    )
    clip = shown.study.value("hardest", split="testing")[0]["clip"]
    assert (shown.hear(clip) == shown.dataset.source.audio([clip])[0]).all()


def _must_not_train(*_arguments, **_named):
    raise AssertionError("the published weights have these settings")


@pytest.fixture(scope="module")
def live(folder, tones):
    return findings("demo", str(tones), "tiny_conv", "yes,no", 1, 3, folder)


def test_other_settings_train_now_and_show_the_published_run_beside(live):
    assert (
        live.origin == "trained"
        and live.study.subject["seed"] == 3
        and len(live.study.history) == 1
    )
    assert live.run == "this run" and len(live.published) == 2


def test_examples_are_one_test_clip_a_label(live):
    examples = live.examples()
    assert list(examples) == list(TASK.labels)
    assert examples["yes"].startswith("yes/") and examples["_silence_"].startswith("_silence_/")
