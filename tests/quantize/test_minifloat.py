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

from kwslib.errors import InputError
from kwslib.quantize import minifloat
from kwslib.quantize.minifloat import (
    E2M1,
    E2M3,
    E3M2,
    E4M3,
    E5M2,
    FORMATS,
    FakeMinifloat,
    Minifloat,
    choose_scale,
    quantize_dequantize,
)

SAME = {  # all codes and all roundings
    "float4_e2m1fn": E2M1,
    "float6_e2m3fn": E2M3,
    "float6_e3m2fn": E3M2,
    "float8_e4m3fn": E4M3,
    "float8_e5m2": E5M2,
    "float8_e4m3": Minifloat(4, 3, specials="ieee"),
    "float8_e3m4": Minifloat(3, 4, specials="ieee"),
    "bfloat16": Minifloat(8, 7, specials="ieee"),
    "float16": Minifloat(5, 10, specials="ieee"),
}
SAME_BUT_NEGATIVE_ZERO = {  # there its code is NaN
    "float8_e4m3fnuz": Minifloat(4, 3, bias=8),
    "float8_e5m2fnuz": Minifloat(5, 2, bias=16),
    "float8_e4m3b11fnuz": Minifloat(4, 3, bias=11),
}
REFERENCES = pytest.mark.parametrize(("name", "format"), SAME.items(), ids=list(SAME))
# ml_dtypes rounds float64 twice, to float32 first; numpy rounds its float16 once
CASES = [(name, format, np.float32) for name, format in (SAME | SAME_BUT_NEGATIVE_ZERO).items()]
CASES.append(("float16", SAME["float16"], np.float64))


def cases(condition):
    chosen = [case for case in CASES if condition(*case[:2])]
    ids = [f"{name}-{dtype.__name__}" for name, _, dtype in chosen]
    return pytest.mark.parametrize(("name", "format", "dtype"), chosen, ids=ids)


def reference_type(name):
    return np.dtype(getattr(ml_dtypes, name, None) or getattr(np, name))


def decoded_by_reference(name, codes):
    return codes.astype(f"u{reference_type(name).itemsize}").view(reference_type(name))


def codes_of_reference(numbers):
    return numbers.view(f"u{numbers.itemsize}").astype(int)


def rounded_by_reference(name, x):
    with np.errstate(over="ignore"):  # numpy's own float16 tells of an overflow
        return x.astype(reference_type(name))


def all_codes(format):
    return np.arange(2**format.bits)


def hard_cases(format, dtype):
    """Every number, every midpoint, what lies just beside, and far out, with both signs."""
    values = format.values()
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
def test_decodes_as_the_reference(name, format):
    codes = all_codes(format)
    expected = decoded_by_reference(name, codes).astype(np.float32)
    decoded = format.decode(codes)
    assert decoded.dtype == np.float32
    np.testing.assert_array_equal(decoded, expected)
    number = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(decoded)[number], np.signbit(expected)[number])


@pytest.mark.parametrize(("name", "format"), SAME_BUT_NEGATIVE_ZERO.items())
def test_decodes_as_the_references_without_negative_zero(name, format):
    codes = np.delete(all_codes(format), 0x80)
    expected = decoded_by_reference(name, codes).astype(np.float32)
    np.testing.assert_array_equal(format.decode(codes), expected)


@REFERENCES
def test_range_is_the_reference_s(name, format):
    info = ml_dtypes.finfo(reference_type(name))
    assert format.bits == info.bits
    assert format.largest == float(info.max)
    assert format.smallest_normal == float(info.smallest_normal)
    assert format.smallest_subnormal == float(info.smallest_subnormal)


@cases(lambda name, format: True)
def test_rounds_as_the_reference(name, format, dtype):
    x = hard_cases(format, dtype)
    expected = rounded_by_reference(name, x).astype(dtype)
    overflow = ~np.isfinite(expected)
    expected[overflow] = np.copysign(format.largest, x)[overflow]
    rounded = format.round(x)
    assert rounded.dtype == dtype
    np.testing.assert_array_equal(rounded, expected)
    np.testing.assert_array_equal(np.signbit(rounded), np.signbit(x))
    np.testing.assert_array_equal(format.round(torch.tensor(x)).numpy(), rounded)


@cases(lambda name, format: format.specials != "none")
def test_overflows_as_the_reference(name, format, dtype):
    x = np.append(hard_cases(format, dtype), dtype(math.nan))
    expected = rounded_by_reference(name, x).astype(dtype)
    np.testing.assert_array_equal(format.round(x, saturate=False), expected)


