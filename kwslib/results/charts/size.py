"""Charts of what a network costs: memory, operations, its place in the literature, run time."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from kwslib.cost import Cost, LayerCost, Timing
from kwslib.cost.literature import ORIGINAL, PublishedNetwork
from kwslib.cost.memory import ACTIVATION_BYTES, NUMBER_TYPES, NumberType, flash_bytes
from kwslib.measurements import Record
from kwslib.results.charts.theme import GREY, WIDTH, colour_scale, shape_scale

_MOST_PARTS = 6
_THIS_RUN, _ON_RECORD, _LITERATURE = "this run", "on record", "literature"


def budget(cost: Cost) -> alt.LayerChart:
    """How much of the board's flash and RAM a network fills, by its parts.

    Flash is filled by the parameters of the layers, RAM by what the layer with the most live
    activations reads and writes.
    """
    rows = [row for each in NUMBER_TYPES for row in _flash_rows(cost, each)]
    rows += [row for each in NUMBER_TYPES for row in _ram_rows(cost, each)]
    memories = list(dict.fromkeys(row["memory"] for row in rows))
    totals = [
        {"memory": memory, **_total([row for row in rows if row["memory"] == memory])}
        for memory in memories
    ]
    parts = list(dict.fromkeys(row["part"] for row in rows))
    y = alt.Y("memory:N", sort=memories, title=None, axis=alt.Axis(labelLimit=160))
    x = alt.X(
        "share:Q", title=f"share of the {cost.board.name}", axis=alt.Axis(format="%", tickCount=5)
    )
    whole = (
        alt.Chart(alt.Data(values=[{"memory": memory, "share": 1.0} for memory in memories]))
        .mark_bar(color=GREY, opacity=0.2)
        .encode(x, y)
    )
    filled = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar()
        .encode(
            alt.X("share:Q"),
            y,
            alt.Color("part:N", scale=colour_scale(parts), legend=_legend(), title=None),
            alt.Order("order:O"),
            tooltip=["memory:N", "part:N", "bytes:Q", alt.Tooltip("share:Q", format=".2%")],
        )
    )
    words = (
        alt.Chart(alt.Data(values=totals))
        .mark_text(align="left", dx=6)
        .encode(alt.X("share:Q"), y, text="label:N")
    )
    description = (
        f"Share of the flash and RAM of the {cost.board.name} that is filled. "
        + "; ".join(f"{total['memory']}: {total['label']}" for total in totals)
    )
    chart = alt.LayerChart(layer=[whole, filled, words])
    return chart.properties(width=WIDTH, height=alt.Step(34), description=description)


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
        ("activations that are held", step.held * scale),
        ("activations that are written", step.written * scale),
    ]
    return _rows(f"RAM, {number_type}", sizes, cost.board.ram)


def _rows(memory: str, sizes: Sequence[tuple[str, int]], available: int) -> list[dict[str, Any]]:
    return [
        {"memory": memory, "part": part, "bytes": size, "share": size / available, "order": order}
        for order, (part, size) in enumerate(sizes)
    ]


def _total(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    size, share = sum(row["bytes"] for row in rows), sum(row["share"] for row in rows)
    return {"share": share, "label": f"{size / 1024:.1f} kB, {share:.1%}"}


def operations(layers: Sequence[LayerCost]) -> alt.LayerChart:
    """FLOPs of each layer: multiplications, additions of sums, additions of biases."""
    kinds = ["multiplications", "additions", "bias additions"]
    rows = [
        {"layer": each.name, "operation": kind, "flops": flops, "order": order}
        for each in layers
        for order, (kind, flops) in enumerate(
            zip(kinds, (each.macs, each.macs, each.biased_outputs), strict=True)
        )
    ]
    total = sum(each.flops for each in layers)
    totals = [
        {
            "layer": each.name,
            "flops": each.flops,
            "label": f"{each.flops:,} ({each.flops / total:.1%})",
        }
        for each in layers
    ]
    most = max(each.flops for each in layers)
    y = alt.Y("layer:N", sort=[each.name for each in layers], title=None)
    scale = alt.Scale(domain=[0, 1.3 * most], nice=False)
    x = alt.X("flops:Q", title="FLOPs of one image", scale=scale, axis=_count_axis(tickCount=6))
    bars = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar()
        .encode(
            x,
            y,
            alt.Color("operation:N", scale=colour_scale(kinds), legend=_legend(), title=None),
            alt.Order("order:O"),
            tooltip=["layer:N", "operation:N", alt.Tooltip("flops:Q", format=",")],
        )
    )
    words = (
        alt.Chart(alt.Data(values=totals))
        .mark_text(align="left", dx=6)
        .encode(alt.X("flops:Q"), y, text="label:N")
    )
    description = "FLOPs by layer: " + "; ".join(f"{t['layer']} {t['label']}" for t in totals)
    chart = alt.LayerChart(layer=[bars, words])
    return chart.properties(width=WIDTH, height=alt.Step(34), description=description)


def literature(networks: Sequence[PublishedNetwork], name: str, cost: Cost) -> alt.LayerChart:
    """FLOPs against parameters, both logarithmic: published networks, the original, this one."""
    rows: list[dict[str, Any]] = [
        {
            "network": each.name,
            "kind": ORIGINAL if each.name == ORIGINAL else _LITERATURE,
            "parameters": int(each.parameters.value),
            "flops": each.flops,
            "how": each.how,
        }
        for each in networks
    ]
    counts = {"parameters": cost.parameters, "flops": cost.flops}
    rows.append({"network": f"{name}, this run", "kind": _THIS_RUN, "how": "counted", **counts})
    kinds = [_THIS_RUN, ORIGINAL, _LITERATURE]
    facts = [alt.Tooltip(f"{each}:Q", format=",") for each in ("parameters", "flops")]
    base = alt.Chart(alt.Data(values=[row | {"left": _crowded(row, rows)} for row in rows])).encode(
        _log_x("parameters:Q", "parameters", [row["parameters"] for row in rows]),
        _log_y("flops:Q", "FLOPs of one decision", [row["flops"] for row in rows]),
        tooltip=["network:N", *facts, "how:N"],
    )
    points = base.mark_point(filled=True, opacity=1).encode(
        alt.Color("kind:N", scale=colour_scale(kinds), legend=_legend(), title=None),
        alt.Shape("kind:N", scale=shape_scale(kinds), legend=_legend(), title=None),
        # the original lies almost under the network of this run, so it is drawn larger
        size=alt.condition(alt.datum.kind == ORIGINAL, alt.value(260), alt.value(90)),
    )
    right = base.transform_filter("!datum.left").mark_text(align="left", dx=13, fontSize=11)
    left = base.transform_filter("datum.left").mark_text(align="right", dx=-13, fontSize=11)
    listed = "; ".join(f"{r['network']} {r['parameters']:,} and {r['flops']:,}" for r in rows)
    description = f"Parameters and FLOPs of keyword-spotting networks: {listed}"
    words = [each.encode(text="network:N") for each in (right, left)]
    chart = alt.LayerChart(layer=[points, *words])
    return chart.properties(width=WIDTH, height=380, description=description)


def _crowded(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether another point lies where a name to the right of the point would stand."""
    return any(
        1 < other["parameters"] / row["parameters"] < 4
        and 2 / 3 < other["flops"] / row["flops"] < 3 / 2
        for other in rows
    )


