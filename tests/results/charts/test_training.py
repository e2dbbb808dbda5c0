import pytest
import vl_convert

from kwslib.results.charts import training as charts
from kwslib.results.charts.theme import COLOURS

HISTORY = [
    {"epoch": n, "split": split, "accuracy": 1 - 0.5 / n, "loss": 1 / n}
    for n in range(1, 5)
    for split in ("training", "validation")
]
LABELS = ["_silence_", "_unknown_", "yes", "no"]
RUNS = ("this run", "published run")
RECALLS = [
    {"label": label, "run": run, "recall": 0.9, "low": 0.8, "high": 0.95}
    for label in LABELS
    for run in RUNS
]
CHARTS = {
    "accuracy": charts.learning_curve(HISTORY, "accuracy", 3),
    "loss": charts.learning_curve(HISTORY, "loss", 3),
    "confusion": charts.confusion([[9, 1, 0, 0]] * 4, LABELS),
    "recall": charts.recall_by_label(RECALLS),
}


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_is_drawn_and_described(name):
    specification = CHARTS[name].to_dict()
    svg = vl_convert.vegalite_to_svg(specification)
    assert svg.startswith("<svg") and specification["description"]


@pytest.mark.parametrize("name", ["accuracy", "loss"])
def test_curves_name_both_splits_and_mark_the_kept_epoch(name):
    svg = vl_convert.vegalite_to_svg(CHARTS[name].to_dict())
    assert "training" in svg and "validation" in svg
    assert "kept: epoch 3" in svg


def test_a_curve_without_a_kept_epoch_marks_none():
    spec = charts.learning_curve(HISTORY, "accuracy").to_dict()
    assert [each["mark"]["type"] for each in spec["layer"]] == ["line"]


def test_runs_have_the_colours_of_the_theme():
    svg = vl_convert.vegalite_to_svg(CHARTS["recall"].to_dict())
    for run in RUNS:
        assert COLOURS[run] in svg and run in svg


def test_a_confusion_matrix_has_every_count_once():
    svg = vl_convert.vegalite_to_svg(charts.confusion([[11, 22], [33, 44]], ["a", "b"]).to_dict())
    for count in ("11", "22", "33", "44"):
        assert f">{count}<" in svg
