"""Chapter 3: disturbed clips and other speech, as values, tables and charts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any, Literal

import altair as alt

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
from kwslib.results.values import load_by_network, mean_over_seeds, point
from kwslib.studies.robustness import Kind

Sweep = Mapping[str, Sequence[Record]]
"""Records of a sweep by the network's name in the registry."""

RECORDED, SYNTHETIC = "recorded noise", "synthetic noise"
"""Noise of which training has heard other parts, and noise that is new to it."""

_SYNTHETIC = "synthetic_"
_SPEECH = {"real": "people", "embedded": "the synthesizer"}
_ONE = "the published weights, seed 0"
_UNDISTURBED = {"noise": "", "shift_ms": 0, "level_db": 0.0}
_DISTURBED = "{{network}}, {{{}:g}} {}, {{accuracy:.1%}}"
"""A row in words, once the field and its unit are filled in."""


def load_sweep(kind: Kind, task: str = "yes_no", folder: Path = FOLDER) -> dict[str, list[Record]]:
    """The committed sweeps of a kind and a task by network, the most accurate last.

    Args:
        kind: ``"snr"``, ``"shift"``, ``"level"`` or ``"transfer"``.
        task: its name.
        folder: with the layout of ``measurements/``.
    """
    by_network = load_by_network(f"robustness/{kind}-", task, folder)
    found = {model: select(records, "accuracy") for model, records in by_network.items()}
    return dict(sorted(found.items(), key=lambda item: max(each.value for each in item[1])))


def undisturbed(records: Sequence[Record]) -> float:
    """The accuracy without noise, shift or gain, which every sweep of disturbances has."""
    (record,) = select(records, "accuracy", **_UNDISTURBED)
    return float(record.value)


def loss_by(
    records: Sequence[Record], field: Literal["shift_ms", "level_db"]
) -> dict[float, float]:
    """Points of accuracy lost by each shift in milliseconds, or each gain in decibels."""
    clean = undisturbed(records)
    return {each.subject[field]: 100 * (clean - each.value) for each in records}


def loss_in_noise(records: Sequence[Record], snr_db: float) -> dict[str, float]:
    """Points of accuracy lost at a signal-to-noise ratio by kind of noise, the mean over noises."""
    clean = undisturbed(records)
    return {
        kind: 100 * (clean - mean(values))
        for (kind, snr), values in _by_noise(records).items()
        if snr == snr_db
    }


def _by_noise(records: Sequence[Record]) -> dict[tuple[str, float], list[float]]:
    """Accuracies by kind of noise and signal-to-noise ratio, one per noise."""
    found: dict[tuple[str, float], list[float]] = {}
    for record in records:
        noise, snr = record.subject["noise"], record.subject["snr_db"]
        if noise:
            kind = SYNTHETIC if noise.startswith(_SYNTHETIC) else RECORDED
            found.setdefault((kind, snr), []).append(record.value)
    return found


def transfer_accuracy(records: Sequence[Record], trained_on: str, tested_on: str) -> float:
    """Accuracy of networks trained on one kind of speech and tested on another, the mean over
    seeds; both are ``"real"`` or ``"embedded"``.
    """
    own = select(records, "accuracy", trained_on=trained_on, tested_on=tested_on)
    return mean_over_seeds(own).value


# Tables and figures.


def plot_noise(sweep: Sweep) -> alt.VConcatChart:
    """Accuracy by signal-to-noise ratio: the mean over noises, and a band from worst to best; a
    panel for each kind of noise.
    """
    rows: list[dict[str, Any]] = [
        {"network": short_name(model), "noises": kind, "snr_db": snr,
         "accuracy": mean(values), "worst": min(values), "best": max(values)}
        for model, records in sweep.items()
        for (kind, snr), values in _by_noise(records).items()
    ]  # fmt: skip
    lowest, highest = min(row["worst"] for row in rows), max(row["best"] for row in rows)
    shown = alt.Scale(domain=[lowest, highest], zero=False)
    panels = [
        _noise_panel([row for row in rows if row["noises"] == kind], kind, list(sweep), shown)
        for kind in names_of(rows, "noises")
    ]
    drawn = alt.vconcat(*panels).properties(
        description=f"Accuracy by noise: {listed(rows, _DISTURBED.format('snr_db', 'dB'))}"
    )
    return resting_on(drawn, _drawn(sweep), seeds=_ONE)


