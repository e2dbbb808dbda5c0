"""Figures that compare views of speech, and images of the same clips by two front ends."""

from collections.abc import Iterable, Mapping, Sequence

import altair as alt

from kwslib.features.views import VIEWS
from kwslib.results.charts.theme import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SHAPES,
    SKY,
    VERMILION,
    WIDTH,
    Rows,
    chart,
    looks,
    names_of,
    tips,
)

_BELOW = alt.Legend(orient="bottom")
_VIEW_COLOURS = (VERMILION, PURPLE, ORANGE, BLUE, GREEN)


def similarity_by_delay(rows: Rows) -> alt.LayerChart:
    """Similarity of views of a clip to those of the same clip later, a line a view.

    Args:
        rows: ``view``, ``delay`` in milliseconds, ``similarity``.
    """
    views = names_of(rows, "view")
    base = chart(rows).encode(
        x=alt.X("delay:Q", title="delay, ms", scale=alt.Scale(nice=False)),
        color=alt.Color(
            "view:N",
            sort=views,
            scale=alt.Scale(domain=views, range=list(_VIEW_COLOURS[: len(views)])),
            title=None,
            legend=_BELOW,
        ),
    )
    lines = base.mark_line(strokeWidth=2).encode(
        y=alt.Y("similarity:Q", title="correlation with the clip", axis=alt.Axis(tickCount=5)),
        tooltip=["view:N", "delay:Q", *tips(".2f", "similarity")],
    )
    zero = chart([{"similarity": 0}]).mark_rule(opacity=0.5)
    return (zero.encode(y="similarity:Q") + lines).properties(
        width=WIDTH,
        height=220,
        description=f"Correlation of views of a clip with those of it later: {', '.join(views)}.",
    )


def accuracy_by_view(rows: Rows, chances: Iterable[float]) -> alt.HConcatChart:
    """Accuracy of the same classifier on each view with its interval, beside the view's size.

    Args:
        rows: ``run``, ``kind``, ``accuracy``, ``low``, ``high``, ``data`` of each point.
        chances: accuracies of guessing.
    """
    titles = [view.title for view in VIEWS.values()]
    runs = names_of(rows, "run", SHAPES)
    colour, shape = looks("run", runs, legend=_BELOW)
    base = chart({**row, "view": VIEWS[row["kind"]].title} for row in rows).encode(
        y=alt.Y("view:N", sort=titles, title=None),
        yOffset=alt.YOffset("run:N", sort=runs),
        color=colour,
    )
    whiskers = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title="accuracy on new speakers"), x2="high:Q"
    )
    dots = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=alt.X(
            "accuracy:Q",
            title="accuracy on new speakers",
            scale=alt.Scale(domain=[0, 1]),
            axis=alt.Axis(format="%", tickCount=5),
        ),
        shape=shape,
        tooltip=["view:N", "run:N", "data:N", *tips(".1%", "accuracy", "low", "high")],
    )
    guess = (
        chart({"accuracy": chance} for chance in chances)
        .mark_rule(strokeDash=[4, 4], opacity=0.7)
        .encode(x="accuracy:Q")
    )
    left = (guess + whiskers + dots).properties(width=330, height=36 * len(titles))
    return alt.hconcat(left, _sizes(titles), spacing=16).properties(
        description="How often a linear classifier names the word of a clip by a new speaker, "
        "for each view, and how many bytes the view of a clip takes."
    )


def _sizes(titles: list[str]) -> alt.LayerChart:
    rows = [
        {"view": view.title, "bytes": view.bytes, "label": f"{view.bytes:,}"}
        for view in VIEWS.values()
    ]
    base = chart(rows).encode(
        x=alt.X(
            "bytes:Q",
            title="bytes for one second",
            scale=alt.Scale(domain=[0, 80_000]),
            axis=alt.Axis(values=[0, 30_000, 60_000], format=",d"),
        ),
        y=alt.Y("view:N", sort=titles, title=None, axis=None),
        tooltip=["view:N", *tips(",", "bytes")],
    )
    bars = base.mark_bar(color=SKY, size=16)
    text = base.mark_text(align="left", dx=4).encode(text="label:N")
    return (bars + text).properties(width=160, height=36 * len(titles))


def distance_histograms(
    edges: Sequence[float], counts: Mapping[str, Sequence[int]]
) -> alt.VConcatChart:
    """Histograms of the distances between our images and the data set's own.

    Args:
        edges: of the intervals, in steps of the 256 levels; the last interval holds all beyond.
        counts: clips in each interval, by group.
    """
    panels = [
        _histogram(edges, numbers, group, colour, last=group == list(counts)[-1])
        for (group, numbers), colour in zip(counts.items(), (BLUE, ORANGE), strict=False)
    ]
    return alt.vconcat(*panels, spacing=8).properties(
        description="Histograms of the distance between our image of a test clip and the data "
        f"set's own image of it: {'; '.join(counts)}."
    )


def _histogram(
    edges: Sequence[float], numbers: Sequence[int], title: str, colour: str, last: bool
) -> alt.Chart:
    rows = [
        {"from": round(edges[i], 2), "to": round(edges[i + 1], 2), "clips": number}
        for i, number in enumerate(numbers)
        if number
    ]
    ticks = [2**power for power in range(10) if edges[0] <= 2**power <= edges[-1]]
    return (
        chart(rows, title=alt.Title(title, frame="group"))
        .mark_bar(color=colour)
        .encode(
            x=alt.X(
                "from:Q",
                bin="binned",
                scale=alt.Scale(type="log", domain=[edges[0], edges[-1]], nice=False),
                title="root mean square difference of a clip, levels of 256" if last else None,
                axis=alt.Axis(values=ticks, format="d", labels=last),
            ),
            x2="to:Q",
            y=alt.Y("clips:Q", title="clips", axis=alt.Axis(tickCount=3)),
            tooltip=["from:Q", "to:Q", "clips:Q"],
        )
        .properties(width=WIDTH, height=100)
    )
