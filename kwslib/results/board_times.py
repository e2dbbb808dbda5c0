"""Run times on record: other people's boards, this library's networks, and programs that were timed
on a physical board and modelled.
"""

import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from kwslib.board.cycles import FLASH_WAIT
from kwslib.config import NANO33BLE
from kwslib.models.checkpoint import PUBLISHED
from kwslib.network.reader import read_graph
from kwslib.records import Record, select
from kwslib.results import page
from kwslib.results.board_profile import ram_bytes, with_waits
from kwslib.results.charts.theme import (
    BELOW,
    BLUE,
    GREEN,
    ORANGE,
    ORIGINS,
    PERCENT,
    WIDTH,
    Rows,
    chart,
    labels_in_lines,
    listed,
    looks,
    mark_scale,
    names_of,
    network_scale,
    round_numbers,
    short_name,
    tips,
)
from kwslib.results.model_size import load_cpu_times, load_gpu_time
from kwslib.results.networks import Network
from kwslib.results.provenance import resting_on
from kwslib.results.values import author_of, load, load_original, mean_time, point
from kwslib.studies.pruned_boards import COMPILED

NO_WAITS, WAITS = "no flash waits", f"{FLASH_WAIT} cycles per constant"
"""The cycle model without and with what flash makes the processor wait for."""

_BASELINE = "tiny_conv"
CHANNELS = 8
"""Of the original's convolution."""

_KINDS = {
    "modelled": (BLUE, "circle"),
    "measured": (GREEN, "square"),
    "original report": ORIGINS["original report"],
    "literature": ORIGINS["literature"],
}
"""How a run time came about: colour and shape."""

_MS = 1000 / NANO33BLE.clock_hz


def known_times() -> Sequence[Record]:
    """What others published of physical boards, and what the cycle model says of programs that
    were timed on one.
    """
    return load("board/published.json")


def plot_processors(tiny: Network) -> alt.LayerChart:
    """Run times of tiny_conv on CPU, GPU and board, on record and by the original report.

    Args:
        tiny: the network, with its profile.
    """
    c, torch = (load_cpu_times(_BASELINE, runtime) for runtime in (COMPILED, "PyTorch"))
    c_time, torch_time, gpu = mean_time(c), mean_time(torch), load_gpu_time(_BASELINE)
    assert c_time and torch_time and gpu  # all are on record
    originals = {place: load_original("run_time", target) for place, target in
                 (("GPU", "cuda"), ("CPU", "cpu"), ("board", "serial"))}  # fmt: skip
    rows = [
        _row("generated C, CPU", "measured", c_time.value),
        _row("PyTorch, CPU", "measured", torch_time.value),
        _row(f"PyTorch, {gpu.machine}", "measured", gpu.value),
        *(_row(f"original report, {place}", "original report", record.value)
          for place, record in originals.items()),
        _row("generated C, board", "modelled", 1000 * (tiny.milliseconds or 0)),
    ]  # fmt: skip
    return resting_on(
        run_times(sorted(rows, key=lambda row: row["time"]), "time per inference", "µs"),
        [*c, *torch, gpu],
        method="measured and modelled, by colour",
        place=f"CPU: {torch[0].machine}; board: nRF52840, 64 MHz",
    )  # fmt: skip


def plot_boards(tiny: Network) -> alt.LayerChart:
    """Run times of tiny_conv's network on this kind of board: others' measured, ours modelled."""
    rows = [_published_row(record) for record in times_of_others()]
    for metric, name in (("cycles", NO_WAITS), ("cycles_with_flash_waits", WAITS)):
        for record in select(known_times(), metric, runtime="CMSIS-NN"):
            rows.append(_row(f"CMSIS-NN kernels, {name}", "modelled", record.value * _MS))
    for name, ms in ((NO_WAITS, tiny.milliseconds or 0), (WAITS, _waiting_ms(tiny))):
        rows.append(_row(f"generated C, {name}", "modelled", ms))
    return resting_on(
        run_times(rows, "time per inference", "ms"),
        method="measured and modelled, by colour",
        place=times_of_others()[0].machine,
    )


