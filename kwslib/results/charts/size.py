"""Figures of what a network costs: memory, operations, its place in the literature, run time."""

import math
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

import altair as alt
import numpy as np
from numpy.typing import NDArray

from kwslib.cost import Cost
from kwslib.cost.literature import ORIGINAL, PublishedNetwork
from kwslib.cost.storage import ACTIVATION_BYTES, NUMBER_TYPES, NumberType, flash_bytes
from kwslib.records import Record, format_quantity
from kwslib.results.charts.theme import (
    BELOW,
    BLUE,
    GREY,
    WIDTH,
    Rows,
    chart,
    colour_scale,
    listed,
    looks,
    names_of,
    short_name,
    tips,
)
from kwslib.results.provenance import resting_on
from kwslib.results.values import load_original

COUNTED = "counted"
_MOST_PARTS = 5
_SHOWN_CALLS = 200
_LAYER_LABELS = alt.Axis(labelLimit=190)


def plot_memory(cost: Cost) -> alt.LayerChart:
    """How much of the board's flash and RAM a network fills, as float32 and as int8.

    Flash is filled by the parameters of the layers, RAM by what the layer with the most live
    activations reads and writes.
    """
    rows = [row for each in NUMBER_TYPES for row in _flash_rows(cost, each)]
    rows += [row for each in NUMBER_TYPES for row in _ram_rows(cost, each)]
    memories = names_of(rows, "memory")
    totals = [_total(memory, [row for row in rows if row["memory"] == memory])
              for memory in memories]  # fmt: skip
    x = alt.X("share:Q", title="share of the memory", axis=alt.Axis(format="%", tickCount=5))
    y = alt.Y("memory:N", sort=memories, title=None, axis=_LAYER_LABELS)
    wholes = chart({"memory": memory, "share": 1.0} for memory in memories)
    whole = wholes.mark_bar(color=GREY, opacity=0.2).encode(x, y)
    words = f"Share of the flash and RAM of the {cost.board.name} that is filled. "
    return _stacked(
        rows, totals, x, y, "part", words + listed(totals, "{memory}: {label}"), behind=[whole]
    )


def _flash_rows(cost: Cost, number_type: NumberType) -> list[dict[str, Any]]:
    sizes = [
        (f"parameters of {each.name}", flash_bytes([each], number_type)) for each in cost.layers
    ]
    largest = sorted(sizes, key=lambda size: -size[1])[: _MOST_PARTS - 1]
    shown = [size for size in sizes if size in largest or len(sizes) < _MOST_PARTS]
    rest = sum(size for _, size in sizes) - sum(size for _, size in shown)
    if rest:
        shown.append(("parameters of other layers", rest))
    return _rows(f"flash, {number_type}", shown, cost.board.flash)


def _ram_rows(cost: Cost, number_type: NumberType) -> list[dict[str, Any]]:
    step = max(cost.memory.steps, key=lambda each: each.live)
    counts = {"activations kept": step.held, "activations written": step.written}
    sizes = [(part, count * ACTIVATION_BYTES[number_type]) for part, count in counts.items()]
    return _rows(f"RAM, {number_type}", sizes, cost.board.ram)


def _rows(memory: str, sizes: Sequence[tuple[str, int]], available: int) -> list[dict[str, Any]]:
    return [
        {"memory": memory, "part": part, "bytes": size, "share": size / available, "order": order}
        for order, (part, size) in enumerate(sizes)
    ]


