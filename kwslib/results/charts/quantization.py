"""Figures on few bits: accuracy by width, the grid of small floats, weights and their grids."""

from typing import Any

import altair as alt

from kwslib.results.charts.theme import (
    BELOW,
    BLUE,
    GREY,
    ORANGE,
    PERCENT,
    PURPLE,
    VERMILION,
    WIDTH,
    Rows,
    chart,
    listed,
    looks,
    names_of,
    tips,
)

METHODS = {
    "post-training": (ORANGE, "square"),
    "quantization-aware": (BLUE, "circle"),
    "post-training, biases not corrected": (ORANGE, "square"),
    "quantization-aware, correct": (BLUE, "circle"),
    "gradient not clipped": (PURPLE, "diamond"),
    "weights overwritten": (VERMILION, "triangle-up"),
    "both mistakes": (GREY, "cross"),
}
"""Methods by colour and shape, the same in every figure."""

_SHARE: dict[str, Any] = {
    "title": "accuracy", "axis": PERCENT, "scale": alt.Scale(zero=False)
}  # fmt: skip


def by_width(rows: Rows, unquantized: float, what: str) -> alt.LayerChart:
    """Accuracy against bits, a line a method, intervals as strokes; the float network is dashed.

    Args:
        rows: ``bits``, ``method`` (of :data:`METHODS`), ``accuracy``, and ``low`` and ``high``.
        unquantized: accuracy of the float network.
        what: is quantized, for the axis: ``"weights"``, ``"weights and activations"``.
    """
    methods = names_of(rows, "method", METHODS)
    colour, shape = looks("method", methods, METHODS)
    base = chart(rows).encode(
        x=alt.X("bits:O", title=f"bits of {what}", axis=alt.Axis(labelAngle=0), sort="ascending"),
        xOffset=alt.XOffset("method:N", sort=methods, scale=alt.Scale(paddingOuter=1)),
        color=colour,
        tooltip=["bits:O", "method:N", *tips(".1%", "accuracy", "low", "high")],
    )
    rules = base.mark_rule(strokeWidth=2).encode(alt.Y("low:Q", **_SHARE), alt.Y2("high:Q"))
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=alt.Y("accuracy:Q", **_SHARE), shape=shape
    )
    floats = chart([{"accuracy": unquantized}]).mark_rule(strokeDash=[4, 4], color=GREY)
    line = floats.encode(y="accuracy:Q")
    told = listed(rows, "{method}, {bits} bits, {accuracy:.1%}")
    return alt.LayerChart(layer=[line, rules, points]).properties(
        width=WIDTH,
        height=260,
        description=f"Accuracy by bits of {what}, float {unquantized:.1%}: {told}",
    )


def stairs(rows: Rows) -> alt.VConcatChart:
    """What a number stands for once it is quantized, and below it the gradient that passes.

    Args:
        rows: ``x`` in ascending order, ``y`` and ``gradient``.
    """
    base = chart(rows).encode(alt.X("x:Q", title="number"))
    diagonal = base.mark_line(color=GREY, strokeDash=[4, 4]).encode(alt.Y("x:Q"))
    steps = base.mark_line(color=BLUE, strokeWidth=2, interpolate="step").encode(
        alt.Y("y:Q", title="value"),
        tooltip=tips(".2f", "x", "y"),
    )
    gradient = base.mark_line(color=VERMILION, strokeWidth=2, interpolate="step").encode(
        alt.Y("gradient:Q", title="gradient", axis=alt.Axis(values=[0, 1], format="d")),
    )
    values = sorted({round(row["y"], 6) for row in rows})
    return alt.vconcat(
        alt.layer(diagonal, steps).properties(width=WIDTH - 60, height=220),
        gradient.properties(width=WIDTH - 60, height=50),
    ).properties(
        description=f"A staircase over the numbers {', '.join(f'{each:g}' for each in values)}; "
        "its gradient is 1 between the ends and 0 beyond"
    )


