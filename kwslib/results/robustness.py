"""Chapter 3: accuracy of disturbed clips, and of another kind of speech; values, tables, charts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any, Literal

import altair as alt

from kwslib.records import FOLDER, Record, select
from kwslib.results import page
from kwslib.results.charts import listening as charts
from kwslib.results.charts.theme import short_name
from kwslib.results.committed import load_by_network
from kwslib.results.provenance import resting_on
from kwslib.results.values import mean_over_seeds, point
from kwslib.studies.robustness import Kind

RECORDED, SYNTHETIC = "recorded noise", "synthetic noise"
"""Noise of which training has heard other parts, and noise that is new to it."""

Sweep = Mapping[str, Sequence[Record]]
"""Records of a sweep by the network's name in the registry."""

_SYNTHETIC = "synthetic_"
_SPEECH = {"real": "people", "embedded": "the synthesizer"}
_ONE = "the published weights, seed 0"
_UNDISTURBED = {"noise": "", "shift_ms": 0, "level_db": 0.0}


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
    """Accuracy by signal-to-noise ratio, a panel for each kind of noise."""
    rows = [
        {"network": short_name(model), "noises": kind, "snr_db": snr,
         "accuracy": mean(values), "worst": min(values), "best": max(values)}
        for model, records in sweep.items()
        for (kind, snr), values in _by_noise(records).items()
    ]  # fmt: skip
    return resting_on(charts.by_noise(rows, list(sweep)), _drawn(sweep), seeds=_ONE)


def plot_disturbance(
    sweep: Sweep, field: Literal["shift_ms", "level_db"], title: str
) -> alt.LayerChart:
    """Accuracy against a shift or a gain, a line per network.

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
    unit = field.rpartition("_")[2].replace("db", "dB")
    return resting_on(
        charts.against(rows, field, title, unit, list(sweep)), _drawn(sweep), seeds=_ONE
    )


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
