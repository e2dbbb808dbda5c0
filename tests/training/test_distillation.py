import math

import pytest
import torch

from kwslib.training.distillation import divergence


def test_divergence_by_hand():
    """Of (1/2, 1/2) from a teacher's (3/4, 1/4): 3/4 ln(3/2) + 1/4 ln(1/2)."""
    found = divergence(torch.zeros(1, 2), torch.tensor([[math.log(3), 0.0]]), 1)
    assert float(found) == pytest.approx(0.75 * math.log(1.5) + 0.25 * math.log(0.5), rel=1e-5)


def test_divergence_is_zero_where_probabilities_agree():
    logits = torch.randn(5, 4)
    assert float(divergence(logits, logits + 3, 2)) == pytest.approx(0, abs=1e-6)


def test_gradients_keep_their_size_at_a_high_temperature():
    wanted = torch.tensor([[2.0, 0.0, -1.0]])
    sizes = []
    for temperature in (50, 100):
        logits = torch.zeros(1, 3, requires_grad=True)
        divergence(logits, wanted, temperature).backward()
        sizes.append(float(logits.grad.norm()))
    assert sizes[0] == pytest.approx(sizes[1], rel=0.02)
