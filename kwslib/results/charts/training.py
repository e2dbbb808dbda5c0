"""Figures on training: learning curves, recall by label, confusion."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import altair as alt

from kwslib.results.charts.theme import SHAPES, WIDTH, colour_scale, shape_scale

# Below the plot, a legend takes none of the width that a narrow page has.
_BELOW = alt.Legend(orient="bottom", labelLimit=0)


def learning_curve(
    rows: Sequence[Mapping[str, Any]],
    quantity: Literal["accuracy", "loss"],
    best: int | None = None,
) -> alt.LayerChart:
    """Accuracy, or loss, of training and validation by epoch.

    Args:
        rows: ``epoch``, ``split`` and the quantity.
        quantity: which of the two.
        best: number of an epoch to mark, that whose weights were kept.
    """
    title, form = {"accuracy": ("accuracy", "~%"), "loss": ("cross-entropy, nats", ".2f")}[quantity]
    splits = ["training", "validation"]
    lines = (
        alt.Chart(alt.Data(values=[dict(row) for row in rows]))
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
            color=alt.Color("split:N", scale=colour_scale(splits), title=None, legend=_BELOW),
            strokeDash=alt.StrokeDash("split:N", legend=None),
            tooltip=["split:N", "epoch:Q", alt.Tooltip(f"{quantity}:Q", format=".4~f")],
        )
    )
    layers = [lines]
    if best is not None:
        kept = alt.Chart(alt.Data(values=[{"epoch": best, "text": f"kept: epoch {best}"}]))
        rule = kept.mark_rule(strokeDash=[2, 3], opacity=0.6)
        layers.append(rule.encode(x="epoch:Q", tooltip=["text:N"]))
    return alt.LayerChart(layer=layers).properties(
        width=WIDTH,
        height=220,
        description=f"{title.capitalize()} of training and validation by epoch.",
    )


def _runs_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The runs that have a row, in the theme's order."""
    return [run for run in SHAPES if any(row["run"] == run for row in rows)]


def _by_run(rows: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> alt.Chart:
    """Rows by label, one line and colour per run, with their shares in the tooltip."""
    runs = _runs_of(rows)
    return alt.Chart(alt.Data(values=[dict(row) for row in rows])).encode(
        y=alt.Y("label:N", sort=list(labels), title=None),
        yOffset=alt.YOffset("run:N", sort=runs),
        color=alt.Color("run:N", scale=colour_scale(runs), sort=runs, title=None, legend=_BELOW),
        tooltip=[
            "label:N",
            "run:N",
            *(alt.Tooltip(f"{share}:Q", format=".1%") for share in ("recall", "low", "high")),
        ],
    )


def _with_intervals(base: alt.Chart, quantity: str, runs: Sequence[str]) -> alt.LayerChart:
    """Points of a quantity, a shape a run, on rules from ``low`` to ``high``."""
    scale, axis = alt.Scale(zero=False), alt.Axis(format="~%")
    rules = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title=quantity, scale=scale, axis=axis), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        x=alt.X(f"{quantity}:Q", title=quantity, scale=scale),
        shape=alt.Shape(
            "run:N",
            sort=list(runs),
            title=None,
            scale=shape_scale(list(runs)),
            legend=_BELOW,
        ),
    )
    return rules + points


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
    base = alt.Chart(alt.Data(values=rows)).encode(
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


def recall_by_label(rows: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    """Recall of each label with its interval, one colour a run.

    Args:
        rows: ``label``, ``run``, ``recall``, ``low`` and ``high``.
    """
    labels = list(dict.fromkeys(row["label"] for row in rows))
    base = _by_run(rows, labels)
    return _with_intervals(base, "recall", _runs_of(rows)).properties(
        width=WIDTH - 60,
        height=44 * len(labels),
        description="Share of each label's test clips that were recognised, with 95 % intervals.",
    )
