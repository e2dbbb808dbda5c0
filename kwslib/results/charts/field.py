"""Charts of the field test: words that were detected, by noise, and sounds taken for words."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from kwslib.results.charts.theme import SHAPES, WIDTH, colour_scale, shape_scale

_SHARES = alt.Scale(domain=[0, 1])
_PERCENT = alt.Axis(format="~%", tickCount=5)
_MARKS = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")


def successes(rows: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    """Share of the trials in which each word was detected, with its interval, a shape a run.

    Args:
        rows: ``word``, ``run`` (``"this run"``, ``"published run"``, ``"original report"``),
            ``share``, ``low``, ``high``, ``count`` and ``trials``.
    """
    runs = [run for run in SHAPES if any(row["run"] == run for row in rows)]
    words = list(dict.fromkeys(row["word"] for row in rows))
    base = _labelled(rows).encode(
        y=alt.Y("word:N", sort=words, title=None),
        yOffset=alt.YOffset("run:N", sort=runs),
        color=alt.Color("run:N", scale=colour_scale(runs), sort=runs, title=None, legend=_below()),
        tooltip=["word:N", "run:N", *_facts()],
    )
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        x=alt.X("share:Q", scale=_SHARES),
        shape=alt.Shape("run:N", scale=shape_scale(runs), sort=runs, title=None, legend=_below()),
    )
    return (_intervals(base, "trials with the word detected") + points + _counts(base)).properties(
        width=WIDTH - 60,
        height=34 * len(rows),
        description="Trials in which a word was detected: "
        + "; ".join(f"{row['word']}, {row['run']}, {_count_text(row)}" for row in rows),
    )


def by_condition(rows: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    """Share of the trials in which each word was detected, by signal-to-noise ratio.

    Args:
        rows: ``condition`` in the order of the axis, ``word``, ``share``, ``low``, ``high``,
            ``count`` and ``trials``.
    """
    conditions = list(dict.fromkeys(row["condition"] for row in rows))
    words = list(dict.fromkeys(row["word"] for row in rows))
    base = _labelled(rows).encode(
        x=alt.X(
            "condition:N",
            sort=conditions,
            title="signal-to-noise ratio",
            axis=alt.Axis(labelAngle=0),
        ),
        xOffset=alt.XOffset("word:N", sort=words),
        color=alt.Color(
            "word:N", scale=colour_scale(words), sort=words, title=None, legend=_below()
        ),
        tooltip=["condition:N", "word:N", *_facts()],
    )
    marks = alt.Scale(domain=words, range=[_MARKS[i % len(_MARKS)] for i in range(len(words))])
    rules = base.mark_rule(strokeWidth=2).encode(
        y=alt.Y("low:Q", title="trials with the word detected", scale=_SHARES, axis=_PERCENT),
        y2="high:Q",
    )
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        y=alt.Y("share:Q", scale=_SHARES),
        shape=alt.Shape("word:N", scale=marks, sort=words, title=None, legend=_below()),
    )
    return (rules + points).properties(
        width=WIDTH,
        height=240,
        description="Trials in which a word was detected, by signal-to-noise ratio: "
        + "; ".join(f"{row['word']}, {row['condition']}, {_count_text(row)}" for row in rows),
    )


def false_accepts(rows: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    """Share of the recordings without a keyword in which one was detected, by kind of sound.

    Args:
        rows: ``kind``, ``detected`` (recordings by the word that was detected first in them),
            ``share``, ``low``, ``high``, ``count`` and ``trials``, from top to bottom.
    """
    kinds = [row["kind"] for row in rows]
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
    y = alt.Y("kind:N", sort=kinds, title=None, axis=alt.Axis(labelLimit=160))
    bars = (
        alt.Chart(alt.Data(values=parts))
        .mark_bar(size=13)
        .encode(
            x=alt.X("share:Q", title=title, scale=_SHARES, axis=_PERCENT),
            y=y,
            order="order:Q",
            color=alt.Color(
                "heard:N", scale=colour_scale(heard), sort=heard, title="detected", legend=_below()
            ),
            tooltip=["kind:N", "heard:N", "count:Q"],
        )
    )
    base = _labelled(rows).encode(y=y, tooltip=["kind:N", *_facts()])
    return (bars + _intervals(base, title)).properties(
        width=WIDTH - 60,
        height=alt.Step(20),
        description="Recordings in which a word was detected that nobody said: "
        + "; ".join(f"{row['kind']} {_count_text(row)}" for row in rows),
    )


def _labelled(rows: Sequence[Mapping[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.Data(values=[dict(row) | {"label": _count_text(row)} for row in rows]))


def _intervals(base: alt.Chart, title: str) -> alt.Chart:
    x = alt.X("low:Q", title=title, scale=_SHARES, axis=_PERCENT)
    return base.mark_rule(strokeWidth=2).encode(x=x, x2="high:Q")


def _counts(base: alt.Chart) -> alt.Chart:
    return base.mark_text(dy=-11, fontSize=11).encode(
        x="share:Q", text="label:N", color=alt.value("currentColor")
    )


def _facts() -> list[alt.Tooltip]:
    shares = [alt.Tooltip(f"{name}:Q", format=".1%") for name in ("share", "low", "high")]
    return [alt.Tooltip("label:N", title="trials"), *shares]


def _count_text(row: Mapping[str, Any]) -> str:
    return f"{row['count']} of {row['trials']}"


def _below() -> alt.Legend:
    """Below the plot, a legend takes none of the width that a narrow page has."""
    return alt.Legend(orient="bottom", labelLimit=0)
