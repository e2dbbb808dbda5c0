"""Timing against calls of a known length and an interval known from tables."""

import time

import numpy as np
import pytest
import torch
from torch import nn

from kwslib import models
from kwslib.cost import run_time
from kwslib.cost.timing import median_interval
from kwslib.errors import InputError

SUBJECT = {"network": "tiny_conv"}


class Sleep(nn.Module):
    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        assert not self.training
        assert torch.get_num_threads() == 1
        time.sleep(self.seconds)
        return x


def test_a_call_of_known_length():
    network = Sleep(0.002)
    timing = run_time(network, subject={"network": "sleep"}, repetitions=20, warm_up=3)

    assert network.calls == 23
    assert 2000 <= timing.median.value < 20_000
    low, high = timing.median.interval
    assert low <= timing.median.value <= high


def test_records_say_what_and_where():
    timing = run_time(models.create("tiny_conv", 4), subject=SUBJECT, repetitions=30, warm_up=2)

    for record in (timing.median, timing.quantiles):
        assert (record.method, record.unit, record.target) == ("measured", "us", "host")
        assert record.machine
        assert record.subject["batch"] == record.subject["threads"] == 1
        assert record.subject["repetitions"] == 30
        assert record.subject["network"] == "tiny_conv"
    quantiles = list(timing.quantiles.value.values())
    assert quantiles == sorted(quantiles)
    assert timing.quantiles.value["0.5"] == timing.median.value


def test_leaves_threads_and_mode_as_they_were():
    network = models.create("tiny_conv", 4).train()
    threads = torch.get_num_threads()
    run_time(network, subject=SUBJECT, repetitions=10, warm_up=0)

    assert network.training
    assert torch.get_num_threads() == threads


def test_median_interval_takes_the_tabled_ranks():
    # n = 100: the 40th and 61st of the ordered values (Conover, table of the binomial)
    assert median_interval(np.arange(1.0, 101.0)) == (41.0, 61.0)


def test_median_interval_covers_the_median_in_about_95_percent():
    generator = np.random.default_rng(0)
    intervals = [median_interval(generator.exponential(size=101)) for _ in range(2000)]
    covered = np.mean([low <= np.log(2) <= high for low, high in intervals])

    assert 0.93 < covered < 0.985


@pytest.mark.skipif(torch.cuda.is_available(), reason="tells what happens without a GPU")
def test_no_gpu_is_the_users_mistake():
    with pytest.raises(InputError, match="no GPU"):
        run_time(nn.Identity(), subject={}, device="cuda")


def test_too_few_repetitions():
    with pytest.raises(InputError, match="at least 10"):
        run_time(nn.Identity(), subject={}, repetitions=3)
