"""Chapter 3: how a network was trained and what it gets wrong, as values, tables and charts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import altair as alt

from kwslib.data.task import SILENCE, SPLITS, Split, Task
from kwslib.errors import InputError
from kwslib.models.checkpoint import PUBLISHED
from kwslib.records import select
from kwslib.results import page
from kwslib.results.charts.theme import (
    BELOW_PLAIN,
    WIDTH,
    Rows,
    chart,
    colour_scale,
    intervals,
    tips,
)
from kwslib.results.provenance import resting_on
from kwslib.results.values import ORIGINAL, Estimate, brief, load, mean_over_clips
from kwslib.training.study import HARDEST, Findings, Study, published

PUBLISHED_RUN, THIS_RUN = "published run", "this run"
"""What figures and tables call the committed trainings, and the one made now."""


def load_seeds(model: str, keywords: str, folder: Path = PUBLISHED) -> list[Study]:
    """The published trainings of a network, one per seed; none where it is not published.

    Args:
        model: name in the registry.
        keywords: comma-separated.
        folder: where published networks lie.
    """
    try:
        return published(model, Task.of(keywords), folder)
    except InputError:
        return []


def mean_accuracy(studies: Sequence[Study], split: Split) -> Estimate:
    """Accuracy on a split, the mean over seeds, with Wilson's interval over its clips.

    Args:
        studies: one per seed, all on the same clips.
        split: of the data.
    """
    return mean_over_clips(
        [float(study.value("accuracy", split=split)) for study in studies],
        studies[0].counts[split],
    )


def recall_by_label(studies: Sequence[Study]) -> dict[str, Estimate]:
    """Recall of each label that has test clips, as :func:`mean_accuracy`."""
    scores = [study.value("per_label", split="testing") for study in studies]
    return {
        label: mean_over_clips([float(each[label]["accuracy"]) for each in scores], first["n"])
        for label, first in scores[0].items()
        if first["n"]
    }


def overfitting(study: Study) -> float:
    """Points by which training accuracy, measured without noise or dropout, is above validation."""
    return 100 * float(
        study.value("accuracy", split="training") - study.value("accuracy", split="validation")
    )


def errors_by_pair(study: Study) -> dict[tuple[str, str], int]:
    """Mistakes on test clips by true and predicted label, the most frequent first."""
    table, labels = study.value("confusion", split="testing"), study.labels
    found = {
        (truth, predicted): int(table[row][column])
        for row, truth in enumerate(labels)
        for column, predicted in enumerate(labels)
        if row != column
    }
    return dict(sorted(found.items(), key=lambda item: -item[1]))


# Tables and figures.


def tabulate_clips(study: Study) -> page.Html:
    """Clips of each label and speakers, split by split."""
    speakers = study.value("speakers")
    return page.table(
        [
            {
                "split": split,
                **counts,
                "all clips": sum(counts.values()),
                "speakers": speakers[split],
            }
            for split, counts in study.value("clips").items()
        ],
        [study.record("clips")],
    )


def tabulate_examples(findings: Findings) -> page.Html:
    """A test clip of each label, to listen to."""
    rows = [
        {"label": label, "word": _word_of(clip), "sound": page.player(findings.hear(clip))}
        for label, clip in findings.examples().items()
    ]
    return page.table(rows, data=findings.sounds.name)


def _word_of(clip: str) -> str:
    word = clip.split("/")[0]
    return "background noise" if word == SILENCE else word


def learning_curve(
    rows: Rows, quantity: Literal["accuracy", "loss"], best: int | None = None
) -> alt.LayerChart:
    """Accuracy, or loss, of training and validation by epoch.

    Args:
        rows: ``epoch``, ``split`` and the quantity.
        quantity: which of the two.
        best: number of an epoch to mark, that whose weights were kept.
    """
    title, form = {"accuracy": ("accuracy", "~%"), "loss": ("cross-entropy, nats", ".2f")}[quantity]
    colours = colour_scale(["training", "validation"])
    lines = (
        chart(rows)
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=40) if best is None else False)
        .encode(
            x=alt.X(
                "epoch:Q", title="epoch", scale=alt.Scale(nice=False), axis=alt.Axis(tickMinStep=1)
            ),
            y=alt.Y(
                f"{quantity}:Q",
                title=title,
                scale=alt.Scale(zero=False),
                axis=alt.Axis(format=form),
            ),
            color=alt.Color("split:N", scale=colours, title=None, legend=BELOW_PLAIN),
            strokeDash=alt.StrokeDash("split:N", legend=None),
            tooltip=["split:N", "epoch:Q", *tips(".4~f", quantity)],
        )
    )
    layers = [lines]
    if best is not None:
        rule = chart([{"epoch": best, "text": f"kept: epoch {best}"}])
        rule = rule.mark_rule(strokeDash=[2, 3], opacity=0.6)
        layers.append(rule.encode(x="epoch:Q", tooltip=["text:N"]))
    return alt.LayerChart(layer=layers).properties(
        width=WIDTH,
        height=220,
        description=f"{title.capitalize()} of training and validation by epoch.",
    )


def plot_loop(history: Sequence[Mapping[str, float]], data: str) -> alt.LayerChart:
    """Accuracy by epoch of a training loop.

    Args:
        history: ``training`` and ``validation``, one mapping per epoch.
        data: on whose clips.
    """
    rows = [
        {"epoch": number, "split": split, "accuracy": epoch[split]}
        for number, epoch in enumerate(history, 1)
        for split in ("training", "validation")
    ]
    return resting_on(learning_curve(rows, "accuracy"), data=data, method="measured")


def plot_study(study: Study, quantity: Literal["accuracy", "loss"]) -> alt.LayerChart:
    """Accuracy or loss by epoch of a training, with the epoch whose weights were kept."""
    rows = [
        {"epoch": epoch.number, "split": split, quantity: getattr(epoch, f"{split}_{quantity}")}
        for epoch in study.history
        for split in ("training", "validation")
    ]
    return resting_on(
        learning_curve(rows, quantity, study.best.number),
        [study.record("history")],
        seeds=f"seed {study.subject['seed']} alone",
    )


def tabulate_accuracy(findings: Findings) -> page.Html:
    """Accuracy by split: the published trainings, this run, and the original report."""
    published = findings.published
    rows = []
    for split in SPLITS:
        row: dict[str, Any] = {"split": split}
        if published:
            shares = [study.value("accuracy", split=split) for study in published]
            row["published, mean over seeds"] = brief(mean_accuracy(published, split))
            row["lowest and highest seed"] = (
                f"{100 * min(shares):.1f} and {100 * max(shares):.1f} %"
            )
        if findings.origin == "trained":
            row[THIS_RUN] = brief(mean_accuracy([findings.study], split))
        if findings.study.subject["task"] == "yes_no":
            stated = select(load(ORIGINAL), "accuracy", split=split)
            row["original report"] = f"{100 * stated[0].value:.2f} %" if stated else "not stated"
        rows.append(row)
    studies = [*published, *runs_of(findings).get(THIS_RUN, ())]
    drawn = [study.record("accuracy", split=split) for study in studies for split in SPLITS]
    names = ", ".join(dict.fromkeys(study.dataset_name for study in studies))
    return page.table(rows, drawn, data=names)


def runs_of(findings: Findings) -> dict[str, Sequence[Study]]:
    """This run and the published trainings, as far as there are any, by what figures call them."""
    runs = {THIS_RUN: [findings.study] if findings.origin == "trained" else [],
            PUBLISHED_RUN: findings.published}  # fmt: skip
    return {name: studies for name, studies in runs.items() if studies}


def plot_recall(runs: Mapping[str, Sequence[Study]]) -> alt.LayerChart:
    """Recall of each label with its interval by run; a run's studies are one a seed."""
    rows = [
        {"label": label, "run": run, "recall": own.value, "low": own.low, "high": own.high}
        for run, studies in runs.items()
        for label, own in recall_by_label(studies).items()
    ]
    scale = alt.Scale(zero=False)
    _, layers = intervals(rows, "recall", "label", "run", title="recall", scale=scale)
    drawn = alt.LayerChart(layer=[*layers]).properties(
        width=WIDTH - 60,
        height=44 * len({row["label"] for row in rows}),
        description="Share of each label's test clips that were recognised, with 95 % intervals.",
    )
    return resting_on(
        drawn,
        [each.record("per_label", split="testing") for own in runs.values() for each in own],
    )


