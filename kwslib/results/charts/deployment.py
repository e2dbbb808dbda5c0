"""Figures of chapter 4: time and memory by part, run times, the cycle model, the field test."""

import math

import altair as alt

from kwslib.results.charts.theme import (
    BELOW,
    BELOW_PLAIN,
    BLUE,
    GREEN,
    ORANGE,
    ORIGINS,
    PERCENT,
    SHAPES,
    SKY,
    VERMILION,
    WIDTH,
    Rows,
    chart,
    colour_scale,
    listed,
    looks,
    mark_scale,
    names_of,
    network_scale,
    round_numbers,
    short_name,
    tips,
)

STAGE_COLOURS = {"preprocessing": SKY, "network": BLUE, "postprocessing": VERMILION}
"""The same colour for a stage in every figure."""

_MEMORY_COLOURS = {"code": BLUE, "constants": SKY, "variables": ORANGE, "stack": VERMILION}

_KINDS = {
    "modelled": (BLUE, "circle"),
    "measured": (GREEN, "square"),
    "original report": ORIGINS["original report"],
    "literature": ORIGINS["literature"],
}
"""How a run time came about: colour and shape."""

_IN_LINES = alt.Axis(labelLimit=0, labelExpr="split(datum.label, ', ')")
"""Long names take several lines, so that a phone has room for the plot beside them."""


def breakdown(rows: Rows) -> alt.LayerChart:
    """Time of each stage in stretches of audio, in milliseconds.

    Args:
        rows: ``stretch`` from top to bottom, ``stage``, ``ms``.
    """
    stages, stretches = list(STAGE_COLOURS), names_of(rows, "stretch")
    totals = {each: sum(row["ms"] for row in rows if row["stretch"] == each) for each in stretches}
    y = alt.Y("stretch:N", sort=stretches, title=None, axis=_IN_LINES)
    times = alt.Scale(domain=[0, 1.5 * max(totals.values())], nice=False)
    colours = alt.Scale(domain=stages, range=list(STAGE_COLOURS.values()))
    bars = (
        chart(row | {"order": stages.index(row["stage"])} for row in map(dict, rows))
        .mark_bar()
        .encode(
            alt.X("ms:Q", title="time, ms", scale=times),
            y,
            alt.Color("stage:N", scale=colours, sort=stages, title=None, legend=BELOW),
            order="order:Q",
            tooltip=["stretch:N", "stage:N", *tips(",.3f", "ms")],
        )
    )
    words = (
        chart({"stretch": stretch, "ms": ms} for stretch, ms in totals.items())
        .mark_text(align="left", dx=6)
        .encode(x=alt.X("ms:Q"), y=y, text=alt.Text("ms:Q", format=",.2f"))
    )
    return alt.LayerChart(layer=[bars, words]).properties(
        width=WIDTH - 60,
        height=alt.Step(38),
        description=f"Time of each stage: {listed(rows, '{stretch}, {stage}, {ms:.2f} ms')}",
    )


def memory(rows: Rows, name: str) -> alt.Chart:
    """What fills the flash or the RAM, in kB.

    Args:
        rows: ``part``, ``what`` (``"code"``, ``"constants"``, ``"variables"`` or ``"stack"``)
            and ``bytes``.
        name: of the memory, ``"flash"`` or ``"RAM"``.
    """
    kinds = names_of(rows, "what", _MEMORY_COLOURS)
    scale = alt.Scale(domain=kinds, range=[_MEMORY_COLOURS[kind] for kind in kinds])
    return (
        chart(dict(row) | {"kB": row["bytes"] / 1024} for row in rows)
        .mark_bar()
        .encode(
            x=alt.X("kB:Q", title=f"{name}, kB"),
            y=alt.Y("part:N", sort=names_of(rows, "part"), title=None, axis=alt.Axis(labelLimit=0)),
            color=alt.Color("what:N", scale=scale, sort=kinds, title=None, legend=BELOW),
            tooltip=["part:N", "what:N", *tips(",", "bytes")],
        )
        .properties(
            width=WIDTH - 60,
            height=alt.Step(24),
            description=f"Bytes of {name} by part: {listed(rows, '{part}, {what}, {bytes:,}')}",
        )
    )


