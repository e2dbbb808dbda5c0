"""Words that can or cannot be told apart, the classifier against the textbook's formula."""

from typing import ClassVar

import numpy as np
import pytest
import torch

from kwslib.errors import InputError
from kwslib.features.views import VIEWS
from kwslib.studies.separability import (
    Words,
    fisher_ratio,
    pack,
    ridge_predictions,
    separations,
    two_groups,
    unpack,
)


class Tones:
    """A source whose words are tones; each clip starts somewhere else."""

    name = "tones"
    hertz: ClassVar = {"low": 500.0, "high": 2500.0}

    def __init__(self, splits=("training", "validation", "testing")):
        self.splits = splits

    def check_word(self, word):
        if word not in self.hertz:
            raise InputError(f"keyword {word!r}: no such tone")

    def keyword_clips(self, word, split):
        return [f"{word}/{split}{number:02d}_nohash_0" for number in range(20)]

    def has_audio(self, split):
        return split in self.splits

    def audio(self, names):
        return np.stack([self._clip(name) for name in names])

    def _clip(self, name):
        random = np.random.default_rng(list(name.encode()))
        time = np.arange(16_000) / 16_000 + random.uniform()
        tone = 3000 * np.sin(2 * np.pi * self.hertz[name.split("/")[0]] * time)
        return (tone + random.normal(0, 300, 16_000)).astype(np.int16)


def test_tones_are_told_apart_by_frequency_and_not_by_samples():
    found = {each["kind"]: each for each in separations(*two_groups(Tones(), ["low", "high"], 15))}
    assert list(found) == list(VIEWS)
    assert found["logmel-u8"]["correct"] == found["mfcc"]["correct"] == 30
    assert found["waveform"]["correct"] < 0.8 * 30
    assert found["logmel-u8"]["fisher"] > 5 > 0.5 > found["waveform"]["fisher"]
    assert all(each["clips"] == 30 for each in found.values())


def test_training_and_validation_where_both_are_sound():
    fitted, unheard = two_groups(Tones(), ["low", "high"], 4)
    assert fitted.audio.shape == unheard.audio.shape == (8, 16_000)
    assert fitted.labels.tolist() == unheard.labels.tolist() == [0] * 4 + [1] * 4
    np.testing.assert_array_equal(fitted.audio[0], Tones()._clip("low/training00_nohash_0"))
    np.testing.assert_array_equal(unheard.audio[0], Tones()._clip("low/validation00_nohash_0"))


def test_halves_of_the_test_set_share_no_speaker():
    source = Tones(splits=("testing",))
    asked = []
    source.audio = lambda names: asked.append(list(names)) or np.zeros((len(names), 16_000))
    two_groups(source, ["low", "high"], 100)
    speakers = [{name.split("/")[1].split("_nohash_")[0] for name in names} for names in asked]
    assert speakers[0] and speakers[1]
    assert not speakers[0] & speakers[1]
    assert len(asked[0]) + len(asked[1]) == 40


def test_two_different_words_are_needed():
    with pytest.raises(InputError, match="two different words"):
        two_groups(Tones(), ["low", "low"], 4)
    with pytest.raises(InputError, match="no such tone"):
        two_groups(Tones(), ["low", "middle"], 4)


@pytest.mark.parametrize(("split", "end"), [("training", "fit on"), ("validation", "recognise")])
def test_a_word_without_clips_in_one_group_is_named(split, end):
    source = Tones()
    every = source.keyword_clips
    source.keyword_clips = lambda word, of: [] if (word, of) == ("high", split) else every(word, of)
    with pytest.raises(InputError, match=f"word 'high': tones has no clips of it to {end}$"):
        two_groups(source, ["low", "high"], 4)


def test_ridge_is_the_textbook_formula():
    random = np.random.default_rng(0)
    known, new = random.normal(size=(30, 7)), random.normal(size=(12, 7))
    labels = random.integers(0, 3, 30)
    mean, scale = known.mean(axis=0), known.std(axis=0) * np.sqrt(7)
    x, others, y = (known - mean) / scale, (new - mean) / scale, np.eye(3)[labels]
    primal = np.linalg.solve(x.T @ x + 2.0 * np.eye(7), x.T @ (y - y.mean(axis=0)))
    expected = (others @ primal + y.mean(axis=0)).argmax(axis=1)
    found = ridge_predictions(torch.from_numpy(known), labels, torch.from_numpy(new), penalty=2.0)
    np.testing.assert_array_equal(found, expected)


def test_a_constant_value_is_ignored():
    known = torch.tensor([[0.0, 5.0], [1.0, 5.0]])
    found = ridge_predictions(known, np.array([0, 1]), torch.tensor([[0.1, -900.0], [0.9, 900.0]]))
    assert found.tolist() == [0, 1]


def test_fisher_ratio_by_hand():
    # means 1 and 5, both variances 1: between 4, within 1
    vectors = torch.tensor([[0.0], [2.0], [4.0], [6.0]])
    assert fisher_ratio(vectors, np.array([0, 0, 1, 1])) == pytest.approx(4.0)
    assert fisher_ratio(torch.zeros(4, 2), np.array([0, 0, 1, 1])) == 0.0


def test_the_same_clips_give_the_same_figures():
    words = Words(Tones().audio(Tones().keyword_clips("low", "testing")), np.arange(20) % 2)
    assert separations(words, words, ["mfcc"]) == separations(words, words, ["mfcc"])


def test_which_clips_were_classified_correctly_is_kept():
    correct = np.random.default_rng(3).random(21) < 0.5
    assert unpack(pack(correct), 21).tolist() == correct.tolist()
    assert pack(np.array([1, 0, 0, 0, 0, 0, 0, 0, 1], bool)) == "8080"
    (one,) = separations(*two_groups(Tones(), ["low", "high"], 5), kinds=["waveform"])
    assert unpack(one["which"], one["clips"]).sum() == one["correct"]
