"""Weights side by side in bytes and words, and back by arithmetic on single bits."""

import numpy as np
import pytest

from kwslib.deploy.packing import copied_pairs, packed_bytes, packed_pairs, stored_bits


def signed(number, bits, at):
    field = int(number) >> at & (2**bits - 1)
    return field - 2**bits if field >> (bits - 1) else field


def test_stored_in_a_power_of_two():
    stored = {bits: stored_bits(bits) for bits in range(2, 9)}
    assert stored == {2: 2, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 8: 8}


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_bytes(bits):
    values = np.random.default_rng(bits).integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (3, 7))
    packed = packed_bytes(values.astype(np.int8), bits).reshape(-1)
    each = 8 // bits
    assert packed.dtype == np.int8
    assert len(packed) == -(-21 // each)
    found = [signed(packed[i // each], bits, bits * (i % each)) for i in range(21)]
    assert found == values.reshape(-1).tolist()


@pytest.mark.parametrize("bits", [2, 4])
def test_pairs(bits):
    half, each = 2 ** (bits - 1), 16 // bits
    pairs = np.random.default_rng(bits).integers(-half, half, (3, 11, 2))
    words = packed_pairs(pairs, bits)
    assert words.shape == (3, copied_pairs(11, bits) // each)
    for group in range(3):
        for i in range(11):
            fields = int(words[group, i // each]) >> bits * (i % each)
            found = [(fields >> at & (2 * half - 1)) - half for at in (0, 16)]
            assert found == pairs[group, i].tolist()


def test_pairs_of_bytes_are_words():
    words = packed_pairs(np.array([[[-1, 2], [3, -128]]]), 8)
    assert words.tolist() == [[0x0002FFFF, 0xFF800003]]
    assert copied_pairs(2, 8) == 0
