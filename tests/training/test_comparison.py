import numpy as np
import pytest
import torch
from torch import nn

from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.errors import InputError
from kwslib.training.comparison import (
    Pair,
    change_interval,
    compare,
    differences_of,
    extra_word,
    tally,
)


class _Fixed(nn.Module):
    """Hears what it is told to, clip after clip."""

    def __init__(self, heard, labels):
        super().__init__()
        self.logits = nn.functional.one_hot(
            torch.tensor([labels.index(label) for label in heard]), len(labels)
        )
        self.start = 0

    def forward(self, x):
        rows = self.logits[self.start : self.start + len(x)].float()
        self.start += len(x)
        return rows


@pytest.fixture(scope="module")
def smaller(tones):
    return Dataset(open_source(tones), Task.of("yes,no"))


@pytest.fixture(scope="module")
def larger(tones):
    return Dataset(open_source(tones), Task.of("yes,no,up"))


def truth_of(data):
    names = np.array(data.task.labels)[data.labels("testing")]
    return dict(zip(data.names["testing"], names, strict=True))


def networks(smaller, larger, rng):
    """A pair that hears labels at random in the larger task's test clips."""
    pair = []
    for data in (smaller, larger):
        labels = list(data.task.labels)
        pair.append(list(rng.choice(labels, len(larger.names["testing"]))))
    return pair


def test_clips_compared_are_those_of_the_smaller_task_but_the_words_own(smaller, larger):
    rng = np.random.default_rng(0)
    first, second = networks(smaller, larger, rng)
    found = compare(
        smaller,
        larger,
        [(0, _Fixed(first, list(smaller.task.labels)), _Fixed(second, list(larger.task.labels)))],
    )
    before = truth_of(smaller)
    expected = [name for name in before if not name.startswith("up/")]
    assert 0 < len(expected) < len(before)
    assert found.clips == len(expected)
    assert found.extra == "up" and found.labels == ["_silence_", "_unknown_", "yes", "no"]


def test_every_count_is_that_of_the_clips_one_by_one(smaller, larger):
    rng = np.random.default_rng(1)
    heard = [networks(smaller, larger, rng) for _ in range(2)]
    found = compare(
        smaller,
        larger,
        [
            (seed, _Fixed(a, list(smaller.task.labels)), _Fixed(b, list(larger.task.labels)))
            for seed, (a, b) in enumerate(heard)
        ],
    )
    before, after = truth_of(smaller), truth_of(larger)
    changes = []
    for seed, (first, second) in enumerate(heard):
        pairs = {label: [0, 0, 0, 0] for label in found.labels}
        own = dict.fromkeys(smaller.task.labels, 0)
        for name, a, b in zip(larger.names["testing"], first, second, strict=True):
            if after[name] == "up":
                own[a] += 1
            if before.get(name) == after[name]:
                right = (a == after[name], b == after[name])
                place = {(True, True): 0, (True, False): 1, (False, True): 2, (False, False): 3}
                pairs[after[name]][place[right]] += 1
        assert found.pairs[seed] == {label: Pair(*counts) for label, counts in pairs.items()}
        assert found.heard[seed] == own
        changes.append(found.pair(seed).change)
    change, (low, high) = found.change()
    assert change == pytest.approx(np.mean(changes))
    assert low < change < high
    yes = [found.pairs[seed]["yes"].change for seed in (0, 1)]
    assert found.change("yes")[0] == pytest.approx(np.mean(yes))


@pytest.mark.parametrize("keywords", ["yes,no", "yes,up,down", "yes,no,up,down", "up,down,yes"])
def test_tasks_that_differ_by_another_thing_than_one_word_are_refused(keywords):
    with pytest.raises(InputError, match="one word more"):
        extra_word(Task.of("yes,no"), Task.of(keywords))


def test_the_extra_word_may_stand_anywhere():
    assert extra_word(Task.of("yes,no"), Task.of("up,yes,no")) == "up"


def test_a_pair_counts_each_clip_once():
    first = np.array([True, True, False, False, True])
    second = np.array([True, False, True, False, False])
    pair = Pair.of(first, second)
    assert pair == Pair(both=1, lost=2, gained=1, neither=1)
    assert (pair.clips, pair.first, pair.second) == (5, first.sum(), second.sum())
    assert pair.change == pytest.approx(second.mean() - first.mean())


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
