import pytest
import vl_convert

from kwslib.results.charts import training as charts
from kwslib.results.charts.theme import COLOURS, GREEN, GREY

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


EXTRA_RECALLS = [
    {"label": label, "network": f"{network} left", "recall": 0.9, "clips": 100} | interval
    for label in ("yes", "no")
    for network in ("without", "with")
    for interval in ({"low": 0.8, "high": 0.95}, {})
] + [{"label": "left", "network": "with left", "recall": 0.9, "clips": 9, "low": 0.5, "high": 0.99}]
CHANGES = [
    {"label": label, "change": -1.0, "low": -2.0, "high": 0.1, "clips": 100, "seeds": [-2.0, 0.5]}
    for label in ("yes", "no", "all of them")
]
EXTRA_CHARTS = {"recalls": charts.recalls(EXTRA_RECALLS), "changes": charts.changes(CHANGES)}


@pytest.mark.parametrize("name", EXTRA_CHARTS)
def test_every_chart_of_an_extra_keyword_is_drawn_and_described(name):
    specification = EXTRA_CHARTS[name].to_dict()
    svg = vl_convert.vegalite_to_svg(specification)
    assert svg.startswith("<svg") and specification["description"]
    for label in ("yes", "no"):
        assert f">{label}<" in svg


def test_networks_are_told_apart_by_colour_and_shape():
    svg = vl_convert.vegalite_to_svg(EXTRA_CHARTS["recalls"].to_dict())
    for text in ("without left", "with left", GREY, GREEN):
        assert text in svg
    shapes = EXTRA_CHARTS["recalls"].to_dict()["layer"][2]["encoding"]["shape"]["scale"]["range"]
    assert len(set(shapes)) == 2


def count(svg, description):
    return svg.count(f'aria-roledescription="{description}"')


def test_each_seed_has_a_stroke():
    changes = vl_convert.vegalite_to_svg(EXTRA_CHARTS["changes"].to_dict())
    assert count(changes, "tick") == 6 and count(changes, "point") == 3
    recalls = vl_convert.vegalite_to_svg(EXTRA_CHARTS["recalls"].to_dict())
    assert count(recalls, "tick") == 4 and count(recalls, "point") == 5


def test_a_single_seed_leaves_no_empty_layer_of_strokes():
    chart = charts.recalls([row for row in EXTRA_RECALLS if "low" in row]).to_dict()
    assert [layer["mark"]["type"] for layer in chart["layer"]] == ["rule", "point"]
