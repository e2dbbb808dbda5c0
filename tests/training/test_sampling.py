"""The clips of a pass, counted and looked up in the data set."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kwslib.data.dataset import Dataset, Examples, open_source
from kwslib.data.task import Task
from kwslib.errors import InputError
from kwslib.training.recipe import Recipe
from kwslib.training.sampling import Stock, stock_of


@pytest.fixture
def dataset(tones):
    return Dataset(open_source(tones), Task.of("yes,no"))


def drawn(stock, seed):
    return stock.draw(torch.Generator().manual_seed(seed)).numpy()


def length(stock):
    """Clips in a pass."""
    return len(drawn(stock, 0))


def test_without_a_larger_stock_a_pass_takes_the_clips_of_the_task_as_it_always_did(dataset):
    stock = stock_of(dataset, Recipe())
    assert stock.examples.names == dataset.examples("training").names
    expected = torch.randperm(length(stock), generator=torch.Generator().manual_seed(3))
    assert (drawn(stock, 3) == expected.numpy()).all()


def test_a_pass_takes_all_keywords_and_as_many_others_as_the_task(dataset):
    own, stock = dataset.examples("training"), stock_of(dataset, Recipe(stock=3))
    places = drawn(stock, 0)
    assert len(places) == length(stock) == len(own)
    assert len(set(places)) == len(places)
    assert (np.bincount(stock.examples.labels[places]) == np.bincount(own.labels)).all()
    keywords = {name for name, label in zip(own.names, own.labels, strict=True) if label > 1}
    taken = {stock.examples.names[place] for place in places}
    assert keywords <= taken


def test_passes_take_other_silence_and_every_clip_is_of_the_training_split(dataset):
    stock = stock_of(dataset, Recipe(stock=3))
    first, second = (set(drawn(stock, seed)) for seed in (0, 1))
    assert first != second
    larger = replace(dataset.task, silence_percent=99, unknown_percent=99)
    training = Dataset(dataset.source, larger).names["training"]
    assert set(stock.examples.names) == set(training)
    held_out = {*dataset.names["validation"], *dataset.names["testing"]}
    assert not held_out & set(stock.examples.names)


@settings(max_examples=50)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(0, 30), st.integers(0, 99))
def test_no_label_stands_in_one_place(labels, few, seed):
    """What is taken in part is spread over the pass as the rest is: any order is as likely."""
    examples = Examples(("",) * len(labels), np.array(labels), np.empty((len(labels), 98, 40)))
    stock = Stock(examples, {0: few})
    found = examples.labels[drawn(stock, seed)]
    assert (found == 0).sum() == min(few, labels.count(0))
    assert len(found) == length(stock)


def test_the_few_are_spread_evenly():
    labels = np.repeat([0, 1], [5000, 500])
    stock = Stock(Examples(("",) * 5500, labels, np.empty((5500, 1, 1))), {0: 500})
    halves = labels[drawn(stock, 0)].reshape(2, 500)
    assert abs((halves == 0).mean(axis=1) - 0.5).max() < 0.08  # 3.6 deviations


def test_a_pass_takes_more_other_words_but_no_more_than_there_are(dataset):
    own = np.bincount(dataset.examples("training").labels)
    there = np.bincount(stock_of(dataset, Recipe(stock=20)).examples.labels)[1]
    for share in (2, 20):
        stock = stock_of(dataset, Recipe(stock=20, unknown_share=share))
        expected = own.copy()
        expected[1] = min(share * own[1], there)
        places = drawn(stock, 0)
        assert len(places) == length(stock)
        assert (np.bincount(stock.examples.labels[places]) == expected).all()
        ratio = torch.tensor([1.0, expected[1] / own[1], 1.0, 1.0], dtype=torch.float32)
        torch.testing.assert_close(stock.log_shares(4).exp(), ratio)


@settings(max_examples=50)
@given(
    st.lists(st.floats(0.05, 1), min_size=4, max_size=4),
    st.lists(st.floats(0.05, 1), min_size=4, max_size=4),
    st.integers(1, 9),
)
def test_logits_of_the_task_fit_passes_of_other_shares(priors, likelihoods, share):
    """Bayes' rule: of a clip with these likelihoods, the best logits on the passes' clips are the
    task's plus the logarithms of the shares.
    """
    prior, likelihood = (np.array(each) for each in (priors, likelihoods))
    shares = np.array([1, share, 1, 1])
    of_task = prior * likelihood / (prior * likelihood).sum()
    of_pass = shares * prior * likelihood / (shares * prior * likelihood).sum()
    stock = Stock(Examples((), np.empty(0, int), np.empty((0, 98, 40))), {}, {1: share})
    found = (torch.tensor(of_task).log() + stock.log_shares(4)).softmax(0)
    np.testing.assert_allclose(found, of_pass, rtol=1e-5)


def test_a_share_that_the_stock_cannot_give():
    with pytest.raises(InputError, match="unknown_share 3: must be at most the stock, 2"):
        Recipe(stock=2, unknown_share=3)


def test_a_stock_of_nothing():
    with pytest.raises(InputError, match="stock 0: must be at least 1"):
        Recipe(stock=0)
