import pytest

from kwslib.site.engine import ValueMissingError
from kwslib.site.roles import typeset, value_text

SPACE = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("92.8%", f"92.8{SPACE}%"),
        ("92.8 % (95 % CI 91.3–94.1 %)", f"92.8{SPACE}% (95{SPACE}% CI 91.3–94.1{SPACE}%)"),
        ("-1.5 dB", f"−1.5{SPACE}dB"),
        ("from -3 to -1", "from −3 to −1"),
        ("60.2 ms", f"60.2{SPACE}ms"),
        ("tiny_conv-yes_no", "tiny_conv-yes_no"),
        ("2026-11-30", "2026-11-30"),
        ("E2M1", "E2M1"),
    ],
)
def test_values_are_set_as_numbers_are(text, shown):
    assert typeset(text) == shown


def test_the_value_of_an_expression_or_why_there_is_none():
    values = {
        'f"""{ a}"""': {"status": "ok", "data": {"text/plain": "' -2 points'"}},
        'f"""{ b}"""': {"status": "error", "ename": "KeyError", "evalue": "'x'"},
    }
    assert value_text(values, "a") == f"−2{SPACE}points"
    with pytest.raises(ValueMissingError, match="KeyError: 'x'"):
        value_text(values, "b")
