"""Costs without zeros."""

import pytest
import torch
from residual import Residual, trained_looking
from separable import Separable

from kwslib import models
from kwslib.cost import cost_of
from kwslib.prune.masks import remaining_cost, weights_of
from kwslib.prune.unstructured import smallest


@pytest.mark.parametrize("make", [lambda: models.create("tiny_conv", 4), Residual, Separable])
def test_a_network_without_zeros_costs_what_it_costs(make):
    network = trained_looking(make())
    cost, found = cost_of(network), remaining_cost(network)
    counts = {"parameters": cost.parameters, "macs": cost.macs, "flops": cost.flops}
    assert found == counts


def test_every_weight_of_the_convolution_is_used_at_500_places():
    torch.manual_seed(0)
    network = models.create("tiny_conv", 4)
    masks = smallest(network, 0.9, "layer")
    masks.apply(network)
    conv, classifier = (int(each.count_nonzero()) for each in weights_of(network).values())
    assert (conv, classifier) == (64, 1600)
    found = remaining_cost(network)
    assert found["parameters"] == 64 + 1600 + 12
    assert found["macs"] == 64 * 500 + 1600
    assert found["flops"] == 2 * found["macs"] + 8 * 500 + 4
