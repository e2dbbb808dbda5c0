"""Figures on an extra keyword: recall without and with it, and what it changes."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from kwslib.results.charts.theme import BLUE, GREEN, GREY, WIDTH

_LOOK = {"without": (GREY, "circle"), "with": (GREEN, "square")}
_BELOW = alt.Legend(orient="bottom", labelLimit=0)


def recalls(rows: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    """Recall of each label, without and with the extra keyword; other seeds are small strokes.

    Args:
        rows: ``label``, ``network`` (``"without left"``, ``"with left"``), ``recall``,
            ``clips``, and ``low`` and ``high`` in the rows of the seed that is drawn large.
    """
    labels = list(dict.fromkeys(row["label"] for row in rows))
    networks = list(dict.fromkeys(row["network"] for row in rows))
    looks = [_LOOK[network.split()[0]] for network in networks]
    colours = alt.Scale(domain=networks, range=[colour for colour, _ in looks])
    shapes = alt.Scale(domain=networks, range=[shape for _, shape in looks])
    base = alt.Chart(alt.Data(values=[dict(row) for row in rows])).encode(
        y=alt.Y("label:N", sort=labels, title=None),
        yOffset=alt.YOffset("network:N", sort=networks),
        color=alt.Color("network:N", scale=colours, sort=networks, title=None, legend=_BELOW),
        tooltip=[
            "label:N",
            "network:N",
            *(alt.Tooltip(f"{share}:Q", format=".1%") for share in ("recall", "low", "high")),
            alt.Tooltip("clips:Q", format=","),
        ],
    )
    drawn = base.transform_filter("isValid(datum.low)")
    scale, axis = alt.Scale(zero=False), alt.Axis(format="~%")
    rules = drawn.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title="recall", scale=scale, axis=axis), x2="high:Q"
    )
    marks = drawn.mark_point(filled=True, size=80, opacity=1).encode(
        x="recall:Q",
        shape=alt.Shape("network:N", scale=shapes, sort=networks, title=None, legend=_BELOW),
    )
    layers = [rules, marks]
    if any(row.get("low") is None for row in rows):  # marks without items have no name
        seeds = base.transform_filter("!isValid(datum.low)")
        strokes = seeds.mark_tick(size=14, thickness=2, opacity=1).encode(x="recall:Q")
        layers.insert(1, strokes)
    return alt.LayerChart(layer=layers).properties(
        width=WIDTH - 60,
        height=44 * len(labels),
        description=(
            "Share of each label's test clips that were recognised without and with the extra "
            "keyword: one network with its 95 % interval, those of other seeds as strokes."
        ),
    )


def changes(rows: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    """What the extra keyword changes on the same clips, label by label, in points.

    Args:
        rows: ``label``, ``change``, ``low``, ``high``, ``clips`` and ``seeds``, the changes of
            the single seeds.
    """
    labels = [row["label"] for row in rows]
    base = alt.Chart(alt.Data(values=[dict(row) for row in rows])).encode(
        y=alt.Y("label:N", sort=labels, title=None),
        tooltip=[
            "label:N",
            *(alt.Tooltip(f"{each}:Q", format="+.1f") for each in ("change", "low", "high")),
            alt.Tooltip("clips:Q", format=","),
        ],
    )
    title = "change of recall, in points"
    rules = base.mark_rule(strokeWidth=2, color=BLUE).encode(
        x=alt.X("low:Q", title=title, axis=alt.Axis(format="+~f")), x2="high:Q"
    )
    marks = base.mark_point(filled=True, size=80, opacity=1, color=BLUE).encode(x="change:Q")
    strokes = (
        base.transform_flatten(["seeds"])
        .mark_tick(size=14, thickness=2, color=BLUE, opacity=0.7)
        .encode(x="seeds:Q", tooltip=["label:N", alt.Tooltip("seeds:Q", format="+.1f")])
    )
    zero = alt.Chart(alt.Data(values=[{"x": 0}])).mark_rule(strokeDash=[2, 3]).encode(x="x:Q")
    return (zero + rules + strokes + marks).properties(
        width=WIDTH - 60,
        height=34 * len(labels),
        description=(
            "Change of recall that the extra keyword brings, on the same clips, by label: the "
            "mean over seeds with its 95 % interval, single seeds as strokes."
        ),
    )
