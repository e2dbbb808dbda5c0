from itertools import pairwise

import torch

from kwslib import models
from kwslib.models.standardise import Standardised
from kwslib.training.fit import Average, decay_at


def test_the_moving_average_forgets_the_start_soon():
    decays = [decay_at(0.99, step) for step in range(2_000)]
    assert decays[0] == 0.1 and decays[-1] == 0.99
    assert all(a <= b for a, b in pairwise(decays))


def test_the_average_is_that_of_all_steps_by_hand():
    network = Standardised(models.create("ds_cnn", 4), 0.5, 0.2)
    average = Average(network, 0.99)
    norm, mean = network.network.first_norm, average.network.network.first_norm
    by_hand = norm.running_mean.clone()
    for step in range(3):
        average.before_step(step, 3)
        norm.running_mean.fill_(step + 1.0)
        norm.num_batches_tracked.fill_(step)
        average.after_step()
        by_hand = decay_at(0.99, step) * by_hand + (1 - decay_at(0.99, step)) * (step + 1)
        torch.testing.assert_close(mean.running_mean, by_hand)
        assert mean.num_batches_tracked == step