def run_times(rows: Rows, title: str, unit: str) -> alt.LayerChart:
    """Run times, one row each, on a logarithmic axis.

    Args:
        rows: ``place``, ``kind`` (of :data:`_KINDS`), ``time`` in ``unit``, and for a span
            ``low`` and ``high``.
        title: of the axis, without its unit.
        unit: of the times.
    """
    labelled = [dict(row) | {"label": f"{_time(row['time'])} {unit}"} for row in rows]
    times = [row["time"] for row in rows]
    low, high = min(times) / 2, 2 * max(times)
    x = alt.X(
        "time:Q", title=f"{title}, {unit}",
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(format=",~f", values=round_numbers(low, high)),
    )  # fmt: skip
    base = chart(labelled).encode(
        y=alt.Y("place:N", sort=[row["place"] for row in rows], title=None, axis=labels_in_lines())
    )
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        x,
        *looks("kind", names_of(rows, "kind", _KINDS), _KINDS),
        tooltip=["place:N", "kind:N", "label:N"],
    )
    middle = math.sqrt(low * high)
    left = base.transform_filter(f"datum.time <= {middle}").mark_text(align="left", dx=10)
    right = base.transform_filter(f"datum.time > {middle}").mark_text(align="right", dx=-10)
    layers = [points, *(each.encode(x, text="label:N") for each in (left, right))]
    if any("low" in row for row in rows):
        spans = base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=2)
        layers.insert(0, spans.encode(alt.X("low:Q"), alt.X2("high:Q")))
    return alt.LayerChart(layer=layers).properties(
        width=WIDTH - 60,
        height=alt.Step(38),
        description=f"{title}: {listed(labelled, '{place} {label}')}",
    )


def _time(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def times_of_others() -> list[Record]:
    """Published times of the network with all its channels."""
    records = select(known_times(), "run_time", stage="network")
    return [each for each in records if each.subject.get("channels", CHANNELS) == CHANNELS]


def _published_row(record: Record) -> dict[str, Any]:
    original = "Student" in record.source
    name = "original report" if original else author_of(record.source)
    row = _row(f"TFLite Micro, {name}", "original report" if original else "literature",
               float(np.mean(record.value)))  # fmt: skip
    if isinstance(record.value, list):
        row |= {"low": record.value[0], "high": record.value[1]}
    return row


def _row(place: str, kind: str, time: float) -> dict[str, Any]:
    return {"place": place, "kind": kind, "time": time}


def _waiting_ms(network: Network) -> float:
    """Modelled time of the network with flash waits, in ms."""
    return with_waits(network.board.stages["network"]).value / 1000


def line_through_channels() -> tuple[float, float]:
    """The straight line through one author's times of pruned networks: ms, and ms per channel."""
    records = select(known_times(), "run_time", stage="network")
    pruned = [each for each in records if each.subject.get("channels", CHANNELS) < CHANNELS]
    channels = [each.subject["channels"] for each in pruned]
    slope, fixed = np.polyfit(channels, [each.value for each in pruned], 1)
    return float(fixed), float(slope)


# The cycle model.


def model_errors() -> dict[str, dict[str, float]]:
    """Cycles of a physical board over modelled ones, by model and program."""
    found: dict[str, dict[str, float]] = {NO_WAITS: {}, WAITS: {}}
    for measured in select(known_times(), "cycles"):
        if measured.method == "published":
            program = measured.subject["network"]
            for metric, model in (("cycles", NO_WAITS), ("cycles_with_flash_waits", WAITS)):
                for ours in select(known_times(), metric, network=program):
                    if ours.method == "modelled":
                        found[model][program] = measured.value / ours.value
    return found


def plot_model_errors() -> alt.LayerChart:
    """Measured over modelled cycles of every program that was timed on a physical board."""
    errors = model_errors()
    rows: list[dict[str, Any]] = [
        {"program": program, "model": model, "ratio": ratio}
        for model, programs in errors.items()
        for program, ratio in programs.items()
    ]
    models, ratios = list(errors), [row["ratio"] for row in rows]
    table = dict(zip(errors, ((BLUE, "circle"), (ORANGE, "square")), strict=False))
    lines = labels_in_lines("replace(datum.label, ' of ', ', of ')")
    domain = [min(0.95, *ratios) - 0.02, max(1.05, *ratios) + 0.02]
    scale = alt.Scale(domain=domain, nice=False, zero=False)
    points = (
        chart(rows)
        .mark_point(filled=True, size=90, opacity=1)
        .encode(
            alt.X("ratio:Q", title="measured / modelled", scale=scale),
            alt.Y("program:N", sort=names_of(rows, "program"), title=None, axis=lines),
            *looks("model", models, table),
            tooltip=["program:N", "model:N", *tips(".3f", "ratio")],
        )
    )
    even = chart([{"ratio": 1}]).mark_rule(strokeDash=[2, 3])
    values = listed(rows, "{program}, {model}, {ratio:.2f}")
    drawn = alt.LayerChart(layer=[even.encode(alt.X("ratio:Q", scale=scale)), points]).properties(
        width=WIDTH - 60,
        height=alt.Step(54),
        description=f"Cycles measured on a physical board over modelled ones: {values}",
    )
    (place,) = {r.machine for r in select(known_times(), "cycles") if r.method == "published"}
    return resting_on(drawn, method="published cycles over modelled cycles", place=place)


# Every network.


def plot_networks(networks: Sequence[Network]) -> alt.LayerChart:
    """Test accuracy against modelled time on the board, a mark for each network, in its own colour.

    Args:
        networks: of one task, each with its profile.
    """
    rows: list[dict[str, Any]] = [
        {"model": each.model, **point(each.accuracy), "ms": each.milliseconds,
         "network": short_name(each.model)}
        for each in networks
    ]  # fmt: skip
    models, names = (names_of(rows, name) for name in ("model", "network"))
    times = [row["ms"] for row in rows]
    low, high = min(times) / 1.6, 1.6 * max(times)
    x = alt.X(
        "ms:Q", title="time per inference, ms",
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(format=",~f", values=round_numbers(low, high)),
    )  # fmt: skip
    scale = network_scale(models)
    base = chart(rows).encode(
        x,
        color=alt.Color("network:N", scale=scale, sort=names, title=None, legend=BELOW),
        tooltip=["network:N", *tips(".3", "ms"), *tips(".1%", "accuracy", "low", "high")],
    )
    rules = base.mark_rule(strokeWidth=2).encode(
        alt.Y("low:Q", title="accuracy", scale=alt.Scale(zero=False), axis=PERCENT),
        alt.Y2("high:Q"),
    )
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        alt.Y("accuracy:Q"),
        shape=alt.Shape("network:N", scale=mark_scale(names), sort=names, title=None, legend=BELOW),
    )
    values = listed(rows, "{network}, {ms:.1f} ms, {accuracy:.1%}")
    drawn = alt.LayerChart(layer=[rules, points]).properties(
        width=WIDTH, height=260, description=f"Accuracy against time on the board: {values}"
    )
    return resting_on(
        drawn, data="Speech Commands v0.02", seeds=_seeds(networks),
        method="accuracy measured, time modelled", place="nRF52840, 64 MHz",
    )  # fmt: skip