def against(rows: Rows, field: str, title: str) -> alt.LayerChart:
    """Accuracy against what it costs, a point for each width, with its interval.

    Args:
        rows: ``bits``, ``accuracy``, ``low``, ``high`` and ``field``.
        field: name of the cost.
        title: of its axis.
    """
    most = max(row[field] for row in rows)
    base = chart(dict(row) | {"side": number % 2} for number, row in enumerate(rows)).encode(
        x=alt.X(f"{field}:Q", title=title, scale=alt.Scale(domain=[0, 1.15 * most], nice=False)),
        tooltip=[
            "bits:N",
            *tips(".2f", field),
            *tips(".1%", "accuracy", "low", "high"),
        ],
    )
    rules = base.mark_rule(strokeWidth=2, color=BLUE).encode(
        alt.Y("low:Q", **_SHARE), alt.Y2("high:Q")
    )
    points = base.mark_point(filled=True, size=80, opacity=1, color=BLUE).encode(
        alt.Y("accuracy:Q", **_SHARE)
    )
    y, text = alt.Y("accuracy:Q"), alt.Text("bits:N")
    # to either side, as costs may be almost the same
    right = base.transform_filter("datum.side == 0").mark_text(align="left", dx=9)
    left = base.transform_filter("datum.side == 1").mark_text(align="right", dx=-9)
    words = [right.encode(y, text), left.encode(y, text)]
    told = listed(rows, f"{{bits}}, {{{field}:.2f}}, {{accuracy:.1%}}")
    return alt.LayerChart(layer=[rules, points, *words]).properties(
        width=WIDTH, height=180, description=f"Accuracy against {title}: {told}"
    )


def minifloat_grid(rows: Rows) -> alt.LayerChart:
    """Accuracy of small floats by bits of exponent and mantissa, as a heat map.

    Args:
        rows: ``exponent``, ``mantissa`` and ``accuracy``.
    """
    base = chart(rows).encode(
        x=alt.X("mantissa:O", title="bits of mantissa", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("exponent:O", title="bits of exponent", sort="descending"),
        tooltip=["exponent:O", "mantissa:O", *tips(".1%", "accuracy")],
    )
    least, most = (bound(row["accuracy"] for row in rows) for bound in (min, max))
    cells = base.mark_rect().encode(
        color=alt.Color(
            "accuracy:Q",
            title="accuracy",
            scale=alt.Scale(scheme="blues"),
            legend=alt.Legend(orient="bottom", format=".1~%", values=[least, most]),
        )
    )
    words = base.mark_text(fontSize=12).encode(
        text=alt.Text("accuracy:Q", format=".1%"),
        color=alt.condition(
            f"datum.accuracy > {(least + most) / 2}", alt.value("white"), alt.value("black")
        ),
    )
    told = listed(rows, "E{exponent}M{mantissa} {accuracy:.1%}")
    return (cells + words).properties(
        width=WIDTH, height=240, description=f"Accuracy of small floats: {told}"
    )


def weights_on_grids(counts: Rows, levels: Rows) -> alt.FacetChart:
    """How weights are distributed, and the numbers that a grid of each width has for them.

    Args:
        counts: ``from``, ``to`` and ``weights``: a histogram.
        levels: ``bits`` and ``level``.
    """
    widths = sorted({row["bits"] for row in levels}, reverse=True)
    rows = [dict(row) | {"bits": bits} for bits in widths for row in counts]
    data = alt.Data(values=[*rows, *(dict(row) for row in levels)])
    bars = (
        alt.Chart()
        .transform_filter("isValid(datum.weights)")
        .mark_bar(color=GREY, opacity=0.6)
        .encode(
            alt.X("from:Q", title="weight"),
            alt.X2("to:Q"),
            alt.Y("weights:Q", title=None, axis=alt.Axis(labels=False, ticks=False, grid=False)),
            alt.Y2Datum(0),
        )
    )
    ticks = (
        alt.Chart()
        .transform_filter("isValid(datum.level)")
        .mark_rule(color=BLUE, strokeWidth=1.5)
        .encode(alt.X("level:Q"))
    )
    layered = alt.layer(bars, ticks, data=data).properties(width=WIDTH - 60, height=60)
    described = f"Histogram of the weights, and the levels of grids of {widths} bits"
    return layered.facet(
        row=alt.Row("bits:O", sort=widths, title="bits", header=alt.Header(labelAngle=0))
    ).properties(description=described)


def errors_by_layer(rows: Rows) -> alt.Chart:
    """Signal-to-quantization-noise ratio of each layer's output, by bits.

    Args:
        rows: ``layer`` in order, ``bits`` and ``decibels``.
    """
    layers = names_of(rows, "layer")
    told = listed(rows, "{layer}, {bits} bits, {decibels:.0f} dB")
    return (
        chart(rows)
        .mark_line(point=alt.OverlayMarkDef(size=60), strokeWidth=2)
        .encode(
            x=alt.X("bits:O", axis=alt.Axis(labelAngle=0), title="bits"),
            y=alt.Y("decibels:Q", title="SQNR at the logits, dB"),
            color=alt.Color("layer:N", sort=layers, title=None, legend=BELOW),
            strokeDash=alt.StrokeDash("layer:N", sort=layers, legend=None),
            tooltip=["layer:N", "bits:O", *tips(".1f", "decibels")],
        )
        .properties(width=WIDTH, height=240, description=f"Noise of quantization: {told}")
    )
