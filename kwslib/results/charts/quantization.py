"""Figures on few bits: accuracy by width, the grid of small floats, weights and their grids."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from kwslib.results.charts.theme import BELOW, BLUE, GREY, ORANGE, PERCENT, PURPLE, VERMILION, WIDTH

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


def by_width(rows: Sequence[Mapping[str, Any]], unquantized: float, what: str) -> alt.LayerChart:
    """Accuracy against bits, a line a method, intervals as strokes; the float network is dashed.

    Args:
        rows: ``bits``, ``method`` (of :data:`METHODS`), ``accuracy``, and ``low`` and ``high``.
        unquantized: accuracy of the float network.
        what: is quantized, for the axis: ``"weights"``, ``"weights and activations"``.
    """
    methods = [method for method in METHODS if any(row["method"] == method for row in rows)]
    colours = alt.Scale(domain=methods, range=[METHODS[method][0] for method in methods])
    shapes = alt.Scale(domain=methods, range=[METHODS[method][1] for method in methods])
    base = alt.Chart(alt.Data(values=[dict(row) for row in rows])).encode(
        x=alt.X("bits:O", title=f"bits of {what}", axis=alt.Axis(labelAngle=0), sort="ascending"),
        xOffset=alt.XOffset("method:N", sort=methods, scale=alt.Scale(paddingOuter=1)),
        color=alt.Color("method:N", scale=colours, sort=methods, title=None, legend=BELOW),
        tooltip=[
            "bits:O",
            "method:N",
            *(alt.Tooltip(f"{share}:Q", format=".1%") for share in ("accuracy", "low", "high")),
        ],
    )
    y = alt.Y("accuracy:Q", title="accuracy", axis=PERCENT, scale=alt.Scale(zero=False))
    rules = base.mark_rule(strokeWidth=2).encode(
        alt.Y("low:Q", title="accuracy", axis=PERCENT, scale=alt.Scale(zero=False)),
        alt.Y2("high:Q"),
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=y,
        shape=alt.Shape("method:N", scale=shapes, sort=methods, title=None, legend=BELOW),
    )
    floats = alt.Chart(alt.Data(values=[{"accuracy": unquantized}]))
    line = floats.mark_rule(strokeDash=[4, 4], color=GREY).encode(y="accuracy:Q")
    told = "; ".join(f"{r['method']}, {r['bits']} bits, {r['accuracy']:.1%}" for r in rows)
    return alt.LayerChart(layer=[line, rules, points]).properties(
        width=WIDTH,
        height=260,
        description=f"Accuracy by bits of {what}, float {unquantized:.1%}: {told}",
    )


def stairs(rows: Sequence[Mapping[str, float]]) -> alt.VConcatChart:
    """What a number stands for once it is quantized, and below it the gradient that passes.

    Args:
        rows: ``x`` in ascending order, ``y`` and ``gradient``.
    """
    base = alt.Chart(alt.Data(values=[dict(row) for row in rows])).encode(
        alt.X("x:Q", title="number"),
    )
    diagonal = base.mark_line(color=GREY, strokeDash=[4, 4]).encode(alt.Y("x:Q"))
    steps = base.mark_line(color=BLUE, strokeWidth=2, interpolate="step").encode(
        alt.Y("y:Q", title="value"),
        tooltip=[alt.Tooltip("x:Q", format=".2f"), alt.Tooltip("y:Q", format=".2f")],
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


def against(rows: Sequence[Mapping[str, Any]], field: str, title: str) -> alt.LayerChart:
    """Accuracy against what it costs, a point for each width, with its interval.

    Args:
        rows: ``bits``, ``accuracy``, ``low``, ``high`` and ``field``.
        field: name of the cost.
        title: of its axis.
    """
    most = max(row[field] for row in rows)
    values = [dict(row) | {"side": number % 2} for number, row in enumerate(rows)]
    base = alt.Chart(alt.Data(values=values)).encode(
        x=alt.X(f"{field}:Q", title=title, scale=alt.Scale(domain=[0, 1.15 * most], nice=False)),
        tooltip=[
            "bits:N",
            alt.Tooltip(f"{field}:Q", format=".2f"),
            *(alt.Tooltip(f"{share}:Q", format=".1%") for share in ("accuracy", "low", "high")),
        ],
    )
    scale = alt.Scale(zero=False)
    rules = base.mark_rule(strokeWidth=2, color=BLUE).encode(
        alt.Y("low:Q", title="accuracy", axis=PERCENT, scale=scale), alt.Y2("high:Q")
    )
    points = base.mark_point(filled=True, size=80, opacity=1, color=BLUE).encode(
        alt.Y("accuracy:Q", title="accuracy", axis=PERCENT, scale=scale)
    )
    y, text = alt.Y("accuracy:Q"), alt.Text("bits:N")
    # to either side, as costs may be almost the same
    right = base.transform_filter("datum.side == 0").mark_text(align="left", dx=9)
    left = base.transform_filter("datum.side == 1").mark_text(align="right", dx=-9)
    words = [right.encode(y, text), left.encode(y, text)]
    told = "; ".join(f"{r['bits']}, {r[field]:.2f}, {r['accuracy']:.1%}" for r in rows)
    return alt.LayerChart(layer=[rules, points, *words]).properties(
        width=WIDTH, height=180, description=f"Accuracy against {title}: {told}"
    )


def minifloat_grid(rows: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    """Accuracy of small floats by bits of exponent and mantissa, as a heat map.

    Args:
        rows: ``exponent``, ``mantissa`` and ``accuracy``.
    """
    base = alt.Chart(alt.Data(values=[dict(row) for row in rows])).encode(
        x=alt.X("mantissa:O", title="bits of mantissa", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("exponent:O", title="bits of exponent", sort="descending"),
        tooltip=["exponent:O", "mantissa:O", alt.Tooltip("accuracy:Q", format=".1%")],
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
    told = "; ".join(f"E{r['exponent']}M{r['mantissa']} {r['accuracy']:.1%}" for r in rows)
    return (cells + words).properties(
        width=WIDTH, height=240, description=f"Accuracy of small floats: {told}"
    )


def weights_on_grids(
    counts: Sequence[Mapping[str, Any]], levels: Sequence[Mapping[str, Any]]
) -> alt.FacetChart:
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


def errors_by_layer(rows: Sequence[Mapping[str, Any]]) -> alt.Chart:
    """Signal-to-quantization-noise ratio of each layer's output, by bits.

    Args:
        rows: ``layer`` in order, ``bits`` and ``decibels``.
    """
    layers = list(dict.fromkeys(row["layer"] for row in rows))
    told = "; ".join(f"{r['layer']}, {r['bits']} bits, {r['decibels']:.0f} dB" for r in rows)
    return (
        alt.Chart(alt.Data(values=[dict(row) for row in rows]))
        .mark_line(point=alt.OverlayMarkDef(size=60), strokeWidth=2)
        .encode(
            x=alt.X("bits:O", axis=alt.Axis(labelAngle=0), title="bits"),
            y=alt.Y("decibels:Q", title="SQNR at the logits, dB"),
            color=alt.Color("layer:N", sort=layers, title=None, legend=BELOW),
            strokeDash=alt.StrokeDash("layer:N", sort=layers, legend=None),
            tooltip=["layer:N", "bits:O", alt.Tooltip("decibels:Q", format=".1f")],
        )
        .properties(width=WIDTH, height=240, description=f"Noise of quantization: {told}")
    )
