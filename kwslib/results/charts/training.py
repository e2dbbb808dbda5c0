"""Figures on training: learning curves, recall, confusion, what one more keyword changes."""

from collections.abc import Sequence
from typing import Literal

import altair as alt

from kwslib.results.charts.theme import (
    BELOW_PLAIN,
    BLUE,
    GREEN,
    GREY,
    PERCENT,
    SHAPES,
    WIDTH,
    Rows,
    chart,
    colour_scale,
    looks,
    names_of,
    tips,
)


def learning_curve(
    rows: Rows, quantity: Literal["accuracy", "loss"], best: int | None = None
) -> alt.LayerChart:
    """Accuracy, or loss, of training and validation by epoch.

    Args:
        rows: ``epoch``, ``split`` and the quantity.
        quantity: which of the two.
        best: number of an epoch to mark, that whose weights were kept.
    """
    title, form = {"accuracy": ("accuracy", "~%"), "loss": ("cross-entropy, nats", ".2f")}[quantity]
    colours = colour_scale(["training", "validation"])
    lines = (
        chart(rows)
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=40) if best is None else False)
        .encode(
            x=alt.X(
                "epoch:Q", title="epoch", scale=alt.Scale(nice=False), axis=alt.Axis(tickMinStep=1)
            ),
            y=alt.Y(
                f"{quantity}:Q",
                title=title,
                scale=alt.Scale(zero=False),
                axis=alt.Axis(format=form),
            ),
            color=alt.Color("split:N", scale=colours, title=None, legend=BELOW_PLAIN),
            strokeDash=alt.StrokeDash("split:N", legend=None),
            tooltip=["split:N", "epoch:Q", *tips(".4~f", quantity)],
        )
    )
    layers = [lines]
    if best is not None:
        rule = chart([{"epoch": best, "text": f"kept: epoch {best}"}])
        rule = rule.mark_rule(strokeDash=[2, 3], opacity=0.6)
        layers.append(rule.encode(x="epoch:Q", tooltip=["text:N"]))
    return alt.LayerChart(layer=layers).properties(
        width=WIDTH,
        height=220,
        description=f"{title.capitalize()} of training and validation by epoch.",
    )


def confusion(table: Sequence[Sequence[int]], labels: Sequence[str]) -> alt.LayerChart:
    """A confusion matrix: clips, and the share of the true label as shade.

    Args:
        table: clips by true label (rows) and predicted label (columns).
        labels: names of the labels.
    """
    rows = [
        {
            "true label": truth,
            "predicted": predicted,
            "clips": clips,
            "share": clips / max(sum(row), 1),
        }
        for truth, row in zip(labels, table, strict=True)
        for predicted, clips in zip(labels, row, strict=True)
    ]
    base = chart(rows).encode(
        x=alt.X(
            "predicted:N",
            sort=list(labels),
            title="predicted",
            axis=alt.Axis(orient="top", labelAngle=-45),
        ),
        y=alt.Y("true label:N", sort=list(labels), title="true label"),
        tooltip=[
            "true label:N",
            "predicted:N",
            alt.Tooltip("clips:Q", format=","),
            alt.Tooltip("share:Q", format=".1%", title="share of the true label"),
        ],
    )
    cells = base.mark_rect().encode(
        color=alt.Color(
            "share:Q",
            scale=alt.Scale(scheme="blues", domain=[0, 1]),
            title="share of the true label",
            legend=alt.Legend(format=".0%", orient="bottom", tickCount=3),
        )
    )
    # Up to five labels fit a phone; more scroll.
    size = max(42, min(58, 232 // len(labels)))
    text = base.mark_text(fontSize=13 if len(labels) < 6 else 10).encode(
        text=alt.Text("clips:Q", format=","),
        color=alt.condition("datum.share > 0.5", alt.value("white"), alt.value("black")),
    )
    return (cells + text).properties(
        width=size * len(labels),
        height=size * len(labels) * 0.7,
        description="Confusion matrix: true labels in rows, predicted labels in columns.",
    )


def recall_by_label(rows: Rows) -> alt.LayerChart:
    """Recall of each label with its interval, one colour and shape a run.

    Args:
        rows: ``label``, ``run``, ``recall``, ``low`` and ``high``.
    """
    labels, runs = names_of(rows, "label"), names_of(rows, "run", SHAPES)
    colour, shape = looks("run", runs, legend=BELOW_PLAIN)
    base = chart(rows).encode(
        y=alt.Y("label:N", sort=labels, title=None),
        yOffset=alt.YOffset("run:N", sort=runs),
        color=colour,
        tooltip=["label:N", "run:N", *tips(".1%", "recall", "low", "high")],
    )
    scale = alt.Scale(zero=False)
    rules = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title="recall", scale=scale, axis=PERCENT), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        x=alt.X("recall:Q", title="recall", scale=scale), shape=shape
    )
    return (rules + points).properties(
        width=WIDTH - 60,
        height=44 * len(labels),
        description="Share of each label's test clips that were recognised, with 95 % intervals.",
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
