"""Norms of weights, filters and blocks."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kwslib.errors import InputError
from kwslib.prune.norms import (
    NORMS,
    block_norms,
    blocks_to_weights,
    channel_norms,
    norm,
)

ORDERS = {"l1": 1, "l2": 2, "linf": np.inf}
rows = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(1, 12)),
    elements=st.floats(-9, 9, width=32),
)


@pytest.mark.parametrize("kind", NORMS)
@given(x=rows)
def test_norms_are_those_of_numpy(kind, x):
    wanted = np.linalg.norm(x.astype(float), ORDERS[kind], axis=1)
    np.testing.assert_allclose(norm(torch.from_numpy(x), kind), wanted, rtol=1e-5, atol=1e-6)


@given(x=rows)
def test_norms_stand_in_their_order(x):
    """The greatest is no more than the root of the squares' sum, which is no more than the sum."""
    l1, l2, linf = (norm(torch.from_numpy(x), kind) for kind in NORMS)
    assert bool((linf <= l2 * 1.0001 + 1e-6).all()) and bool((l2 <= l1 * 1.0001 + 1e-6).all())


def test_of_one_weight_all_are_its_magnitude():
    weights = torch.tensor([[-3.0], [0.5]])
    for kind in NORMS:
        assert norm(weights, kind).tolist() == [3.0, 0.5]


def test_filters_of_a_convolution():
    weight = torch.zeros(2, 3, 2, 2)
    weight[1, 2, 0, 1], weight[1, 0, 1, 0] = 3, -4
    assert [channel_norms(weight, kind)[1].item() for kind in NORMS] == [7, 5, 4]


def test_blocks_lie_side_by_side_and_the_last_may_be_short():
    weight = torch.tensor([[1.0, -2, 3, -4, 5, 6], [0, 0, 0, 0, 7, 0]])
    assert block_norms(weight, "l1").tolist() == [[10, 11], [0, 7]]
    assert block_norms(weight, "linf").tolist() == [[4, 6], [0, 7]]


@given(st.integers(1, 13))
def test_what_is_said_of_blocks_holds_for_their_weights(inputs):
    blocks = torch.arange(3 * -(-inputs // 4)).reshape(3, -1)
    found = blocks_to_weights(blocks, inputs)
    for out in range(3):
        for index in range(inputs):
            assert found[out, index] == blocks[out, index // 4]


def test_a_norm_that_is_none():
    with pytest.raises(InputError, match="norm 'l3': must be one of l1, l2, linf"):
        norm(torch.zeros(2, 2), "l3")