@cases(lambda name, format: name in SAME)
def test_encodes_as_the_reference(name, format, dtype):
    x = hard_cases(format, dtype)
    saturate = format.specials == "none"
    expected = codes_of_reference(rounded_by_reference(name, x))
    np.testing.assert_array_equal(format.encode(x, saturate=saturate), expected)


@pytest.mark.parametrize("format", SAME.values(), ids=list(SAME))
def test_float64_beside_a_midpoint_goes_to_its_side(format):
    values = format.values()
    midpoints = (values[:-1] + values[1:]) / 2
    np.testing.assert_array_equal(format.round(np.nextafter(midpoints, -math.inf)), values[:-1])
    np.testing.assert_array_equal(format.round(np.nextafter(midpoints, math.inf)), values[1:])


@pytest.mark.parametrize("format", SAME.values(), ids=list(SAME))
def test_codes_come_back(format):
    codes = all_codes(format)
    numbers = format.decode(codes)
    number = ~np.isnan(numbers)
    saturate = format.specials == "none"
    back = format.encode(numbers[number], saturate=saturate)
    np.testing.assert_array_equal(back, codes[number])
    if not number.all():
        quiet = format.encode(np.float32([math.nan]))
        assert np.isnan(format.decode(quiet)).all()


def test_the_examples_of_the_docstrings():
    assert doctest.testmod(minifloat).failed == 0
    assert doctest.testmod(minifloat).attempted > 0


def test_the_named_formats():
    assert list(FORMATS) == ["E4M3", "E5M2", "E3M2", "E2M3", "E2M1"]
    assert [format.largest for format in FORMATS.values()] == [448, 57344, 28, 7.5, 6]
    assert [format.bits for format in FORMATS.values()] == [8, 8, 6, 6, 4]


def test_the_default_bias_is_spelled_out():
    assert Minifloat(4, 3) == Minifloat(4, 3, bias=7)


def test_without_exponent_bits_it_is_fixed_point():
    np.testing.assert_array_equal(Minifloat(0, 7).values(), np.arange(-127, 128) / 64)
    assert Minifloat(0, 7).round(torch.tensor([0.5 / 64, 1.5 / 64, 9])).tolist() == [
        0,
        2 / 64,
        127 / 64,
    ]


def test_with_one_exponent_bit_the_numbers_are_evenly_spaced():
    np.testing.assert_array_equal(Minifloat(1, 2).values(), np.arange(-7, 8) / 2)
    all_subnormal = Minifloat(1, 2, specials="ieee")
    np.testing.assert_array_equal(all_subnormal.values(), np.arange(-3, 4) / 2)
    overflow = all_subnormal.round(np.array([1.74, 1.75, -9]), saturate=False)
    assert overflow.tolist() == [1.5, math.inf, -math.inf]


def test_without_subnormals_there_is_nothing_between_zero_and_the_smallest_normal():
    format = Minifloat(2, 2, subnormals=False)
    assert format.values()[-12:].tolist() == [1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 5, 6, 7]
    assert format.smallest_subnormal == format.smallest_normal == 1
    assert format.round(torch.tensor([0.49, 0.5, 0.51, -0.9])).tolist() == [0, 0, 1, -1]
    assert format.decode(np.array([1, 2, 3, 4])).tolist() == [0, 0, 0, 1]
    assert format.encode(np.array([0.4, 0.6, 1.25])).tolist() == [0, 4, 5]


def test_powers_of_two_round_halves_away_from_zero():
    format = Minifloat(3, 0, specials="nan")
    assert format.values()[6:].tolist() == [0, 0.25, 0.5, 1, 2, 4, 8]
    assert format.round(torch.tensor([3.0, -6.0, 0.125, 99])).tolist() == [4, -8, 0, 8]
    assert format.encode(np.array([8.0, math.nan, -4.0])).tolist() == [6, 7, 13]


def test_one_number_and_no_number_keep_their_shape():
    assert E2M1.round(torch.tensor(2.2)).shape == ()
    assert E2M1.round(np.zeros((0, 3))).shape == (0, 3)
    assert E2M1.decode(E2M1.encode(torch.ones(2, 3).T)).tolist() == [[1, 1]] * 3


widths = st.tuples(st.integers(0, 8), st.integers(0, 10)).filter(lambda em: sum(em) < 11)


@st.composite
def formats(draw):
    bias = draw(st.none() | st.integers(-20, 128))
    specials = draw(st.sampled_from(["ieee", "nan", "none"]))
    try:
        return Minifloat(*draw(widths), bias, specials, draw(st.booleans()))
    except InputError:
        assume(False)


