"""Several seeds as one number."""

import pytest

from kwslib.measurements import Record
from kwslib.results.over_seeds import points, summarised


def record(value, interval=None):
    return Record("accuracy", value, "fraction", "measured", interval=interval)


def test_the_mean_has_students_interval():
    found = summarised([record(0.90 + 0.01 * seed) for seed in range(5)])
    half = 2.776 * 0.0158114 / 5**0.5
    assert found["accuracy"] == pytest.approx(0.92) and found["seeds"] == 5
    assert (found["low"], found["high"]) == pytest.approx((0.92 - half, 0.92 + half), rel=1e-4)


def test_one_seed_has_the_interval_of_its_clips():
    found = summarised([record(0.9, (0.88, 0.91))])
    assert (found["accuracy"], found["low"], found["high"]) == (0.9, 0.88, 0.91)


def test_intervals_end_where_shares_do():
    found = summarised([record(0.5), record(1.0)])
    assert (found["low"], found["high"]) == (0.0, 1.0)


@pytest.mark.parametrize(
    "difference, text",
    [(0.012, "+1.2 points"), (-0.012, "−1.2 points"), (0.0004, "0.0 points"), (0, "0.0 points")],
)
def test_points_have_a_sign_where_there_is_a_difference(difference, text):
    assert points(difference) == text
