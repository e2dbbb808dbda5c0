"""The softmax's table against the exponential function."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kwslib.network.requantization import exp_of_negative, softmax_exponentials


@given(st.integers(-31 * 2**26, 0))
def test_fixed_point_is_close_to_the_real_exponential(raw):
    # What Taylor's series of four terms leaves out at a distance of 1/8.
    rest = (1 / 8) ** 5 / 120
    assert abs(exp_of_negative(raw) / 2**31 - np.exp(raw / 2**26)) < 1.1 * rest


@given(st.floats(0.001, 4.0))
def test_a_table_starts_at_one_and_falls(scale):
    table = softmax_exponentials(1.0, scale)
    assert table[0] == 2**31 - 1
    assert len(table) <= 256
    assert np.all(np.diff(table.astype(np.int64)) <= 0)
    distances = np.arange(len(table))
    np.testing.assert_allclose(table / 2**31, np.exp(-scale * distances), atol=1e-6)


def test_a_scale_of_nothing_is_refused():
    with pytest.raises(ValueError, match="too small for a softmax"):
        softmax_exponentials(1.0, 1e-9)
