"""Figures on pruned networks: accuracy by what remains, what zeros save, what fits the board."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from kwslib.results.charts.theme import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PERCENT,
    PURPLE,
    SKY,
    VERMILION,
    WIDTH,
    Rows,
    chart,
    listed,
    looks,
    names_of,
    tips,
)
from kwslib.results.provenance import resting_on

SERIES = {
    "without fine-tuning": (ORANGE, "square"),
    "fine-tuned": (BLUE, "circle"),
    "trained small": (GREEN, "triangle-up"),
    "unpruned": (GREY, "diamond"),
    "weights pruned": (BLUE, "circle"),
    "blocks pruned": (ORANGE, "square"),
    "channels removed": (GREEN, "triangle-up"),
    "L1": (BLUE, "circle"),
    "L2": (ORANGE, "square"),
    "L-infinity": (GREEN, "triangle-up"),
    "Taylor": (VERMILION, "diamond"),
    "activation": (PURPLE, "cross"),
    "here, modelled": (BLUE, "circle"),
    "published, measured": (GREY, "diamond"),
}
"""Curves that are named alike in every figure, by colour and shape."""

_OTHERS = (
    (BLUE, "circle"), (ORANGE, "square"), (GREEN, "triangle-up"), (VERMILION, "diamond"),
    (PURPLE, "cross"), (SKY, "triangle-down"),
)  # fmt: skip


def curves(
    rows: Rows, field: str, title: str, dense: float, *,
    logarithmic: bool = False, share: bool = False, cliffs: Mapping[str, float] | None = None,
    width: int = WIDTH, height: int = 260,
) -> alt.LayerChart:  # fmt: skip
    """Accuracy against what remains or is pruned, a line for each curve, intervals as strokes.

    Args:
        rows: ``series``, ``share``, ``accuracy``, ``low``, ``high`` and ``field``.
        field: along the axis.
        title: of the axis.
        dense: accuracy of the unpruned network, which is dashed.
        logarithmic: whether equal ratios are equally far apart.
        share: whether the field is a share, in percent.
        cliffs: where on the axis a curve reaches its cliff, by curve.
        width: of the chart, in pixels.
        height: likewise.
    """
    axis = alt.Axis(format="~%" if share else "~s", tickCount=8 if width == WIDTH else 5)
    scale = alt.Scale(type="log" if logarithmic else "linear", zero=False, nice=False, padding=12)
    colour, shape = _looks(rows)
    base = chart(rows).encode(
        x=alt.X(f"{field}:Q", title=title, scale=scale, axis=axis),
        color=colour,
        tooltip=[
            alt.Tooltip("series:N", title="network"),
            alt.Tooltip("share:Q", title="pruned", format=".1%"),
            alt.Tooltip(f"{field}:Q", title=title, format=".1%" if share else ",.5~r"),
            *tips(".1%", "accuracy", "low", "high"),
        ],
    )
    y = alt.Y("accuracy:Q", title="accuracy", axis=PERCENT, scale=alt.Scale(zero=False))
    layers = [
        _dashed([{"accuracy": dense}], y=alt.Y("accuracy:Q")),
        base.mark_line(strokeWidth=2).encode(y),
        base.mark_rule(strokeWidth=2).encode(alt.Y("low:Q", title="accuracy"), alt.Y2("high:Q")),
        base.mark_point(filled=True, size=60, opacity=1).encode(y, shape),
    ]
    if cliffs:
        rules = chart({"series": name, field: at} for name, at in cliffs.items()).mark_rule(
            strokeDash=[2, 3], strokeWidth=2
        )
        layers.append(rules.encode(alt.X(f"{field}:Q"), color=colour))
    values = listed(rows, f"{{series}}, {{{field}:.4g}}, {{accuracy:.1%}}")
    return alt.LayerChart(layer=layers).properties(
        width=width,
        height=height,
        description=f"Accuracy against {title}, of the unpruned network {dense:.1%}: {values}",
    )


def panels(rows: Rows, axes: Mapping[str, str], dense: float) -> alt.ConcatChart:
    """Accuracy against several costs, a panel for each.

    Args:
        rows: as of :func:`curves`, with all fields.
        axes: titles by field.
        dense: accuracy of the unpruned network.
    """
    drawn = [
        curves(rows, field, title, dense, width=WIDTH // 2 - 60, height=170)
        for field, title in axes.items()
    ]
    described = " ".join(f"{each.description}." for each in drawn)
    return alt.concat(*drawn, columns=2).properties(description=described)


def plot_schedule(shares: Sequence[float]) -> alt.Chart:
    """The share of the weights that is zero after each step of a training."""
    drawn = (
        chart({"step": step, "pruned": share} for step, share in enumerate(shares))
        .mark_line(strokeWidth=2, color=BLUE, interpolate="step-after")
        .encode(
            alt.X("step:Q", title="step of the training"),
            alt.Y("pruned:Q", title="weights pruned", axis=PERCENT, scale=alt.Scale(domain=[0, 1])),
            tooltip=["step:Q", *tips(".1%", "pruned")],
        )
        .properties(
            width=WIDTH,
            height=160,
            description=f"Weights pruned: {shares[0]:.0%} at the first step, "
            f"{shares[len(shares) // 2]:.0%} half way, {shares[-1]:.0%} at the last",
        )
    )
    return resting_on(drawn, method="computed")


def by_zeros(rows: Rows, field: str, title: str, dense: float | None = None) -> alt.LayerChart:
    """What weights or their network cost, against the share that is zero, a line for each series.

    Args:
        rows: ``series``, ``zeros`` and ``field``.
        field: up the axis.
        title: of it.
        dense: what the network costs where zeros are weights like any other; it is dashed.
    """
    colour, shape = _looks(rows)
    base = chart(rows).encode(
        x=alt.X(
            "zeros:Q",
            title="weights that are zero",
            axis=PERCENT,
            scale=alt.Scale(nice=False, padding=12),
        ),
        y=alt.Y(f"{field}:Q", title=title, axis=alt.Axis(format="~s")),
        color=colour,
        tooltip=[
            alt.Tooltip("series:N", title="zeros"),
            alt.Tooltip("zeros:Q", title="share", format=".1%"),
            alt.Tooltip(f"{field}:Q", title=title, format=",.4~r"),
        ],
    )
    layers = [
        base.mark_line(strokeWidth=2),
        base.mark_point(filled=True, size=50, opacity=1).encode(shape=shape),
    ]
    if dense is not None:
        layers.insert(0, _dashed([{field: dense}], y=alt.Y(f"{field}:Q")))
    values = listed(rows, f"{{series}}, {{zeros:.1%}}, {{{field}:.4g}}")
    return alt.LayerChart(layer=layers).properties(
        width=WIDTH, height=240, description=f"{title} against zeros: {values}"
    )


def by_channels(rows: Rows) -> alt.LayerChart:
    """Milliseconds on the board against channels, from 0 channels and 0 ms on.

    Args:
        rows: ``series``, ``channels`` and ``ms``.
    """
    colour, shape = _looks(rows)
    most = max(row["channels"] for row in rows)
    base = chart(rows).encode(
        alt.X("channels:Q", title="channels that remain", scale=alt.Scale(domain=[0, most]),
              axis=alt.Axis(values=list(range(most + 1)), format="d")),
        alt.Y("ms:Q", title="time per inference on the board, ms"),
        colour,
        tooltip=["series:N", "channels:Q", *tips(".3~r", "ms")],
    )  # fmt: skip
    values = listed(rows, "{series}, {channels} channels, {ms:.1f} ms")
    points = base.mark_point(filled=True, size=60, opacity=1).encode(shape=shape)
    return alt.LayerChart(layer=[base.mark_line(strokeWidth=2), points]).properties(
        width=WIDTH, height=260, description=f"Time on the board by channels: {values}"
    )


def pareto(rows: Rows, front: Rows, field: str, title: str) -> alt.LayerChart:
    """Accuracy against what a network costs; those that no other one beats are joined.

    Args:
        rows: ``series``, ``bits``, ``name``, ``accuracy``, ``low``, ``high`` and ``field``.
        front: those of them that are joined.
        field: along the axis.
        title: of it.
    """
    colour, shape = _looks(rows)
    x = alt.X(f"{field}:Q", title=title, scale=alt.Scale(zero=False, nice=True))
    y = alt.Y("accuracy:Q", title="accuracy", axis=PERCENT, scale=alt.Scale(zero=False))
    points = (
        chart(rows)
        .mark_point(size=80, strokeWidth=2, opacity=1)
        .encode(
            x,
            y,
            colour,
            shape,
            fill=alt.Fill("series:N", scale=colour["scale"], legend=None),
            fillOpacity=alt.condition("datum.bits == 4", alt.value(0), alt.value(1)),
            tooltip=[
                alt.Tooltip("name:N", title="network"),
                alt.Tooltip(f"{field}:Q", title=title, format=".4~r"),
                *tips(".1%", "accuracy", "low", "high"),
            ],
        )
    )
    line = chart(front).mark_line(color=GREY, strokeWidth=1.5, interpolate="step-after")
    values = listed(rows, f"{{name}}, {{{field}:.4g}}, {{accuracy:.1%}}")
    return alt.LayerChart(layer=[line.encode(x, y), points]).properties(
        width=WIDTH, height=280, description=f"Accuracy against {title}: {values}"
    )


def _looks(rows: Rows) -> tuple[alt.Color, alt.Shape]:
    """Colour and shape of each series: its own, or the next that none of the others has."""
    names = names_of(rows, "series")
    others = zip((name for name in names if name not in SERIES), _OTHERS, strict=False)
    return looks("series", names, {**SERIES, **dict(others)})


def _dashed(values: Sequence[Mapping[str, float]], **where: Any) -> alt.Chart:
    return chart(values).mark_rule(strokeDash=[4, 4], color=GREY).encode(**where)
