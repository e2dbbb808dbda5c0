"""Figures and tables of chapter 6: each is drawn, or says how its place is filled."""

from collections.abc import Mapping
from typing import Any

from kwslib.results import page
from kwslib.results import pruning_rows as rows
from kwslib.results.charts import pruning as charts
from kwslib.results.charts.front import front
from kwslib.results.pruning import Pruning
from kwslib.results.sweeps import sweep_command

_COSTS = {
    "parameters": "parameters",
    "flops": "FLOPs",
    "host_us": "us of the compiled C on this processor",
    "eager_us": "us of PyTorch on this processor",
    "ms": "ms on the board, modelled",
}


def weights(found: Pruning) -> Any:
    """Accuracy against parameters, as pruned and fine-tuned, with both cliffs."""
    records = found.committed.get("weights")
    if not records:
        return _missing(found, "weights")
    return _weights(rows.curve_rows(records, rows.weights), rows.dense_accuracy(records))


def live_weights(found: Pruning) -> Any:
    """The same in this run."""
    own = rows.curve_rows(found.live, rows.weights)
    if not own:
        return _not_live()
    return _weights(own, rows.dense_accuracy(found.live))


def _weights(own: list[dict[str, Any]], dense: float) -> Any:
    at = {name: rows.cliff(own, name, dense) for name in (rows.AS_PRUNED, rows.TUNED)}
    return charts.curves(
        own, "parameters", "parameters that are not zero", dense, logarithmic=True,
        cliffs={name: place["parameters"] for name, place in at.items() if place},
    )  # fmt: skip


def scopes(found: Pruning) -> Any:
    """What is ranked together, before anything is trained again."""
    records = found.committed.get("weights")
    if not records:
        return _missing(found, "weights")
    own = rows.curve_rows(records, rows.scopes)
    return charts.curves(own, "amount", "weights gone", rows.dense_accuracy(records), share=True)


def sensitivity(found: Pruning, metric: str) -> Any:
    """What pruning one layer alone does, to the committed networks or else to that of this run."""
    records = found.committed.get("weights") or found.live
    if not records:
        return _missing(found, "weights")
    what = "weights" if metric == "weight_sensitivity" else "channels"
    return charts.sensitivity(rows.sensitivity_rows(records, metric), what)


def schedules(found: Pruning) -> Any:
    """Ways to train on, as a table."""
    records = found.committed.get("schedules")
    if not records:
        return _missing(found, "schedules")
    return page.table(rows.schedule_rows(records), "Test clips right, by how it is fine-tuned")


def encodings(found: Pruning) -> Any:
    """Bytes of the weights by how they are written."""
    records = found.committed.get("zeros")
    if not records:
        return _missing(found, "zeros")
    return charts.by_zeros(rows.byte_rows(records), "kB", "kB of weights")


def cycles(found: Pruning) -> Any:
    """Cycles of the compiled network by zeros."""
    records = found.committed.get("zeros")
    if not records:
        return _missing(found, "zeros")
    return charts.by_zeros(
        rows.zero_rows(records), "value", "cycles on the board, modelled",
        rows.dense_value(records),
    )  # fmt: skip


def faster(found: Pruning) -> Any:
    """The fine-tuned networks with zeros, as a table."""
    records = found.committed.get("board")
    if not records:
        return _missing(found, "board")
    return page.table(rows.faster_rows(rows.board_rows(records)), "Fine-tuned, in 8 bits, compiled")


def norms(found: Pruning, method: str, *, tuned: bool) -> Any:
    """Accuracy by criterion at equal size, of blocks or of channels."""
    kind = "norms" if method == "blocks" else "channels"
    records = found.committed.get(kind)
    if not records:
        return _missing(found, kind)
    own = rows.curve_rows(records, rows.criteria(method, tuned=tuned))
    return charts.curves(own, "amount", f"{method} gone", rows.dense_accuracy(records), share=True)


def norm_table(found: Pruning) -> Any:
    """Every criterion against L2, with its interval."""
    if not (found.committed.get("norms") and found.committed.get("channels")):
        return _missing(found, "norms")
    return page.table(rows.norm_rows(found.committed), "Criteria at equal size, against L2")


def channels(found: Pruning, field: str) -> Any:
    """Accuracy against one of the costs of networks with fewer channels."""
    records, boards = found.committed.get("channels"), found.committed.get("board")
    if not records:
        return _missing(found, "channels")
    if field not in ("parameters", "flops") and not boards:
        return _missing(found, "board")
    own = rows.structured_rows(records, boards or ())
    return charts.curves(own, field, _COSTS[field], rows.dense_accuracy(records))


def live_channels(found: Pruning) -> Any:
    """Accuracy against parameters in this run."""
    own = rows.curve_rows(found.live, rows.channels)
    if not own:
        return _not_live()
    return charts.curves(own, "parameters", "parameters", rows.dense_accuracy(found.live))


def channel_times(found: Pruning) -> Any:
    """Milliseconds by channels, ours and published."""
    records = found.committed.get("board")
    if not records:
        return _missing(found, "board")
    (whole,) = found.channels.values()
    return charts.by_channels(rows.channel_time_rows(rows.board_rows(records), whole))


def pareto(found: Pruning, field: str, title: str) -> Any:
    """Accuracy against flash, RAM or time of all deployed networks."""
    records = found.committed.get("board")
    if not records:
        return _missing(found, "board")
    own = rows.board_rows(records)
    return charts.pareto(own, front(own, field, "validation"), field, title)


def together(found: Pruning) -> Any:
    """Pruned networks in few bits, as a table."""
    records = found.committed.get("together")
    if not records:
        return _missing(found, "together")
    lines = rows.together_rows(records)
    return page.table(lines, "Test clips right, activations in 8 bits")


def ship(found: Pruning) -> Any:
    """The network to ship by flash and time, as a table."""
    records = found.committed.get("board")
    if not records:
        return _missing(found, "board")
    return page.table(rows.ship_rows(rows.board_rows(records)), "Which network to ship")


def live_boards(found: Pruning) -> Any:
    """The networks of this run on the emulated board, as a table."""
    if not found.boards:
        return _not_live()
    return page.table([_board(each.name, each.profile) for each in found.boards],
                      "Of this run, in 8 bits on the emulated board")  # fmt: skip


def _board(name: str, profile: Any) -> Mapping[str, str]:
    network = profile.stages["network"]
    return {
        "network": name,
        "flash in all": f"{profile.flash:,} B",
        "RAM and stack": f"{profile.ram + profile.stack:,} B",
        "instructions": f"{network.instructions:,}",
        "cycles, modelled": f"{network.cycles:,}",
    }


def _not_live() -> page.Html:
    return page.note(
        "kws report --chapter 6 makes this figure on embedded speech, and with --data DIR on a "
        "data set.",
        "This run pruned no network of its own",
    )


def _missing(found: Pruning, kind: str) -> page.Html:
    command = sweep_command("pruning", kind, found.name)
    return page.note(command, "To fill this place, with a data set")
