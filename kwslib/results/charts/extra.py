"""Figures on an extra keyword: recall without and with it, and what it changes."""

import altair as alt

from kwslib.results.charts.theme import (
    BELOW_PLAIN,
    BLUE,
    GREEN,
    GREY,
    PERCENT,
    WIDTH,
    Rows,
    chart,
    looks,
    names_of,
    tips,
)


def recalls(rows: Rows) -> alt.LayerChart:
    """Recall of each label, without and with the extra keyword; other seeds are small strokes.

    Args:
        rows: ``label``, ``network`` (``"without left"``, ``"with left"``), ``recall``,
            ``clips``, and ``low`` and ``high`` in the rows of the seed that is drawn large.
    """
    labels, networks = names_of(rows, "label"), names_of(rows, "network")
    without, with_it = (GREY, "circle"), (GREEN, "square")
    table = {each: without if each.startswith("without") else with_it for each in networks}
    colour, shape = looks("network", networks, table, BELOW_PLAIN)
    base = chart(rows).encode(
        y=alt.Y("label:N", sort=labels, title=None),
        yOffset=alt.YOffset("network:N", sort=networks),
        color=colour,
        tooltip=[
            "label:N",
            "network:N",
            *tips(".1%", "recall", "low", "high"),
            *tips(",", "clips"),
        ],
    )
    drawn = base.transform_filter("isValid(datum.low)")
    rules = drawn.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title="recall", scale=alt.Scale(zero=False), axis=PERCENT), x2="high:Q"
    )
    marks = drawn.mark_point(filled=True, size=80, opacity=1).encode(x="recall:Q", shape=shape)
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


def changes(rows: Rows) -> alt.LayerChart:
    """What the extra keyword changes on the same clips, label by label, in points.

    Args:
        rows: ``label``, ``change``, ``low``, ``high``, ``clips`` and ``seeds``, the changes of
            the single seeds.
    """
    labels = [row["label"] for row in rows]
    base = chart(rows).encode(
        y=alt.Y("label:N", sort=labels, title=None),
        tooltip=["label:N", *tips("+.1f", "change", "low", "high"), *tips(",", "clips")],
    )
    rules = base.mark_rule(strokeWidth=2, color=BLUE).encode(
        x=alt.X("low:Q", title="change of recall, in points", axis=alt.Axis(format="+~f")),
        x2="high:Q",
    )
    marks = base.mark_point(filled=True, size=80, opacity=1, color=BLUE).encode(x="change:Q")
    strokes = (
        base.transform_flatten(["seeds"])
        .mark_tick(size=14, thickness=2, color=BLUE, opacity=0.7)
        .encode(x="seeds:Q", tooltip=["label:N", *tips("+.1f", "seeds")])
    )
    zero = chart([{"x": 0}]).mark_rule(strokeDash=[2, 3]).encode(x="x:Q")
    return (zero + rules + strokes + marks).properties(
        width=WIDTH - 60,
        height=34 * len(labels),
        description=(
            "Change of recall that the extra keyword brings, on the same clips, by label: the "
            "mean over seeds with its 95 % interval, single seeds as strokes."
        ),
    )