def run_times(rows: Rows, title: str, unit: str) -> alt.LayerChart:
    """Run times, one row each, on a logarithmic axis.

    Args:
        rows: ``place``, ``kind`` (of :data:`_KINDS`), ``time`` in ``unit``, and for a span
            ``low`` and ``high``.
        title: of the axis, without its unit.
        unit: of the times.
    """
    labelled = [dict(row) | {"label": f"{_figure(row['time'])} {unit}"} for row in rows]
    times = [row["time"] for row in rows]
    low, high = min(times) / 2, 2 * max(times)
    x = alt.X(
        "time:Q", title=f"{title}, {unit}",
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(format=",~f", values=round_numbers(low, high)),
    )  # fmt: skip
    base = chart(labelled).encode(
        y=alt.Y("place:N", sort=[row["place"] for row in rows], title=None, axis=_IN_LINES)
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


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def model_errors(rows: Rows) -> alt.LayerChart:
    """Cycles of a physical board over modelled ones, for each program.

    Args:
        rows: ``program``, ``model`` (which of the two) and ``ratio``.
    """
    models = names_of(rows, "model")
    table = dict(zip(models, ((BLUE, "circle"), (ORANGE, "square")), strict=False))
    ratios = [row["ratio"] for row in rows]
    lines = alt.Axis(labelLimit=0, labelExpr="split(replace(datum.label, ' of ', ', of '), ', ')")
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
    return alt.LayerChart(layer=[even.encode(alt.X("ratio:Q", scale=scale)), points]).properties(
        width=WIDTH - 60,
        height=alt.Step(54),
        description=f"Cycles measured on a physical board over modelled ones: {values}",
    )


def everywhere(rows: Rows) -> alt.LayerChart:
    """Accuracy in training, validation, test and field, float and int8, with intervals.

    Args:
        rows: ``where`` from top to bottom, ``numbers`` (``"float32"`` or ``"int8"``),
            ``accuracy``, ``low``, ``high``.
    """
    table = {"float32": (SKY, "square"), "int8": (BLUE, "circle")}
    numbers = names_of(rows, "numbers", table)
    colour, shape = looks("numbers", numbers, table)
    base = chart(rows).encode(
        y=alt.Y("where:N", sort=names_of(rows, "where"), title=None, axis=alt.Axis(labelLimit=220)),
        yOffset=alt.YOffset("numbers:N", sort=numbers),
        color=colour,
        tooltip=["where:N", "numbers:N", *tips(".1%", "accuracy", "low", "high")],
    )
    scale, axis = alt.Scale(zero=False, padding=12), alt.Axis(format="~%", tickCount=6)
    rules = base.mark_rule(strokeWidth=2).encode(
        alt.X("low:Q", title="accuracy", scale=scale, axis=axis), alt.X2("high:Q")
    )
    points = base.mark_point(filled=True, size=80, opacity=1).encode(x="accuracy:Q", shape=shape)
    words = base.mark_text(dy=-9, fontSize=11).encode(
        x="accuracy:Q",
        text=alt.Text("accuracy:Q", format=".1%"),
        color=alt.value("currentColor"),
    )
    values = listed(rows, "{where}, {numbers}, {accuracy:.1%}")
    return (rules + points + words).properties(
        width=WIDTH - 60,
        height=34 * len(rows),
        description=f"Accuracy with 95 % intervals: {values}",
    )


def accuracy_by_time(rows: Rows) -> alt.LayerChart:
    """Accuracy against modelled time on the board, a mark for each network, in its own colour.

    Args:
        rows: ``model`` (name in the registry), ``accuracy``, ``low``, ``high`` and ``ms``.
    """
    named = [dict(row) | {"network": short_name(row["model"])} for row in rows]
    names, times = names_of(named, "network"), [row["ms"] for row in rows]
    low, high = min(times) / 1.6, 1.6 * max(times)
    x = alt.X(
        "ms:Q", title="time per inference, ms",
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(format=",~f", values=round_numbers(low, high)),
    )  # fmt: skip
    scale = network_scale(names_of(rows, "model"))
    base = chart(named).encode(
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
    values = listed(named, "{network}, {ms:.1f} ms, {accuracy:.1%}")
    return alt.LayerChart(layer=[rules, points]).properties(
        width=WIDTH, height=260, description=f"Accuracy against time on the board: {values}"
    )


_SHARES = alt.Scale(domain=[0, 1])
_FEW_PERCENT = alt.Axis(format="~%", tickCount=5)
_COUNTED = "{count} of {trials}"


def successes(rows: Rows) -> alt.LayerChart:
    """Share of the trials in which each word was detected, with its interval, a shape a run.

    Args:
        rows: ``word``, ``run`` (``"this run"``, ``"published run"``, ``"original report"``),
            ``share``, ``low``, ``high``, ``count`` and ``trials``.
    """
    runs = names_of(rows, "run", SHAPES)
    colour, shape = looks("run", runs, legend=BELOW_PLAIN)
    base = _labelled(rows).encode(
        y=alt.Y("word:N", sort=names_of(rows, "word"), title=None),
        yOffset=alt.YOffset("run:N", sort=runs),
        color=colour,
        tooltip=["word:N", "run:N", *_facts()],
    )
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        x=alt.X("share:Q", scale=_SHARES), shape=shape
    )
    counts = base.mark_text(dy=-11, fontSize=11).encode(
        x="share:Q", text="label:N", color=alt.value("currentColor")
    )
    return (_intervals(base, "trials with the word detected") + points + counts).properties(
        width=WIDTH - 60,
        height=34 * len(rows),
        description="Trials in which a word was detected: "
        + listed(rows, f"{{word}}, {{run}}, {_COUNTED}"),
    )


def by_condition(rows: Rows) -> alt.LayerChart:
    """Share of the trials in which each word was detected, by signal-to-noise ratio.

    Args:
        rows: ``condition`` in the order of the axis, ``word``, ``share``, ``low``, ``high``,
            ``count`` and ``trials``.
    """
    words = names_of(rows, "word")
    base = _labelled(rows).encode(
        x=alt.X(
            "condition:N",
            sort=names_of(rows, "condition"),
            title="signal-to-noise ratio",
            axis=alt.Axis(labelAngle=0),
        ),
        xOffset=alt.XOffset("word:N", sort=words),
        color=alt.Color(
            "word:N", scale=colour_scale(words), sort=words, title=None, legend=BELOW_PLAIN
        ),
        tooltip=["condition:N", "word:N", *_facts()],
    )
    rules = base.mark_rule(strokeWidth=2).encode(
        y=alt.Y("low:Q", title="trials with the word detected", scale=_SHARES, axis=_FEW_PERCENT),
        y2="high:Q",
    )
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        y=alt.Y("share:Q", scale=_SHARES),
        shape=alt.Shape(
            "word:N", scale=mark_scale(words), sort=words, title=None, legend=BELOW_PLAIN
        ),
    )
    return (rules + points).properties(
        width=WIDTH,
        height=240,
        description="Trials in which a word was detected, by signal-to-noise ratio: "
        + listed(rows, f"{{word}}, {{condition}}, {_COUNTED}"),
    )