def _total(memory: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    size, share = sum(row["bytes"] for row in rows), sum(row["share"] for row in rows)
    return {"memory": memory, "share": share, "label": f"{size / 1024:.1f} kB, {100 * share:.1f} %"}


def plot_live(cost: Cost) -> alt.LayerChart:
    """Activations in RAM while each step of a network runs: those kept and those written."""
    memory = cost.memory
    steps = {f"{number} {step.name}": step for number, step in enumerate(memory.steps, 1)}
    rows = [
        {"step": name, "activations": count, "part": part, "order": order}
        for name, step in steps.items()
        for order, (part, count) in enumerate(
            (("kept, inputs included", step.held), ("written", step.written))
        )
    ]
    totals = [
        {"step": name, "activations": step.live,
         "label": f"{step.live:,}" + (", peak" if step.live == memory.peak else "")}
        for name, step in steps.items()
    ]  # fmt: skip
    scale = alt.Scale(domain=[0, 1.45 * memory.peak], nice=False)
    x = alt.X("activations:Q", title="activations in RAM", scale=scale, axis=_counts(tickCount=6))
    y = alt.Y("step:N", sort=list(steps), title=None, axis=_LAYER_LABELS)
    words = f"Activations in memory by step: {listed(totals, '{step} {label}')}"
    return _stacked(rows, totals, x, y, "part", words, 34 if len(steps) < 6 else 22)


def plot_operations(cost: Cost) -> alt.LayerChart:
    """FLOPs of each layer: multiplications, additions of sums, additions of biases."""
    layers = cost.layers
    kinds = ("multiplications", "additions", "bias additions")
    rows = [
        {"layer": each.name, "operation": kind, "flops": flops, "order": order}
        for each in layers
        for order, (kind, flops) in enumerate(
            zip(kinds, (each.macs, each.macs, each.biased_outputs), strict=True)
        )
    ]
    totals = [
        {"layer": each.name, "flops": each.flops,
         "label": f"{each.flops:,} ({100 * each.flops / cost.flops:.1f} %)"}
        for each in layers
    ]  # fmt: skip
    scale = alt.Scale(domain=[0, 1.6 * max(each.flops for each in layers)], nice=False)
    x = alt.X("flops:Q", title="FLOPs per image", scale=scale, axis=_counts(tickCount=6))
    y = alt.Y("layer:N", sort=[each.name for each in layers], title=None, axis=_LAYER_LABELS)
    words = f"FLOPs by layer: {listed(totals, '{layer} {label}')}"
    return _stacked(rows, totals, x, y, "operation", words, 34 if len(layers) < 6 else 22)


def _stacked(
    rows: Rows, totals: Rows, x: alt.X, y: alt.Y, part: str, description: str, step: int = 34,
    behind: Sequence[alt.Chart] = (),
) -> alt.LayerChart:  # fmt: skip
    """Bars of ``rows`` stacked by ``part`` in their ``order``, a total's ``label`` after each."""
    field = x.shorthand.partition(":")[0]
    colours = colour_scale(names_of(rows, part))
    bars = (
        chart(rows)
        .mark_bar()
        .encode(
            x, y,
            alt.Color(f"{part}:N", scale=colours, legend=BELOW, title=None),
            alt.Order("order:O"),
            tooltip=[f"{y.shorthand}", f"{part}:N", *tips(".3~s", field)],
        )
    )  # fmt: skip
    words = chart(totals).mark_text(align="left", dx=6)
    layers = [*behind, bars, words.encode(alt.X(f"{field}:Q"), y, text="label:N")]
    stacked = alt.LayerChart(layer=layers).properties(
        width=WIDTH, height=alt.Step(step), description=description
    )
    return resting_on(stacked, method=COUNTED)


def plot_literature(
    networks: Sequence[PublishedNetwork], model: str, cost: Cost
) -> alt.LayerChart:  # fmt: skip
    """FLOPs against parameters, both logarithmic: published networks, the original, one of ours.

    Args:
        networks: that others published.
        model: name in the registry of the network with this ``cost``.
        cost: of one network.
    """
    rows: list[dict[str, Any]] = [
        {
            "network": each.name,
            "kind": ORIGINAL if each.name == ORIGINAL else "literature",
            "parameters": int(each.parameters.value),
            "flops": each.flops,
        }
        for each in networks
    ]
    counts = {"parameters": cost.parameters, "flops": cost.flops}
    rows.append({"network": short_name(model), "kind": "this run", **counts})
    base = chart(row | {"left": _crowded(row, rows)} for row in rows).encode(
        alt.X("parameters:Q", title="parameters", **_logarithmic([r["parameters"] for r in rows])),
        alt.Y("flops:Q", title="FLOPs per image", **_logarithmic([r["flops"] for r in rows])),
        tooltip=["network:N", *tips(",", "parameters", "flops")],
    )
    points = base.mark_point(filled=True, opacity=1).encode(
        *looks("kind", names_of(rows, "kind")),
        # the original lies almost under the network of this run, so it is drawn larger
        size=alt.condition(alt.datum.kind == ORIGINAL, alt.value(260), alt.value(90)),
    )
    right = base.transform_filter("!datum.left").mark_text(align="left", dx=13, fontSize=11)
    left = base.transform_filter("datum.left").mark_text(align="right", dx=-13, fontSize=11)
    words = [each.encode(text="network:N") for each in (right, left)]
    drawn = alt.LayerChart(layer=[points, *words]).properties(
        width=WIDTH, height=380,
        description="Parameters and FLOPs of keyword-spotting networks: "
        + listed(rows, "{network} {parameters:,} and {flops:,}"),
    )  # fmt: skip
    return resting_on(drawn, method=f"published; {COUNTED} from code")


def _crowded(row: Mapping[str, Any], rows: Rows) -> bool:
    """Whether another point lies where a name to the right of the point would stand."""
    return any(
        1 < other["parameters"] / row["parameters"] < 4
        and 2 / 3 < other["flops"] / row["flops"] < 3 / 2
        for other in rows
    )


def plot_calls(times: NDArray[np.float64], median: float) -> alt.LayerChart:
    """The first calls of a network as multiples of the median call, on a logarithmic axis.

    Args:
        times: of all calls in their order, microseconds.
        median: of those after the warm-up, microseconds.
    """
    multiples = [float(each / median) for each in times[:_SHOWN_CALLS]]
    scale = alt.Scale(domain=[0, len(multiples)], nice=False)
    base = chart({"call": i, "multiple": each} for i, each in enumerate(multiples, 1)).encode(
        alt.X("call:Q", title="call", scale=scale, axis=alt.Axis(format="d", tickCount=6))
    )
    channel = _logarithmic([1, *multiples], (1, 2, 5))
    channel["axis"].format = "~r"
    y = alt.Y("multiple:Q", title="time / median", **channel)
    points = base.mark_point(filled=True, size=16, opacity=0.8, color=BLUE).encode(y)
    one = chart([{"multiple": 1}]).mark_rule(strokeDash=[4, 4], color=GREY)
    drawn = alt.LayerChart(layer=[one.encode(alt.Y("multiple:Q")), points]).properties(
        width=WIDTH, height=220,
        description=f"Time of {len(multiples)} calls; the first is {multiples[0]:.1f} times the "
        "median",
    )  # fmt: skip
    return resting_on(drawn, method="measured", place="CPU of this run")


def plot_run_times(
    cpu: Sequence[Record], single: Record | None, batched: Record | None, here: float
) -> alt.LayerChart:
    """Run times on CPU and GPU beside the two that the original report states.

    Args:
        cpu: records of the CPU; empty where there are none.
        single: record of the GPU with one image per call, or None.
        batched: likewise with many images.
        here: microseconds on the CPU of this run, drawn where there is no record.
    """
    rows = [_run_time("CPU of this run, one core", "this run", here)]
    if cpu:
        us = mean(float(record.value) for record in cpu)
        rows = [_run_time(f"{cpu[0].machine.split(',')[0]}, one core", "on record", us)]
    on_gpu = [record for record in (single, batched) if record]
    for record in on_gpu:
        images = record.subject["batch"]
        place = f"{record.machine}, {images} image{'s' if images > 1 else ''}"
        rows.append(_run_time(place, "on record", record.value))
    for device, name in (("cpu", "CPU"), ("cuda", "GPU")):
        claim = load_original("run_time", device)
        rows.append(_run_time(f"{ORIGINAL}, {name}", ORIGINAL, claim.value))
    drawn = [*cpu, *on_gpu]
    places = (f"{r.machine} ({r.subject['runtime']}, {r.when[:10]})" for r in drawn)
    return resting_on(run_times(rows), drawn, method="measured; original report: published",
                      place="; ".join(dict.fromkeys(places)))  # fmt: skip


def _run_time(place: str, kind: str, us: float) -> dict[str, Any]:
    label = format_quantity(float(us), "us", None)
    return {"place": place, "kind": kind, "us": float(us), "label": label}


def run_times(rows: Rows) -> alt.LayerChart:
    """Run times on a logarithmic axis, one row each.

    Args:
        rows: ``place``, ``kind`` (of :data:`kwslib.results.charts.theme.SHAPES`), ``us`` and its
            ``label``.
    """
    base = chart(rows).encode(
        alt.X("us:Q", title="run time in µs", **_logarithmic([r["us"] for r in rows], (1, 2, 5))),
        alt.Y("place:N", sort=[row["place"] for row in rows], title=None,
              axis=alt.Axis(labelLimit=220)),
    )  # fmt: skip
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        *looks("kind", names_of(rows, "kind")), tooltip=["place:N", "kind:N", *tips(",.1f", "us")]
    )
    words = base.mark_text(dy=-14).encode(text="label:N")
    return alt.LayerChart(layer=[points, words]).properties(
        width=WIDTH - 100,
        height=alt.Step(44),
        description=f"Median run time: {listed(rows, '{place} {label}')}",
    )


def _logarithmic(values: Sequence[float], steps: Sequence[int] = (1,)) -> dict[str, Any]:
    """Scale and axis of a logarithmic channel that encloses ``values``."""
    ticks = _ticks(values, steps)
    scale = alt.Scale(type="log", domain=[ticks[0], ticks[-1]], nice=False)
    return {"scale": scale, "axis": _counts(values=ticks)}


def _ticks(values: Sequence[float], steps: Sequence[int]) -> list[float]:
    """Ticks ``step * 10^k`` from the last at or below ``values`` to the first at or above."""
    lowest, highest = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    ticks = [step * 10.0**power for power in range(lowest, highest + 1) for step in steps]
    first = max(i for i, tick in enumerate(ticks) if tick <= min(values))
    last = min(i for i, tick in enumerate(ticks) if tick >= max(values))
    return ticks[first : last + 1]


def _counts(**settings: Any) -> alt.Axis:
    return alt.Axis(format="~s", **settings)