def _noise_panel(rows: Rows, kind: str, models: list[str], shown: alt.Scale) -> alt.LayerChart:
    networks = names_of(rows, "network")
    base = chart(rows).encode(
        x=alt.X(
            "snr_db:Q", title="signal-to-noise ratio, dB", sort="descending",
            scale=alt.Scale(zero=False, nice=False),
        ),
        color=network_colour(networks, models),
        tooltip=["network:N", "snr_db:Q", *tips(".1%", "accuracy", "worst", "best")],
    )  # fmt: skip
    up: dict[str, Any] = {"title": f"accuracy in {kind}", "axis": PERCENT, "scale": shown}
    band = base.mark_area(opacity=0.15).encode(alt.Y("worst:Q", **up), alt.Y2("best:Q"))
    lines = _marked_lines(base, alt.Y("accuracy:Q", **up), networks)
    return alt.LayerChart(layer=[band, *lines]).properties(width=WIDTH, height=200)


def plot_disturbance(
    sweep: Sweep, field: Literal["shift_ms", "level_db"], title: str
) -> alt.LayerChart:
    """Accuracy against a shift or a gain, a line per network, with intervals.

    Args:
        sweep: of that disturbance.
        field: which.
        title: of the axis.
    """
    rows = [
        {"network": short_name(model), field: each.subject[field], **point(each)}
        for model, records in sweep.items()
        for each in records
    ]
    networks = names_of(rows, "network")
    share: dict[str, Any] = {"title": "accuracy", "axis": PERCENT, "scale": alt.Scale(zero=False)}
    base = chart(rows).encode(
        x=alt.X(f"{field}:Q", title=title),
        color=network_colour(networks, list(sweep)),
        tooltip=["network:N", f"{field}:Q", *tips(".1%", "accuracy", "low", "high")],
    )
    rules = base.mark_rule(strokeWidth=1.5).encode(alt.Y("low:Q", **share), alt.Y2("high:Q"))
    lines = _marked_lines(base, alt.Y("accuracy:Q", **share), networks)
    unit = field.rpartition("_")[2].replace("db", "dB")
    drawn = alt.LayerChart(layer=[rules, *lines]).properties(
        width=WIDTH, height=200,
        description=f"Accuracy by {title}: {listed(rows, _DISTURBED.format(field, unit))}",
    )  # fmt: skip
    return resting_on(drawn, _drawn(sweep), seeds=_ONE)


def _marked_lines(base: alt.Chart, y: alt.Y, networks: list[str]) -> list[alt.Chart]:
    """A line for each network, and its mark on every point: two layers."""
    shape = alt.Shape("network:N", sort=networks, scale=mark_scale(networks), legend=None)
    marks = base.mark_point(filled=True, size=60, opacity=1).encode(y, shape=shape)
    return [base.mark_line(strokeWidth=2).encode(y), marks]


def tabulate_transfer(sweep: Sweep) -> page.Html:
    """Accuracy by the speech of training and of testing, the mean over seeds."""
    rows: list[dict[str, Any]] = []
    for model, records in sweep.items():
        for trained, name in _SPEECH.items():
            row = {"network": short_name(model), "trained on speech of": name}
            for tested, other in _SPEECH.items():
                share = transfer_accuracy(records, trained, tested)
                row[f"tested on {other}"] = f"{100 * share:.1f} %"
            rows.append(row)
    return page.table(rows, _drawn(sweep))


def _drawn(sweep: Sweep) -> list[Record]:
    return [record for records in sweep.values() for record in records]
