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
from kwslib.results.charts.theme import (
    BELOW,
    BELOW_PLAIN,
    BLUE,
    SKY,
    WIDTH,
    chart,
    colour_scale,
    intervals,
    listed,
    mark_scale,
    names_of,
    tips,
)
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


_SHARES = alt.Scale(domain=[0, 1])
_FEW_PERCENT = alt.Axis(format="~%", tickCount=5)


def plot_detections(study: FieldStudy, beside_original: bool) -> alt.LayerChart:
    """Share of the trials in which each keyword was detected, with its interval, a shape a run.

    Args:
        study: the trials.
        beside_original: draw the original report's trials too.
    """
    rows = []
    for word, trials in study.by_keyword().items():
        rows.append({"word": word, "run": "published run", **_facts(successes(trials))})
        if beside_original:
            rows.append({"word": word, "run": "original report", **_facts(original(word))})
    base, layers = intervals(
        rows, "share", "word", "run",
        title="trials with the word detected", scale=_SHARES, axis=_FEW_PERCENT, tooltip=_tips(),
    )  # fmt: skip
    counts = base.mark_text(dy=-11, fontSize=11).encode(
        x="share:Q", text="label:N", color=alt.value("currentColor")
    )
    drawn = alt.LayerChart(layer=[*layers, counts]).properties(
        width=WIDTH - 60,
        height=34 * len(rows),
        description="Trials in which a word was detected: "
        + listed(rows, "{word}, {run}, {label}"),
    )
    return resting_on(drawn, study.records, data=_data(study))


def plot_noise(study: FieldStudy) -> alt.LayerChart:
    """Share of the trials in which each keyword was detected, by signal-to-noise ratio."""
    rows = [
        {"condition": name, "word": word, **_facts(successes(trials))}
        for name, group in by_condition(study.spoken()).items()
        for word in study.keywords
        if (trials := by_word(group).get(word))
    ]
    words = names_of(rows, "word")
    base = chart(rows).encode(
        x=alt.X(
            "condition:N",
            sort=names_of(rows, "condition"),
            title="signal-to-noise ratio",
            axis=alt.Axis(labelAngle=0),
        ),
        xOffset=alt.XOffset("word:N", sort=words),
        color=alt.Color(
            "word:N", scale=colour_scale(words), sort=words, title=None, legend=BELOW_PLAIN
        ),
        tooltip=["condition:N", "word:N", *_tips()],
    )
    rules = base.mark_rule(strokeWidth=2).encode(
        y=alt.Y("low:Q", title="trials with the word detected", scale=_SHARES, axis=_FEW_PERCENT),
        y2="high:Q",
    )
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        y=alt.Y("share:Q", scale=_SHARES),
        shape=alt.Shape(
            "word:N", scale=mark_scale(words), sort=words, title=None, legend=BELOW_PLAIN
        ),
    )
    drawn = (rules + points).properties(
        width=WIDTH,
        height=240,
        description="Trials in which a word was detected, by signal-to-noise ratio: "
        + listed(rows, "{word}, {condition}, {label}"),
    )
    return resting_on(drawn, study.records, data=_data(study))


def plot_false_accepts(study: FieldStudy, said: str) -> alt.LayerChart:
    """Share of the recordings in which a keyword was detected that nobody said, by kind of sound or
    by word, the most first; a bar is divided by what was detected first.

    Args:
        study: the trials.
        said: as of :func:`false_accept_rate`.
    """
    rows: list[dict[str, Any]] = [
        {
            "kind": kind,
            "detected": dict(Counter(each.detected for each in trials if each.detected)),
            **_facts(false_accepts(trials)),
        }
        for kind, trials in by_kind(study.trials, said).items()
    ]
    rows.sort(key=lambda row: -row["share"])
    heard = sorted({word for row in rows for word in row["detected"]})
    parts = [
        {"kind": row["kind"], "heard": word, "order": heard.index(word),
         "share": count / row["trials"], "count": count}
        for row in rows
        for word, count in row["detected"].items()
    ]  # fmt: skip
    y = alt.Y("kind:N", sort=[row["kind"] for row in rows], title=None,
              axis=alt.Axis(labelLimit=160))  # fmt: skip
    along: dict[str, Any] = {
        "title": "recordings with a false accept",
        "scale": _SHARES,
        "axis": _FEW_PERCENT,
    }
    colour = alt.Color(
        "heard:N", scale=colour_scale(heard), sort=heard, title="detected", legend=BELOW_PLAIN
    )
    bars = chart(parts).mark_bar(size=13).encode(
        alt.X("share:Q", **along), y, colour, order="order:Q",
        tooltip=["kind:N", "heard:N", "count:Q"],
    )  # fmt: skip
    rules = chart(rows).mark_rule(strokeWidth=2).encode(
        alt.X("low:Q", **along), alt.X2("high:Q"), y, tooltip=["kind:N", *_tips()]
    )  # fmt: skip
    drawn = (bars + rules).properties(
        width=WIDTH - 60,
        height=alt.Step(20),
        description="Recordings in which a word was detected that nobody said: "
        + listed(rows, "{kind} {label}"),
    )
    return resting_on(drawn, study.records, data=_data(study))


def _tips() -> list[alt.Tooltip]:
    return [alt.Tooltip("label:N", title="trials"), *tips(".1%", "share", "low", "high")]


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
    base, layers = intervals(
        rows, "accuracy", "where", "numbers",
        {"float32": (SKY, "square"), "int8": (BLUE, "circle")},
        title="accuracy", scale=alt.Scale(zero=False, padding=12),
        axis=alt.Axis(format="~%", tickCount=6), names=alt.Axis(labelLimit=220), legend=BELOW,
    )  # fmt: skip
    words = base.mark_text(dy=-9, fontSize=11).encode(
        x="accuracy:Q",
        text=alt.Text("accuracy:Q", format=".1%"),
        color=alt.value("currentColor"),
    )
    values = listed(rows, "{where}, {numbers}, {accuracy:.1%}")
    drawn = alt.LayerChart(layer=[*layers, words]).properties(
        width=WIDTH - 60,
        height=34 * len(rows),
        description=f"Accuracy with 95 % intervals: {values}",
    )
    return resting_on(
        drawn,
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
        "label": f"{share.count} of {share.trials}",
    }  # fmt: skip
