"""Figures that set networks side by side: accuracy against what it costs."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from kwslib.charts.theme import BLUE, GREY, ORANGE, PURPLE, VERMILION, WIDTH, round_numbers

OURS = "this library"
KINDS = {
    OURS: (BLUE, "circle"),
    "others, v0.02": (PURPLE, "square"),
    "others, v0.01": (GREY, "triangle-up"),
    "others, MLPerf Tiny": (ORANGE, "diamond"),
    "others, version not said": (VERMILION, "cross"),
}
"""Whose accuracy it is and on which clips, by colour and shape."""

_ACROSS, _HEIGHT = WIDTH - 60, 240
_BELOW = alt.Legend(orient="bottom", labelLimit=0, columns=3, symbolOpacity=1)
_PERCENT = alt.Axis(format="~%")
_LETTER, _LINE, _MARK = 6, 14, 8  # pixels of a letter, a line of text and a mark


def front(rows: Sequence[Mapping[str, Any]], cost: str) -> list[Mapping[str, Any]]:
    """The rows that no other beats: any that is as accurate costs more, cheapest first.

    Args:
        rows: ``accuracy``, and ``cost`` or None where it is not known.
        cost: name of the cost.
    """
    known = [row for row in rows if row[cost] is not None]
    best: list[Mapping[str, Any]] = []
    for row in sorted(known, key=lambda row: (row[cost], -row["accuracy"])):
        if not best or row["accuracy"] > best[-1]["accuracy"]:
            best.append(row)
    return best


def pareto(
    rows: Sequence[Mapping[str, Any]], costs: Mapping[str, str], words: str
) -> alt.VConcatChart:
    """Accuracy against one cost after the other; a line joins what no other network beats.

    Args:
        rows: ``network``, ``kind`` (of :data:`KINDS`), ``accuracy``, and where they are known
            ``low`` and ``high``; ``note`` for the tooltip; and each cost, None where not known.
        costs: title of the axis by name of the cost; one that no row knows is left out.
        words: what the networks tell apart, for the description.
    """
    panels = [
        _panel([dict(row) for row in rows if row[cost] is not None], cost, title)
        for cost, title in costs.items()
        if any(row[cost] is not None for row in rows)
    ]
    told = "; ".join(f"{row['network']}, {row['kind']}, {row['accuracy']:.1%}" for row in rows)
    return alt.vconcat(*panels).properties(
        description=f"Accuracy on {words} against what a network costs: {told}"
    )


def _panel(rows: list[dict[str, Any]], cost: str, title: str) -> alt.LayerChart:
    kinds = [kind for kind in KINDS if any(row["kind"] == kind for row in rows)]
    colours = alt.Scale(domain=list(KINDS), range=[colour for colour, _ in KINDS.values()])
    shapes = alt.Scale(domain=list(KINDS), range=[shape for _, shape in KINDS.values()])
    low, high = min(row[cost] for row in rows) / 1.6, max(row[cost] for row in rows) * 1.6
    ends = [row.get(end, row["accuracy"]) for row in rows for end in ("low", "high")]
    across = alt.Scale(type="log", domain=[low, high], nice=False)
    least, most = min(ends) - 0.004, max(ends) + 0.004
    up = alt.Scale(domain=[least, most], nice=False, zero=False)
    x = alt.X(
        f"{cost}:Q", title=title, scale=across,
        axis=alt.Axis(format=",~f", values=round_numbers(low, high)),
    )  # fmt: skip
    y = alt.Y("accuracy:Q", title="test clips right", axis=_PERCENT, scale=up)
    places = [
        (
            _ACROSS * math.log(row[cost] / low) / math.log(high / low),
            _HEIGHT * (most - row["accuracy"]) / (most - least),
        )
        for row in rows
    ]
    values = [row | {"side": side} for row, side in zip(rows, _sides(rows, places), strict=True)]
    base = alt.Chart(alt.Data(values=values)).encode(
        x=x,
        tooltip=["network:N", "kind:N", alt.Tooltip("accuracy:Q", format=".1%"), "note:N",
                 alt.Tooltip(f"{cost}:Q", title=title, format=",.3~f")],
    )  # fmt: skip
    best = alt.Chart(alt.Data(values=[dict(row) for row in front(rows, cost)]))
    line = best.mark_line(interpolate="step-after", strokeDash=[4, 4], color=GREY).encode(x, y)
    spans = base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=2, color=BLUE)
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        y,
        alt.Color("kind:N", scale=colours, sort=kinds, title=None, legend=_BELOW),
        alt.Shape("kind:N", scale=shapes, sort=kinds, title=None, legend=_BELOW),
    )
    names = [
        base.transform_filter(f"datum.side == '{side}'")
        .mark_text(**{"fontSize": 11, **place})
        .encode(y=y, text="network:N")
        for side, place in _SIDES.items()
    ]
    rules = spans.encode(alt.Y("low:Q", title="test clips right", scale=up), alt.Y2("high:Q"))
    return alt.LayerChart(layer=[line, rules, points, *names]).properties(
        width=_ACROSS, height=_HEIGHT
    )


_SIDES: dict[str, dict[str, Any]] = {
    "right": {"align": "left", "dx": 9},
    "left": {"align": "right", "dx": -9},
    "above": {"dy": -12},
    "below": {"dy": 14},
}

_Box = tuple[float, float, float, float]


def _sides(rows: Sequence[Mapping[str, Any]], places: Sequence[tuple[float, float]]) -> list[str]:
    """The side of each mark where its name has room, or nothing. Our own networks choose first.

    Args:
        rows: ``network`` and ``kind``.
        places: of the marks, in pixels from the upper left corner.
    """
    marks = [_around(x, y, _MARK, _MARK) for x, y in places]
    taken: list[_Box] = []
    sides = [""] * len(rows)
    for index in sorted(range(len(rows)), key=lambda index: rows[index]["kind"] != OURS):
        others = [*marks[:index], *marks[index + 1 :], *taken]
        for side, box in _boxes(*places[index], _LETTER * len(rows[index]["network"])).items():
            inside = box[0] >= 0 and box[2] <= _ACROSS
            if inside and not any(_overlap(box, other) for other in others):
                sides[index] = side
                taken.append(box)
                break
    return sides


def _around(x: float, y: float, width: float, height: float) -> _Box:
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _boxes(x: float, y: float, width: float) -> dict[str, _Box]:
    """Where a name would stand on each side of a mark: left, top, right and bottom, in pixels."""
    return {
        "right": _around(x + 9 + width / 2, y, width, _LINE),
        "left": _around(x - 9 - width / 2, y, width, _LINE),
        "above": _around(x, y - 12, width, _LINE),
        "below": _around(x, y + 14, width, _LINE),
    }


def _overlap(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