@st.composite
def formats_and_numbers(draw):
    format = draw(formats())
    near = st.floats(-2, 2).map(lambda part: part * format.largest)
    small = st.floats(-4, 4).map(lambda part: part * format.smallest_subnormal)
    anywhere = st.floats(allow_nan=False)
    return format, np.array(draw(st.lists(near | small | anywhere, min_size=1, max_size=30)))


@given(formats_and_numbers())
def test_rounding_is_to_the_nearest(drawn):
    format, x = drawn
    rounded, values = format.round(x), format.values()
    assert np.isin(rounded, values).all()
    above = np.searchsorted(values, x).clip(1, len(values) - 1)
    finite = np.isfinite(x)
    for neighbour in (values[above - 1], values[above]):
        distance, other = np.abs(x - rounded), np.abs(x - neighbour)
        assert (distance <= other)[finite].all()


@given(formats_and_numbers())
def test_rounding_is_idempotent_monotone_and_odd(drawn):
    format, x = drawn
    rounded = format.round(x)
    np.testing.assert_array_equal(format.round(rounded), rounded)
    assert (np.diff(format.round(np.sort(x))) >= 0).all()
    np.testing.assert_array_equal(format.round(-x), -rounded)
    np.testing.assert_array_equal(np.signbit(rounded), np.signbit(x))


@given(formats_and_numbers())
def test_encoding_and_decoding_is_rounding(drawn):
    format, x = drawn
    np.testing.assert_array_equal(format.decode(format.encode(x)), format.round(x))


@given(formats_and_numbers())
def test_float32_and_float64_agree(drawn):
    format, x = drawn
    assume(format.smallest_subnormal >= np.finfo(np.float32).tiny)  # above float32's subnormals
    with np.errstate(over="ignore"):
        single = x.astype(np.float32)
    np.testing.assert_array_equal(format.round(single), format.round(single.astype(np.float64)))


