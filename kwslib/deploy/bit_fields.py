"""Weights of fewer than 8 bits, several to a byte or a word: what ``firmware/core`` unpacks.

They are stored in two or four bits: those of three bits in four, those of more in a byte each.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BYTE, _HALF = 8, 16
"""Bits."""


def stored_bits(bits: int) -> int:
    """Bits in flash for a weight of ``bits``, a power of two: 2, 4 or 8."""
    return next(stored for stored in (2, 4, _BYTE) if bits <= stored)


def packed_bytes(weights: NDArray[np.int8], bits: int) -> NDArray[np.int8]:
    """Weights in bytes, from the lowest bits on; the last byte is filled up with zeros.

    >>> packed_bytes(np.array([1, -1, 3], np.int8), 4).view(np.uint8).tolist()
    [241, 3]
    """
    if bits == _BYTE:
        return weights
    fields = filled(weights.reshape(-1), (_BYTE // bits,)).reshape(-1, _BYTE // bits)
    return side_by_side(fields, bits).astype(np.uint8).view(np.int8)


def packed_pairs(pairs: NDArray[Any], bits: int) -> NDArray[np.uint32]:
    """Groups of pairs of weights ``[groups, pairs, 2]`` as words ``[groups, words]``.

    At 8 bits a pair is a word, two int16. Else a word holds several pairs, its low half the first
    of each and its high half the second, from the lowest bits on, with half of their range added.

    >>> hex(packed_pairs(np.array([[[0, 7], [-8, 1]]]), 4)[0, 0])
    '0x889f8808'
    """
    if bits == _BYTE:
        return np.ascontiguousarray(pairs).astype("<i2").view("<u4")[..., 0]
    each = _HALF // bits
    fields = filled(pairs, (1, each, 1)).astype(np.int64) + (1 << bits >> 1)
    halves = side_by_side(fields.reshape(len(fields), -1, each, 2).swapaxes(2, 3), bits)
    return np.ascontiguousarray(halves.astype("<u2")).view("<u4")[..., 0]


def copied_pairs(pairs: int, bits: int) -> int:
    """Pairs that a kernel unpacks into RAM where it reads so many: those of whole words."""
    return 0 if bits == _BYTE else pairs + -pairs % (_HALF // bits)


def side_by_side(fields: NDArray[Any], bits: int) -> NDArray[np.int64]:
    """The last axis as the bits of one number, the first of it lowest."""
    unsigned = fields.astype(np.int64) & ((1 << bits) - 1)
    return (unsigned << bits * np.arange(fields.shape[-1])).sum(axis=-1)


def filled(values: NDArray[Any], multiples: Sequence[int]) -> NDArray[Any]:
    """Zeros after each axis up to a multiple."""
    after = [(0, -size % multiple) for size, multiple in zip(values.shape, multiples, strict=True)]
    return np.pad(values, after)