def tabulate_networks(networks: Sequence[Network]) -> page.Html:
    """Accuracy, time, flash and RAM of networks that have a profile."""
    ordered = sorted(networks, key=lambda each: (len(each.studies[0].labels), each.milliseconds))
    return page.table(
        [
            {
                "network": short_name(each.model),
                "task": each.task.replace("_", ", " if each.task != "ten_words" else " "),
                "accuracy": f"{each.accuracy:.1%}".replace("%", " %"),
                "int8": "" if each.int8_change is None else _points(each.int8_change),
                "instructions per MAC": f"{instructions_per_mac(each):.2f}",
                "time, ms": f"{each.milliseconds:.3g}",
                "with flash waits, ms": f"{_waiting_ms(each):.3g}",
                "flash, kB": f"{(each.board.flash or 0) / 1024:.1f}",
                "RAM, kB": f"{ram_bytes(each.board) / 1024:.1f}",
            }
            for each in ordered
        ],
        data="Speech Commands v0.02",
        seeds=_seeds(networks),
        method="accuracy measured, instructions emulated, time modelled",
        place="nRF52840, 64 MHz",
    )


def instructions_per_mac(network: Network) -> float:
    """Instructions of an inference over its multiply-accumulates."""
    return float(network.board.stages["network"].instructions or 0) / network.macs


def instructions_per_mac_by_layer(network: Network) -> dict[str, float]:
    """Instructions over multiply-accumulates of each layer that has some, by its C function."""
    graph = read_graph(PUBLISHED / f"{network.name}.tflite")
    macs = {f"layer_{step}_{each.kind}": each.macs for step, each in enumerate(graph.operators)}
    return {
        name: float(cost.instructions or 0) / macs[name]
        for name, cost in network.board.layers.items()
        if macs[name]
    }


def _points(change: float) -> str:
    return f"{100 * change:+.2f}".replace("-", "−")


def _seeds(networks: Sequence[Network]) -> str:
    counts = sorted({len(each.studies) for each in networks}, reverse=True)
    return " or ".join(map(str, counts))
