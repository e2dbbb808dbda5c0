"""Chapter 3: continuous audio, as values, tables and charts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt

from kwslib.board.client import default_streaming
from kwslib.data.dataset import open_source
from kwslib.data.synthetic_noise import chosen_noises
from kwslib.records import FOLDER, Record, select
from kwslib.results import page
from kwslib.results.charts.theme import (
    PERCENT,
    WIDTH,
    Rows,
    chart,
    listed,
    mark_scale,
    names_of,
    network_colour,
    short_name,
    tips,
)
from kwslib.results.provenance import resting_on
from kwslib.results.values import brief, load_by_network
from kwslib.streaming.curve import HOP_MS
from kwslib.streaming.listen import Listening, listen
from kwslib.streaming.plan import Plan
from kwslib.streaming.scores import spotter_from
from kwslib.streaming.sound import BuiltSound
from kwslib.training.study import Findings

LIVE_MINUTES = 4

_LIVE_WORDS_PER_HOUR = 600
"""Keywords, and as many other words: dense, since there is little time."""

ByNetwork = Mapping[str, Sequence[Record]]
"""Records of streams by the network's name in the registry."""


_RATES = (0, 0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_MOST_MISSES = 0.5
"""Thresholds that miss more are of no use; the curve leaves the figure there."""


def load_streams(task: str = "yes_no", folder: Path = FOLDER) -> dict[str, Sequence[Record]]:
    """The committed streams of a task by network, fewest false accepts last.

    Args:
        task: its name.
        folder: with the layout of ``measurements/``.
    """
    found = load_by_network("streaming/", task, folder)
    return dict(sorted(found.items(), key=lambda item: -value_of(item[1], "false_accepts")))


def record_of(records: Sequence[Record], metric: str) -> Record:
    """The only record of a metric in a stream."""
    (record,) = select(records, metric)
    return record


def value_of(records: Sequence[Record], metric: str) -> Any:
    """The value of the only record of a metric in a stream."""
    return record_of(records, metric).value


def listen_now(findings: Findings, minutes: int = LIVE_MINUTES) -> Listening | None:
    """What the network of this run detects in a few minutes of test clips; None where there is no
    network to run. Clips that are images alone are replaced by embedded speech.
    """
    if findings.live is None:
        return None
    network, dataset = findings.live
    source = dataset.source if dataset.source.has_audio("testing") else open_source(None)
    plan = Plan(
        minutes, dataset.task.keywords, noises=tuple(chosen_noises(source, "mixed")),
        keywords_an_hour=_LIVE_WORDS_PER_HOUR, others_an_hour=_LIVE_WORDS_PER_HOUR,
    )  # fmt: skip
    spotter = spotter_from(network, findings.run, dataset.task.labels)
    return listen(BuiltSound(source, plan), spotter, default_streaming(len(spotter.labels)))


# Tables and figures.


def plot_misses(streams: ByNetwork) -> alt.LayerChart:
    """Misses against false accepts per hour, a curve per network, with its operating point."""
    rows, points = [], []
    for model, records in streams.items():
        curve = value_of(records, "stream_curve")
        chosen = record_of(records, "misses").subject["threshold"]
        rows += [_point(short_name(model), each) for each in curve]
        points += [
            _with_intervals(short_name(model), each)
            for each in curve
            if each["threshold"] == chosen
        ]
    return resting_on(
        _misses_against_false_accepts(rows, points, list(streams)),
        _first(streams, "misses"),
        data=_data(streams),
    )


def plot_misses_now(heard: Listening) -> alt.LayerChart:
    """The same of the minutes that this run listened to."""
    name = heard.spotter.name
    rows = [_point(name, point.as_json()) for point in heard.points]
    points = [_with_intervals(name, heard.worked.as_json())]
    chart = _misses_against_false_accepts(rows, points)
    minutes = 60 * heard.worked.outcome.hours
    return resting_on(chart, data=f"{heard.sound.name}, {minutes:.0f} minutes", method="measured")


def _misses_against_false_accepts(
    rows: Rows, points: Rows, models: Sequence[str] = ()
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
    colour = network_colour(networks, models)
    told: list[Any] = [
        "network:N",
        "threshold:Q",
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
    words = "{network} at {threshold}/256 misses {misses:.1%} with {false_accepts:.2f}"
    described = listed(points, f"{words} false accepts per hour")
    return alt.LayerChart(layer=[lines, across, along, marks]).properties(
        width=WIDTH,
        height=300,
        description=f"Keywords missed against false accepts per hour, by threshold: {described}",
    )


def _point(network: str, point: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "network": network,
        "threshold": point["threshold"],
        "misses": point["misses"],
        "false_accepts": point["false_accepts_an_hour"],
    }


def _with_intervals(network: str, point: Mapping[str, Any]) -> dict[str, Any]:
    (misses_low, misses_high), (low, high) = (
        point["misses_interval"], point["false_accepts_interval"],
    )  # fmt: skip
    return _point(network, point) | {
        "misses_low": misses_low, "misses_high": misses_high, "low": low, "high": high,
    }  # fmt: skip


def tabulate_streams(streams: ByNetwork) -> page.Html:
    """Settings, misses, false accepts and latency of each network."""
    rows = []
    for model, records in streams.items():
        misses, rate = record_of(records, "misses"), record_of(records, "false_accepts")
        latency, (low, high) = value_of(records, "stream_latency"), rate.interval or (0.0, 0.0)
        rows.append(
            {
                "network": short_name(model),
                "one inference per": f"{HOP_MS * misses.subject['hops']} ms",
                "inferences averaged": misses.subject["inferences"],
                "threshold": f"{misses.subject['threshold'] / 256:.2f}",
                "keywords missed": brief(misses),
                "false accepts per hour": f"{rate.value:.1f} ({low:.1f}–{high:.1f})",
                "median latency": _ms(latency["median_ms"]),
                "95 % within": _ms(latency["p95_ms"]),
            }
        )
    return page.table(rows, _first(streams, "misses"), data=_data(streams))


def plot_latency(streams: ByNetwork) -> alt.Chart:
    """Share of the detections that are made by a time after the end of the word."""
    rows = [
        {"network": short_name(model), "ms": ms, "share": number / 20}
        for model, records in streams.items()
        for number, ms in enumerate(value_of(records, "stream_latency")["percentiles_ms"])
        if ms is not None
    ]
    networks = names_of(rows, "network")
    halves = [row for row in rows if row["share"] == 0.5]
    middle = listed(halves, "{network}: half by {ms:.0f} ms")
    drawn = (
        chart(rows)
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("ms:Q", title="milliseconds after the end of the word"),
            y=alt.Y("share:Q", title="share of detections", axis=PERCENT),
            color=network_colour(networks, list(streams)),
            strokeDash=alt.StrokeDash("network:N", sort=networks, legend=None),
            tooltip=["network:N", *tips(".0f", "ms"), *tips(".1%", "share")],
        )
        .properties(width=WIDTH, height=200, description=f"Latency of detections. {middle}")
    )
    return resting_on(drawn, _first(streams, "stream_latency"), data=_data(streams))


def _first(streams: ByNetwork, metric: str) -> list[Record]:
    return [record_of(records, metric) for records in streams.values()]


def _data(streams: ByNetwork) -> str:
    data = record_of(next(iter(streams.values())), "misses").data
    return f"{data['name']}, {data['hours']:g} hours"


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} ms".replace("-", "−")
