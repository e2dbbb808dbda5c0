"""Figures that set networks side by side: accuracy against what it costs."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import altair as alt

from kwslib.results.charts.theme import (
    BLUE,
    GREY,
    WIDTH,
    chart,
    listed,
    names_of,
    network_scale,
    round_numbers,
)

OURS = "this library"
KINDS = {
    OURS: (BLUE, "circle"),
    "others, v0.02": (GREY, "square"),
    "others, v0.01": (GREY, "triangle-up"),
    "others, MLPerf Tiny": (GREY, "diamond"),
    "others, version not said": (GREY, "cross"),
}
"""Whose accuracy it is and on which clips, by colour and shape; each of ours has its own."""

_ACROSS, _HEIGHT = WIDTH - 60, 290  # pixels of a panel
_LETTER, _LINE, _MARK = 6, 14, 12  # pixels of a letter, a line of text and a mark
_BELOW = alt.Legend(orient="bottom", labelLimit=0, columns=3, symbolOpacity=1, symbolFillColor=GREY)
_RIGHT = "accuracy"
_ASIDE, _UP, _DOWN = 9, 12, 14  # pixels from a mark's middle to a name
_SIDES: Mapping[str, Mapping[str, Any]] = {
    "right": {"align": "left", "dx": _ASIDE},
    "left": {"align": "right", "dx": -_ASIDE},
    "above": {"dy": -_UP},
    "below": {"dy": _DOWN},
}
"""Where a name may stand beside its mark."""

_Box = tuple[float, float, float, float]
_Ends = tuple[float, float]
_Place = tuple[float, float]


def pareto(
    rows: Sequence[Mapping[str, Any]], costs: Mapping[str, str], words: str
) -> alt.VConcatChart:
    """Accuracy against one cost after the other; a line joins what no other network beats.

    Args:
        rows: ``network``, ``kind`` (of :data:`KINDS`), ``accuracy``, ``low`` and ``high`` or None,
            ``note`` for the tooltip, ``model`` of our own, and each cost, None if not known.
        costs: title of the axis by name of the cost; one that no row knows is left out.
        words: what the networks tell apart, for the description.
    """
    kinds = names_of(rows, "kind", KINDS)
    panels = [
        _panel([dict(row) for row in rows if row[cost] is not None], cost, title, kinds)
        for cost, title in costs.items()
        if any(row[cost] is not None for row in rows)
    ]
    told = listed(rows, "{network}, {kind}, {accuracy:.1%}")
    return alt.vconcat(*panels).properties(
        description=f"Accuracy on {words} against what a network costs: {told}"
    )


def front(rows: Sequence[Mapping[str, Any]], cost: str, worth: str) -> list[Mapping[str, Any]]:
    """The rows that no other beats: whatever is worth more costs more. Cheapest first.

    Args:
        rows: with ``worth`` and ``cost``; one whose cost is None, which is not known, is left out.
        cost: name of what should be little.
        worth: name of what should be much.
    """
    known = [row for row in rows if row[cost] is not None]
    best: list[Mapping[str, Any]] = []
    for row in sorted(known, key=lambda row: (row[cost], -row[worth])):
        if not best or row[worth] > best[-1][worth]:
            best.append(row)
    return best


def _panel(
    rows: Sequence[Mapping[str, Any]], cost: str, title: str, kinds: list[str]
) -> alt.LayerChart:
    across, up = _ends_of_costs([row[cost] for row in rows]), _ends_of_accuracies(rows)
    scale = alt.Scale(type="log", domain=list(across), nice=False)
    axis = alt.Axis(format=",~f", values=round_numbers(*across))
    x = alt.X(f"{cost}:Q", title=title, scale=scale, axis=axis)
    share: dict[str, Any] = {
        "title": _RIGHT, "axis": alt.Axis(format="~%"),
        "scale": alt.Scale(domain=list(up), nice=False, zero=False),
    }  # fmt: skip
    y = alt.Y("accuracy:Q", **share)
    best = [{"best": row["network"], cost: row[cost], "accuracy": row["accuracy"]}
            for row in front(rows, cost, "accuracy")]  # fmt: skip
    line = chart(best).encode(x, y)
    placed = [
        row | {"colour": _colour_of(row)} for row in _with_sides(rows, cost, across, up, best)
    ]
    base = chart(placed).encode(
        x,
        tooltip=["network:N", "kind:N", alt.Tooltip("accuracy:Q", format=".1%"),
                 alt.Tooltip(f"{cost}:Q", title=title, format=",.3~f"), "note:N"],
    )  # fmt: skip
    layers = [
        line.mark_line(interpolate="step-after", strokeDash=[4, 4], color=GREY),
        _points(base, kinds).encode(y),
        *_names(base, y),
    ]
    if any(row["low"] is not None for row in rows):  # marks without items have no name
        spans = base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=2)
        colour = alt.Color("colour:N", scale=None, legend=None)
        layers.insert(1, spans.encode(alt.Y("low:Q", **share), alt.Y2("high:Q"), colour))
    return alt.LayerChart(layer=layers).properties(width=_ACROSS, height=_HEIGHT)


def _colour_of(row: Mapping[str, Any]) -> str:
    """A network of ours has its own colour, one of others that of its kind."""
    if "model" not in row:
        return KINDS[row["kind"]][0]
    scale: Any = network_scale([row["model"]])
    return str(scale.range[0])


def _points(base: alt.Chart, kinds: list[str]) -> alt.Chart:
    shapes = alt.Scale(domain=kinds, range=[KINDS[kind][1] for kind in kinds])
    return base.mark_point(filled=True, size=80, opacity=1).encode(
        color=alt.Color("colour:N", scale=None, legend=None),
        shape=alt.Shape(
            "kind:N", scale=shapes, sort=kinds, title=None, legend=_BELOW if kinds[1:] else None
        ),
    )


def _names(base: alt.Chart, y: alt.Y) -> list[alt.Chart]:
    return [
        base.transform_filter(f"datum.side == '{side}'")
        .mark_text(fontSize=11, **place)
        .encode(y, text="network:N")
        for side, place in _SIDES.items()
    ]


def _ends_of_costs(costs: Sequence[float]) -> _Ends:
    """Of a logarithmic axis with room for names, which a single cost does not make narrow."""
    room = max(2.0, 10 / math.sqrt(max(costs) / min(costs)) / 3)
    return min(costs) / room, max(costs) * room


def _ends_of_accuracies(rows: Sequence[Mapping[str, Any]]) -> _Ends:
    told = [row[name] for row in rows for name in ("accuracy", "low", "high")]
    ends = [share for share in told if share is not None]
    return min(ends) - 0.004, max(ends) + 0.004


def _with_sides(
    rows: Sequence[Mapping[str, Any]],
    cost: str,
    across: _Ends,
    up: _Ends,
    best: Sequence[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """The rows, each with the side of its mark where its name has room, or none.

    Our own networks choose first; of several figures of one network of others, the best is named.
    Names keep off the line that joins ``best`` and off intervals where they can.
    """
    (left, right), (bottom, top) = across, up

    def place(row: Mapping[str, Any], share: str = "accuracy") -> tuple[float, float]:
        return (
            _ACROSS * math.log(row[cost] / left) / math.log(right / left),
            _HEIGHT * (top - row[share]) / (top - bottom),
        )

    strokes = _steps([place(row) for row in best])
    strokes += [
        _between(place(row, "low"), place(row, "high")) for row in rows if row["low"] is not None
    ]
    sides = _sides(rows, [place(row) for row in rows], strokes)
    return [dict(row) | {"side": side} for row, side in zip(rows, sides, strict=True)]


def _steps(places: Sequence[_Place]) -> list[_Box]:
    """The strokes of a line that goes on level and then up or down to the next place."""
    return [
        _between(*ends)
        for one, other in pairwise(places)
        for corner in [(other[0], one[1])]
        for ends in ((one, corner), (corner, other))
    ]


def _between(one: _Place, other: _Place) -> _Box:
    """The box of a straight stroke."""
    (left, right), (top, bottom) = sorted((one[0], other[0])), sorted((one[1], other[1]))
    return left, top - 1, right, bottom + 1


def _sides(
    rows: Sequence[Mapping[str, Any]], places: Sequence[_Place], strokes: Sequence[_Box]
) -> list[str]:
    """A side for each name, or nothing; ours may cover marks of others rather than have none."""
    ours = [row["kind"] == OURS for row in rows]
    marks = [_around(x, y, _MARK, _MARK) for x, y in places]
    taken: list[_Box] = []
    named: set[str] = set()
    sides = [""] * len(rows)
    for index in sorted(range(len(rows)), key=lambda i: (not ours[i], -rows[i]["accuracy"])):
        name = rows[index]["network"]
        if not ours[index] and name in named:
            continue
        boxes = _boxes(*places[index], _LETTER * len(name))
        others = [i for i in range(len(rows)) if i != index]
        apart = [*(marks[i] for i in others), *taken]
        side = _free(boxes, [*apart, *strokes]) or _free(boxes, apart)
        if ours[index] and not side:
            side = _free(boxes, [*(marks[i] for i in others if ours[i]), *taken])
        if side:
            sides[index] = side
            taken.append(boxes[side])
            named.add(name)
    return sides


def _free(boxes: Mapping[str, _Box], others: Sequence[_Box]) -> str:
    """The first side whose box is within the panel and overlaps no other, or nothing."""
    inside = {side: box for side, box in boxes.items() if box[0] >= 0 and box[2] <= _ACROSS}
    free = (s for s, box in inside.items() if not any(_overlap(box, other) for other in others))
    return next(free, "")


def _around(x: float, y: float, width: float, height: float) -> _Box:
    """Left, top, right and bottom of a box around a place, in pixels."""
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _boxes(x: float, y: float, width: float) -> dict[str, _Box]:
    """Where a name would stand on each side of a mark."""
    return {
        "right": _around(x + _ASIDE + width / 2, y, width, _LINE),
        "left": _around(x - _ASIDE - width / 2, y, width, _LINE),
        "above": _around(x, y - _UP, width, _LINE),
        "below": _around(x, y + _DOWN, width, _LINE),
    }


def _overlap(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
