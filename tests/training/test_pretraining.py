"""Learning all words first: which they are, and what a smaller last layer keeps of them."""

import pytest
import torch

from kwslib import models
from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.training.pretraining import every_word, take_over


@pytest.fixture
def dataset(tones):
    return Dataset(open_source(tones), Task.of("yes,no"))


def test_every_word_is_a_label_and_the_keywords_come_first(dataset):
    task = every_word(dataset)
    assert task.keywords[:2] == ("yes", "no")
    others = {name.split("/")[0] for name in dataset.source.unknown_clips((), "training")}
    assert set(task.keywords) == others
    larger = Dataset(dataset.source, task)
    counts = larger.per_label()["training"]
    assert counts["_unknown_"] == 0
    assert 0 < counts["_silence_"] <= dataset.per_label()["training"]["_silence_"] * 1.5


@pytest.mark.parametrize("model", ["tiny_conv", "ds_cnn", "funnel_small"])
def test_a_label_keeps_its_score_and_unknown_has_the_mean_of_all_other_words(model):
    known_labels = ("_silence_", "_unknown_", "yes", "no", "cat", "dog", "six")
    labels = ("_silence_", "_unknown_", "no", "yes")
    torch.manual_seed(0)
    known, network = (models.create(model, len(each)).eval() for each in (known_labels, labels))
    take_over(network, labels, known, known_labels)
    images = torch.rand(5, 1, 49, 40)
    theirs, ours = known(images), network(images)
    expected = torch.stack([theirs[:, 0], theirs[:, 4:].mean(1), theirs[:, 3], theirs[:, 2]], dim=1)
    torch.testing.assert_close(ours, expected)


def test_with_the_same_labels_all_is_taken_over():
    labels = ("_silence_", "_unknown_", "yes")
    known, network = (models.create("tc_resnet8", 3).eval() for _ in range(2))
    take_over(network, labels, known, labels)
    images = torch.rand(5, 1, 49, 40)
    torch.testing.assert_close(network(images), known(images))
