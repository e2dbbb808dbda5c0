"""Chapter 3 on training: its values against sums done otherwise, its tables and charts."""

import re
from dataclasses import replace

import pytest
import vl_convert
from specifications import rows_of

from kwslib.data.augment import Augmentation
from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.evaluation.accuracy import wilson_interval
from kwslib.records import Record
from kwslib.results import training as results
from kwslib.results.charts.theme import COLOURS
from kwslib.results.values import load_original
from kwslib.training import study as training_study
from kwslib.training.fit import fitted
from kwslib.training.recipe import Recipe
from kwslib.training.study import Study, study_of, write_published

TASK = Task.of("yes,no")
RECIPE = Recipe(epochs=2, batch=16, augmentation=Augmentation(shift_ms=20))


@pytest.fixture(scope="module")
def folder(tones, tmp_path_factory):
    """Two published seeds of a network that hears tones."""
    folder, dataset = tmp_path_factory.mktemp("published"), Dataset(open_source(tones), TASK)
    networks = [fitted("tiny_conv", dataset, RECIPE, seed) for seed in (0, 1)]
    studies = [study_of(network, dataset) for network in networks]
    write_published(networks[0].checkpoint, studies, "tiny_conv", TASK, folder)
    return folder


@pytest.fixture(scope="module")
def published(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_study, "recipe_for", lambda *_, **__: RECIPE)
        return training_study.findings("full", "", "tiny_conv", "yes,no", 0, 0, folder)


@pytest.fixture(scope="module")
def live(folder, tones):
    return training_study.findings("demo", str(tones), "tiny_conv", "yes,no", 1, 3, folder)


@pytest.fixture(params=["published", "live"])
def findings(request):
    return request.getfixturevalue(request.param)


def study(seed, confusion, training=0.95, validation=0.9):
    """A study of made-up counts; rows of ``confusion`` are true labels."""
    subject = {"seed": seed, "labels": ["_silence_", "yes"], "task": "made_up"}

    def record(metric, value, split):
        data = {"name": "made up", "split": split}
        return Record(metric, value, "", "measured", subject, data)

    hits, clips = sum(confusion[i][i] for i in range(2)), sum(map(sum, confusion))
    scores = {
        label: {"n": sum(row), "accuracy": row[place] / sum(row)}
        for place, (label, row) in enumerate(zip(subject["labels"], confusion, strict=True))
    }
    return Study(
        (
            record("history", [], ""),
            record("clips", {"testing": {"_silence_": 10, "yes": 40}}, ""),
            record("accuracy", training, "training"),
            record("accuracy", validation, "validation"),
            record("accuracy", hits / clips, "testing"),
            record("per_label", scores, "testing"),
            record("confusion", confusion, "testing"),
        )
    )


SEEDS = [study(0, [[9, 1], [4, 36]]), study(1, [[10, 0], [8, 32]], validation=0.97)]


def test_accuracy_is_the_mean_over_seeds_with_wilsons_interval_over_clips():
    found = results.mean_accuracy(SEEDS, "testing")
    assert found.value == pytest.approx((45 / 50 + 42 / 50) / 2) and found.seeds == 2
    assert found.interval == wilson_interval(44, 50)  # 43.5 of 50, rounded to even


def test_recall_is_the_mean_over_seeds_label_by_label():
    found = results.recall_by_label(SEEDS)
    assert found["_silence_"].value == pytest.approx(0.95)
    assert found["yes"].value == pytest.approx(0.85)
    assert found["yes"].interval == wilson_interval(34, 40)


def test_mistakes_come_most_frequent_first():
    assert results.errors_by_pair(SEEDS[0]) == {("yes", "_silence_"): 4, ("_silence_", "yes"): 1}
    assert next(iter(results.errors_by_pair(SEEDS[0]))) == ("yes", "_silence_")


def test_overfitting_is_positive_where_training_is_ahead():
    assert [results.overfitting(each) for each in SEEDS] == pytest.approx([5.0, -2.0])


def test_what_the_original_report_states():
    assert load_original("accuracy", split="training").value == 0.8994
    assert sum(load_original("clips").value.values()) == 10_556 + 1_333 + 1_368
    assert load_original("accuracy_change").subject["extra"] == "left"


