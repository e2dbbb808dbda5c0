"""Figures on continuous audio and disturbed clips: misses, latency, accuracy by disturbance."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from kwslib.results.charts.theme import (
    PERCENT,
    WIDTH,
    Rows,
    chart,
    colour_scale,
    listed,
    mark_scale,
    names_of,
    network_scale,
    short_name,
    tips,
)

_RATES = (0, 0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_MOST_MISSES = 0.5
"""Thresholds that miss more are of no use; the curve leaves the figure there."""

_DISTURBED = "{{network}}, {{{}:g}} {}, {{accuracy:.1%}}"
"""A row in words, once the field and its unit are filled in."""

_BELOW = alt.Legend(orient="bottom", labelLimit=0, symbolOpacity=1)


def misses_against_false_accepts(
    rows: Rows,
    points: Rows,
    models: Sequence[str] = (),
) -> alt.LayerChart:
    """A curve over thresholds for each network, and its operating point.

    Args:
        rows: ``network``, ``threshold``, ``misses`` and ``false_accepts`` per hour.
        points: the same of the operating points, with ``low`` and ``high`` of the false accepts,
            and ``misses_low`` and ``misses_high``.
        models: the networks' names in the registry, for their colours.
    """
    networks = names_of(rows, "network")
    # Linear up to a tenth of an hour and logarithmic from there: a rate may be 0.
    most = min(_RATES[-1], max([1.0, *(row["false_accepts"] for row in rows)]))
    scale = alt.Scale(type="symlog", constant=0.1, nice=False, domain=[0, most])
    rates: dict[str, Any] = {"scale": scale, "axis": alt.Axis(values=list(_RATES), format="~r")}
    x = alt.X("false_accepts:Q", title="false accepts per hour", **rates)
    seen = min(1.0, max(_MOST_MISSES, min((row["misses"] for row in rows), default=1.0)))
    shares: dict[str, Any] = {"axis": PERCENT, "scale": alt.Scale(domain=[0, seen], nice=False)}
    y = alt.Y("misses:Q", title="keywords missed", **shares)
    colour = _colour(networks, models)
    told = [
        alt.Tooltip("network:N"),
        alt.Tooltip("threshold:Q"),
        *tips(".1%", "misses"),
        *tips(".2f", "false_accepts"),
    ]
    lines = chart(rows).mark_line(strokeWidth=2, clip=True).encode(
        x, y, colour, alt.StrokeDash("network:N", sort=networks, legend=None),
        order="threshold:Q", tooltip=told,
    )  # fmt: skip
    base = chart(points).encode(color=colour, tooltip=told)
    across = base.mark_rule(strokeWidth=1.5, clip=True).encode(
        alt.X("low:Q", **rates), alt.X2("high:Q"), y
    )
    along = base.mark_rule(strokeWidth=1.5, clip=True).encode(
        x, alt.Y("misses_low:Q", **shares), alt.Y2("misses_high:Q")
    )
    marks = base.mark_point(filled=True, size=90, opacity=1, clip=True).encode(
        x, y, alt.Shape("network:N", sort=networks, scale=mark_scale(networks), legend=None)
    )
    described = listed(
        points,
        "{network} at {threshold}/256 misses {misses:.1%} with {false_accepts:.2f} false accepts "
        "per hour",
    )
    return alt.LayerChart(layer=[lines, across, along, marks]).properties(
        width=WIDTH,
        height=300,
        description=f"Keywords missed against false accepts per hour, by threshold: {described}",
    )


def latencies(rows: Rows, models: Sequence[str] = ()) -> alt.Chart:
    """Share of the detected keywords that are detected by a time after their end.

    Args:
        rows: ``network``, ``ms`` and ``share``, ascending.
        models: as of :func:`misses_against_false_accepts`.
    """
    networks = names_of(rows, "network")
    halves = [row for row in rows if row["share"] == 0.5]
    middle = listed(halves, "{network}: half by {ms:.0f} ms")
    return (
        chart(rows)
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("ms:Q", title="milliseconds after the end of the word"),
            y=alt.Y("share:Q", title="share of detections", axis=PERCENT),
            color=_colour(networks, models),
            strokeDash=alt.StrokeDash("network:N", sort=networks, legend=None),
            tooltip=["network:N", *tips(".0f", "ms"), *tips(".1%", "share")],
        )
        .properties(width=WIDTH, height=200, description=f"Latency of detections. {middle}")
    )


def by_noise(rows: Rows, models: Sequence[str] = ()) -> alt.VConcatChart:
    """Accuracy by signal-to-noise ratio: the mean over noises, and a band from worst to best; a
    panel for each kind of noises.

    Args:
        rows: ``network``, ``noises`` (which kind), ``snr_db``, ``accuracy``, ``worst``, ``best``.
        models: as of :func:`misses_against_false_accepts`.
    """
    networks = names_of(rows, "network")
    lowest, highest = min(row["worst"] for row in rows), max(row["best"] for row in rows)
    shown = alt.Scale(domain=[lowest, highest], zero=False)
    panels = [
        _noise_panel([row for row in rows if row["noises"] == kind], networks, models, kind, shown)
        for kind in names_of(rows, "noises")
    ]
    return alt.vconcat(*panels).properties(
        description=f"Accuracy by noise: {listed(rows, _DISTURBED.format('snr_db', 'dB'))}"
    )


def _noise_panel(
    rows: Rows,
    networks: list[str],
    models: Sequence[str],
    kind: str,
    shown: alt.Scale,
) -> alt.LayerChart:
    base = chart(rows).encode(
        x=alt.X(
            "snr_db:Q", title="signal-to-noise ratio, dB", sort="descending",
            scale=alt.Scale(zero=False, nice=False),
        ),
        color=_colour(networks, models),
        tooltip=["network:N", "snr_db:Q", *tips(".1%", "accuracy", "worst", "best")],
    )  # fmt: skip
    right = f"accuracy in {kind}"
    band = base.mark_area(opacity=0.15).encode(
        alt.Y("worst:Q", title=right, axis=PERCENT, scale=shown), alt.Y2("best:Q")
    )
    y = alt.Y("accuracy:Q", title=right, axis=PERCENT, scale=shown)
    return alt.LayerChart(layer=[band, *_marked_lines(base, y, networks)]).properties(
        width=WIDTH, height=200
    )


def against(
    rows: Rows,
    field: str,
    title: str,
    unit: str,
    models: Sequence[str] = (),
) -> alt.LayerChart:
    """Accuracy against one disturbance, a line a network, with intervals.

    Args:
        rows: ``network``, ``field``, ``accuracy``, ``low`` and ``high``.
        field: name of the disturbance.
        title: of its axis.
        unit: of it.
        models: as of :func:`misses_against_false_accepts`.
    """
    networks = names_of(rows, "network")
    share: dict[str, Any] = {"title": "accuracy", "axis": PERCENT, "scale": alt.Scale(zero=False)}
    base = chart(rows).encode(
        x=alt.X(f"{field}:Q", title=title),
        color=_colour(networks, models),
        tooltip=["network:N", f"{field}:Q", *tips(".1%", "accuracy", "low", "high")],
    )
    rules = base.mark_rule(strokeWidth=1.5).encode(alt.Y("low:Q", **share), alt.Y2("high:Q"))
    lines = _marked_lines(base, alt.Y("accuracy:Q", **share), networks)
    told = listed(rows, _DISTURBED.format(field, unit))
    return alt.LayerChart(layer=[rules, *lines]).properties(
        width=WIDTH, height=200, description=f"Accuracy by {title}: {told}"
    )


def _marked_lines(base: alt.Chart, y: alt.Y, networks: list[str]) -> list[alt.Chart]:
    """A line for each network, and its mark on every point: two layers."""
    shape = alt.Shape("network:N", sort=networks, scale=mark_scale(networks), legend=None)
    marks = base.mark_point(filled=True, size=60, opacity=1).encode(y, shape=shape)
    return [base.mark_line(strokeWidth=2).encode(y), marks]


def _colour(networks: list[str], models: Sequence[str]) -> alt.Color:
    """A network's own colour where it is one of the registry."""
    own = [model for name in networks for model in models if short_name(model) == name]
    scale = network_scale(own) if own else colour_scale(networks)
    return alt.Color("network:N", scale=scale, sort=networks, title=None, legend=_BELOW)
