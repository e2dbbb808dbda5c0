"""Chapter 3: continuous audio, disturbed clips and other speech, as values, tables and charts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any, Literal

import altair as alt

from kwslib.board.client import default_streaming
from kwslib.data.dataset import open_source
from kwslib.data.synthetic_noise import chosen_noises
from kwslib.records import FOLDER, Record, select
from kwslib.results import page
from kwslib.results.charts import listening as charts
from kwslib.results.charts.theme import short_name
from kwslib.results.committed import load_by_network
from kwslib.results.provenance import resting_on
from kwslib.results.values import brief, mean_over_seeds, point
from kwslib.streaming.curve import HOP_MS
from kwslib.streaming.listen import Listening, listen
from kwslib.streaming.plan import Plan
from kwslib.streaming.scores import spotter_from
from kwslib.streaming.sound import BuiltSound
from kwslib.studies.robustness import Kind
from kwslib.training.study import Findings

LIVE_MINUTES = 4

_LIVE_WORDS_PER_HOUR = 600
"""Keywords, and as many other words: dense, since there is little time."""

ByNetwork = Mapping[str, Sequence[Record]]
"""Records of streams or of a sweep by the network's name in the registry."""


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


def share_at_words(records: Sequence[Record]) -> float:
    """Share of the false accepts that are made at other words than keywords."""
    kinds = value_of(records, "stream_kinds")
    return float(kinds["word"] / sum(kinds.values()))


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
        charts.misses_against_false_accepts(rows, points, list(streams)),
        _first(streams, "misses"),
        data=_data(streams),
    )


def plot_misses_now(heard: Listening) -> alt.LayerChart:
    """The same of the minutes that this run listened to."""
    name = heard.spotter.name
    rows = [_point(name, point.as_json()) for point in heard.points]
    points = [_with_intervals(name, heard.worked.as_json())]
    chart = charts.misses_against_false_accepts(rows, points)
    minutes = 60 * heard.worked.outcome.hours
    return resting_on(chart, data=f"{heard.sound.name}, {minutes:.0f} minutes", method="measured")


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
    return resting_on(
        charts.latencies(rows, list(streams)),
        _first(streams, "stream_latency"),
        data=_data(streams),
    )


def _first(streams: ByNetwork, metric: str) -> list[Record]:
    return [record_of(records, metric) for records in streams.values()]


def _data(streams: ByNetwork) -> str:
    data = record_of(next(iter(streams.values())), "misses").data
    return f"{data['name']}, {data['hours']:g} hours"


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} ms".replace("-", "−")


RECORDED, SYNTHETIC = "recorded noise", "synthetic noise"
"""Noise of which training has heard other parts, and noise that is new to it."""

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


def plot_noise(sweep: ByNetwork) -> alt.VConcatChart:
    """Accuracy by signal-to-noise ratio, a panel for each kind of noise."""
    rows = [
        {"network": short_name(model), "noises": kind, "snr_db": snr,
         "accuracy": mean(values), "worst": min(values), "best": max(values)}
        for model, records in sweep.items()
        for (kind, snr), values in _by_noise(records).items()
    ]  # fmt: skip
    return resting_on(charts.by_noise(rows, list(sweep)), _drawn(sweep), seeds=_ONE)


def plot_disturbance(
    sweep: ByNetwork, field: Literal["shift_ms", "level_db"], title: str
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


def tabulate_transfer(sweep: ByNetwork) -> page.Html:
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


def _drawn(sweep: ByNetwork) -> list[Record]:
    return [record for records in sweep.values() for record in records]
