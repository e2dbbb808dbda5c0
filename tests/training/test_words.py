"""The lesson of all words, held against cross-entropy by hand and against what is kept."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from kwslib import models
from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.training import fit as fitting
from kwslib.training.fit import fit
from kwslib.training.passes import FirstOutputs, Words, first_outputs, words_of
from kwslib.training.recipe import Recipe

CLIPS = ["no/a", "_silence_/b", "go/c", "no/d", "yes/e"]
RECIPE = Recipe(epochs=2, batch=16, learning_rate=6e-3, averaging=0.9, stock=4, unknown_share=2)


@pytest.fixture
def dataset(tones):
    return Dataset(open_source(tones), Task.of("yes,no"))


def test_words_are_named_once_and_silence_is_none():
    words = words_of(CLIPS)
    assert words.names == ("go", "no", "yes")
    assert words.said.tolist() == [1, -1, 0, 1, 2]


def test_the_loss_is_the_mean_cross_entropy_to_which_silence_adds_nothing():
    logits = np.array([[1.0, 2.0, 0.5], [4.0, 0.0, 0.0], [0.0, 3.0, 1.0]])
    clips = torch.tensor([4, 1, 0])
    by_hand = [
        np.log(np.exp(row).sum()) - row[word]
        for row, word in ((logits[0], 2), (logits[2], 1))  # the middle one is silence
    ]
    loss = words_of(CLIPS).loss(torch.from_numpy(logits), clips)
    assert loss.item() == pytest.approx(sum(by_hand) / 3)


def test_nothing_but_silence_costs_nothing():
    assert words_of(CLIPS).loss(torch.randn(2, 3), torch.tensor([1, 1])).item() == 0


@pytest.mark.parametrize("name", models.names())
def test_the_first_outputs_are_those_of_a_smaller_network_with_their_weights(name):
    torch.manual_seed(0)
    larger, smaller = models.create(name, 9).eval(), models.create(name, 4).eval()
    smaller.load_state_dict(first_outputs(larger.state_dict(), smaller.state_dict()))
    images = torch.rand(3, 1, 49, 40)
    torch.testing.assert_close(smaller(images), FirstOutputs(larger, 4)(images))
    torch.testing.assert_close(smaller(images), larger(images)[:, :4])


def test_a_network_that_learned_words_is_kept_with_the_outputs_of_the_labels(dataset, tmp_path):
    recipe = replace(RECIPE, words_weight=0.5)
    kept = fit("ds_cnn", dataset, recipe, 3, tmp_path, progress=False)
    plain = models.create("ds_cnn", 4)
    assert {name: each.shape for name, each in kept.network.state_dict().items()} == {
        name: each.shape for name, each in plain.state_dict().items()
    }
    validation = dataset.examples("validation")
    images = torch.from_numpy(validation.deployed).unsqueeze(1).float() / 255
    with torch.inference_mode():
        right = (kept.network(images).argmax(1).numpy() == validation.labels).mean()
    assert right == pytest.approx(kept.best.validation_accuracy)


def test_words_are_learned(dataset, tmp_path, monkeypatch):
    losses: list[float] = []
    original = Words.loss

    def heard(words, logits, clips):
        loss = original(words, logits, clips)
        losses.append(loss.item())
        return loss

    monkeypatch.setattr(Words, "loss", heard)
    recipe = replace(RECIPE, epochs=12, words_weight=1.0)
    fit("tiny_conv", dataset, recipe, 0, tmp_path, progress=False)
    tenth = len(losses) // 10
    assert np.mean(losses[-tenth:]) < 0.5 * np.mean(losses[:tenth])


def test_a_run_that_learns_words_is_resumed_exactly(dataset, tmp_path, monkeypatch):
    recipe = replace(RECIPE, words_weight=0.5)
    whole = fit("ds_cnn", dataset, recipe, 3, tmp_path / "whole", progress=False)
    keep = fitting._keep

    def keep_and_stop(*state):
        keep(*state)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(fitting, "_keep", keep_and_stop)
        fit("ds_cnn", dataset, recipe, 3, tmp_path / "cut", progress=False)
    again = fit("ds_cnn", dataset, recipe, 3, tmp_path / "cut", progress=False)
    assert [each.validation_loss for each in again.history] == [
        each.validation_loss for each in whole.history
    ]
    theirs = whole.network.state_dict()
    assert all(torch.equal(each, theirs[name]) for name, each in again.network.state_dict().items())
