"""Listening all day in words and rows: numbers of the prose of chapter 3, rows of its charts."""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from kwslib.config import DEPLOYED, SAMPLE_RATE
from kwslib.measurements import Record, select
from kwslib.results.listening import ListeningFindings
from kwslib.streaming.judge import WINDOW_MS
from kwslib.streaming.plan import SNR_DB
from kwslib.training.summary import interval_text, listed, percent

HOP_MS = 1000 * DEPLOYED.hop // SAMPLE_RATE

_KINDS = {
    "word": "at other words",
    "noise": "at noise",
    "keyword": "at another keyword",
    "repeat": "at a keyword once more",
}
_COMPUTED = "synthetic_"
_STATED_SNR_DB = 0.0


def numbers(found: ListeningFindings) -> dict[str, str]:
    """Every number and sentence on listening all day; names begin with ``listening_``."""
    return {
        "listening_window": f"{WINDOW_MS / 1000:g} s",
        "listening_snr": listed(["a quiet room" if x is None else f"{x:g} dB" for x in SNR_DB]),
        "listening_live_sentence": _live_sentence(found),
        "listening_committed_sentence": _committed_sentence(found.committed),
        "listening_latency_sentence": _latency_sentence(found.committed),
        "listening_noise_sentence": _noise_sentence(found),
        "listening_shift_sentence": _range_sentence(found, "shift", "shift_ms", "ms"),
        "listening_level_sentence": _range_sentence(found, "level", "level_db", "dB"),
        "listening_transfer_sentence": _transfer_sentence(found),
    }


def _live_sentence(found: ListeningFindings) -> str:
    live = found.live
    if live is None:
        return "This run heard no stream of its own."
    outcome, threshold = live.worked.outcome, live.worked.threshold
    text = (
        f"The curve of {live.spotter.name} is of {60 * outcome.hours:.0f} minutes that were made "
        f"and heard just now, a {live.sound.name} with {len(outcome.said)} keywords: at the "
        f"threshold {threshold}/256, {outcome.missed} are missed, and "
        f"{len(outcome.false_accepts)} false accepts are made."
    )
    return f"{text} Minutes tell little of hours, as the interval shows."


def _committed_sentence(committed: Mapping[str, Sequence[Record]]) -> str:
    if not committed:
        return "No stream of these keywords is committed."
    return " ".join(_of_network(name, records) for name, records in committed.items())


def _of_network(name: str, records: Sequence[Record]) -> str:
    misses, rate = _only(records, "misses"), _only(records, "false_accepts")
    settings, low_high = misses.subject, rate.interval or (0.0, 0.0)
    kinds = _only(records, "stream_kinds").value
    where = listed([f"{kinds[kind]} {text}" for kind, text in _KINDS.items() if kinds[kind]])
    chosen = ", settings that were chosen on other speakers" if settings["tuned"] else ""
    return (
        f"In {misses.data['hours']:g} hours made of {misses.data['name']}, {name} with an "
        f"inference every {HOP_MS * settings['hops']} ms, {settings['inferences']} of them "
        f"averaged and a threshold of {settings['threshold']}/256{chosen}, missed "
        f"{percent(misses.value)} of the keywords (95 % interval "
        f"{interval_text(misses.interval)}) and made {rate.value:.2f} false accepts an hour "
        f"({low_high[0]:.2f} to {low_high[1]:.2f}){f', {where}' if where else ''}."
        f"{_at_operating_point(_only(records, 'stream_operating_point').value)}"
    )


def _at_operating_point(point: Mapping[str, Any] | None) -> str:
    """What the curve has where as many keywords are missed as may be."""
    if point is None:
        return ""
    low, high = point["false_accepts_interval"]
    return (
        f" Its curve has {point['false_accepts_an_hour']:.2f} an hour ({low:.2f} to {high:.2f}) "
        f"at {percent(point['misses'])} of misses, the threshold {point['threshold']}/256."
    )


def _latency_sentence(committed: Mapping[str, Sequence[Record]]) -> str:
    told = []
    for name, records in committed.items():
        value = _only(records, "stream_latency").value
        if value["median_ms"] is not None:
            told.append(
                f"{name} detects half of them by {value['median_ms']:.0f} ms after the word's end "
                f"and 95 % by {value['p95_ms']:.0f} ms"
            )
    if not told:
        return ""
    return f"Of the keywords that are detected, {listed(told)}; computing comes on top."


def _noise_sentence(found: ListeningFindings) -> str:
    rows = noise_rows(found)
    told = []
    for network in dict.fromkeys(row["network"] for row in rows):
        clean = _undisturbed(found.robustness["snr"][network])
        for row in rows:
            if row["network"] == network and row["snr_db"] == _STATED_SNR_DB:
                told.append(
                    f"{network} loses {100 * (clean - row['accuracy']):.1f} points in "
                    f"{row['noises']}"
                )
    if not told:
        return "No sweep of noises is committed for these keywords."
    return (
        f"At {_STATED_SNR_DB:g} dB, where noise is as loud as speech, {listed(told)}, on average "
        "over the noises. The recorded ones are those of which training has heard parts; the "
        "computed ones are new to it."
    )


