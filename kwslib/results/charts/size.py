"""Charts of what a network costs: memory, operations, its place in the literature, run time."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from kwslib.cost import Cost, LayerCost, Memory
from kwslib.cost.literature import ORIGINAL, PublishedNetwork
from kwslib.cost.memory import ACTIVATION_BYTES, NUMBER_TYPES, NumberType, flash_bytes
from kwslib.records import format_quantity
from kwslib.results.charts.theme import BELOW, BLUE, GREY, WIDTH, colour_scale, shape_scale

_MOST_PARTS = 5
_LAYER_LABELS = alt.Axis(labelLimit=190)


def budget(cost: Cost) -> alt.LayerChart:
    """How much of the board's flash and RAM a network fills, by its parts.

    Flash is filled by the parameters of the layers, RAM by what the layer with the most live
    activations reads and writes.
    """
    rows = [row for each in NUMBER_TYPES for row in _flash_rows(cost, each)]
    rows += [row for each in NUMBER_TYPES for row in _ram_rows(cost, each)]
    memories = list(dict.fromkeys(row["memory"] for row in rows))
    totals = [_total(memory, [row for row in rows if row["memory"] == memory])
              for memory in memories]  # fmt: skip
    axis = alt.Axis(format="%", tickCount=5)
    x = alt.X("share:Q", title="share of the memory", axis=axis)
    wholes = [{"memory": memory, "share": 1.0} for memory in memories]
    y = alt.Y("memory:N", sort=memories, title=None, axis=_LAYER_LABELS)
    whole = alt.Chart(alt.Data(values=wholes)).mark_bar(color=GREY, opacity=0.2).encode(x, y)
    return _stacked(rows, totals, x, y, "part", behind=[whole]).properties(
        description=f"Share of the flash and RAM of the {cost.board.name} that is filled. "
        + "; ".join(f"{total['memory']}: {total['label']}" for total in totals),
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
    scale = ACTIVATION_BYTES[number_type]
    sizes = [
        ("activations kept", step.held * scale),
        ("activations written", step.written * scale),
    ]
    return _rows(f"RAM, {number_type}", sizes, cost.board.ram)


def _rows(memory: str, sizes: Sequence[tuple[str, int]], available: int) -> list[dict[str, Any]]:
    return [
        {"memory": memory, "part": part, "bytes": size, "share": size / available, "order": order}
        for order, (part, size) in enumerate(sizes)
    ]


def _total(memory: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    size, share = sum(row["bytes"] for row in rows), sum(row["share"] for row in rows)
    return {"memory": memory, "share": share, "label": f"{size / 1024:.1f} kB, {100 * share:.1f} %"}


def live(memory: Memory) -> alt.LayerChart:
    """Activations in memory while each step of a network runs: those kept and those written."""
    steps = [f"{number} {step.name}" for number, step in enumerate(memory.steps, 1)]
    parts = ("kept, inputs included", "written")
    rows = [
        {"step": name, "activations": count, "part": part, "order": order}
        for name, step in zip(steps, memory.steps, strict=True)
        for order, (part, count) in enumerate(zip(parts, (step.held, step.written), strict=True))
    ]
    totals = [
        {"step": name, "activations": step.live,
         "label": f"{step.live:,}" + (", peak" if step.live == memory.peak else "")}
        for name, step in zip(steps, memory.steps, strict=True)
    ]  # fmt: skip
    scale = alt.Scale(domain=[0, 1.45 * memory.peak], nice=False)
    x = alt.X("activations:Q", title="activations in RAM", scale=scale, axis=_counts(tickCount=6))
    y = alt.Y("step:N", sort=steps, title=None, axis=_LAYER_LABELS)
    words = "; ".join(f"{total['step']} {total['label']}" for total in totals)
    return _stacked(rows, totals, x, y, "part", 34 if len(steps) < 6 else 22).properties(
        description=f"Activations in memory by step: {words}"
    )


def operations(layers: Sequence[LayerCost]) -> alt.LayerChart:
    """FLOPs of each layer: multiplications, additions of sums, additions of biases."""
    kinds = ("multiplications", "additions", "bias additions")
    rows = [
        {"layer": each.name, "operation": kind, "flops": flops, "order": order}
        for each in layers
        for order, (kind, flops) in enumerate(
            zip(kinds, (each.macs, each.macs, each.biased_outputs), strict=True)
        )
    ]
    total = sum(each.flops for each in layers)
    totals = [
        {"layer": each.name, "flops": each.flops,
         "label": f"{each.flops:,} ({100 * each.flops / total:.1f} %)"}
        for each in layers
    ]  # fmt: skip
    scale = alt.Scale(domain=[0, 1.6 * max(each.flops for each in layers)], nice=False)
    x = alt.X("flops:Q", title="FLOPs per image", scale=scale, axis=_counts(tickCount=6))
    y = alt.Y("layer:N", sort=[each.name for each in layers], title=None, axis=_LAYER_LABELS)
    words = "; ".join(f"{each['layer']} {each['label']}" for each in totals)
    step = 34 if len(layers) < 6 else 22
    return _stacked(rows, totals, x, y, "operation", step).properties(
        description=f"FLOPs by layer: {words}"
    )


def _stacked(
    rows: Sequence[Mapping[str, Any]], totals: Sequence[Mapping[str, Any]],
    x: alt.X, y: alt.Y, part: str, step: int = 34, behind: Sequence[alt.Chart] = (),
) -> alt.LayerChart:  # fmt: skip
    """Bars of ``rows`` stacked by ``part`` in their ``order``, a total's ``label`` after each."""
    parts = list(dict.fromkeys(row[part] for row in rows))
    field = x.shorthand.partition(":")[0]
    bars = (
        alt.Chart(alt.Data(values=[dict(row) for row in rows]))
        .mark_bar()
        .encode(
            x, y,
            alt.Color(f"{part}:N", scale=colour_scale(parts), legend=BELOW, title=None),
            alt.Order("order:O"),
            tooltip=[f"{y.shorthand}", f"{part}:N", alt.Tooltip(f"{field}:Q", format=".3~s")],
        )
    )  # fmt: skip
    words = (
        alt.Chart(alt.Data(values=[dict(total) for total in totals]))
        .mark_text(align="left", dx=6)
        .encode(alt.X(f"{field}:Q"), y, text="label:N")
    )
    chart = alt.LayerChart(layer=[*behind, bars, words])
    return chart.properties(width=WIDTH, height=alt.Step(step))


