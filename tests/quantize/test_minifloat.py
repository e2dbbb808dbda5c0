import doctest
import math

import brevitas.nn as brevitas
import ml_dtypes
import numpy as np
import pytest
import torch
from brevitas.quant.float import Fp8e4m3WeightPerChannelFloat
from hypothesis import assume, given
from hypothesis import strategies as st
from minifloat_values import values_of

from kwslib.errors import InputError
from kwslib.quantize import minifloat
from kwslib.quantize.minifloat import (
    E2M1,
    E4M3,
    E5M2,
    FORMATS,
    Minifloat,
    choose_scale,
    quantize_dequantize,
)

SAME = {  # all codes and all roundings
    "float4_e2m1fn": E2M1,
    "float6_e2m3fn": Minifloat(2, 3),
    "float6_e3m2fn": Minifloat(3, 2),
    "float8_e4m3fn": E4M3,
    "float8_e5m2": E5M2,
    "float8_e4m3": Minifloat(4, 3, specials="ieee"),
    "float8_e3m4": Minifloat(3, 4, specials="ieee"),
    "bfloat16": Minifloat(8, 7, specials="ieee"),
    "float16": Minifloat(5, 10, specials="ieee"),
}
REFERENCES = pytest.mark.parametrize(("name", "format"), SAME.items(), ids=list(SAME))
SCALED = [*FORMATS.values(), Minifloat(3, 2), Minifloat(2, 3), E2M1]


def reference_type(name):
    return np.dtype(getattr(ml_dtypes, name, None) or getattr(np, name))


def rounded(format, x):
    return format.round(torch.tensor(x)).numpy()


def hard_cases(format, dtype):
    """Every number, every midpoint, what lies just beside, and far out, with both signs."""
    values = values_of(format)
    beyond = 2 * values[-1] - values[-2], 2 * values[-1], values[-1] * 1e3, 1e30, 3e38, math.inf
    with np.errstate(over="ignore"):
        values = np.concatenate([values[values >= 0], beyond]).astype(dtype)
    finite = values[np.isfinite(values)]
    midpoints = finite[:-1] + (finite[1:] - finite[:-1]) / 2
    points = np.concatenate([values, midpoints])
    tiny = np.finfo(dtype).smallest_subnormal
    points = np.concatenate(
        [points, np.nextafter(points, dtype(-1)), np.nextafter(points, dtype(math.inf)), [tiny]]
    ).astype(dtype)
    return np.concatenate([points, -points])


@REFERENCES
def test_numbers_and_range_are_the_reference_s(name, format):
    info = ml_dtypes.finfo(reference_type(name))
    assert format.bits == info.bits
    assert format.largest == float(info.max)
    assert format.smallest_normal == float(info.smallest_normal)
    codes = np.arange(2**format.bits).astype(f"u{reference_type(name).itemsize}")
    with np.errstate(invalid="ignore"):
        numbers = codes.view(reference_type(name)).astype(np.float64)
    np.testing.assert_array_equal(np.unique(numbers[np.isfinite(numbers)] + 0.0), values_of(format))


# ml_dtypes rounds float64 twice, to float32 first; numpy rounds its float16 once
@pytest.mark.parametrize(
    ("name", "dtype"), [*((name, np.float32) for name in SAME), ("float16", np.float64)]
)
def test_rounds_as_the_reference(name, dtype):
    format = SAME[name]
    x = hard_cases(format, dtype)
    with np.errstate(over="ignore"):  # numpy's own float16 tells of an overflow
        expected = x.astype(reference_type(name)).astype(dtype)
    overflow = ~np.isfinite(expected)
    expected[overflow] = np.copysign(format.largest, x)[overflow]
    found = rounded(format, x)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(x))


@pytest.mark.parametrize("format", SAME.values(), ids=list(SAME))
def test_float64_beside_a_midpoint_goes_to_its_side(format):
    values = values_of(format)
    midpoints = (values[:-1] + values[1:]) / 2
    np.testing.assert_array_equal(rounded(format, np.nextafter(midpoints, -math.inf)), values[:-1])
    np.testing.assert_array_equal(rounded(format, np.nextafter(midpoints, math.inf)), values[1:])


def test_the_examples_of_the_docstrings():
    assert doctest.testmod(minifloat).failed == 0
    assert doctest.testmod(minifloat).attempted > 0


def test_the_formats_with_reserved_codes():
    assert list(FORMATS) == ["E4M3", "E5M2"]
    assert [format.largest for format in FORMATS.values()] == [448, 57344]
    assert [format.bits for format in FORMATS.values()] == [8, 8]


