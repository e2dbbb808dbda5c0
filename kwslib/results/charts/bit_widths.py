"""Figures on few bits: accuracy by width, the grid of small floats, weights and their grids."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import altair as alt
import numpy as np
import torch

from kwslib.config import NANO33BLE
from kwslib.quantize.inside import Source, grid_levels
from kwslib.records import Record
from kwslib.results.charts.theme import (
    BELOW,
    BLUE,
    GREY,
    ORANGE,
    PERCENT,
    PURPLE,
    VERMILION,
    WIDTH,
    chart,
    listed,
    looks,
    names_of,
    tips,
)
from kwslib.results.few_bits import (
    GRID_BITS,
    NAMES,
    OnBoard,
    accuracy_by_bits,
    accuracy_by_format,
    float_accuracy,
    minifloat_of,
    of_method,
)
from kwslib.results.provenance import resting_on
from kwslib.results.values import point

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

_BINS = 48
_SHARE: dict[str, Any] = {
    "title": "accuracy", "axis": PERCENT, "scale": alt.Scale(zero=False)
}  # fmt: skip


def plot_accuracy_by_bits(
    records: Sequence[Record], names: Mapping[str, str] = NAMES, activations: str = "same"
) -> alt.LayerChart:
    """Accuracy against bits, a line a method, intervals as strokes; the float network is dashed.

    Args:
        records: of a sweep.
        names: of the methods to draw.
        activations: as of :func:`kwslib.results.few_bits.accuracy_by_bits`.
    """
    rows = [
        {"bits": bits, "method": name, **point(own)}
        for method, name in names.items()
        for bits, own in accuracy_by_bits(records, method, activations).items()
    ]
    what = "weights and activations" if activations == "same" else "weights"
    methods, unquantized = names_of(rows, "method", METHODS), float_accuracy(records).value
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
    told = listed(rows, "{method}, {bits} bits, {accuracy:.1%}")
    drawn = alt.LayerChart(layer=[floats.encode(y="accuracy:Q"), rules, points]).properties(
        width=WIDTH,
        height=260,
        description=f"Accuracy by bits of {what}, float {unquantized:.1%}: {told}",
    )
    return resting_on(drawn, [record for method in names for record in of_method(records, method)])


def plot_staircase(
    numbers: torch.Tensor, values: torch.Tensor, slopes: torch.Tensor
) -> alt.VConcatChart:
    """What a number stands for once it is quantized, and below it the gradient that passes.

    Args:
        numbers: float32 ``[n]``, ascending.
        values: likewise, what they stand for.
        slopes: likewise, the gradients.
    """
    columns = (each.tolist() for each in (numbers, values, slopes))
    base = chart(
        {"x": number, "y": value, "gradient": slope}
        for number, value, slope in zip(*columns, strict=True)
    ).encode(alt.X("x:Q", title="number"))
    diagonal = base.mark_line(color=GREY, strokeDash=[4, 4]).encode(alt.Y("x:Q"))
    steps = base.mark_line(color=BLUE, strokeWidth=2, interpolate="step").encode(
        alt.Y("y:Q", title="value"), tooltip=tips(".2f", "x", "y")
    )
    gradient = base.mark_line(color=VERMILION, strokeWidth=2, interpolate="step").encode(
        alt.Y("gradient:Q", title="gradient", axis=alt.Axis(values=[0, 1], format="d")),
    )
    levels = sorted({round(value, 6) for value in values.tolist()})
    drawn = alt.vconcat(
        alt.layer(diagonal, steps).properties(width=WIDTH - 60, height=220),
        gradient.properties(width=WIDTH - 60, height=50),
    ).properties(
        description=f"A staircase over the numbers {', '.join(f'{each:g}' for each in levels)}; "
        "its gradient is 1 between the ends and 0 beyond"
    )
    return resting_on(drawn, method="computed")


def plot_boards(boards: Sequence[OnBoard]) -> alt.LayerChart:
    """Accuracy of the published files against the flash that their weights take."""
    rows: list[dict[str, Any]] = [
        {"bits": f"{board.bits} bits", **point(board.accuracy), "weights_kB": board.weights / 1024,
         "side": number % 2}
        for number, board in enumerate(boards)
    ]  # fmt: skip
    costs = alt.Scale(domain=[0, 1.15 * max(row["weights_kB"] for row in rows)], nice=False)
    base = chart(rows).encode(
        x=alt.X("weights_kB:Q", title="weights in flash, kB", scale=costs),
        tooltip=["bits:N", *tips(".2f", "weights_kB"), *tips(".1%", "accuracy", "low", "high")],
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
    layers = [rules, points, right.encode(y, text), left.encode(y, text)]
    told = listed(rows, "{bits}, {weights_kB:.2f}, {accuracy:.1%}")
    drawn = alt.LayerChart(layer=layers).properties(
        width=WIDTH, height=180, description=f"Accuracy against weights in flash, kB: {told}"
    )
    return resting_on(drawn, [board.accuracy for board in boards], place=NANO33BLE.name)


def plot_minifloats(records: Sequence[Record], method: str) -> alt.LayerChart:
    """Accuracy of minifloats by bits of exponent and mantissa, as a heat map."""
    accuracies = accuracy_by_format(records, method)
    rows = [
        {"exponent": number.exponent_bits, "mantissa": number.mantissa_bits,
         "bits": number.bits, "accuracy": own.value}
        for number, own in zip(map(minifloat_of, accuracies), accuracies.values(), strict=True)
    ]  # fmt: skip
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
    drawn = (cells + words).properties(
        width=WIDTH, height=240, description=f"Accuracy of small floats: {told}"
    )
    return resting_on(drawn, of_method(records, method))


def plot_weights(weights: torch.Tensor, data: str) -> alt.FacetChart:
    """A histogram of weights, and the values of grids of few bits.

    Args:
        weights: of one output, of any shape.
        data: on which the network was trained.
    """
    counts, edges = np.histogram(weights.flatten().numpy(), bins=_BINS)
    bins = [
        {"from": float(start), "to": float(end), "weights": int(count)}
        for (start, end), count in zip(pairwise(edges), counts, strict=True)
    ]
    bars = [row | {"bits": bits} for bits in GRID_BITS for row in bins]
    levels = [
        {"bits": bits, "level": level}
        for bits in GRID_BITS
        for level in grid_levels(weights.flatten(), bits)
    ]
    histogram = (
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
    layered = alt.layer(histogram, ticks, data=alt.Data(values=[*bars, *levels]))
    widths = list(GRID_BITS)
    drawn = (
        layered.properties(width=WIDTH - 60, height=60)
        .facet(row=alt.Row("bits:O", sort=widths, title="bits", header=alt.Header(labelAngle=0)))
        .properties(
            description=f"Histogram of the weights, and the levels of grids of {widths} bits"
        )
    )
    return resting_on(drawn, data=data, method="computed")


def plot_noise(noise: Mapping[int, Mapping[Source, float]], data: str) -> alt.Chart:
    """SQNR at the logits by bits, a line for each place that is quantized alone.

    Args:
        noise: decibels by bits and place.
        data: on whose clips.
    """
    rows = [
        {"layer": str(place), "bits": bits, "decibels": decibels}
        for bits, places in noise.items()
        for place, decibels in places.items()
    ]
    layers = names_of(rows, "layer")
    told = listed(rows, "{layer}, {bits} bits, {decibels:.0f} dB")
    drawn = (
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
    return resting_on(drawn, data=data, method="computed")