def plot_confusion(study: Study) -> alt.LayerChart:
    """Test clips by true and predicted label, shaded by the share of the true label."""
    record, labels = study.record("confusion", split="testing"), list(study.labels)
    rows = [
        {"true label": truth, "predicted": predicted, "clips": clips,
         "share": clips / max(sum(row), 1)}
        for truth, row in zip(labels, record.value, strict=True)
        for predicted, clips in zip(labels, row, strict=True)
    ]  # fmt: skip
    title = "share of the true label"
    base = chart(rows).encode(
        alt.X("predicted:N", sort=labels, title="predicted",
              axis=alt.Axis(orient="top", labelAngle=-45)),
        alt.Y("true label:N", sort=labels, title="true label"),
        tooltip=["true label:N", "predicted:N", *tips(",", "clips"),
                 alt.Tooltip("share:Q", format=".1%", title=title)],
    )  # fmt: skip
    legend = alt.Legend(format=".0%", orient="bottom", tickCount=3)
    shades = alt.Scale(scheme="blues", domain=[0, 1])
    cells = base.mark_rect().encode(alt.Color("share:Q", scale=shades, title=title, legend=legend))
    # Up to five labels fit a phone; more scroll.
    size = max(42, min(58, 232 // len(labels)))
    text = base.mark_text(fontSize=13 if len(labels) < 6 else 10).encode(
        text=alt.Text("clips:Q", format=","),
        color=alt.condition("datum.share > 0.5", alt.value("white"), alt.value("black")),
    )
    drawn = (cells + text).properties(
        width=size * len(labels),
        height=size * len(labels) * 0.7,
        description="Confusion matrix: true labels in rows, predicted labels in columns.",
    )
    return resting_on(drawn, [record], seeds=f"seed {study.subject['seed']} alone")


def tabulate_hardest(findings: Findings, count: int = HARDEST) -> page.Html:
    """The test clips that the network got most wrong, hardest first, to listen to."""
    record = findings.study.record("hardest", split="testing")
    rows = []
    for clip in record.value[:count]:
        rows.append(
            {
                "word": _word_of(clip["clip"]),
                "sound": page.player(findings.hear(clip["clip"])),
                "predicted": clip["predicted"],
                "its probability": f"{100 * clip['predicted_score']:.1f} %",
                "true label": clip["label"],
                "probability of that": f"{100 * clip['score']:.1f} %",
            }
        )
    sounds = f"{record.data['name']}, sound from {findings.sounds.name}"
    return page.table(rows, [record], data=sounds)
