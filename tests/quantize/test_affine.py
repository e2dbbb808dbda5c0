"""Affine quantization: formulas, properties, and torch's own and brevitas as the oracles."""

import brevitas.nn as brevitas
import pytest
import torch
from brevitas.quant.scaled_int import Int8WeightPerChannelFloat, Int8WeightPerTensorFloat
from brevitas.quant.shifted_scaled_int import (
    ShiftedUint8WeightPerChannelFloat,
    ShiftedUint8WeightPerTensorFloat,
)
from hypothesis import given
from hypothesis import strategies as st

from kwslib.errors import InputError
from kwslib.network.tensors import integer_range
from kwslib.quantize.affine import METHODS, choose_qparams, dequantize, qparams_for_range, quantize

BITS = st.integers(2, 8)
NUMBERS = st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=60).map(torch.tensor)


def test_ranges():
    assert [integer_range(bits) for bits in (2, 4, 8)] == [(-2, 1), (-8, 7), (-128, 127)]
    assert integer_range(2, narrow=True) == (-1, 1)


@given(x=NUMBERS, bits=BITS, symmetric=st.booleans(), method=st.sampled_from(METHODS))
def test_numbers_within_the_grid_are_off_by_half_a_step_at_most(x, bits, symmetric, method):
    qparams = choose_qparams(x, bits, symmetric=symmetric, method=method)
    q = quantize(x, qparams)
    assert int(q.min()) >= qparams.low and int(q.max()) <= qparams.high
    inside = (q > qparams.low) & (q < qparams.high)
    error = (dequantize(q, qparams) - x).abs()[inside]
    assert bool((error <= 0.5 * qparams.scale * 1.001 + 1e-6).all())


@given(x=NUMBERS, bits=BITS, symmetric=st.booleans())
def test_min_max_covers_every_number(x, bits, symmetric):
    qparams = choose_qparams(x, bits, symmetric=symmetric)
    error = (dequantize(quantize(x, qparams), qparams) - x).abs()
    assert float(error.max()) <= float(qparams.scale) * 1.001


@given(x=NUMBERS, bits=BITS)
def test_zero_is_met_exactly_and_symmetric_grids_are_odd(x, bits):
    asymmetric = choose_qparams(x, bits, symmetric=False)
    assert float(dequantize(quantize(torch.zeros(1), asymmetric), asymmetric)) == 0
    symmetric = choose_qparams(x, bits, symmetric=True)
    assert int(symmetric.zero_point) == 0
    assert torch.equal(quantize(-x, symmetric), -quantize(x, symmetric))


@given(x=NUMBERS, bits=BITS, symmetric=st.booleans())
def test_the_least_squared_error_is_never_above_min_maxs(x, bits, symmetric):
    def error(method):
        qparams = choose_qparams(x, bits, symmetric=symmetric, method=method)
        return float((dequantize(quantize(x, qparams), qparams) - x).square().sum())

    assert error("mse") <= error("minmax") * (1 + 1e-6) + 1e-12


@given(x=NUMBERS, bits=BITS, symmetric=st.booleans())
def test_quantizing_what_is_on_the_grid_changes_nothing(x, bits, symmetric):
    qparams = choose_qparams(x, bits, symmetric=symmetric)
    q = quantize(x, qparams)
    assert torch.equal(quantize(dequantize(q, qparams), qparams), q)


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("symmetric", [True, False])
def test_values_are_torchs(bits, symmetric):
    x = torch.randn(500, generator=torch.Generator().manual_seed(bits))
    qparams = choose_qparams(x, bits, symmetric=symmetric)
    expected = torch.fake_quantize_per_tensor_affine(
        x, float(qparams.scale), int(qparams.zero_point), qparams.low, qparams.high
    )
    torch.testing.assert_close(dequantize(quantize(x, qparams), qparams), expected)


def test_values_are_torchs_by_channel():
    x = (
        torch.randn(6, 3, 4, generator=torch.Generator().manual_seed(0))
        * torch.arange(1, 7)[:, None, None]
    )
    qparams = choose_qparams(x, 4, symmetric=True, axis=0)
    expected = torch.fake_quantize_per_channel_affine(
        x, qparams.scale, qparams.zero_point, 0, qparams.low, qparams.high
    )
    torch.testing.assert_close(dequantize(quantize(x, qparams), qparams), expected)


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize(
    "theirs, symmetric, axis",
    [
        (Int8WeightPerTensorFloat, True, None),
        (Int8WeightPerChannelFloat, True, 0),
        (ShiftedUint8WeightPerTensorFloat, False, None),
        (ShiftedUint8WeightPerChannelFloat, False, 0),
    ],
)
def test_min_max_is_brevitass(theirs, symmetric, axis, bits):
    torch.manual_seed(bits)
    layer = brevitas.QuantLinear(16, 5, bias=False, weight_quant=theirs, weight_bit_width=bits)
    weight, expected = layer.weight.detach(), layer.quant_weight()
    qparams = choose_qparams(weight, bits, symmetric=symmetric, axis=axis)
    torch.testing.assert_close(qparams.scale.flatten(), expected.scale.detach().flatten())
    # brevitas's integers begin at 0 where they are not symmetric
    low = 0 if symmetric else qparams.low
    zero_point = (qparams.zero_point - low).float().flatten()
    torch.testing.assert_close(zero_point.unique(), expected.zero_point.detach().unique())
    torch.testing.assert_close(
        dequantize(quantize(weight, qparams), qparams), expected.value.detach()
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_scales_by_channel_are_those_of_the_channels_alone(axis):
    x = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(1))
    for method in METHODS:
        together = choose_qparams(x, 3, symmetric=False, axis=axis, method=method)
        for i, channel in enumerate(x.unbind(axis)):
            alone = choose_qparams(channel, 3, symmetric=False, method=method)
            assert float(alone.scale) == float(together.scale[i])
            assert int(alone.zero_point) == int(together.zero_point[i])


def test_a_percentile_leaves_out_the_few():
    x = torch.cat([torch.linspace(-1, 1, 9998), torch.tensor([-1000.0, 1000.0])])
    qparams = choose_qparams(x, 8, symmetric=True, method="percentile")
    assert 0.99 < float(qparams.scale) * 127 <= 1.0


def test_the_text_books_example():
    """Numbers from -1 to 3 in 8 bits: a step of 4 / 255, and zero 64 steps above the least."""
    qparams = qparams_for_range(-1.0, 3.0, 8, symmetric=False)
    assert float(qparams.scale) == pytest.approx(4 / 255)
    assert int(qparams.zero_point) == -128 + 64


@pytest.mark.parametrize("bits", [-1, 0, 1, 9, 17])
def test_widths_that_are_none(bits):
    with pytest.raises(InputError, match=f"bits {bits}: must be 2 to 8"):
        choose_qparams(torch.ones(3), bits, symmetric=True)


def test_numbers_that_are_none():
    for bad in (float("nan"), float("inf")):
        with pytest.raises(InputError, match="NaN or infinite"):
            choose_qparams(torch.tensor([1.0, bad]), 4, symmetric=True)
    with pytest.raises(InputError, match="no number"):
        choose_qparams(torch.empty(0), 4, symmetric=True)
    with pytest.raises(InputError, match="method 'best'"):
        choose_qparams(torch.ones(2), 4, symmetric=True, method="best")
    with pytest.raises(InputError, match="range 2 to 1"):
        qparams_for_range(2, 1, 4, symmetric=True)
