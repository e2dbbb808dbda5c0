"""Bytes that a sparse tensor of int8 weights takes, in encodings that really are written and read.

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
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Name = Literal["dense", "bitmap", "runs4", "runs8", "csr", "blocks"]
NAMES: tuple[Name, ...] = get_args(Name)

Weights = NDArray[np.int8]
Shape = tuple[int, ...]

BLOCK = 4
"""Weights of a block."""


@dataclass(frozen=True)
class Encoding:
    """A way to write weights.

    Attributes:
        encode: from weights ``[outputs, ...]`` to bytes.
        decode: back, given their shape.
    """

    encode: Callable[[Weights], bytes]
    decode: Callable[[bytes, Shape], Weights]


def encode(name: Name, weights: Weights) -> bytes:
    """The weights ``[outputs, ...]``, int8, in an encoding.

    >>> list(encode("runs8", np.array([[0, 0, 7], [-1, 0, 0]], np.int8)))
    [2, 0, 7, 255]
    """
    return ENCODINGS[name].encode(weights)


def decode(name: Name, data: bytes, shape: Shape) -> Weights:
    """What :func:`encode` encoded.

    Args:
        name: of the encoding.
        data: the bytes.
        shape: of the weights.
    """
    return ENCODINGS[name].decode(data, shape)


def compressed_bytes(tensors: Sequence[Weights]) -> dict[Name, int]:
    """Bytes of a network's weights by encoding; each tensor is encoded by itself."""
    return {name: sum(len(encode(name, tensor)) for tensor in tensors) for name in NAMES}


def _encode_dense(weights: Weights) -> bytes:
    return weights.tobytes()


def _decode_dense(data: bytes, shape: Shape) -> Weights:
    return np.frombuffer(data, np.int8).reshape(shape)


def _encode_bitmap(weights: Weights) -> bytes:
    flat = weights.reshape(-1)
    return np.packbits(flat != 0, bitorder="little").tobytes() + flat[flat != 0].tobytes()


def _decode_bitmap(data: bytes, shape: Shape) -> Weights:
    found = np.zeros(shape, np.int8)
    bits = -(-found.size // 8)
    bitmap = np.frombuffer(data[:bits], np.uint8)
    present = np.unpackbits(bitmap, count=found.size, bitorder="little").astype(bool)
    found.reshape(-1)[present] = np.frombuffer(data[bits:], np.int8)
    return found


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


def _places(runs: NDArray[np.integer]) -> NDArray[np.int64]:
    """Where that is kept in front of which so many places are empty."""
    return np.cumsum(runs.astype(np.int64) + 1) - 1


def _encode_runs8(weights: Weights) -> bytes:
    flat = weights.reshape(-1)
    kept, runs = _with_runs(flat != 0, 255)
    return runs.astype(np.uint8).tobytes() + flat[kept].tobytes()


def _decode_runs8(data: bytes, shape: Shape) -> Weights:
    runs, values = np.frombuffer(data, np.uint8).reshape(2, -1)
    return _placed(_places(runs), values.view(np.int8), shape)


def _placed(places: NDArray[np.int64], values: Weights, shape: Shape) -> Weights:
    found = np.zeros(shape, np.int8)
    found.reshape(-1)[places] = values
    return found


def _encode_runs4(weights: Weights) -> bytes:
    flat = weights.reshape(-1)
    kept, runs = _with_runs(flat != 0, 15)
    even = np.append(runs, np.zeros(len(runs) % 2, np.int64)).astype(np.uint8).reshape(-1, 2)
    return (even[:, 0] | even[:, 1] << 4).tobytes() + flat[kept].tobytes()


def _decode_runs4(data: bytes, shape: Shape) -> Weights:
    count = 2 * len(data) // 3  # of the weights: n bytes for them and n / 2, rounded up, for runs
    pairs = np.frombuffer(data[: len(data) - count], np.uint8)
    runs = np.stack([pairs & 15, pairs >> 4], axis=1).reshape(-1)[:count]
    return _placed(_places(runs), np.frombuffer(data[len(data) - count :], np.int8), shape)


def _rows(weights: Weights) -> Weights:
    return weights.reshape(len(weights), -1)


def _csr_types(rows: int, columns: int) -> tuple[str, str]:
    """Of the places where rows begin, and of the columns."""
    return "<u2" if rows * columns < 2**16 else "<u4", "<u1" if columns <= 2**8 else "<u2"


def _encode_csr(weights: Weights) -> bytes:
    rows = _rows(weights)
    begin_type, column_type = _csr_types(*rows.shape)
    begins = np.append(0, np.cumsum(np.count_nonzero(rows, axis=1)))
    _, columns = rows.nonzero()
    return b"".join(
        part.tobytes()
        for part in (begins.astype(begin_type), columns.astype(column_type), rows[rows != 0])
    )


def _decode_csr(data: bytes, shape: Shape) -> Weights:
    found = np.zeros(shape, np.int8)
    rows = _rows(found)
    begin_type, column_type = _csr_types(*rows.shape)
    begins = np.frombuffer(data, begin_type, len(rows) + 1)
    columns = np.frombuffer(data, column_type, int(begins[-1]), begins.nbytes)
    values = np.frombuffer(data, np.int8, offset=begins.nbytes + columns.nbytes)
    for row, first, last in zip(rows, begins.tolist(), begins.tolist()[1:], strict=False):
        row[columns[first:last]] = values[first:last]
    return found


def _blocks(weights: Weights) -> Weights:
    """Weights as ``[blocks, 4]``, each row filled up with zeros."""
    rows = _rows(weights)
    return np.pad(rows, [(0, 0), (0, -rows.shape[1] % BLOCK)]).reshape(-1, BLOCK)


def _encode_blocks(weights: Weights) -> bytes:
    blocks = _blocks(weights)
    kept, runs = _with_runs(np.asarray(blocks.any(axis=1)), 255)
    return runs.astype(np.uint8).tobytes() + blocks[kept].tobytes()


def _decode_blocks(data: bytes, shape: Shape) -> Weights:
    found = np.zeros(shape, np.int8)
    rows = _rows(found)
    blocks = _blocks(found)
    count = len(data) // (1 + BLOCK)
    values = np.frombuffer(data[count:], np.int8).reshape(-1, BLOCK)
    blocks[_places(np.frombuffer(data[:count], np.uint8))] = values
    rows[:] = blocks.reshape(len(rows), -1)[:, : rows.shape[1]]
    return found


ENCODINGS: Mapping[Name, Encoding] = {
    "dense": Encoding(_encode_dense, _decode_dense),
    "bitmap": Encoding(_encode_bitmap, _decode_bitmap),
    "runs4": Encoding(_encode_runs4, _decode_runs4),
    "runs8": Encoding(_encode_runs8, _decode_runs8),
    "csr": Encoding(_encode_csr, _decode_csr),
    "blocks": Encoding(_encode_blocks, _decode_blocks),
}
