"""Fake quantization: values and gradients, torch's own and brevitas as the oracles."""

import pytest
import torch
from brevitas.core.function_wrapper import Identity
from brevitas.core.quant import IntQuant
from hypothesis import given
from hypothesis import strategies as st

from kwslib.quantize.affine import QParams, choose_qparams, dequantize, quantize
from kwslib.quantize.fake import fake_quantize, fake_quantize_learned


def numbers(seed, count=200):
    return torch.randn(count, generator=torch.Generator().manual_seed(seed))


def grid(scale, zero_point, low, high):
    return QParams(torch.tensor(scale), torch.tensor(zero_point, dtype=torch.int32), low, high)


@given(seed=st.integers(0, 99), bits=st.integers(2, 8), symmetric=st.booleans())
def test_values_are_those_of_quantizing_and_back(seed, bits, symmetric):
    x = numbers(seed)
    qparams = choose_qparams(x / 2, bits, symmetric=symmetric)
    assert torch.equal(fake_quantize(x, qparams), dequantize(quantize(x, qparams), qparams))


@pytest.mark.parametrize("scale, zero_point", [(0.1, 0), (0.3, -3), (0.02, 5)])
def test_gradients_are_torchs(scale, zero_point):
    ours, theirs = numbers(3).requires_grad_(), numbers(3).requires_grad_()
    fake_quantize(ours, grid(scale, zero_point, -8, 7)).mul(torch.arange(200.0)).sum().backward()
    expected = torch.fake_quantize_per_tensor_affine(theirs, scale, zero_point, -8, 7)
    expected.mul(torch.arange(200.0)).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_the_gradient_is_zero_where_a_number_was_clamped():
    x = torch.tensor([-9.0, -0.4, 0.0, 0.4, 9.0], requires_grad=True)
    fake_quantize(x, grid(0.1, 0, -8, 7)).sum().backward()
    assert x.grad.tolist() == [0, 1, 1, 1, 0]


def test_a_gradient_that_ignores_clamping_is_one_everywhere():
    x = torch.tensor([-9.0, 0.4, 9.0], requires_grad=True)
    fake_quantize(x, grid(0.1, 0, -8, 7), clipped_gradient=False).sum().backward()
    assert x.grad.tolist() == [1, 1, 1]


def test_by_channel():
    x = numbers(0, 12).reshape(3, 4).requires_grad_()
    qparams = choose_qparams(x, 3, symmetric=True, axis=0)
    found = fake_quantize(x, qparams)
    for row, expected in zip(found, x, strict=True):
        alone = choose_qparams(expected, 3, symmetric=True)
        torch.testing.assert_close(row, fake_quantize(expected, alone))


@pytest.mark.parametrize("scale", [0.05, 0.2, 0.9])
def test_a_learned_step_has_torchs_gradients(scale):
    x, low, high = numbers(7), -8, 7
    ours, theirs = (torch.tensor([scale], requires_grad=True) for _ in range(2))
    mine, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    weights = torch.linspace(-1, 1, len(x))
    (fake_quantize_learned(mine, ours, low, high) * weights).sum().backward()
    expected = torch._fake_quantize_learnable_per_tensor_affine(
        other, theirs, torch.zeros(1), low, high, (len(x) * high) ** -0.5
    )
    (expected * weights).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(mine.grad, other.grad)


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("zero_point", [0, 1])
def test_a_learned_step_has_brevitass_gradients(bits, zero_point):
    """Theirs is not divided by anything, so ours is, by what LSQ divides it by."""
    x, low, high = numbers(bits), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    ours, theirs = (torch.tensor([0.3], requires_grad=True) for _ in range(2))
    mine, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    weights = torch.linspace(-1, 1, len(x))
    (fake_quantize_learned(mine, ours, low, high, zero_point) * weights).sum().backward()
    quantizer = IntQuant(narrow_range=False, signed=True, input_view_impl=Identity())
    width, zero = torch.tensor(float(bits)), torch.tensor(float(zero_point))
    (quantizer(theirs, zero, width, other) * weights).sum().backward()
    divisor = (len(x) * max(high - zero_point, 1)) ** 0.5
    torch.testing.assert_close(ours.grad * divisor, theirs.grad, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(mine.grad, other.grad)


def test_a_learned_step_finds_the_least_error():
    x = numbers(1, 4000)
    scale = torch.tensor([1.5], requires_grad=True)
    optimizer = torch.optim.Adam([scale], lr=0.02)
    for _ in range(400):
        optimizer.zero_grad()
        (fake_quantize_learned(x, scale, -2, 1) - x).square().mean().backward()
        scale.grad *= (len(x) * 1) ** 0.5
        optimizer.step()
    tried = torch.linspace(0.3, 2.0, 171)
    errors = [
        float((fake_quantize_learned(x, step[None], -2, 1) - x).square().mean()) for step in tried
    ]
    best = float(tried[errors.index(min(errors))])
    assert float(scale.detach()) == pytest.approx(best, abs=0.08)