def literature(networks: Sequence[PublishedNetwork], name: str, cost: Cost) -> alt.LayerChart:
    """FLOPs against parameters, both logarithmic: published networks, the original, this one.

    Args:
        networks: that others published.
        name: of the network with this ``cost``, as figures call it.
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
    rows.append({"network": name, "kind": "this run", **counts})
    facts = [alt.Tooltip(f"{each}:Q", format=",") for each in ("parameters", "flops")]
    base = alt.Chart(alt.Data(values=[row | {"left": _crowded(row, rows)} for row in rows])).encode(
        alt.X("parameters:Q", title="parameters", **_logarithmic([r["parameters"] for r in rows])),
        alt.Y("flops:Q", title="FLOPs per image", **_logarithmic([r["flops"] for r in rows])),
        tooltip=["network:N", *facts],
    )
    points = base.mark_point(filled=True, opacity=1).encode(
        *_by_kind(rows),
        # the original lies almost under the network of this run, so it is drawn larger
        size=alt.condition(alt.datum.kind == ORIGINAL, alt.value(260), alt.value(90)),
    )
    right = base.transform_filter("!datum.left").mark_text(align="left", dx=13, fontSize=11)
    left = base.transform_filter("datum.left").mark_text(align="right", dx=-13, fontSize=11)
    words = [each.encode(text="network:N") for each in (right, left)]
    listed = "; ".join(f"{r['network']} {r['parameters']:,} and {r['flops']:,}" for r in rows)
    return alt.LayerChart(layer=[points, *words]).properties(
        width=WIDTH, height=380,
        description=f"Parameters and FLOPs of keyword-spotting networks: {listed}",
    )  # fmt: skip


def _crowded(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether another point lies where a name to the right of the point would stand."""
    return any(
        1 < other["parameters"] / row["parameters"] < 4
        and 2 / 3 < other["flops"] / row["flops"] < 3 / 2
        for other in rows
    )


def calls(multiples: Sequence[float]) -> alt.LayerChart:
    """Time of each call in its order, as a multiple of the median, on a logarithmic axis."""
    rows = [{"call": number, "multiple": each} for number, each in enumerate(multiples, 1)]
    scale = alt.Scale(domain=[0, len(rows)], nice=False)
    base = alt.Chart(alt.Data(values=rows)).encode(
        alt.X("call:Q", title="call", scale=scale, axis=alt.Axis(format="d", tickCount=6))
    )
    channel = _logarithmic([1, *multiples], (1, 2, 5))
    channel["axis"].format = "~r"
    y = alt.Y("multiple:Q", title="time / median", **channel)
    points = base.mark_point(filled=True, size=16, opacity=0.8, color=BLUE).encode(y)
    median = alt.Chart(alt.Data(values=[{"multiple": 1}])).mark_rule(
        strokeDash=[4, 4], color=GREY
    ).encode(alt.Y("multiple:Q"))  # fmt: skip
    return alt.LayerChart(layer=[median, points]).properties(
        width=WIDTH, height=220,
        description=f"Time of {len(rows)} calls; the first is {multiples[0]:.1f} times the median",
    )  # fmt: skip


def run_times(rows: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    """Run times on a logarithmic axis, one row each.

    Args:
        rows: ``place``, ``kind`` (of :data:`kwslib.results.charts.theme.SHAPES`) and ``us``.
    """
    values = [dict(row) | {"label": format_quantity(row["us"], "us", None)} for row in rows]
    base = alt.Chart(alt.Data(values=values)).encode(
        alt.X("us:Q", title="run time in µs", **_logarithmic([r["us"] for r in rows], (1, 2, 5))),
        alt.Y("place:N", sort=[row["place"] for row in rows], title=None,
              axis=alt.Axis(labelLimit=220)),
    )  # fmt: skip
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        *_by_kind(rows), tooltip=["place:N", "kind:N", alt.Tooltip("us:Q", format=",.1f")]
    )
    words = base.mark_text(dy=-14).encode(text="label:N")
    told = "; ".join(f"{row['place']} {format_quantity(row['us'], 'us', None)}" for row in rows)
    return alt.LayerChart(layer=[points, words]).properties(
        width=WIDTH - 100, height=alt.Step(44), description=f"Median run time: {told}"
    )


def _by_kind(rows: Sequence[Mapping[str, Any]]) -> tuple[alt.Color, alt.Shape]:
    """Colour and shape of points by where their numbers come from."""
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    return (
        alt.Color("kind:N", scale=colour_scale(kinds), legend=BELOW, title=None),
        alt.Shape("kind:N", scale=shape_scale(kinds), legend=BELOW, title=None),
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
