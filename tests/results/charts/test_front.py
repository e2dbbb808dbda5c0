"""The front, against its definition."""

from hypothesis import given
from hypothesis import strategies as st

from kwslib.results.charts.networks import front


def row(name, accuracy, macs, ms=None):
    return {"network": name, "accuracy": accuracy, "macs": macs, "ms": ms}


ROWS = [
    row("small", 0.93, 0.3, 5.0),
    row("worse", 0.92, 0.5, 6.0),
    row("middle", 0.97, 0.9, 20.0),
    row("theirs", 0.96, 3.0),
    row("large", 0.98, 2.0, 60.0),
]


def names(rows, cost):
    return [each["network"] for each in front(rows, cost, "accuracy")]


def test_the_front_is_what_nothing_beats():
    assert names(ROWS, "macs") == ["small", "middle", "large"]
    assert names(ROWS[:2], "ms") == ["small"]
    assert names([row("a", 0.9, 1.0), row("b", 0.95, 1.0)], "macs") == ["b"]
    assert names([ROWS[3]], "ms") == []


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
