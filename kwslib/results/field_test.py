"""The field test of chapter 4 as values and charts: detected keywords and false accepts."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import altair as alt

from kwslib.data.task import SPLITS, UNKNOWN
from kwslib.evaluation.smoothing import FIRST_KEYWORD
from kwslib.field.outcomes import (
    FieldStudy,
    Share,
    by_condition,
    by_kind,
    by_word,
    clips_right,
    false_accepts,
    original,
    successes,
)
from kwslib.field.trials import NONE, Trial
from kwslib.models.checkpoint import PUBLISHED
from kwslib.records import read_records, select
from kwslib.results.charts import deployment as charts
from kwslib.results.networks import Network
from kwslib.results.provenance import resting_on
from kwslib.results.training import mean_accuracy
from kwslib.results.values import Estimate, mean_over_clips, point

_SPLIT_NAMES = {"training": "training clips", "validation": "validation clips",
                "testing": "test clips"}  # fmt: skip
_HISSES = ("sss", "spoken s")


def rate(share: Share) -> Estimate:
    """A share of trials with Wilson's interval, as if trials were independent."""
    return Estimate(share.share, share.interval)


def detected(study: FieldStudy) -> dict[str, Estimate]:
    """Share of the trials in which each keyword was detected, and of ``"all"`` of them."""
    words = {word: rate(successes(trials)) for word, trials in study.by_keyword().items()}
    return {**words, "all": rate(successes(study.spoken()))}


def detected_originally(study: FieldStudy) -> dict[str, Estimate]:
    """The same of the original report's ten trials of each keyword."""
    return {word: rate(original(word)) for word in study.by_keyword()}


def detected_by_noise(study: FieldStudy, word: str) -> dict[str, Estimate]:
    """Share of a keyword's trials in which it was detected, by signal-to-noise ratio."""
    return {name: rate(successes(each)) for name, each in by_condition(study.of(word)).items()}


def original_total() -> Estimate:
    """Share of all trials of the original report in which the keyword was detected."""
    trials = [original(word) for word in ("yes", "no")]
    return rate(Share(sum(each.count for each in trials), sum(each.trials for each in trials)))


def false_accept_rate(study: FieldStudy, said: str) -> Estimate:
    """Share of the recordings without a keyword in which one was detected.

    Args:
        study: the trials.
        said: ``_none_`` for sounds, ``_unknown_`` for other words.
    """
    return rate(false_accepts(study.of(said)))


def alone(study: FieldStudy, said: str) -> Estimate:
    """Share of recordings that are right if the second around the word is scored by itself.

    Args:
        study: the trials.
        said: ``_unknown_`` for other words, anything else for the keywords.

    Raises:
        ValueError: no such recording was scored so.
    """
    trials = study.of(UNKNOWN) if said == UNKNOWN else study.spoken()
    share = clips_right(trials)
    if share is None:
        raise ValueError(f"no clip of {said} was scored by itself")
    return rate(share)


def hisses(study: FieldStudy) -> Share:
    """How many recordings of a hissed s were taken for yes."""
    trials = [trial for trial in study.of(NONE) if trial.kind in _HISSES]
    return Share(sum(trial.detected == "yes" for trial in trials), len(trials))


def minutes(trials: Iterable[Trial]) -> float:
    """How long the network listened."""
    return sum(trial.seconds for trial in trials) / 60


def accuracy_by_split(network: Network) -> dict[str, Estimate]:
    """Accuracy of a published network on each split, the mean over its seeds."""
    return {split: mean_accuracy(network.studies, split) for split in SPLITS}


def keyword_recall(network: Network) -> Estimate:
    """Share of the test clips of keywords that are recognised, the mean over seeds: what a trial
    of the field test asks.
    """
    tables = [study.value("confusion", split="testing") for study in network.studies]
    clips = sum(sum(row) for row in tables[0][FIRST_KEYWORD:])
    right = [sum(table[i][i] for i in range(FIRST_KEYWORD, len(table))) for table in tables]
    return mean_over_clips([each / clips for each in right], clips)


def plot_detections(study: FieldStudy, beside_original: bool) -> alt.LayerChart:
    """Share of the trials in which each keyword was detected.

    Args:
        study: the trials.
        beside_original: draw the original report's trials too.
    """
    rows = []
    for word, trials in study.by_keyword().items():
        rows.append({"word": word, "run": "published run", **_facts(successes(trials))})
        if beside_original:
            rows.append({"word": word, "run": "original report", **_facts(original(word))})
    return resting_on(charts.successes(rows), study.records, data=_data(study))


def plot_noise(study: FieldStudy) -> alt.LayerChart:
    """Share of the trials in which each keyword was detected, by signal-to-noise ratio."""
    rows = [
        {"condition": name, "word": word, **_facts(successes(trials))}
        for name, group in by_condition(study.spoken()).items()
        for word in study.keywords
        if (trials := by_word(group).get(word))
    ]
    return resting_on(charts.by_condition(rows), study.records, data=_data(study))


def plot_false_accepts(study: FieldStudy, said: str) -> alt.LayerChart:
    """Share of the recordings in which a keyword was detected that nobody said, by kind.

    Args:
        study: the trials.
        said: as of :func:`false_accept_rate`.
    """
    return resting_on(
        charts.false_accepts(false_accept_rows(study, said)), study.records, data=_data(study)
    )


def false_accept_rows(study: FieldStudy, said: str) -> list[dict[str, Any]]:
    """False accepts by kind of sound or by word, the most first."""
    rows: list[dict[str, Any]] = [
        {
            "kind": kind,
            "detected": dict(Counter(each.detected for each in trials if each.detected)),
            **_facts(false_accepts(trials)),
        }
        for kind, trials in by_kind(study.trials, said).items()
    ]
    return sorted(rows, key=lambda row: -row["share"])


def plot_everywhere(network: Network, study: FieldStudy) -> alt.LayerChart:
    """Accuracy of a published network on its splits, in float32 and int8, and in the field test.

    Args:
        network: published.
        study: its field test.
    """
    records = read_records(PUBLISHED / f"{network.name}-int8.json")
    rows = []
    for split, value in accuracy_by_split(network).items():
        (integers,) = select(records, "accuracy", split=split)
        rows.append(_bar(_SPLIT_NAMES[split], "float32", value))
        rows.append(_bar(_SPLIT_NAMES[split], "int8", integers))
    rows.append(_bar("test clips, keywords alone", "float32", keyword_recall(network)))
    rows.append(_bar("field test, keywords", "int8", detected(study)["all"]))
    return resting_on(
        charts.everywhere(rows),
        data=f"Speech Commands v0.02; field test: {_data(study)}",
        seeds=f"float32: {len(network.studies)}; int8: 1", method="measured, field test emulated",
    )  # fmt: skip


def _bar(where: str, numbers: str, value: Any) -> dict[str, Any]:
    return {"where": where, "numbers": numbers, **point(value)}


def _data(study: FieldStudy) -> str:
    return f"{study.records[0].data['name'].capitalize()}, {len(study.trials):,} recordings"


def _facts(share: Share) -> dict[str, Any]:
    low, high = share.interval
    return {
        "share": share.share, "low": low, "high": high,
        "count": share.count, "trials": share.trials,
    }  # fmt: skip
