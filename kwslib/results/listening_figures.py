"""Figures of chapter 3 on listening: each is a chart, or a note where there is nothing to draw."""

from typing import Any

from kwslib.results import listening_prose as prose
from kwslib.results import page
from kwslib.results.charts import listening as charts
from kwslib.results.listening import ListeningFindings

_STREAM = (
    "kws stream NETWORK --hours 10 --tune 10 --data DIR --out measurements/streaming/NETWORK.json"
)
_SWEEP = (
    "kws evaluate NETWORK --sweep {kind} --data DIR "
    "--out measurements/robustness/{kind}-NETWORK.json"
)
_TITLE = "{what}: not measured yet. With a data set, this fills the place"


def curve(found: ListeningFindings) -> Any:
    """Misses against false accepts an hour."""
    rows = prose.curve_rows(found)
    if not rows:
        return _not_heard("Misses against false accepts")
    return charts.misses_against_false_accepts(rows, prose.point_rows(found))


def latency(found: ListeningFindings) -> Any:
    """How soon words are detected."""
    rows = prose.latency_rows(found)
    return charts.latencies(rows) if rows else _not_heard("Latency")


def noise(found: ListeningFindings) -> Any:
    """Accuracy by noise."""
    rows = prose.noise_rows(found)
    return charts.by_noise(rows) if rows else _missing("snr", "Accuracy in noise")


def shift(found: ListeningFindings) -> Any:
    """Accuracy by shift."""
    rows = prose.against_rows(found, "shift", "shift_ms")
    title = "shift in milliseconds, later to the right"
    if not rows:
        return _missing("shift", "Accuracy by shift")
    return charts.against(rows, "shift_ms", title, "ms")


def level(found: ListeningFindings) -> Any:
    """Accuracy by level."""
    rows = prose.against_rows(found, "level", "level_db")
    title = "decibels louder than recorded"
    if not rows:
        return _missing("level", "Accuracy by level")
    return charts.against(rows, "level_db", title, "dB")


def transfer(found: ListeningFindings) -> Any:
    """Real speech by embedded, and the other way round, as a table."""
    rows = prose.transfer_rows(found)
    caption = "Networks trained on one kind of speech, tested on another: test clips right"
    if not rows:
        return _missing("transfer", "Speech of people and of a program")
    return page.table(rows, caption)


def _not_heard(what: str) -> page.Html:
    return page.note(_STREAM, _TITLE.format(what=what))


def _missing(kind: str, what: str) -> page.Html:
    return page.note(_SWEEP.format(kind=kind), _TITLE.format(what=what))
