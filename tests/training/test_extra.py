import pytest
from published_networks import publish

from kwslib.data.augment import Augmentation
from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.errors import InputError
from kwslib.records import read_records, write_records
from kwslib.training import comparison
from kwslib.training.comparison import compare
from kwslib.training.fit import fitted
from kwslib.training.recipe import Recipe
from kwslib.training.study import published

RECIPE = Recipe(epochs=2, batch=16, augmentation=Augmentation(shift_ms=20))
SMALLER, LARGER = Task.of("yes,no"), Task.of("yes,no,up")


@pytest.fixture(scope="module")
def datasets(tones):
    source = open_source(tones)
    return Dataset(source, SMALLER), Dataset(source, LARGER)


@pytest.fixture(scope="module")
def folder(datasets, tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    for dataset in datasets:
        publish("tiny_conv", dataset, [0, 1], RECIPE, folder)
    comparison.publish("tiny_conv", *datasets, RECIPE, folder)
    return folder


def test_what_was_published_is_read_back(folder, datasets):
    committed = comparison.committed_comparison("tiny_conv", SMALLER, LARGER, folder)
    seeds = [
        (seed, *(fitted("tiny_conv", data, RECIPE, seed).network for data in datasets))
        for seed in (0, 1)
    ]
    assert committed == compare(*datasets, seeds)


def test_every_record_names_networks_and_data(folder):
    path = comparison.records_path("tiny_conv", LARGER, folder)
    records = read_records(path)
    assert [r.metric for r in records] == ["extra_keyword_pairs"] * 2 + ["extra_keyword_tallies"]
    for record in records:
        assert record.method == "measured" and record.machine and record.data["hash"]
        assert record.subject["extra"] == "up"
    assert len(records[0].subject["checkpoints"]) == 2


def test_a_network_other_than_the_published_one_is_refused(folder, datasets, tmp_path):
    for task in (SMALLER, LARGER):
        path = folder / f"tiny_conv-{task.name}.json"
        records = read_records(path)
        for record in records:
            if record.metric == "confusion":
                record.value[0][0] += 1
        write_records(tmp_path / path.name, records)
    with pytest.raises(InputError, match=r"another network here.*measure where it was trained"):
        comparison.publish("tiny_conv", *datasets, RECIPE, tmp_path)


def test_the_committed_comparison_on_real_speech_is_of_the_published_networks():
    committed = comparison.committed_comparison(
        "tiny_conv", Task.of("yes,no"), Task.of("yes,no,left")
    )
    records = read_records(comparison.records_path("tiny_conv", Task.of("yes,no,left")))
    assert committed.seeds == (0, 1, 2)
    # of 1,368 test clips, 39 of the unknown ones are of left
    assert committed.clips == 1_368 - 39
    for place, keywords in enumerate(("yes,no", "yes,no,left")):
        studies = published("tiny_conv", Task.of(keywords))
        for index, study in enumerate(studies):
            assert records[index].subject["checkpoints"][place] == study.subject["checkpoint"]
            scores = study.value("per_label", split="testing")
            for word in ("yes", "no"):
                pair = committed.pairs[index][word]
                right = (pair.first, pair.second)[place]
                assert right / pair.clips == pytest.approx(scores[word]["accuracy"])
