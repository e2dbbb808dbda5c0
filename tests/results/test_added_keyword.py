"""Chapter 3 on one keyword more: values against the counts they come from."""

import re
from dataclasses import replace

import pytest
import vl_convert
from specifications import rows_of

from kwslib.records import Record
from kwslib.results import added_keyword as results
from kwslib.results import training
from kwslib.results.charts.theme import GREEN, GREY
from kwslib.training.comparison import Comparison, Pair
from kwslib.training.study import Study

MADE_UP = Comparison(
    "left",
    (0, 1),
    ({"yes": Pair(6, 2, 1, 1)}, {"yes": Pair(7, 2, 0, 1)}),
    {"yes": [[1, 1, 0], [1, 1, 0], [0, 2, 4]]},
    ({"_unknown_": 6, "yes": 3, "no": 1}, {"_unknown_": 8, "yes": 1, "no": 1}),
    {"name": "made up", "hash": "h"},
)


def study(row):
    subject = {"labels": ["_silence_", "_unknown_", "yes", "no", "left"], "seed": 0}
    table = [[0] * 5] * 4 + [row]
    records = [
        Record("confusion", table, "clips", "measured", subject, {"split": "testing"}),
        Record("history", [], "", "measured", subject),
    ]
    return Study(tuple(records))


def test_changes_are_points_gained_less_points_lost():
    changes = [100 * MADE_UP.pair(seed).change for seed in (0, 1)]
    assert changes == pytest.approx([-10.0, -20.0])
    change = results.change_of(MADE_UP)
    assert change.unit == "points" and change.seeds == 2 and change.low < change.value < change.high


def test_false_accepts_of_the_word():
    found = results.false_accepts_after([study([0, 1, 2, 1, 16])], "left")
    assert found == pytest.approx([3 / 20])  # a miss is no false accept, nor is the word itself


@pytest.fixture(scope="module")
def committed():
    comparison = results.load_comparison("tiny_conv", "yes,no", "left")
    return comparison, training.load_seeds("tiny_conv", "yes,no,left")


def test_what_is_not_committed_is_none():
    assert results.load_comparison("tiny_conv", "yes,no", "marvin") is None


def test_the_table_has_the_change_of_every_label_and_of_all(committed):
    comparison, _ = committed
    table = results.tabulate_changes(comparison, "tiny_conv")
    rows = re.findall(r"<tr>(.*?)</tr>", table)
    assert len(rows) == 1 + len(comparison.labels) + 1
    right = sum(comparison.pair(seed).second for seed in range(3)) / 3 / comparison.clips
    assert results.ALL in rows[-1] and f"{100 * right:.1f}&nbsp;%" in rows[-1]
    assert f"{100 * comparison.change()[0]:.1f}".replace("-", "−") in rows[-1]
    assert table.fields["seeds"] == "3"


def test_the_figures_have_every_seed(committed):
    comparison, studies = committed
    changes = results.plot_changes(comparison, "tiny_conv").to_dict()
    (every,) = [row for row in rows_of(changes) if row.get("label") == results.ALL][:1]
    assert every["seeds"] == pytest.approx(
        [100 * comparison.pair(seed).change for seed in range(len(comparison.seeds))]
    )
    rows = rows_of(results.plot_recalls(comparison, studies).to_dict())
    own = [row["recall"] for row in rows if row["label"] == "left"]
    scores = [each.value("per_label", split="testing")["left"]["accuracy"] for each in studies]
    assert own == pytest.approx(scores)


def count(svg, description):
    return svg.count(f'aria-roledescription="{description}"')


def test_each_seed_has_a_stroke_and_each_network_a_look(committed):
    comparison, studies = committed
    seeds, labels = len(comparison.seeds), len(comparison.labels)
    changes = vl_convert.vegalite_to_svg(results.plot_changes(comparison, "tiny_conv").to_dict())
    assert count(changes, "tick") == seeds * (labels + 1)
    assert count(changes, "point") == labels + 1
    spec = results.plot_recalls(comparison, studies).to_dict()
    recalls = vl_convert.vegalite_to_svg(spec)
    assert count(recalls, "tick") == (seeds - 1) * (2 * labels + 1)
    assert count(recalls, "point") == 2 * labels + 1
    assert all(text in recalls for text in ("without left", "with left", GREY, GREEN))
    assert (
        spec["description"]
        and len(set(spec["layer"][2]["encoding"]["shape"]["scale"]["range"])) == 2
    )


def test_a_single_seed_leaves_no_empty_layer_of_strokes():
    one = replace(MADE_UP, seeds=(0,), pairs=MADE_UP.pairs[:1])
    chart = results.plot_recalls(one, []).to_dict()
    assert [layer["mark"]["type"] for layer in chart["layer"]] == ["rule", "point"]
