"""Fine-tuning of pruned networks: zeros stay, schedules, rates."""

import copy
from dataclasses import replace
from functools import partial

import pytest
import torch

from kwslib.data.augment import Augmentation
from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.errors import InputError
from kwslib.models.channels import with_widths
from kwslib.models.standardise import Standardised
from kwslib.prune import finetune as finetuning
from kwslib.prune.finetune import (
    FineTuning,
    Gradual,
    finetune,
    gradual_amount,
    prune_and_tune,
)
from kwslib.prune.masks import weights_of, zeros_of
from kwslib.prune.unstructured import smallest, smallest_blocks
from kwslib.training import passes as tuning
from kwslib.training.fit import fit
from kwslib.training.passes import accuracy_on
from kwslib.training.recipe import Recipe

TRAINING = Recipe(epochs=8, batch=32, learning_rate=5e-3, augmentation=Augmentation(shift_ms=60))
SHORT = FineTuning(replace(TRAINING, epochs=3))


@pytest.fixture(scope="module")
def dataset(tones):
    return Dataset(open_source(tones), Task())


@pytest.fixture(scope="module")
def network(dataset, tmp_path_factory):
    return fit("tiny_conv", dataset, TRAINING, 0, tmp_path_factory.mktemp("run"), False).network


def equal(one, other):
    return all(torch.equal(tensor, other.state_dict()[name])
               for name, tensor in one.state_dict().items())  # fmt: skip


def test_pruned_weights_stay_zero_and_the_network_learns(network, dataset):
    masks = smallest(network, 0.97)
    cut = copy.deepcopy(network)
    masks.apply(cut)
    pruned = finetune(cut, dataset, replace(SHORT, training=TRAINING), 0)
    assert zeros_of(pruned).left == masks.left
    for name, remains in masks.remaining.items():
        assert not weights_of(pruned)[name][~remains].any()
    clips = dataset.examples("validation")
    assert accuracy_on(pruned, clips) > accuracy_on(cut, clips)
    assert not pruned.training and pruned.conv.padding_value == 0


def test_it_repeats_and_leaves_the_network_alone(network, dataset):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    first, second = (finetune(network, dataset, SHORT, 3) for _ in range(2))
    assert equal(first, second)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_dropout_is_off_while_a_pruned_network_is_trained_and_comes_back(network, dataset):
    droppy, plain = copy.deepcopy(network), copy.deepcopy(network)
    droppy.dropout.p, plain.dropout.p = 0.9, 0.0
    tuned = finetune(droppy, dataset, SHORT, 3)
    assert equal(tuned, finetune(plain, dataset, SHORT, 3))
    assert (droppy.dropout.p, tuned.dropout.p) == (0.9, 0.9)


def test_what_was_pruned_before_stays_so_when_more_is(network, dataset):
    pruned = copy.deepcopy(network)
    smallest(pruned, 0.5, "layer").apply(pruned)
    how = replace(SHORT, schedule="gradual")
    more = prune_and_tune(pruned, smallest, 0.9, dataset, how, 0)
    assert zeros_of(more).left == 1664
    for name, remains in zeros_of(pruned).remaining.items():
        assert not weights_of(more)[name][~remains].any()


def test_a_network_that_lost_channels_learns_on(network, dataset):
    smaller = with_widths(network, {"conv": 2})
    tuned = finetune(smaller, dataset, SHORT, 0)
    assert tuned.conv.weight.shape == (2, 1, 10, 8)
    assert not torch.equal(tuned.conv.weight, smaller.conv.weight)


@pytest.mark.parametrize("schedule", ["one_shot", "iterative", "gradual"])
@pytest.mark.parametrize("choose", [smallest, partial(smallest_blocks, kind="l1")])
def test_every_schedule_ends_at_the_amount(network, dataset, schedule, choose):
    how = replace(SHORT, schedule=schedule)
    pruned = prune_and_tune(network, choose, 0.9, dataset, how, 0)
    assert zeros_of(pruned).left == choose(network, 0.9).left


