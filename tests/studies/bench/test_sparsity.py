"""The figures of sparse code that the benchmark prints."""

from kwslib.studies.bench import sparsity


def test_dense_and_every_pattern(monkeypatch):
    monkeypatch.setattr(sparsity, "ZEROS", (0.9,))
    dense, *sparse = sparsity.sparsity()
    assert dense.what == "dense" and "1.00 x" in dense.how
    assert [row.what for row in sparse] == [
        "90% zeros, global", "90% zeros, uniform", "90% zeros, blocks",
    ]  # fmt: skip
    assert all(row.value < dense.value and row.unit == "cycles" for row in sparse)
    assert sparse[1].how.startswith("2.") and "conv2d_straight" in sparse[1].how
