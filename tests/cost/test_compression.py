"""Encodings of sparse weights: what is written is read back, and takes the bytes that it should."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from weight_decoders import decode

from kwslib.cost.compression import ENCODINGS, NAMES, compressed_bytes, encode

each_encoding = pytest.mark.parametrize("name", NAMES)


@st.composite
def tensors(draw):
    """Of a fully connected layer or a convolution; from nothing but zeros to none."""
    fully_connected = st.tuples(st.integers(1, 4), st.sampled_from([1, 3, 40, 256, 257, 2000]))
    convolution = st.tuples(*(st.integers(1, 6) for _ in range(4)))
    shape = draw(fully_connected | convolution)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    zeros = draw(st.sampled_from([0, 0.5, 0.9, 0.99, 0.999, 1]))
    return (rng.integers(-128, 128, shape) * (rng.random(shape) >= zeros)).astype(np.int8)


@each_encoding
@given(weights=tensors())
def test_what_is_written_is_read_back(name, weights):
    found = decode(name, encode(name, weights), weights.shape)
    assert found.dtype == np.int8
    np.testing.assert_array_equal(found, weights)


@each_encoding
def test_nothing_but_zeros(name):
    weights = np.zeros((3, 1000), np.int8)
    size = {"dense": 3000, "bitmap": 375, "csr": 8}.get(name, 0)
    assert len(encode(name, weights)) == size
    np.testing.assert_array_equal(decode(name, encode(name, weights), (3, 1000)), weights)


@each_encoding
def test_many_weights_count_in_32_bits(name):
    weights = np.zeros((70, 1000), np.int8)
    weights[69, 999] = 1
    np.testing.assert_array_equal(decode(name, encode(name, weights), (70, 1000)), weights)
    if name == "csr":
        assert len(encode(name, weights)) == 71 * 4 + 2 + 1


def test_bytes_by_hand():
    weights = np.zeros((2, 300), np.int8)
    weights[0, [0, 17, 34]] = 5, -6, 7  # 16 zeros in front of the second and the third
    weights[1, 299] = -128  # 564 = 35 * 16 + 4 zeros in front of it
    assert {name: len(encode(name, weights)) for name in NAMES} == {
        "dense": 600,
        "bitmap": 75 + 4,
        "runs4": 41 + 21,  # 1, 1 and 35 weights of zero beside the four
        "runs8": 2 * (4 + 2),
        "csr": 3 * 2 + 4 * 2 + 4,
        "blocks": 4 * (1 + 4),
    }


def test_a_run_as_long_as_four_bits_tell():
    weights = np.zeros((1, 33), np.int8)
    weights[0, [15, 32]] = 1, 2  # 15 zeros, then 16: one more weight of zero
    assert list(encode("runs4", weights)) == [0xFF, 0x00, 1, 0, 2]


@pytest.mark.parametrize(("zeros", "least"), [(0, "dense"), (0.5, "bitmap"), (0.99, "runs8")])
def test_the_smallest_depends_on_the_zeros(zeros, least):
    rng = np.random.default_rng(0)
    weights = rng.integers(1, 128, (4, 4000)).astype(np.int8)
    weights[rng.random(weights.shape) < zeros] = 0
    sizes = compressed_bytes([weights])
    assert min(sizes, key=sizes.__getitem__) == least


def test_blocks_are_the_smallest_where_whole_blocks_are_zero():
    rng = np.random.default_rng(0)
    weights = rng.integers(1, 128, (4, 1000, 4)).astype(np.int8)
    weights[rng.random((4, 1000)) < 0.9] = 0
    sizes = compressed_bytes([weights.reshape(4, 4000)])
    assert min(sizes, key=sizes.__getitem__) == "blocks"
    assert sizes["blocks"] == 5 * np.count_nonzero(weights.any(axis=2))


def test_a_network_is_the_sum_of_its_tensors():
    first, second = np.ones((2, 3), np.int8), np.eye(4, dtype=np.int8)
    both = compressed_bytes([first, second])
    assert both == {name: len(encode(name, first)) + len(encode(name, second)) for name in NAMES}
    assert set(ENCODINGS) == set(NAMES)
