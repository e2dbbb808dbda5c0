"""Chapter 3: what one keyword more costs, as values, tables and charts."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import altair as alt

from kwslib.data.task import Task
from kwslib.evaluation.accuracy import wilson_interval
from kwslib.models.checkpoint import PUBLISHED
from kwslib.records import Record, read_records
from kwslib.results import page
from kwslib.results.charts import training as charts
from kwslib.results.provenance import resting_on
from kwslib.results.values import Estimate
from kwslib.training.comparison import Comparison, Pair, committed_comparison, records_path
from kwslib.training.study import Study

ALL = "all labels"
"""What stands for the labels together in a chart or table."""


def load_comparison(
    model: str, keywords: str, extra: str, folder: Path = PUBLISHED
) -> Comparison | None:
    """The committed comparison of a network without and with a keyword, or None.

    Args:
        model: name in the registry.
        keywords: comma-separated, without the added one.
        extra: the added keyword.
        folder: where published networks lie.
    """
    task = Task.of(keywords)
    return committed_comparison(model, task, Task.of([*task.keywords, extra]), folder)


def change_of(comparison: Comparison, label: str | None = None) -> Estimate:
    """Points by which the keyword changes recall of a label, or accuracy, on the same clips.

    Args:
        comparison: of networks without and with it.
        label: of both networks; None for all labels together.
    """
    value, (low, high) = comparison.change(label)
    return Estimate(
        100 * value, (100 * float(low), 100 * float(high)), "points", len(comparison.seeds)
    )


def change_by_seed(comparison: Comparison) -> list[float]:
    """Points by which the keyword changes accuracy on the same clips, seed by seed."""
    return [100 * comparison.pair(place).change for place in range(len(comparison.seeds))]


def false_accepts_before(comparison: Comparison, keywords: Sequence[str]) -> list[float]:
    """Share of the word's clips that were taken for a keyword while it was unknown, by seed."""
    return [
        sum(heard[keyword] for keyword in keywords) / sum(heard.values())
        for heard in comparison.heard
    ]


def false_accepts_after(studies: Sequence[Study], extra: str) -> list[float]:
    """Share of the word's clips that are taken for another keyword, by seed.

    Args:
        studies: of the networks that know it, one per seed.
        extra: the word.
    """
    shares = []
    for study in studies:
        row = study.value("confusion", split="testing")[study.labels.index(extra)]
        heard = dict(zip(study.labels, row, strict=True))
        others = [label for label in study.labels[2:] if label != extra]
        shares.append(sum(heard[label] for label in others) / sum(row))
    return shares


def tabulate_changes(comparison: Comparison, model: str, folder: Path = PUBLISHED) -> page.Html:
    """Accuracy without and with the keyword on the same clips, label by label."""
    rows = []
    for label, pairs in _by_label(comparison):
        clips, change = pairs[0].clips, change_of(comparison, label)
        rows.append(
            {
                "label": label or ALL,
                "clips": clips,
                f"without {comparison.extra}": _percent(mean(p.first for p in pairs) / clips),
                f"with {comparison.extra}": _percent(mean(p.second for p in pairs) / clips),
                "change, points": _signed(change.value),
                "95 % interval": f"{_signed(change.low)} to {_signed(change.high)}",
            }
        )
    return page.table(rows, _records(comparison, model, folder))


def plot_changes(comparison: Comparison, model: str, folder: Path = PUBLISHED) -> alt.LayerChart:
    """Change of recall by label, single seeds as strokes."""
    rows = []
    for label, pairs in _by_label(comparison):
        change = change_of(comparison, label)
        rows.append(
            {"label": label or ALL, "change": change.value, "low": change.low, "high": change.high,
             "clips": pairs[0].clips, "seeds": [100 * pair.change for pair in pairs]}
        )  # fmt: skip
    return resting_on(charts.changes(rows), _records(comparison, model, folder))


def plot_recalls(comparison: Comparison, studies: Sequence[Study]) -> alt.LayerChart:
    """Recall of each label without and with the keyword, and of the keyword itself.

    Args:
        comparison: on the clips that both networks know by one label.
        studies: of the networks that know the keyword, one per seed.
    """
    extra = comparison.extra
    rows = [
        _recall_row(label, f"{network} {extra}", right, pair.clips, seed)
        for seed, pairs in enumerate(comparison.pairs)
        for label, pair in pairs.items()
        for network, right in (("without", pair.first), ("with", pair.second))
    ]
    for seed, study in enumerate(studies):
        score = study.value("per_label", split="testing")[extra]
        right = round(score["accuracy"] * score["n"])
        rows.append(_recall_row(extra, f"with {extra}", right, score["n"], seed))
    return resting_on(
        charts.recalls(rows), [study.record("per_label", split="testing") for study in studies]
    )


def _recall_row(label: str, network: str, right: int, clips: int, seed: int) -> dict[str, Any]:
    row = {"label": label, "network": network, "recall": right / clips, "clips": clips}
    if seed == 0:  # the one that is drawn large
        row["low"], row["high"] = wilson_interval(right, clips)
    return row


def _records(comparison: Comparison, model: str, folder: Path) -> list[Record]:
    larger = Task.of([*comparison.labels[2:], comparison.extra])
    return read_records(records_path(model, larger, folder))


def _by_label(comparison: Comparison) -> Iterator[tuple[str | None, list[Pair]]]:
    """The pairs of all seeds for each label and, under None, for all labels together."""
    for label in comparison.labels:
        yield label, [pairs[label] for pairs in comparison.pairs]
    yield None, [comparison.pair(place) for place in range(len(comparison.seeds))]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _signed(points: float) -> str:
    text = f"{points:+.1f}".replace("-", "−")
    return "0.0" if text in ("+0.0", "−0.0") else text
