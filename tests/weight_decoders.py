"""Sparse weights read back from the bytes of the encodings of ``kwslib.cost.compression``."""

import numpy as np


def decode(name, data, shape):
    """The int8 weights of a shape in an encoding."""
    return DECODERS[name](data, shape)


def rows_of(weights):
    return weights.reshape(len(weights), -1)


def decode_dense(data, shape):
    return np.frombuffer(data, np.int8).reshape(shape)


def decode_bitmap(data, shape):
    found = np.zeros(shape, np.int8)
    bits = -(-found.size // 8)
    bitmap = np.frombuffer(data[:bits], np.uint8)
    present = np.unpackbits(bitmap, count=found.size, bitorder="little").astype(bool)
    found.reshape(-1)[present] = np.frombuffer(data[bits:], np.int8)
    return found


def places_of(runs):
    """Where that is kept in front of which so many places are empty."""
    return np.cumsum(runs.astype(np.int64) + 1) - 1


def decode_runs8(data, shape):
    runs, values = np.frombuffer(data, np.uint8).reshape(2, -1)
    return placed(places_of(runs), values.view(np.int8), shape)


def placed(places, values, shape):
    found = np.zeros(shape, np.int8)
    found.reshape(-1)[places] = values
    return found


def decode_runs4(data, shape):
    count = 2 * len(data) // 3  # of the weights: n bytes for them and n / 2, rounded up, for runs
    pairs = np.frombuffer(data[: len(data) - count], np.uint8)
    runs = np.stack([pairs & 15, pairs >> 4], axis=1).reshape(-1)[:count]
    return placed(places_of(runs), np.frombuffer(data[len(data) - count :], np.int8), shape)


def decode_csr(data, shape):
    found = np.zeros(shape, np.int8)
    rows = rows_of(found)
    begin_type = "<u2" if rows.size < 2**16 else "<u4"
    column_type = "<u1" if rows.shape[1] <= 2**8 else "<u2"
    begins = np.frombuffer(data, begin_type, len(rows) + 1)
    columns = np.frombuffer(data, column_type, int(begins[-1]), begins.nbytes)
    values = np.frombuffer(data, np.int8, offset=begins.nbytes + columns.nbytes)
    for row, first, last in zip(rows, begins.tolist(), begins.tolist()[1:], strict=False):
        row[columns[first:last]] = values[first:last]
    return found


def decode_blocks(data, shape):
    found = np.zeros(shape, np.int8)
    rows = rows_of(found)
    blocks = np.zeros((len(rows), -(-rows.shape[1] // 4), 4), np.int8).reshape(-1, 4)
    count = len(data) // 5
    values = np.frombuffer(data[count:], np.int8).reshape(-1, 4)
    blocks[places_of(np.frombuffer(data[:count], np.uint8))] = values
    rows[:] = blocks.reshape(len(rows), -1)[:, : rows.shape[1]]
    return found


DECODERS = {
    "dense": decode_dense,
    "bitmap": decode_bitmap,
    "runs4": decode_runs4,
    "runs8": decode_runs8,
    "csr": decode_csr,
    "blocks": decode_blocks,
}