def test_without_exponent_bits_it_is_fixed_point():
    np.testing.assert_array_equal(values_of(Minifloat(0, 7)), np.arange(-127, 128) / 64)
    assert Minifloat(0, 7).round(torch.tensor([0.5 / 64, 1.5 / 64, 9])).tolist() == [
        0,
        2 / 64,
        127 / 64,
    ]


def test_with_one_exponent_bit_the_numbers_are_evenly_spaced():
    np.testing.assert_array_equal(values_of(Minifloat(1, 2)), np.arange(-7, 8) / 2)
    all_subnormal = Minifloat(1, 2, specials="ieee")
    np.testing.assert_array_equal(values_of(all_subnormal), np.arange(-3, 4) / 2)
    assert rounded(all_subnormal, [1.24, 1.25, -9]).tolist() == [1.0, 1.0, -1.5]


def test_powers_of_two_round_halves_away_from_zero():
    format = Minifloat(3, 0, specials="nan")
    assert values_of(format)[6:].tolist() == [0, 0.25, 0.5, 1, 2, 4, 8]
    assert format.round(torch.tensor([3.0, -6.0, 0.125, 99])).tolist() == [4, -8, 0, 8]


def test_one_number_and_no_number_keep_their_shape():
    assert E2M1.round(torch.tensor(2.2)).shape == ()
    assert E2M1.round(torch.zeros(0, 3)).shape == (0, 3)


widths = st.tuples(st.integers(0, 8), st.integers(0, 10)).filter(lambda em: sum(em) < 11)


@st.composite
def formats(draw):
    exponent_bits, mantissa_bits = draw(widths)
    usable = ["none", *["nan"] * (exponent_bits > 0), *["ieee"] * (min(draw(widths)) > 0)]
    assume(exponent_bits or usable[-1] != "ieee")
    try:
        return Minifloat(exponent_bits, mantissa_bits, draw(st.sampled_from(usable)))
    except InputError:
        assume(False)


@st.composite
def formats_and_numbers(draw):
    format = draw(formats())
    near = st.floats(-2, 2).map(lambda part: part * format.largest)
    least = format.smallest_normal * 2.0**-format.mantissa_bits
    small = st.floats(-4, 4).map(lambda part: part * least)
    anywhere = st.floats(allow_nan=False)
    return format, np.array(draw(st.lists(near | small | anywhere, min_size=1, max_size=30)))


@given(formats_and_numbers())
def test_rounding_is_to_the_nearest(drawn):
    format, x = drawn
    found, values = rounded(format, x), values_of(format)
    assert np.isin(found, values).all()
    above = np.searchsorted(values, x).clip(1, len(values) - 1)
    finite = np.isfinite(x)
    for neighbour in (values[above - 1], values[above]):
        distance, other = np.abs(x - found), np.abs(x - neighbour)
        assert (distance <= other)[finite].all()


@given(formats_and_numbers())
def test_rounding_is_idempotent_monotone_and_odd(drawn):
    format, x = drawn
    found = rounded(format, x)
    np.testing.assert_array_equal(rounded(format, found), found)
    assert (np.diff(rounded(format, np.sort(x))) >= 0).all()
    np.testing.assert_array_equal(rounded(format, -x), -found)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(x))


@given(formats_and_numbers())
def test_float32_and_float64_agree(drawn):
    format, x = drawn
    least = format.smallest_normal * 2.0**-format.mantissa_bits
    assume(least >= np.finfo(np.float32).tiny)  # above float32's subnormals
    with np.errstate(over="ignore"):
        single = x.astype(np.float32)
    np.testing.assert_array_equal(
        rounded(format, single), rounded(format, single.astype(np.float64))
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradient_goes_through_unless_a_number_was_saturated(dtype):
    # 6.9 is nearer to 6, the largest, than to 8; 7 would round to 8
    x = torch.tensor([0, 0.2, -2.6, 6, 6.9, 7, -9, math.inf], dtype=dtype, requires_grad=True)
    y = quantize_dequantize(x / 2, E2M1, torch.tensor(0.5))
    assert y.tolist() == [0, 0, -1.5, 3, 3, 3, -3, 3]
    assert y.dtype == dtype
    (y * torch.arange(1, 9)).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.5, 1, 1.5, 2, 2.5, 0, 0, 0]


def test_scales_broadcast_and_get_no_gradient():
    x = torch.tensor([[1.1, 2.2], [1.1, 2.2]], requires_grad=True)
    scale = torch.tensor([[1.0], [0.5]], requires_grad=True)
    found = quantize_dequantize(x, E2M1, scale)
    assert found.tolist() == [[1, 2], [1, 2]]
    found.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[1, 1], [1, 1]]
    assert scale.grad is None


def test_rounding_alone_takes_no_part_in_gradients():
    assert not E2M1.round(torch.ones(2, requires_grad=True)).requires_grad


