"""Chapter 3: what one keyword more costs, as values, tables and charts."""

from collections.abc import Iterator, Sequence
from statistics import mean
from typing import Any

import altair as alt

from kwslib.data.task import Task
from kwslib.evaluation.accuracy import wilson_interval
from kwslib.records import Record, read_records
from kwslib.results import page
from kwslib.results.charts.theme import BLUE, GREEN, GREY, WIDTH, chart, intervals, names_of, tips
from kwslib.results.provenance import resting_on
from kwslib.results.values import Estimate
from kwslib.training.comparison import Comparison, Pair, committed_comparison, records_path
from kwslib.training.study import Study

ALL = "all labels"
"""What stands for the labels together in a chart or table."""


def load_comparison(model: str, keywords: str, extra: str) -> Comparison | None:
    """The committed comparison of a network without and with a keyword, or None.

    Args:
        model: name in the registry.
        keywords: comma-separated, without the added one.
        extra: the added keyword.
    """
    task = Task.of(keywords)
    return committed_comparison(model, task, Task.of([*task.keywords, extra]))


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


def tabulate_changes(comparison: Comparison, model: str) -> page.Html:
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
    return page.table(rows, _records(comparison, model))


def plot_changes(comparison: Comparison, model: str) -> alt.LayerChart:
    """Change of recall by label on the same clips, in points; single seeds as strokes."""
    rows = []
    for label, pairs in _by_label(comparison):
        change = change_of(comparison, label)
        rows.append(
            {"label": label or ALL, "change": change.value, "low": change.low, "high": change.high,
             "clips": pairs[0].clips, "seeds": [100 * pair.change for pair in pairs]}
        )  # fmt: skip
    base = chart(rows).encode(
        y=alt.Y("label:N", sort=names_of(rows, "label"), title=None),
        tooltip=["label:N", *tips("+.1f", "change", "low", "high"), *tips(",", "clips")],
    )
    along = alt.X("low:Q", title="change of recall, in points", axis=alt.Axis(format="+~f"))
    rules = base.mark_rule(strokeWidth=2, color=BLUE).encode(x=along, x2="high:Q")
    marks = base.mark_point(filled=True, size=80, opacity=1, color=BLUE).encode(x="change:Q")
    strokes = (
        base.transform_flatten(["seeds"])
        .mark_tick(size=14, thickness=2, color=BLUE, opacity=0.7)
        .encode(x="seeds:Q", tooltip=["label:N", *tips("+.1f", "seeds")])
    )
    zero = chart([{"x": 0}]).mark_rule(strokeDash=[2, 3]).encode(x="x:Q")
    drawn = (zero + rules + strokes + marks).properties(
        width=WIDTH - 60,
        height=34 * len(rows),
        description=(
            "Change of recall that the extra keyword brings, on the same clips, by label: the "
            "mean over seeds with its 95 % interval, single seeds as strokes."
        ),
    )
    return resting_on(drawn, _records(comparison, model))


def plot_recalls(comparison: Comparison, studies: Sequence[Study]) -> alt.LayerChart:
    """Recall of each label without and with the keyword, and of the keyword itself: of the first
    seed with its interval, of the others as small strokes.

    Args:
        comparison: on the clips that both networks know by one label.
        studies: of the networks that know the keyword, one per seed.
    """
    extra = comparison.extra
    without, with_it = f"without {extra}", f"with {extra}"
    rows = [
        _recall_row(label, network, right, pair.clips, seed)
        for seed, pairs in enumerate(comparison.pairs)
        for label, pair in pairs.items()
        for network, right in ((without, pair.first), (with_it, pair.second))
    ]
    for seed, study in enumerate(studies):
        score = study.value("per_label", split="testing")[extra]
        right = round(score["accuracy"] * score["n"])
        rows.append(_recall_row(extra, with_it, right, score["n"], seed))
    base, layers = intervals(
        rows, "recall", "label", "network",
        {without: (GREY, "circle"), with_it: (GREEN, "square")}, title="recall",
        scale=alt.Scale(zero=False),
        tooltip=[*tips(".1%", "recall", "low", "high"), *tips(",", "clips")],
    )  # fmt: skip
    rules, marks = (each.transform_filter("isValid(datum.low)") for each in layers)
    strokes = []
    if any("low" not in row for row in rows):  # marks without items have no name
        seeds = base.transform_filter("!isValid(datum.low)")
        strokes = [seeds.mark_tick(size=14, thickness=2, opacity=1).encode(x="recall:Q")]
    drawn = alt.LayerChart(layer=[rules, *strokes, marks]).properties(
        width=WIDTH - 60,
        height=44 * len({row["label"] for row in rows}),
        description=(
            "Share of each label's test clips that were recognised without and with the extra "
            "keyword: one network with its 95 % interval, those of other seeds as strokes."
        ),
    )
    return resting_on(drawn, [study.record("per_label", split="testing") for study in studies])


def _recall_row(label: str, network: str, right: int, clips: int, seed: int) -> dict[str, Any]:
    row = {"label": label, "network": network, "recall": right / clips, "clips": clips}
    if seed == 0:  # the one that is drawn large
        row["low"], row["high"] = wilson_interval(right, clips)
    return row


def _records(comparison: Comparison, model: str) -> list[Record]:
    larger = Task.of([*comparison.labels[2:], comparison.extra])
    return read_records(records_path(model, larger))


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
