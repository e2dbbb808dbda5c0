"""Figures of chapter 4: time and memory by part, run times of others, errors of the cycle model."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from kwslib.results.charts.theme import (
    BELOW,
    BLUE,
    COLOURS,
    GREEN,
    ORANGE,
    SHAPES,
    SKY,
    VERMILION,
    WIDTH,
    network_scale,
    round_numbers,
    short_name,
)

STAGE_COLOURS = {
    "preprocessing": SKY,
    "network": BLUE,
    "postprocessing": VERMILION,
}
"""The same colour for a stage in every figure."""

_MEMORY_COLOURS = {"code": BLUE, "constants": SKY, "variables": ORANGE, "stack": VERMILION}

_KINDS = {
    "modelled": (BLUE, "circle"),
    "measured": (GREEN, "square"),
    "original report": (COLOURS["original report"], SHAPES["original report"]),
    "literature": (COLOURS["literature"], SHAPES["literature"]),
}
"""How a run time came about: colour and shape."""

_IN_LINES = alt.Axis(labelLimit=0, labelExpr="split(datum.label, ', ')")
"""Long names take several lines, so that a phone has room for the plot beside them."""

_MARKS = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")


def breakdown(rows: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    """Time of each stage in stretches of audio, in milliseconds.

    Args:
        rows: ``stretch`` from top to bottom, ``stage``, ``ms``.
    """
    stretches = list(dict.fromkeys(row["stretch"] for row in rows))
    stages = list(STAGE_COLOURS)
    scale = alt.Scale(domain=stages, range=list(STAGE_COLOURS.values()))
    totals = [
        {"stretch": stretch, "ms": sum(row["ms"] for row in rows if row["stretch"] == stretch)}
        for stretch in stretches
    ]
    y = alt.Y("stretch:N", sort=stretches, title=None, axis=_IN_LINES)
    most = max(total["ms"] for total in totals)
    x = alt.X("ms:Q", title="time, ms", scale=alt.Scale(domain=[0, 1.5 * most], nice=False))
    bars = (
        alt.Chart(alt.Data(values=[dict(r) | {"order": stages.index(r["stage"])} for r in rows]))
        .mark_bar()
        .encode(
            x,
            y,
            alt.Color("stage:N", scale=scale, sort=stages, title=None, legend=BELOW),
            order="order:Q",
            tooltip=["stretch:N", "stage:N", alt.Tooltip("ms:Q", format=",.3f")],
        )
    )
    words = (
        alt.Chart(alt.Data(values=totals))
        .mark_text(align="left", dx=6)
        .encode(x=alt.X("ms:Q"), y=y, text=alt.Text("ms:Q", format=",.2f"))
    )
    values = "; ".join(f"{row['stretch']}, {row['stage']}, {row['ms']:.2f} ms" for row in rows)
    return alt.LayerChart(layer=[bars, words]).properties(
        width=WIDTH - 60, height=alt.Step(38), description=f"Time of each stage: {values}"
    )


def memory(rows: Sequence[Mapping[str, Any]], name: str) -> alt.Chart:
    """What fills the flash or the RAM, in kB.

    Args:
        rows: ``part``, ``what`` (``"code"``, ``"constants"``, ``"variables"`` or ``"stack"``)
            and ``bytes``.
        name: of the memory, ``"flash"`` or ``"RAM"``.
    """
    own = [dict(row) | {"kB": row["bytes"] / 1024} for row in rows]
    parts = list(dict.fromkeys(row["part"] for row in own))
    kinds = [kind for kind in _MEMORY_COLOURS if any(row["what"] == kind for row in own)]
    scale = alt.Scale(domain=kinds, range=[_MEMORY_COLOURS[kind] for kind in kinds])
    values = "; ".join(f"{row['part']}, {row['what']}, {row['bytes']:,}" for row in own)
    return (
        alt.Chart(alt.Data(values=own))
        .mark_bar()
        .encode(
            x=alt.X("kB:Q", title=f"{name}, kB"),
            y=alt.Y("part:N", sort=parts, title=None, axis=alt.Axis(labelLimit=0)),
            color=alt.Color("what:N", scale=scale, sort=kinds, title=None, legend=BELOW),
            tooltip=["part:N", "what:N", alt.Tooltip("bytes:Q", format=",")],
        )
        .properties(
            width=WIDTH - 60, height=alt.Step(24), description=f"Bytes of {name} by part: {values}"
        )
    )


def run_times(rows: Sequence[Mapping[str, Any]], title: str, unit: str) -> alt.LayerChart:
    """Run times, one row each, on a logarithmic axis.

    Args:
        rows: ``place``, ``kind`` (of :data:`_KINDS`), ``time`` in ``unit``, and for a span
            ``low`` and ``high``.
        title: of the axis, without its unit.
        unit: of the times.
    """
    kinds = [kind for kind in _KINDS if any(row["kind"] == kind for row in rows)]
    colours = alt.Scale(domain=kinds, range=[_KINDS[kind][0] for kind in kinds])
    shapes = alt.Scale(domain=kinds, range=[_KINDS[kind][1] for kind in kinds])
    labelled = [dict(row) | {"label": f"{_figure(row['time'])} {unit}"} for row in rows]
    times = [row["time"] for row in rows]
    low, high = min(times) / 2, 2 * max(times)
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    axis = alt.Axis(format=",~f", values=round_numbers(low, high))
    x = alt.X("time:Q", title=f"{title}, {unit}", scale=scale, axis=axis)
    y = alt.Y("place:N", sort=[row["place"] for row in rows], title=None, axis=_IN_LINES)
    base = alt.Chart(alt.Data(values=labelled)).encode(y=y)
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        x,
        alt.Color("kind:N", scale=colours, sort=kinds, title=None, legend=BELOW),
        alt.Shape("kind:N", scale=shapes, sort=kinds, title=None, legend=BELOW),
        tooltip=["place:N", "kind:N", "label:N"],
    )
    middle = math.sqrt(low * high)
    left = base.transform_filter(f"datum.time <= {middle}").mark_text(align="left", dx=10)
    right = base.transform_filter(f"datum.time > {middle}").mark_text(align="right", dx=-10)
    layers = [points, *(each.encode(x, text="label:N") for each in (left, right))]
    if any("low" in row for row in rows):
        spans = base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=2)
        layers.insert(0, spans.encode(alt.X("low:Q"), alt.X2("high:Q")))
    values = "; ".join(f"{row['place']} {row['label']}" for row in labelled)
    return alt.LayerChart(layer=layers).properties(
        width=WIDTH - 60, height=alt.Step(38), description=f"{title}: {values}"
    )


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def model_errors(rows: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    """Cycles of a physical board over modelled ones, for each program.

    Args:
        rows: ``program``, ``model`` (which of the two) and ``ratio``.
    """
    programs = list(dict.fromkeys(row["program"] for row in rows))
    models = list(dict.fromkeys(row["model"] for row in rows))
    colours = alt.Scale(domain=models, range=[BLUE, ORANGE][: len(models)])
    shapes = alt.Scale(domain=models, range=["circle", "square"][: len(models)])
    ratios = [row["ratio"] for row in rows]
    lines = alt.Axis(labelLimit=0, labelExpr="split(replace(datum.label, ' of ', ', of '), ', ')")
    domain = [min(0.95, *ratios) - 0.02, max(1.05, *ratios) + 0.02]
    scale = alt.Scale(domain=domain, nice=False, zero=False)
    points = (
        alt.Chart(alt.Data(values=[dict(row) for row in rows]))
        .mark_point(filled=True, size=90, opacity=1)
        .encode(
            alt.X("ratio:Q", title="measured / modelled", scale=scale),
            alt.Y("program:N", sort=programs, title=None, axis=lines),
            alt.Color("model:N", scale=colours, sort=models, title=None, legend=BELOW),
            alt.Shape("model:N", scale=shapes, sort=models, title=None, legend=BELOW),
            tooltip=["program:N", "model:N", alt.Tooltip("ratio:Q", format=".3f")],
        )
    )
    even = alt.Chart(alt.Data(values=[{"ratio": 1}])).mark_rule(strokeDash=[2, 3])
    one = even.encode(alt.X("ratio:Q", scale=scale))
    values = "; ".join(f"{row['program']}, {row['model']}, {row['ratio']:.2f}" for row in rows)
    return alt.LayerChart(layer=[one, points]).properties(
        width=WIDTH - 60,
        height=alt.Step(54),
        description=f"Cycles measured on a physical board over modelled ones: {values}",
    )


def everywhere(rows: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    """Accuracy in training, validation, test and field, float and int8, with intervals.

    Args:
        rows: ``where`` from top to bottom, ``numbers`` (``"float32"`` or ``"int8"``),
            ``accuracy``, ``low``, ``high``.
    """
    places = list(dict.fromkeys(row["where"] for row in rows))
    numbers = [each for each in ("float32", "int8") if any(r["numbers"] == each for r in rows)]
    colours = alt.Scale(domain=["float32", "int8"], range=[SKY, BLUE])
    shapes = alt.Scale(domain=["float32", "int8"], range=["square", "circle"])
    base = alt.Chart(alt.Data(values=[dict(row) for row in rows])).encode(
        y=alt.Y("where:N", sort=places, title=None, axis=alt.Axis(labelLimit=220)),
        yOffset=alt.YOffset("numbers:N", sort=numbers),
        color=alt.Color("numbers:N", scale=colours, sort=numbers, title=None, legend=BELOW),
        tooltip=[
            "where:N",
            "numbers:N",
            *(alt.Tooltip(f"{share}:Q", format=".1%") for share in ("accuracy", "low", "high")),
        ],
    )
    scale, axis = alt.Scale(zero=False, padding=12), alt.Axis(format="~%", tickCount=6)
    rules = base.mark_rule(strokeWidth=2).encode(
        alt.X("low:Q", title="accuracy", scale=scale, axis=axis), alt.X2("high:Q")
    )
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        x="accuracy:Q",
        shape=alt.Shape("numbers:N", scale=shapes, sort=numbers, title=None, legend=BELOW),
    )
    words = base.mark_text(dy=-9, fontSize=11).encode(
        x="accuracy:Q",
        text=alt.Text("accuracy:Q", format=".1%"),
        color=alt.value("currentColor"),
    )
    values = "; ".join(f"{row['where']}, {row['numbers']}, {row['accuracy']:.1%}" for row in rows)
    return (rules + points + words).properties(
        width=WIDTH - 60,
        height=34 * len(rows),
        description=f"Accuracy with 95 % intervals: {values}",
    )


def accuracy_by_time(rows: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    """Accuracy against modelled time on the board, a mark for each network, in its own colour.

    Args:
        rows: ``model`` (name in the registry), ``accuracy``, ``low``, ``high`` and ``ms``.
    """
    names = [short_name(row["model"]) for row in rows]
    scale = network_scale([row["model"] for row in rows])
    shapes = alt.Scale(domain=names, range=list(_MARKS[: len(names)]))
    named = [dict(row) | {"network": name} for row, name in zip(rows, names, strict=True)]
    times = [row["ms"] for row in rows]
    low, high = min(times) / 1.6, 1.6 * max(times)
    x = alt.X(
        "ms:Q", title="time per inference, ms",
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(format=",~f", values=round_numbers(low, high)),
    )  # fmt: skip
    y = alt.Scale(zero=False)
    base = alt.Chart(alt.Data(values=named)).encode(
        x,
        color=alt.Color("network:N", scale=scale, sort=names, title=None, legend=BELOW),
        tooltip=[
            "network:N",
            alt.Tooltip("ms:Q", format=".3"),
            *(alt.Tooltip(f"{share}:Q", format=".1%") for share in ("accuracy", "low", "high")),
        ],
    )
    rules = base.mark_rule(strokeWidth=2).encode(
        alt.Y("low:Q", title="accuracy", scale=y, axis=alt.Axis(format="~%")), alt.Y2("high:Q")
    )
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        alt.Y("accuracy:Q"),
        shape=alt.Shape("network:N", scale=shapes, sort=names, title=None, legend=BELOW),
    )
    values = "; ".join(f"{r['network']}, {r['ms']:.1f} ms, {r['accuracy']:.1%}" for r in named)
    return alt.LayerChart(layer=[rules, points]).properties(
        width=WIDTH, height=260, description=f"Accuracy against time on the board: {values}"
    )