@given(formats())
def test_numbers_are_as_many_as_codes_and_within_the_range(format):
    values = format.values()
    assert (values[-1], values[0]) == (format.largest, -format.largest)
    assert values[len(values) // 2] == 0
    assert values[len(values) // 2 + 1] == format.smallest_subnormal
    codes = 2 ** (format.bits - 1)
    reserved = {"ieee": 2**format.mantissa_bits, "nan": 1, "none": 0}[format.specials]
    flushed = 0 if format.subnormals else 2**format.mantissa_bits - 1
    assert len(values) == 2 * (codes - reserved - flushed) - 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradient_goes_through_unless_a_number_was_saturated(dtype):
    # 6.9 is nearer to 6, the largest, than to 8; 7 would round to 8
    x = torch.tensor([0, 0.2, -2.6, 6, 6.9, 7, -9, math.inf], dtype=dtype, requires_grad=True)
    y = quantize_dequantize(x / 2, E2M1, 0.5)
    assert y.tolist() == [0, 0, -1.5, 3, 3, 3, -3, 3]
    assert y.dtype == dtype
    (y * torch.arange(1, 9)).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.5, 1, 1.5, 2, 2.5, 0, 0, 0]


def test_scales_broadcast_and_get_no_gradient():
    x = torch.tensor([[1.1, 2.2], [1.1, 2.2]], requires_grad=True)
    scale = torch.tensor([[1.0], [0.5]], requires_grad=True)
    FakeMinifloat.apply(x, scale, E2M1).sum().backward()
    assert quantize_dequantize(x, E2M1, scale).tolist() == [[1, 2], [1, 2]]
    assert x.grad is not None
    assert x.grad.tolist() == [[1, 1], [1, 1]]
    assert scale.grad is None


def test_rounding_alone_takes_no_part_in_gradients():
    assert not E2M1.round(torch.ones(2, requires_grad=True)).requires_grad


@pytest.mark.parametrize("format", FORMATS.values(), ids=list(FORMATS))
@pytest.mark.parametrize("power_of_two", [False, True])
def test_scale_of_the_largest_number_saturates_nothing(format, power_of_two):
    x = torch.randn(8, 5, 3, generator=torch.Generator().manual_seed(1))
    scale = choose_scale(x, format, axis=1, power_of_two=power_of_two)
    assert scale.shape == (1, 5, 1)
    greatest = (x / scale).abs().amax((0, 2))
    if power_of_two:
        assert (torch.frexp(scale).mantissa == 0.5).all()
        assert (greatest <= format.largest).all()
        assert (2 * greatest > format.largest).all()
    else:
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
    torch.testing.assert_close(scale, expected.scale.detach())
    torch.testing.assert_close(quantize_dequantize(weight, format, scale), expected.value.detach())


@pytest.mark.parametrize("format", [*FORMATS.values(), Minifloat(0, 3)], ids=lambda f: f.name)
@pytest.mark.parametrize("power_of_two", [False, True])
def test_scale_of_the_least_error_is_no_worse(format, power_of_two):
    x = torch.randn(4, 500, generator=torch.Generator().manual_seed(2))
    x[:, 0] = 12  # an outlier that it may pay to saturate
    errors = [
        (quantize_dequantize(x, format, scale) - x).square().sum(1)
        for method in ("max", "mse")
        for scale in [choose_scale(x, format, method=method, axis=0, power_of_two=power_of_two)]
    ]
    assert (errors[1] <= errors[0]).all()
    if format.bits == 4 and not power_of_two:
        assert (errors[1] < 0.9 * errors[0]).all()


def test_power_of_two_that_fits_exactly_is_taken():
    assert choose_scale(torch.tensor([6.0 * 4]), E2M1, power_of_two=True) == 4
    assert choose_scale(torch.tensor([6.0 * 4.001]), E2M1, power_of_two=True) == 8
    mse = choose_scale(torch.tensor([6.0 * 4]), E2M1, method="mse", power_of_two=True)
    assert math.log2(float(mse)).is_integer()


@pytest.mark.parametrize("method", ["max", "mse"])
def test_zeros_have_the_scale_one(method):
    x = torch.tensor([[0.0, 0.0], [1.0, 3.0]])
    scale = choose_scale(x, E2M1, axis=0, method=method)
    assert scale[0] == 1
    assert quantize_dequantize(x, E2M1, scale).tolist() == x.tolist()


@pytest.mark.parametrize("size", [1e-45, 1e-38, 3e38])
@pytest.mark.parametrize("method", ["max", "mse"])
def test_scales_stay_normal_numbers(size, method):
    scale = choose_scale(torch.tensor([size]), Minifloat(1, 2, bias=100), method=method)
    assert 2.0**-126 <= float(scale) <= 2.0**127


REFUSED = {
    "exponent_bits 9: must be 0 to 8": lambda: Minifloat(9, 2),
    "exponent_bits 2.5: must be 0 to 8": lambda: Minifloat(2.5, 2),  # type: ignore[arg-type]
    "mantissa_bits 11: must be 0 to 10": lambda: Minifloat(3, 11),
    "E8M8 has 17 bits: must be at most 16": lambda: Minifloat(8, 8, specials="ieee"),
    "specials 'inf': must be one of ieee, nan, none": lambda: Minifloat(4, 3, 7, "inf"),  # type: ignore[arg-type]
    "E4M0 has no code for NaN": lambda: Minifloat(4, 0, specials="ieee"),
    "E0M3 has no exponent to reserve": lambda: Minifloat(0, 3, specials="nan"),
    "E0M0 has no number but 0": lambda: Minifloat(0, 0),
    "E0M4 has no number but 0": lambda: Minifloat(0, 4, subnormals=False),
    "E1M0 has no number but 0": lambda: Minifloat(1, 0, specials="nan"),
    "E8M3 with bias 127 exceeds float32: use a greater bias": lambda: Minifloat(8, 3),
    "bias 129: must be at most 128": lambda: Minifloat(4, 3, 129),
    "numbers are torch.float16: must be float32": lambda: E4M3.round(torch.ones(2).half()),
    "numbers are torch.int64: must be float32": lambda: E4M3.round(np.array([1])),
    "E2M1 has neither infinity nor NaN": lambda: E2M1.round(torch.ones(2), saturate=False),
    "some numbers are NaN, which E2M1 lacks": lambda: E2M1.encode(np.array([1, math.nan])),
    "numbers are torch.int64": lambda: quantize_dequantize(torch.tensor([1]), E2M1, 1.0),
    "a scale is not above 0": lambda: quantize_dequantize(torch.ones(2), E2M1, 0.0),
    "a scale is not above 0 or not": lambda: quantize_dequantize(torch.ones(2), E2M1, math.inf),
    "code 16: must be 0 to 15": lambda: E2M1.decode(torch.tensor([3, 16])),
    "code -1: must be 0 to 15": lambda: E2M1.decode(np.array([-1])),
    "codes are torch.float32: must be integers": lambda: E2M1.decode(torch.ones(2)),
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
