"""Grids for logits: what the softmax makes of them."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kwslib.errors import InputError
from kwslib.quantize.affine import choose_qparams, dequantize, quantize
from kwslib.quantize.quantizers import choose_logits_qparams, softmax_divergence


def logits(seed=0, lowest=-150.0):
    """Of a sure network: the highest near 0 and the others far below it or close."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(200, 4, generator=generator) * lowest
    close = torch.randn(200, 2, generator=generator)
    x[:, :2] = close
    return x


def on(x, grid):
    return dequantize(quantize(x, grid), grid)


def test_divergence_is_torchs():
    x, y = logits(0), logits(1)
    expected = torch.nn.functional.kl_div(
        y.log_softmax(1), x.log_softmax(1), reduction="batchmean", log_target=True
    )
    assert softmax_divergence(x, y) == pytest.approx(float(expected), rel=1e-5)
    assert float(softmax_divergence(x, x)) == 0
    both = softmax_divergence(x, torch.stack([x, y]))
    assert both.tolist() == pytest.approx([0, float(expected)], rel=1e-5)


@pytest.mark.parametrize("count", [20, pytest.param(100, marks=pytest.mark.long)])
def test_the_softmax_changes_less_than_on_a_grid_for_all(count):
    @settings(max_examples=count)
    @given(seed=st.integers(0, 50), bits=st.integers(3, 8))
    def check(seed, bits):
        x = logits(seed)
        ours = softmax_divergence(x, on(x, choose_logits_qparams(x, bits)))
        for method in ("minmax", "mse"):
            grid = choose_qparams(x, bits, symmetric=False, method=method)
            assert ours <= softmax_divergence(x, on(x, grid)) * 1.001 + 1e-9

    check()


def test_low_logits_are_clamped_so_that_close_ones_are_told_apart():
    x = logits()
    grid = choose_logits_qparams(x, 8)
    assert float(grid.scale) < 0.3 * (150 / 255)
    assert (on(x, grid).argmax(1) == x.argmax(1)).float().mean() > 0.97


def test_logits_that_are_none():
    with pytest.raises(InputError, match="no number"):
        choose_logits_qparams(torch.empty(0, 4), 8)
    with pytest.raises(InputError, match="NaN or infinite"):
        choose_logits_qparams(torch.tensor([[0.0, float("nan")]]), 8)
