import numpy as np
import pytest
from scipy.stats import binomtest

from kwslib.training.paired import Pair, change_interval, differences_of, tally


def test_a_pair_counts_each_clip_once():
    first = np.array([True, True, False, False, True])
    second = np.array([True, False, True, False, False])
    pair = Pair.of(first, second)
    assert pair == Pair(both=1, lost=2, gained=1, neither=1)
    assert (pair.clips, pair.first, pair.second) == (5, first.sum(), second.sum())
    assert pair.change == pytest.approx(second.mean() - first.mean())
    assert pair + pair == Pair(2, 4, 2, 2)


@pytest.mark.parametrize(("lost", "gained"), [(0, 0), (1, 0), (5, 5), (18, 6), (3, 24), (150, 90)])
def test_the_p_value_is_the_exact_binomial_one(lost, gained):
    pair = Pair(100, lost, gained, 10)
    expected = binomtest(gained, lost + gained).pvalue if lost + gained else 1.0
    assert pair.p_value == pytest.approx(expected, rel=1e-9)


def test_the_interval_of_one_pair_is_bonett_and_prices():
    lost, gained, clips = 9, 21, 100
    differences = np.repeat([-1.0, 1.0, 0.0], [lost, gained, clips - lost - gained])
    up, down = (gained + 1) / (clips + 2), (lost + 1) / (clips + 2)
    margin = 1.96 * np.sqrt((up + down - (up - down) ** 2) / (clips + 2))
    assert change_interval(differences) == pytest.approx(
        (up - down - margin, up - down + margin), abs=1e-5
    )


@pytest.mark.parametrize(("clips", "most"), [(30, 1.0), (300, 0.98)])
def test_the_interval_holds_the_truth_95_times_in_100_or_more_often_where_clips_are_few(
    clips, most
):
    rng = np.random.default_rng(0)
    held = []
    for _ in range(2_000):
        draws = rng.choice([-1.0, 0.0, 1.0], clips, p=[0.06, 0.92, 0.02])
        low, high = change_interval(draws)
        held.append(low <= -0.04 <= high)
    assert 0.94 < np.mean(held) <= most


def test_an_interval_has_a_width_where_no_clip_differs():
    low, high = change_interval(np.zeros(50))
    assert -0.1 < low < 0 < high < 0.1


def test_a_tally_keeps_every_clips_difference():
    rng = np.random.default_rng(1)
    first, second = rng.random((2, 3, 200)) < 0.8
    table = tally(list(first), list(second))
    assert np.sum(table) == 200 and len(table) == 4
    expected = second.mean(axis=0) - first.mean(axis=0)
    np.testing.assert_allclose(np.sort(differences_of(table)), np.sort(expected), atol=1e-12)
