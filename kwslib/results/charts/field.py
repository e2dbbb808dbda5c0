"""Charts of the field test: words that were detected, by noise, and sounds taken for words."""

import altair as alt

from kwslib.results.charts.theme import (
    BELOW_PLAIN,
    SHAPES,
    WIDTH,
    Rows,
    chart,
    colour_scale,
    listed,
    looks,
    mark_scale,
    names_of,
    tips,
)

_SHARES = alt.Scale(domain=[0, 1])
_PERCENT = alt.Axis(format="~%", tickCount=5)
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
        y=alt.Y("low:Q", title="trials with the word detected", scale=_SHARES, axis=_PERCENT),
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
            x=alt.X("share:Q", title=title, scale=_SHARES, axis=_PERCENT),
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
    x = alt.X("low:Q", title=title, scale=_SHARES, axis=_PERCENT)
    return base.mark_rule(strokeWidth=2).encode(x=x, x2="high:Q")


def _facts() -> list[alt.Tooltip]:
    return [alt.Tooltip("label:N", title="trials"), *tips(".1%", "share", "low", "high")]