def test_seeds_that_are_published_and_a_task_that_is_not(folder):
    assert [each.subject["seed"] for each in results.load_seeds("tiny_conv", "yes,no", folder)] == [
        0, 1,
    ]  # fmt: skip
    assert results.load_seeds("tiny_conv", "yes,left", folder) == []


def test_the_table_of_accuracy_has_a_column_for_what_there_is(published, live):
    head = {
        name: re.findall(r"<th[^>]*>([^<]*)</th>", results.tabulate_accuracy(found))
        for name, found in (("published", published), ("live", live))
    }
    assert "this run" not in head["published"] and "this run" in head["live"]
    alone = results.tabulate_accuracy(replace(live, published=[]))
    assert "published" not in alone
    share = live.study.value("accuracy", split="testing")
    assert f"{100 * share:.1f}&nbsp;%" in alone
    assert "91.30&nbsp;%" in alone and "not stated" in alone


def test_the_table_of_clips_adds_up(findings):
    table = results.tabulate_clips(findings.study)
    for split, clips in findings.study.counts.items():
        assert f">{split}<" in table and f">{clips:,}<" in table


def test_hardest_and_example_clips_can_be_heard(findings):
    hardest = findings.study.value("hardest", split="testing")
    table = results.tabulate_hardest(findings, 5)
    assert table.count("<audio") == 5
    assert f"{100 * hardest[0]['predicted_score']:.1f}&nbsp;%" in table
    assert results.tabulate_examples(findings).count("<audio") == len(TASK.labels)


def test_recall_is_drawn_for_each_training_that_there_is(published, live):
    assert {
        row["run"] for row in rows_of(results.plot_recall(results.runs_of(published)).to_dict())
    } == {"published run"}
    rows = rows_of(results.plot_recall(results.runs_of(live)).to_dict())
    assert {row["run"] for row in rows} == {"published run", "this run"}
    scores = live.study.value("per_label", split="testing")
    own = {row["label"]: row["recall"] for row in rows if row["run"] == "this run"}
    assert own == {label: score["accuracy"] for label, score in scores.items()}


@pytest.mark.parametrize("quantity", ["accuracy", "loss"])
def test_learning_curves_have_every_epoch_and_mark_the_kept_one(live, quantity):
    rows = rows_of(results.plot_study(live.study, quantity).to_dict())
    values = [row[quantity] for row in rows if row.get("split") == "validation"]
    assert values == [getattr(epoch, f"validation_{quantity}") for epoch in live.study.history]
    assert {"epoch": 1, "text": "kept: epoch 1"} in rows
    loop = rows_of(results.plot_loop([{"training": 0.5, "validation": 0.6}], "tones").to_dict())
    assert [row["accuracy"] for row in loop] == [0.5, 0.6]


def test_figures_say_what_they_rest_on(live):
    meta = results.plot_confusion(live.study).to_dict()["usermeta"]["kws_fields"]
    assert meta["seeds"] == "seed 3 alone" and meta["method"] == "measured"
    # One training is this run's, two are published.
    assert results.tabulate_accuracy(live).fields["seeds"] == "1 to 2"


def drawn(chart):
    """The picture of a chart, which also has words."""
    spec = chart.to_dict()
    assert len(spec["description"]) > 20
    return vl_convert.vegalite_to_svg(spec)


def test_figures_are_drawn_and_described(live, published):
    loss = drawn(results.plot_study(live.study, "loss"))
    assert "training" in loss and "validation" in loss and "kept: epoch 1" in loss
    recall = drawn(results.plot_recall(results.runs_of(live)))
    for run in ("this run", "published run"):
        assert COLOURS[run] in recall and run in recall


def test_a_curve_without_a_kept_epoch_marks_none():
    spec = results.plot_loop([{"training": 0.5, "validation": 0.6}], "tones").to_dict()
    assert [each["mark"]["type"] for each in spec["layer"]] == ["line"]


def test_a_confusion_matrix_has_every_count_once():
    svg = drawn(results.plot_confusion(study(0, [[11, 22], [33, 44]])))
    for count in ("11", "22", "33", "44"):
        assert f">{count}<" in svg
