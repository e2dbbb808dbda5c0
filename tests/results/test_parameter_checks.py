"""What the parameters of chapters can be, and what is refused with a line that says what can."""

import pytest

from kwslib.errors import InputError
from kwslib.results.parameter_checks import check_parameters, parse_bits, parse_shares


@pytest.mark.parametrize(
    ("bits", "widths"),
    [("4,2", [4, 2]), ("2,8,4", [8, 4, 2]), ("3,3, 8", [8, 3]), ("2", [2]), (5, [5])],
)
def test_widths_are_sorted_and_named_once(bits, widths):
    assert parse_bits(bits) == widths


@pytest.mark.parametrize(
    ("text", "shares"), [("0.8,0.5", [0.5, 0.8]), ("0.5,.5", [0.5]), ("0", [0.0]), (0.9, [0.9])]
)
def test_shares_are_sorted_and_named_once(text, shares):
    assert parse_shares("amounts", text) == shares


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("amounts", ["0", "0.999"]),
        ("bits", ["2", "8", "8,7,6,5,4,3,2"]),
        ("channels", ["0.875"]),
        ("epochs", [0, 1, 10_000]),
        ("keywords", ["yes", "ten", "left,right", "No, YES"]),
        ("model", ["tiny_conv", "funnel_small", "tiny_conv-yes_no"]),
        ("repetitions", [10, 1_000_000]),
        ("seed", [0, 2**32 - 1]),
        ("tuning_epochs", [0, 7]),
        ("level", [-3]),  # unknown here: its chapter alone knows
    ],
)
def test_what_can_be_passes(name, values):
    for value in values:
        check_parameters(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("amounts", "", "amounts '': must be numbers such as 0.5,0.8"),
        ("amounts", "0.5,x", "amounts '0.5,x': must be numbers"),
        ("amounts", "1", "amounts 1: must be a share from 0 to below 1"),
        ("amounts", "nan", "amounts nan: must be a share"),
        ("bits", "", "bits '': must be whole numbers from 2 to 8"),
        ("bits", "4.5", "bits '4.5': must be whole numbers"),
        ("bits", "8,1", "bits 1: must be 2 to 8"),
        ("bits", "9", "bits 9: must be 2 to 8"),
        ("channels", "0.5,-0.1", "channels -0.1: must be a share"),
        ("epochs", -1, "epochs -1: must be a whole number from 0 to 10,000"),
        ("epochs", 10**9, "epochs 1000000000: must be"),
        ("keywords", "", "keywords: none given"),
        ("keywords", "yes,yes", "name each word once"),
        ("keywords", "no,know", "sound alike"),
        ("model", "nothere", "model 'nothere': not known; choose one of ds_cnn, "),
        ("model", "", "model '': not known"),
        ("repetitions", 9, "repetitions 9: too few"),
        ("repetitions", 10**12, "must be at most 1,000,000"),
        ("seed", -1, "seed -1: must be a whole number from 0 to 4,294,967,295"),
        ("seed", 2**64, "seed 18446744073709551616: must be"),
        ("seed", 0.5, "seed 0.5: must be a whole number"),
        ("tuning_epochs", -1, "tuning_epochs -1: must be"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line_that_says_what_can(name, value, message):
    with pytest.raises(InputError, match=message) as caught:
        check_parameters(**{name: value})
    assert "\n" not in str(caught.value)