def _range_sentence(found: ListeningFindings, kind: Any, field: str, unit: str) -> str:
    """Between which disturbances a network stays within a point of what it has undisturbed."""
    told = []
    for network, records in found.robustness.get(kind, {}).items():
        clean = _undisturbed(records)
        near = [
            record.subject[field]
            for record in select(records, "accuracy")
            if record.value >= clean - 0.01
        ]
        told.append(f"{network} from {_signed(min(near))} to {_signed(max(near))} {unit}")
    return f"Within a point of undisturbed clips stays {listed(told)}." if told else ""


def _signed(number: float) -> str:
    return f"{number:+g}".replace("-", "−") if number else "0"


def _transfer_sentence(found: ListeningFindings) -> str:
    rows = transfer_rows(found)
    across = [row for row in rows if row["trained on"] != row["tested on"]]
    if not across:
        return ""
    told = [
        f"{row['network']} trained on {row['trained on']} speech gets {row['accuracy']} of "
        f"{row['tested on']} speech right"
        for row in across
    ]
    return f"Speech that is spoken by a program does not stand for people: {listed(told)}."


def _only(records: Sequence[Record], metric: str) -> Record:
    (record,) = select(records, metric)
    return record


def _undisturbed(records: Sequence[Record]) -> float:
    """The accuracy without noise, shift or gain, which every sweep has."""
    (record,) = select(records, "accuracy", noise="", shift_ms=0, level_db=0.0)
    return float(record.value)


def curve_rows(found: ListeningFindings) -> list[dict[str, Any]]:
    """Rows of :func:`kwslib.results.charts.listening.misses_against_false_accepts`."""
    curves = {name: _only(each, "stream_curve").value for name, each in found.committed.items()}
    if found.live is not None:
        curves[found.live.spotter.name] = [point.as_json() for point in found.live.points]
    return [
        {
            "network": name,
            "threshold": point["threshold"],
            "misses": point["misses"],
            "false_accepts": point["false_accepts_an_hour"],
        }
        for name, points in curves.items()
        for point in points
    ]


def point_rows(found: ListeningFindings) -> list[dict[str, Any]]:
    """Points of the same figure: the thresholds that are worked at, with intervals."""
    points = {}
    for name, records in found.committed.items():
        threshold = _only(records, "misses").subject["threshold"]
        curve = _only(records, "stream_curve").value
        points[name] = next(each for each in curve if each["threshold"] == threshold)
    if found.live is not None:
        points[found.live.spotter.name] = found.live.worked.as_json()
    return [
        {
            "network": name,
            "threshold": point["threshold"],
            "misses": point["misses"],
            "misses_low": point["misses_interval"][0],
            "misses_high": point["misses_interval"][1],
            "false_accepts": point["false_accepts_an_hour"],
            "low": point["false_accepts_interval"][0],
            "high": point["false_accepts_interval"][1],
        }
        for name, point in points.items()
    ]


def latency_rows(found: ListeningFindings) -> list[dict[str, Any]]:
    """Rows of :func:`kwslib.results.charts.listening.latencies`."""
    told = {name: _only(each, "stream_latency").value for name, each in found.committed.items()}
    if found.live is not None:
        told[found.live.spotter.name] = found.live.summary()["latency"]
    return [
        {"network": name, "ms": ms, "share": number / 20}
        for name, value in told.items()
        for number, ms in enumerate(value["percentiles_ms"])
        if ms is not None
    ]


def noise_rows(found: ListeningFindings) -> list[dict[str, Any]]:
    """Rows of a chart by noise: mean, worst and best of each kind."""
    rows = []
    for network, records in found.robustness.get("snr", {}).items():
        groups: dict[tuple[str, float], list[float]] = {}
        for record in select(records, "accuracy"):
            noise, snr = record.subject["noise"], record.subject["snr_db"]
            if noise:
                kind = "computed noises" if noise.startswith(_COMPUTED) else "recorded noises"
                groups.setdefault((kind, snr), []).append(record.value)
        for (kind, snr), values in groups.items():
            rows.append(
                {
                    "network": network,
                    "noises": kind,
                    "snr_db": snr,
                    "accuracy": mean(values),
                    "worst": min(values),
                    "best": max(values),
                }
            )
    return rows


def against_rows(found: ListeningFindings, kind: Any, field: str) -> list[dict[str, Any]]:
    """Rows of :func:`kwslib.results.charts.listening.against`."""
    return [
        {
            "network": network,
            field: record.subject[field],
            "accuracy": record.value,
            "low": (record.interval or (record.value,) * 2)[0],
            "high": (record.interval or (record.value,) * 2)[1],
        }
        for network, records in found.robustness.get(kind, {}).items()
        for record in select(records, "accuracy")
    ]


def transfer_rows(found: ListeningFindings) -> list[dict[str, Any]]:
    """Accuracy by what a network was trained on and what it is tested on, mean over seeds."""
    rows = []
    for network, records in found.robustness.get("transfer", {}).items():
        groups: dict[tuple[str, str], list[float]] = {}
        for record in select(records, "accuracy"):
            pair = record.subject["trained_on"], record.subject["tested_on"]
            groups.setdefault(pair, []).append(record.value)
        for (trained, tested), values in groups.items():
            rows.append(
                {
                    "network": network,
                    "trained on": trained,
                    "tested on": tested,
                    "accuracy": percent(mean(values)),
                    "seeds": str(len(values)),
                }
            )
    return rows