@pytest.mark.parametrize("format", SCALED, ids=lambda f: f.name)
def test_scale_of_the_largest_number_saturates_nothing(format):
    x = torch.randn(5, 8, 3, generator=torch.Generator().manual_seed(1))
    scale = choose_scale(x, format, axis=0)
    assert scale.shape == (5,)
    scale = scale[:, None, None]
    greatest = (x / scale).abs().amax((1, 2))
    torch.testing.assert_close(greatest, torch.full((5,), format.largest))
    x.requires_grad_()
    quantize_dequantize(x, format, scale).sum().backward()
    assert x.grad is not None
    assert (x.grad == 1).all()


@pytest.mark.parametrize("exponent, mantissa", [(1, 2), (2, 1), (2, 3), (3, 0), (3, 2), (4, 3)])
def test_scales_of_the_largest_number_and_values_are_brevitass(exponent, mantissa):
    """Formats in which every code is a number, as brevitas has them unless told otherwise."""
    torch.manual_seed(exponent)
    layer = brevitas.QuantLinear(
        64, 5, bias=False, weight_quant=Fp8e4m3WeightPerChannelFloat,
        weight_bit_width=1 + exponent + mantissa, weight_exponent_bit_width=exponent,
        weight_mantissa_bit_width=mantissa, weight_exponent_bias=2 ** (exponent - 1) - 1,
    )  # fmt: skip
    weight, expected = layer.weight.detach(), layer.quant_weight()
    format = Minifloat(exponent, mantissa)
    scale = choose_scale(weight, format, axis=0)
    torch.testing.assert_close(scale, expected.scale.detach().flatten())
    torch.testing.assert_close(
        quantize_dequantize(weight, format, scale[:, None]), expected.value.detach()
    )


@pytest.mark.parametrize("format", [*SCALED, Minifloat(0, 3)], ids=lambda f: f.name)
def test_scale_of_the_least_error_is_no_worse(format):
    x = torch.randn(4, 500, generator=torch.Generator().manual_seed(2))
    x[:, 0] = 12  # an outlier that it may pay to saturate
    errors = [
        (quantize_dequantize(x, format, scale[:, None]) - x).square().sum(1)
        for method in ("max", "mse")
        for scale in [choose_scale(x, format, method=method, axis=0)]
    ]
    assert (errors[1] <= errors[0]).all()
    if format.bits == 4:
        assert (errors[1] < 0.9 * errors[0]).all()


@pytest.mark.parametrize("method", ["max", "mse"])
def test_zeros_have_the_scale_one(method):
    x = torch.tensor([[0.0, 0.0], [1.0, 3.0]])
    scale = choose_scale(x, E2M1, axis=0, method=method)
    assert scale[0] == 1
    assert quantize_dequantize(x, E2M1, scale[:, None]).tolist() == x.tolist()


@pytest.mark.parametrize("size", [1e-45, 1e-38, 3e38])
@pytest.mark.parametrize("method", ["max", "mse"])
def test_scales_stay_normal_numbers(size, method):
    for format in (Minifloat(0, 1), Minifloat(7, 2)):
        scale = choose_scale(torch.tensor([size]), format, method=method)
        assert 2.0**-126 <= float(scale) <= 2.0**127


REFUSED = {
    "exponent_bits 9: must be 0 to 8": lambda: Minifloat(9, 2),
    "mantissa_bits 11: must be 0 to 10": lambda: Minifloat(3, 11),
    "E8M8 has 17 bits: must be at most 16": lambda: Minifloat(8, 8, specials="ieee"),
    "E0M0 has no number but 0": lambda: Minifloat(0, 0),
    "E1M0 has no number but 0": lambda: Minifloat(1, 0, specials="nan"),
    "E8M3 with bias 127 exceeds float32: use a greater bias": lambda: Minifloat(8, 3),
    "some numbers are NaN, which E2M1 lacks": lambda: E2M1.round(torch.tensor([1, math.nan])),
    "method 'best': must be one of max, mse": lambda: choose_scale(
        torch.ones(2),
        E2M1,
        method="best",  # type: ignore[arg-type]
    ),
    "there is no number": lambda: choose_scale(torch.ones(0), E2M1),
    "some numbers are NaN or infinite": lambda: choose_scale(torch.tensor([math.inf]), E2M1),
}


@pytest.mark.parametrize(("message", "call"), REFUSED.items(), ids=list(REFUSED))
def test_bad_input_is_refused_in_one_line(message, call):
    with pytest.raises(InputError) as refusal:
        call()
    assert str(refusal.value).startswith(message)


def test_nan_stays_nan_where_the_format_has_one():
    for format in (E4M3, E5M2):
        assert math.isnan(format.round(torch.tensor(math.nan)).item())