def test_iterative_pruning_leaves_the_same_share_in_each_round(network, dataset, monkeypatch):
    tuned = []

    def record(network, dataset, how, seed, rounds):
        tuned.append((zeros_of(network).left, rounds))
        return network

    monkeypatch.setattr(finetuning, "finetune", record)
    monkeypatch.setattr(finetuning, "ROUNDS", 3)
    how = replace(SHORT, schedule="iterative")
    prune_and_tune(network, smallest, 0.875, dataset, how, 0)
    assert tuned == [(8320, 3), (4160, 3), (2080, 3)]


def test_the_gradual_amount_is_the_papers():
    assert [gradual_amount(0.8, share) for share in (0, 0.5, 1, 2)] == pytest.approx(
        [0, 0.7, 0.8, 0.8]
    )
    # s_t = s_f + (s_i - s_f) (1 - (t - t_0) / (n dt))^3, with s_i = 0
    for share in (0.1, 0.3, 0.77):
        assert gradual_amount(0.9, share) == pytest.approx(0.9 + (0 - 0.9) * (1 - share) ** 3)


@pytest.mark.parametrize("rewind", [None, 2])
def test_gradual_pruning_follows_it_and_then_holds(network, rewind, monkeypatch):
    monkeypatch.setattr(finetuning, "UNTIL", 0.5)
    how = FineTuning(TRAINING, "gradual", rewind=rewind)
    own = Standardised.of_trained(with_widths(network, {"conv": 8}), 0.4, 0.2)
    gradual, steps, left = Gradual(own, smallest, 0.9, how), 160, []
    begin = 0 if rewind is None else 120
    for step in range(begin, steps):
        gradual.before_step(step, steps)
        left.append(zeros_of(own.network).left)
    wanted = [gradual_amount(0.9, each / (0.5 * (steps - begin)))
              for each in range(0, steps - begin, 10)]  # fmt: skip
    for index, amount in enumerate(wanted):
        assert left[10 * index] == 16_640 - round(amount * 16_640)
    assert left == sorted(left, reverse=True)
    assert left[-1] == left[(steps - begin) // 2] == 1664


def test_gradual_pruning_compares_weights_as_they_are_deployed(network, dataset):
    own = Standardised.of_trained(with_widths(network, {"conv": 8}), 0.4, 0.01)
    how = FineTuning(TRAINING, "gradual")
    Gradual(own, smallest, 0.9, how).before_step(159, 160)
    wanted = smallest(network, 0.9).remaining
    for name, remains in zeros_of(own.network).remaining.items():
        assert torch.equal(remains, wanted[name])


@pytest.mark.parametrize("until", [0.3, 0.99])
@pytest.mark.parametrize("epochs", [1, 2, 5])
def test_what_is_kept_of_gradual_pruning_is_fully_pruned(
    network, dataset, epochs, until, monkeypatch
):
    worse_and_worse = iter(range(10, 0, -1))  # so that the earliest pass that may be kept is kept
    monkeypatch.setattr(tuning, "accuracy_on", lambda *_: next(worse_and_worse))
    monkeypatch.setattr(finetuning, "UNTIL", until)
    how = FineTuning(replace(TRAINING, epochs=epochs), "gradual")
    assert zeros_of(prune_and_tune(network, smallest, 0.9, dataset, how, 0)).left == 1664


def test_rewinding_repeats_the_rates_of_the_last_passes(network, dataset, monkeypatch):
    asked = {}
    monkeypatch.setattr(finetuning, "tune", lambda *_, **more: asked.update(more))
    finetune(network, dataset, FineTuning(TRAINING, rewind=3), 0)
    assert asked["first"] == 5
    finetune(network, dataset, FineTuning(TRAINING, rewind=3), 0, rounds=2)
    assert asked["first"] == 7
    finetune(network, dataset, SHORT, 0)
    assert asked["first"] == 0


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"schedule": "sudden"}, "schedule 'sudden': must be one of one_shot, iterative, gradual"),
        ({"rewind": 9}, "rewind 9: the training had 8 epochs"),
        ({"rewind": 0}, "rewind 0"),
    ],
)
def test_settings_that_are_none(settings, words):
    with pytest.raises(InputError, match=words):
        FineTuning(TRAINING, **settings)


def test_what_cannot_be_tuned(network, dataset):
    with pytest.raises(InputError, match="amount 1: must be a share"):
        prune_and_tune(network, smallest, 1.0, dataset, SHORT, 0)
