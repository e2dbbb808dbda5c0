"""Dense against sparse code for tiny_conv at rising shares of zeros, on the emulated board."""

from collections.abc import Sequence

from kwslib.models.checkpoint import PUBLISHED
from kwslib.network.reader import read_graph
from kwslib.studies.bench.registry import Row, benchmark
from kwslib.studies.sparsity import PATTERNS, Built, built, with_zeros

ZEROS = (0.5, 0.8, 0.9, 0.95, 0.99)


@benchmark
def sparsity() -> Sequence[Row]:
    """The published network with its smallest weights set to zero, in every pattern."""
    graph = read_graph(PUBLISHED / "tiny_conv-yes_no.tflite")
    dense = built(graph, "never")
    rows = [Row("dense", dense.cycles, "cycles", _how(dense, dense))]
    for pattern in PATTERNS:
        for zeros in ZEROS:
            sparse = built(with_zeros(graph, pattern, zeros), "auto")
            what = f"{zeros:.0%} zeros, {pattern}"
            rows.append(Row(what, sparse.cycles, "cycles", _how(sparse, dense)))
    return rows


def _how(found: Built, dense: Built) -> str:
    kernels = ", ".join(list(found.kernels.values())[:-1])
    faster = f"{dense.cycles / found.cycles:.2f} x as fast as dense"
    return f"{faster}, {found.instructions:,} instr., flash {found.flash:,} bytes: {kernels}"
