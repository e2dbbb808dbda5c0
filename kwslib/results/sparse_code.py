"""Chapter 6: what zeros save, in cycles and bytes, as values and charts."""

from collections.abc import Iterable, Sequence
from statistics import median

import altair as alt

from kwslib.records import Record, select
from kwslib.results.charts import pruning as charts
from kwslib.results.provenance import resting_on

PATTERN_NAMES = {
    "global": "smallest of all layers",
    "uniform": "same share in each layer",
    "blocks": "blocks of four weights",
}
ENCODING_NAMES = {
    "dense": "every weight",
    "bitmap": "bitmap",
    "runs4": "run lengths of 4 bits",
    "csr": "compressed rows",
    "blocks": "blocks of four",
}


def cycles_by_zeros(records: Iterable[Record], pattern: str) -> dict[float, float]:
    """Cycles of the compiled network by the share of zeros; sparse code where it pays.

    Args:
        records: of the sweep of zeros.
        pattern: of :data:`PATTERN_NAMES`.
    """
    own = select(records, "cycles", build="sparse", pattern=pattern)
    return {record.subject["zeros"]: record.value for record in own}


def dense_cycles(records: Iterable[Record]) -> float:
    """Cycles of the dense program, for which a zero is a weight like any other."""
    return float(median(record.value for record in select(records, "cycles", build="dense")))


def host_speed(records: Iterable[Record], pattern: str, zeros: float) -> float:
    """How many times faster than the dense one the sparse program is on the host of the record."""
    (record,) = select(records, "speed", build="sparse", pattern=pattern, zeros=zeros)
    return float(record.value)


def bytes_by_encoding(records: Iterable[Record], zeros: float) -> dict[str, int]:
    """Bytes of the weights by encoding, with so many zeros among all layers."""
    own = select(records, "weight_bytes", pattern="global", zeros=zeros)
    sizes = {record.subject["encoding"]: record.value for record in own}
    return {name: sizes[name] for name in ENCODING_NAMES}


def plot_bytes(records: Sequence[Record]) -> alt.LayerChart:
    """Bytes of the weights against the share of zeros, a line for each encoding."""
    own = [
        record
        for record in select(records, "weight_bytes", pattern="global")
        if record.subject["encoding"] in ENCODING_NAMES
    ]
    rows = [
        {"series": ENCODING_NAMES[record.subject["encoding"]],
         "zeros": record.subject["zeros"], "kB": record.value / 1024}
        for record in own
    ]  # fmt: skip
    return resting_on(charts.by_zeros(rows, "kB", "weights, kB"), own)


def plot_cycles(records: Sequence[Record]) -> alt.LayerChart:
    """Cycles of the compiled network against the share of zeros, a line for each pattern."""
    rows = [
        {"series": name, "zeros": zeros, "cycles": cycles}
        for pattern, name in PATTERN_NAMES.items()
        for zeros, cycles in cycles_by_zeros(records, pattern).items()
    ]
    return resting_on(
        charts.by_zeros(rows, "cycles", "cycles per inference", dense_cycles(records)),
        select(records, "cycles"),
    )
