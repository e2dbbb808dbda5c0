"""Networks side by side: what is drawn, named, and joined by the line."""

import pytest
import vl_convert
from hypothesis import given
from hypothesis import strategies as st

from kwslib.results.charts import pareto as charts
from kwslib.results.charts.pareto import KINDS, OURS, front, pareto

COSTS = {"macs": "million operations", "ms": "milliseconds"}


def row(network, accuracy, macs, ms=None, kind=OURS, low=None, high=None):
    return {"network": network, "kind": kind, "accuracy": accuracy, "low": low, "high": high,
            "macs": macs, "ms": ms, "note": ""}  # fmt: skip


ROWS = [
    row("small", 0.93, 0.3, 5.0, low=0.92, high=0.94),
    row("worse", 0.92, 0.5, 6.0),
    row("middle", 0.97, 0.9, 20.0),
    row("theirs", 0.96, 3.0, kind="others, v0.01"),
    row("large", 0.98, 2.0, 60.0, kind="others, v0.02"),
]


def test_a_panel_for_each_cost_that_is_known():
    spec = pareto(ROWS, COSTS, "words").to_dict()
    assert len(spec["vconcat"]) == 2
    assert len(pareto([ROWS[3]], COSTS, "words").to_dict()["vconcat"]) == 1
    assert "Accuracy on words" in spec["description"] and "theirs" in spec["description"]
    svg = vl_convert.vegalite_to_svg(pareto(ROWS, COSTS, "words").to_json())
    for words in ("small", "million operations", "milliseconds", "others, v0.01"):
        assert words in svg
    assert "MLPerf" not in svg and "NaN" not in svg
    assert set(KINDS) > {each["kind"] for each in ROWS}


def named(rows):
    ends = charts._ends_of_costs([each["macs"] for each in rows]), charts._ends_of_accuracies(rows)
    return {each["network"]: each["side"] for each in charts._with_sides(rows, "macs", *ends)}


def test_names_stand_where_there_is_room():
    assert set(named(ROWS).values()) == {"right"} or "left" in named(ROWS).values()
    crowd = [row(f"network number {i}", 0.95 + i / 1e5, 1 + i / 1e4) for i in range(9)]
    sides = [side for side in named([*crowd, row("far", 0.5, 100.0)]).values() if side]
    assert len(sides) < 9 and len(set(sides)) > 1


def test_our_own_names_come_first_and_others_once():
    two = [row("theirs", 0.95, 1.0, kind="others, v0.01"), row("ours", 0.95, 1.0)]
    assert named(two)["ours"] == "right" or named(two)["theirs"] == ""
    twice = [
        row("theirs", 0.95, 1.0, kind="others, v0.01"),
        row("theirs", 0.97, 10.0, kind="others, v0.02"),
    ]
    ends = (0.5, 20.0), (0.9, 1.0)
    sides = [each["side"] for each in charts._with_sides(twice, "macs", *ends)]
    assert sides == ["", "right"]


def test_no_name_stands_on_the_line_where_it_has_room():
    """The line leaves a mark to the right and comes from below; an interval is above and below."""
    two = [
        row("cheap", 0.93, 0.3, low=0.92, high=0.94), row("better", 0.97, 3.0, low=0.96, high=0.98)
    ]  # fmt: skip
    ends = (0.1, 9.0), (0.9, 1.0)
    sides = [each["side"] for each in charts._with_sides(two, "macs", *ends, two)]
    assert sides == ["left", "right"]


@pytest.mark.parametrize("macs", [0.3, 1.0, 336.0])
def test_a_single_cost_has_an_axis(macs):
    low, high = charts._ends_of_costs([macs])
    assert low < macs / 1.5 and high > 1.5 * macs


def test_no_layer_of_strokes_is_empty():
    def rules(rows):
        (panel,) = pareto(rows, {"macs": "operations"}, "words").to_dict()["vconcat"]
        return [each for each in panel["layer"] if each["mark"]["type"] == "rule"]

    assert rules(ROWS) and not rules(ROWS[1:])


def front_row(name, accuracy, macs, ms=None):
    return {"network": name, "accuracy": accuracy, "macs": macs, "ms": ms}


FRONT_ROWS = [
    front_row("small", 0.93, 0.3, 5.0),
    front_row("worse", 0.92, 0.5, 6.0),
    front_row("middle", 0.97, 0.9, 20.0),
    front_row("theirs", 0.96, 3.0),
    front_row("large", 0.98, 2.0, 60.0),
]


def names(rows, cost):
    return [each["network"] for each in front(rows, cost, "accuracy")]


def test_the_front_is_what_nothing_beats():
    assert names(FRONT_ROWS, "macs") == ["small", "middle", "large"]
    assert names(FRONT_ROWS[:2], "ms") == ["small"]
    assert names([front_row("a", 0.9, 1.0), front_row("b", 0.95, 1.0)], "macs") == ["b"]
    assert names([FRONT_ROWS[3]], "ms") == []


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_by_definition(pairs):
    """Every row is on the front, or another costs no more and is worth no less."""
    rows = [{"cost": cost, "worth": worth} for cost, worth in pairs]
    found = front(rows, "cost", "worth")
    for each in rows:
        beaten = any(
            other["cost"] <= each["cost"] and other["worth"] >= each["worth"] and other != each
            for other in rows
        )
        assert beaten != (each in found)
    assert len(found) == len({row["cost"] for row in found})
