"""Figures of chapter 5 that rest on sweeps: each is a chart, or a note where there is no sweep."""

from typing import Any

from kwslib.results import page
from kwslib.results import quantization_prose as prose
from kwslib.results.charts import quantization as charts
from kwslib.results.quantization import Quantization
from kwslib.results.sweeps import sweep_command

_BOTH = "weights and activations"


def committed_widths(found: Quantization) -> Any:
    """Both methods, weights and activations alike, from the committed sweep."""
    records = found.committed.get("widths")
    if not records:
        return _missing(found, "widths")
    return charts.by_width(
        prose.width_rows(records, prose.NAMES), prose.unquantized(records), _BOTH
    )


def committed_weights(found: Quantization) -> Any:
    """Both methods, weights alone, from the committed sweep."""
    records = found.committed.get("widths")
    if not records:
        return _missing(found, "widths")
    rows = prose.width_rows(records, prose.NAMES, "float")
    return charts.by_width(rows, prose.unquantized(records), "weights, activations left as floats")


def live_widths(found: Quantization) -> Any:
    """Both methods at the widths of this run."""
    if not found.live:
        return page.note(
            "kws report --chapter 5 makes this figure on embedded speech, and with --data DIR on "
            "a data set.",
            "This run made no sweep of its own",
        )
    return charts.by_width(
        prose.width_rows(found.live, prose.NAMES), prose.unquantized(found.live), _BOTH
    )


def ablations(found: Quantization) -> Any:
    """Training with quantizers, and what two mistakes make of it."""
    records = found.committed.get("ablations")
    if not records:
        return _missing(found, "ablations")
    return charts.by_width(prose.ablation_rows(found), prose.unquantized(records), _BOTH)


def minifloats(found: Quantization, method: str) -> Any:
    """The grid of small floats by one of the methods."""
    if not found.committed.get("minifloat"):
        return _missing(found, "minifloat")
    return charts.minifloat_grid(prose.minifloat_rows(found, method))


def formats(found: Quantization) -> Any:
    """The best small float of each size beside the integer, as a table."""
    if not (found.committed.get("minifloat") and found.committed.get("widths")):
        return _missing(found, "minifloat")
    return page.table(prose.format_rows(found), "Small floats and integers of as many bits")


def _missing(found: Quantization, kind: str) -> page.Html:
    command = sweep_command("quantization", kind, found.name)
    return page.note(command, "To fill this place, with a data set")