def false_accepts(rows: Rows) -> alt.LayerChart:
    """Share of the recordings without a keyword in which one was detected, by kind of sound.

    Args:
        rows: ``kind``, ``detected`` (recordings by the word that was detected first in them),
            ``share``, ``low``, ``high``, ``count`` and ``trials``, from top to bottom.
    """
    heard = sorted({word for row in rows for word in row["detected"]})
    parts = [
        {
            "kind": row["kind"],
            "heard": word,
            "order": heard.index(word),
            "share": count / row["trials"],
            "count": count,
        }
        for row in rows
        for word, count in row["detected"].items()
    ]
    title = "recordings with a false accept"
    y = alt.Y("kind:N", sort=[row["kind"] for row in rows], title=None,
              axis=alt.Axis(labelLimit=160))  # fmt: skip
    bars = (
        chart(parts)
        .mark_bar(size=13)
        .encode(
            x=alt.X("share:Q", title=title, scale=_SHARES, axis=_FEW_PERCENT),
            y=y,
            order="order:Q",
            color=alt.Color(
                "heard:N",
                scale=colour_scale(heard),
                sort=heard,
                title="detected",
                legend=BELOW_PLAIN,
            ),
            tooltip=["kind:N", "heard:N", "count:Q"],
        )
    )
    base = _labelled(rows).encode(y=y, tooltip=["kind:N", *_facts()])
    return (bars + _intervals(base, title)).properties(
        width=WIDTH - 60,
        height=alt.Step(20),
        description="Recordings in which a word was detected that nobody said: "
        + listed(rows, f"{{kind}} {_COUNTED}"),
    )


def _labelled(rows: Rows) -> alt.Chart:
    return chart(dict(row) | {"label": _COUNTED.format_map(row)} for row in rows)


def _intervals(base: alt.Chart, title: str) -> alt.Chart:
    x = alt.X("low:Q", title=title, scale=_SHARES, axis=_FEW_PERCENT)
    return base.mark_rule(strokeWidth=2).encode(x=x, x2="high:Q")


def _facts() -> list[alt.Tooltip]:
    return [alt.Tooltip("label:N", title="trials"), *tips(".1%", "share", "low", "high")]
