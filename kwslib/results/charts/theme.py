"""One look for every chart: colours that carry a meaning, and a theme for light and dark pages.

Text, axes and grid take ``currentColor``, the colour of the text around the chart, so that a
chart reads on a light and on a dark page. The palette is Okabe and Ito's, which people with
any of the common colour-vision deficiencies can tell apart (Color Universal Design, 2008),
with each colour dark and bright enough for both grounds.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt

BLUE, ORANGE, GREEN = "#0072b2", "#e69f00", "#009e73"
VERMILION, SKY, PURPLE, GREY = "#d55e00", "#56b4e9", "#cc79a7", "#8c8c8c"

VIRIDIS = (
    "#440154",
    "#482878",
    "#3e4989",
    "#31688e",
    "#26828e",
    "#1f9e89",
    "#35b779",
    "#6ece58",
    "#b5de2b",
    "#fde725",
)
"""Corners of the colour map viridis (van der Walt and Smith, 2015), dark to bright."""

BLUE_TO_RED = (BLUE, "#f7f7f7", VERMILION)
"""For values on both sides of zero."""

PALETTE = (BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE, GREY)

COLOURS = {
    "training": BLUE,
    "validation": ORANGE,
    "testing": GREEN,
    "this run": BLUE,
    "on record": ORANGE,
    "published run": VERMILION,
    "original report": PURPLE,
    "literature": GREY,
    "float32": SKY,
    "int8": BLUE,
    "_silence_": GREY,
    "_unknown_": ORANGE,
    "yes": BLUE,
    "no": VERMILION,
    "left": GREEN,
}
"""The same colour for the same thing in every chapter."""

SHAPES = {
    "this run": "circle",
    "on record": "cross",
    "published run": "square",
    "original report": "triangle-up",
    "literature": "diamond",
}
"""The same shape for numbers of the same origin, for those who see no colours."""

ORIGINS = {name: (COLOURS[name], shape) for name, shape in SHAPES.items()}
"""Colour and shape of numbers by their origin."""

MARKS = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
"""Shapes of things that have none of their own."""

WIDTH = 640
"""Pixels of a full-width chart; the page scales it down to fit."""

BELOW = alt.Legend(orient="bottom", labelLimit=0, columns=3, symbolOpacity=1)
"""A legend below its chart, with whole names."""

BELOW_PLAIN = alt.Legend(orient="bottom", labelLimit=0)
"""A legend below its chart in one row, with whole names."""

PERCENT = alt.Axis(format="~%")
"""An axis of shares."""

Rows = Sequence[Mapping[str, Any]]
"""What a chart draws: a mapping a row, whose keys are the columns of the table behind it."""


def chart(rows: Iterable[Mapping[str, Any]], **settings: Any) -> alt.Chart:
    """A chart of rows, without a mark yet."""
    return alt.Chart(alt.Data(values=[dict(row) for row in rows]), **settings)


def labels_in_lines(label: str = "datum.label") -> alt.Axis:
    """An axis of long names, which take several lines, so that a phone has room for the plot.

    Args:
        label: the Vega expression of a name, which breaks where it has a comma.
    """
    return alt.Axis(labelLimit=0, labelExpr=f"split({label}, ', ')")


def names_of(rows: Rows, field: str, order: Iterable[str] = ()) -> list[str]:
    """What rows have in a field, each once: in their order, or in that of ``order``."""
    found = dict.fromkeys(row[field] for row in rows)
    return [name for name in order or found if name in found]


def listed(rows: Iterable[Mapping[str, Any]], words: str) -> str:
    """Rows in words, for a description: ``words`` is a format of their columns."""
    return "; ".join(words.format_map(row) for row in rows)


def tips(form: str, *fields: str) -> list[alt.Tooltip]:
    """Numbers that a tooltip shows in a format."""
    return [alt.Tooltip(f"{field}:Q", format=form) for field in fields]


def looks(
    field: str,
    names: list[str],
    table: Mapping[str, tuple[str, str]] = ORIGINS,
    legend: alt.Legend = BELOW,
) -> tuple[alt.Color, alt.Shape]:
    """Colour and shape of the names in a field, with one legend for both.

    Args:
        field: that holds the names.
        names: in the order of the legend.
        table: colour and shape by name.
        legend: of the names.
    """
    colours = alt.Scale(domain=names, range=[table[name][0] for name in names])
    shapes = alt.Scale(domain=names, range=[table[name][1] for name in names])
    return (
        alt.Color(f"{field}:N", scale=colours, sort=names, title=None, legend=legend),
        alt.Shape(f"{field}:N", scale=shapes, sort=names, title=None, legend=legend),
    )


def intervals(
    rows: Rows, value: str, category: str, group: str,
    table: Mapping[str, tuple[str, str]] = ORIGINS, *, title: str, scale: alt.Scale,
    axis: alt.Axis = PERCENT, names: Any = alt.Undefined,
    legend: alt.Legend = BELOW_PLAIN, tooltip: list[Any] | None = None,
) -> tuple[alt.Chart, list[alt.Chart]]:  # fmt: skip
    """A value along the x axis for each category and group: a stroke from ``low`` to ``high`` and a
    point in the group's colour and shape.

    Args:
        rows: with ``value``, ``category``, ``group``, ``low`` and ``high``.
        value: column of the value.
        category: column of what stands from top to bottom, in the order of the rows.
        group: column of what stands side by side in each category, in the order of ``table``.
        table: colour and shape by group.
        title: of the axis of values.
        scale: of this axis.
        axis: likewise.
        names: the axis of categories, by default as the theme has it.
        legend: of the groups.
        tooltip: behind category and group; by default the value and its interval in percent.

    Returns:
        The chart without a mark, for further layers, and the two layers.
    """
    groups = names_of(rows, group, table)
    colour, shape = looks(group, groups, table, legend)
    shown = tips(".1%", value, "low", "high") if tooltip is None else tooltip
    base = chart(rows).encode(
        y=alt.Y(f"{category}:N", sort=names_of(rows, category), title=None, axis=names),
        yOffset=alt.YOffset(f"{group}:N", sort=groups),
        color=colour,
        tooltip=[f"{category}:N", f"{group}:N", *shown],
    )
    along = alt.X("low:Q", title=title, scale=scale, axis=axis)
    rules = base.mark_rule(strokeWidth=2).encode(x=along, x2="high:Q")
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        x=alt.X(f"{value}:Q", scale=scale), shape=shape
    )
    return base, [rules, points]


def mark_scale(names: list[str]) -> alt.Scale:
    """A scale of shapes by the place in ``names``."""
    return alt.Scale(domain=names, range=[MARKS[i % len(MARKS)] for i in range(len(names))])


def colour_scale(names: list[str]) -> alt.Scale:
    """A colour scale for ``names``: their fixed colour where they have one, else the palette's
    colours that no other of them uses.
    """
    fixed = {name: COLOURS[name] for name in names if name in COLOURS}
    free = [colour for colour in PALETTE if colour not in fixed.values()] or list(PALETTE)
    others = [name for name in names if name not in fixed]
    chosen = fixed | {name: free[i % len(free)] for i, name in enumerate(others)}
    return alt.Scale(domain=names, range=[chosen[name] for name in names])


def network_scale(models: list[str]) -> alt.Scale:
    """A colour scale for networks, each with the colour that it has in every chart.

    Args:
        models: names in the registry; the scale's domain are their short names.
    """
    from kwslib.models import names  # loads torch, which colours do not need

    known = names()
    colours = [PALETTE[known.index(model) % len(PALETTE)] for model in models]
    return alt.Scale(domain=[short_name(model) for model in models], range=colours)


def network_colour(networks: list[str], models: Sequence[str]) -> alt.Color:
    """The colours of the field ``network``: a network's own where it is one of the registry.

    Args:
        networks: as the field has them.
        models: names in the registry of those that are in it.
    """
    legend = alt.Legend(orient="bottom", labelLimit=0, symbolOpacity=1)
    own = [model for name in networks for model in models if short_name(model) == name]
    scale = network_scale(own) if own else colour_scale(networks)
    return alt.Color("network:N", scale=scale, sort=networks, title=None, legend=legend)


def short_name(model: str) -> str:
    """What figures, tables and text call a network of the registry.

    >>> short_name("funnel_medium")
    'funnel medium'
    """
    return model.replace("_", " ")


def round_numbers(low: float, high: float) -> list[float]:
    """Ticks of a logarithmic axis: 1, 2 and 5 times powers of ten within limits, or the powers
    alone where they are many.
    """
    powers = [10.0**i for i in range(math.floor(math.log10(low)), math.ceil(math.log10(high)))]
    steps = (1, 2, 5) if len(powers) < 4 else (1,)
    return [step * power for power in powers for step in steps if low <= step * power <= high]


@alt.theme.register("kws", enable=True)
def theme() -> alt.theme.ThemeConfig:
    """The theme, enabled when this module is imported."""
    text: Any = {"labelColor": "currentColor", "titleColor": "currentColor"}
    config: Any = {
        "config": {
            "background": "transparent",
            "font": "system-ui, sans-serif",
            "view": {"stroke": None, "continuousWidth": WIDTH, "continuousHeight": 280},
            "axis": {
                **text,
                "domainColor": "currentColor",
                "tickColor": "currentColor",
                "gridColor": "currentColor",
                "gridOpacity": 0.15,
                "domainOpacity": 0.5,
                "tickOpacity": 0.5,
                "labelFontSize": 12,
                "titleFontSize": 13,
                "titleFontWeight": "normal",
                "labelSeparation": 8,
            },
            "legend": {**text, "labelFontSize": 12, "titleFontSize": 13},
            "header": {**text, "labelFontSize": 13, "titleFontSize": 13},
            "title": {
                "color": "currentColor",
                "subtitleColor": "currentColor",
                "anchor": "start",
                "fontSize": 14,
            },
            "text": {"color": "currentColor", "fontSize": 12},
            "rule": {"color": "currentColor"},
            "range": {"category": list(PALETTE), "heatmap": {"scheme": "viridis"}},
        }
    }
    return config
