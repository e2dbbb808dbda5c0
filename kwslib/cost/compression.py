"""Bytes that a sparse tensor of int8 weights takes, in encodings that really are written.

=========== ==================================================================================
dense       every weight, zeros too
bitmap      a bit a weight, then the weights that are not zero
runs4       a weight that is not zero, and in four bits the zeros in front of it; the run lengths
            two to a byte, then the weights. Beyond 15 zeros a weight of zero follows them, as in
            Han et al., "Deep Compression" (2016) and "EIE" (2016).
runs8       the same with a byte for a run length
csr         compressed sparse rows, a row an output: where each row begins, 16 bits (32 from
            65,536 weights on), the columns, 8 bits (16 from 257 columns on), then the weights
blocks      blocks of four neighbouring weights of a row that are not all zero, and in a byte
            the empty blocks in front of each, run lengths first; rows are filled up to fours
=========== ==================================================================================

Nothing is spent on what a program knows of its layer: the shape, and where the bytes end.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Name = Literal["dense", "bitmap", "runs4", "runs8", "csr", "blocks"]
NAMES: tuple[Name, ...] = get_args(Name)

Weights = NDArray[np.int8]

BLOCK = 4
"""Weights of a block."""


def encode(name: Name, weights: Weights) -> bytes:
    """The weights ``[outputs, ...]``, int8, in an encoding.

    >>> list(encode("runs8", np.array([[0, 0, 7], [-1, 0, 0]], np.int8)))
    [2, 0, 7, 255]
    """
    return ENCODINGS[name](weights)


def compressed_bytes(tensors: Sequence[Weights]) -> dict[Name, int]:
    """Bytes of a network's weights by encoding; each tensor is encoded by itself."""
    return {name: sum(len(encode(name, tensor)) for tensor in tensors) for name in NAMES}


def _encode_bitmap(weights: Weights) -> bytes:
    flat = weights.reshape(-1)
    return np.packbits(flat != 0, bitorder="little").tobytes() + flat[flat != 0].tobytes()


def _with_runs(present: NDArray[np.bool_], longest: int) -> tuple[NDArray[np.int64], ...]:
    """Where something is kept, and how many places are empty in front of each.

    After ``longest`` empty places the one behind them is kept, empty as it is.
    """
    runs: list[int] = []
    kept: list[int] = []
    before = -1
    for place in np.flatnonzero(present).tolist():
        while place - before - 1 > longest:
            before += longest + 1
            kept.append(before)
            runs.append(longest)
        kept.append(place)
        runs.append(place - before - 1)
        before = place
    return np.array(kept, np.int64), np.array(runs, np.int64)


def _encode_runs8(weights: Weights) -> bytes:
    return _runs_of_bytes(weights.reshape(-1, 1))


def _encode_blocks(weights: Weights) -> bytes:
    rows = _rows(weights)
    filled = np.pad(rows, [(0, 0), (0, -rows.shape[1] % BLOCK)])
    return _runs_of_bytes(filled.reshape(-1, BLOCK))


def _runs_of_bytes(groups: Weights) -> bytes:
    """Groups of weights that are not all zero, run lengths first."""
    kept, runs = _with_runs(np.asarray(groups.any(axis=1)), 255)
    return runs.astype(np.uint8).tobytes() + groups[kept].tobytes()


def _encode_runs4(weights: Weights) -> bytes:
    flat = weights.reshape(-1)
    kept, runs = _with_runs(flat != 0, 15)
    even = np.append(runs, np.zeros(len(runs) % 2, np.int64)).astype(np.uint8).reshape(-1, 2)
    return (even[:, 0] | even[:, 1] << 4).tobytes() + flat[kept].tobytes()


def _rows(weights: Weights) -> Weights:
    return weights.reshape(len(weights), -1)


def _encode_csr(weights: Weights) -> bytes:
    rows = _rows(weights)
    begin_type = "<u2" if rows.size < 2**16 else "<u4"
    column_type = "<u1" if rows.shape[1] <= 2**8 else "<u2"
    begins = np.append(0, np.cumsum(np.count_nonzero(rows, axis=1)))
    _, columns = rows.nonzero()
    return b"".join(
        part.tobytes()
        for part in (begins.astype(begin_type), columns.astype(column_type), rows[rows != 0])
    )


ENCODINGS: Mapping[Name, Callable[[Weights], bytes]] = {
    "dense": np.ndarray.tobytes,
    "bitmap": _encode_bitmap,
    "runs4": _encode_runs4,
    "runs8": _encode_runs8,
    "csr": _encode_csr,
    "blocks": _encode_blocks,
}