def run_times(timings: Mapping[str, Timing], claims: Mapping[str, Record]) -> alt.LayerChart:
    """Run time at batch 1: median, quartiles and the middle nine tenths, beside single claims.

    Args:
        timings: of this run or on record, by a name for the row.
        claims: records of a single number, by a name for the row.
    """
    rows: list[dict[str, Any]] = [
        {"run": name, "kind": _ON_RECORD if each.on_record else _THIS_RUN} | _spread(each)
        for name, each in timings.items()
    ]
    measured = list(rows)
    rows += [{"run": name, "kind": ORIGINAL, "median": each.value} for name, each in claims.items()]
    y = alt.Y("run:N", sort=[row["run"] for row in rows], title=None, axis=alt.Axis(labelLimit=220))
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    colour = alt.Color("kind:N", scale=colour_scale(kinds), legend=_legend(), title=None)
    ends = [row["q05"] for row in measured] + [row["q95"] for row in measured]
    x = _log_x("median:Q", "run time in µs", [*ends, *(row["median"] for row in rows)], (1, 2, 5))
    facts = [alt.Tooltip(f"{each}:Q", format=",.1f") for each in ("median", "q25", "q75")]
    spread = alt.Chart(alt.Data(values=measured)).encode(y=y, color=colour)
    tails = spread.mark_rule(strokeWidth=1.5).encode(alt.X("q05:Q"), alt.X2("q95:Q"))
    box = spread.mark_bar(height=12, opacity=0.5).encode(alt.X("q25:Q"), alt.X2("q75:Q"))
    base = alt.Chart(alt.Data(values=[row | {"label": f"{row['median']:,.0f} µs"} for row in rows]))
    shape = alt.Shape("kind:N", scale=shape_scale(kinds), legend=_legend(), title=None)
    marks = base.mark_point(filled=True, size=80, opacity=1)
    points = marks.encode(x, y, colour, shape, tooltip=["run:N", *facts])
    words = base.mark_text(dy=-14).encode(x, y, text="label:N")
    description = "Median run time at batch 1: " + "; ".join(
        f"{row['run']} {row['median']:,.0f} microseconds" for row in rows
    )
    chart = alt.LayerChart(layer=[tails, box, points, words])
    return chart.properties(width=WIDTH, height=alt.Step(44), description=description)


def _spread(timing: Timing) -> dict[str, Any]:
    quantiles = timing.quantiles.value
    names = {"q05": "0.05", "q25": "0.25", "median": "0.5", "q75": "0.75", "q95": "0.95"}
    return {name: quantiles[level] for name, level in names.items()}


def _log_ticks(values: Sequence[float], steps: Sequence[int]) -> list[float]:
    """Ticks ``step * 10^k`` from the last at or below ``values`` to the first at or above."""
    lowest, highest = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    ticks = [step * 10.0**power for power in range(lowest, highest + 1) for step in steps]
    first = max(i for i, tick in enumerate(ticks) if tick <= min(values))
    last = min(i for i, tick in enumerate(ticks) if tick >= max(values))
    return ticks[first : last + 1]


def _log_x(field: str, title: str, values: Sequence[float], steps: Sequence[int] = (1,)) -> alt.X:
    ticks = _log_ticks(values, steps)
    scale = alt.Scale(type="log", domain=[ticks[0], ticks[-1]], nice=False)
    return alt.X(field, title=title, scale=scale, axis=_count_axis(values=ticks))


def _log_y(field: str, title: str, values: Sequence[float]) -> alt.Y:
    ticks = _log_ticks(values, (1,))
    scale = alt.Scale(type="log", domain=[ticks[0], ticks[-1]], nice=False)
    return alt.Y(field, title=title, scale=scale, axis=_count_axis(values=ticks))


def _count_axis(**settings: Any) -> alt.Axis:
    return alt.Axis(format="~s", **settings)


def _legend() -> alt.Legend:
    return alt.Legend(orient="bottom", columns=3, labelLimit=0, symbolOpacity=1)
