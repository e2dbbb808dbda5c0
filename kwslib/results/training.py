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
from kwslib.results.charts import training as charts
from kwslib.results.committed import ORIGINAL, load
from kwslib.results.provenance import resting_on
from kwslib.results.values import Estimate, brief, mean_over_clips
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


def recall_by_label(studies: Sequence[Study], split: Split = "testing") -> dict[str, Estimate]:
    """Recall of each label that has clips, as :func:`mean_accuracy`."""
    scores = [study.value("per_label", split=split) for study in studies]
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


def errors_by_pair(study: Study, split: Split = "testing") -> dict[tuple[str, str], int]:
    """Mistakes by true and predicted label, the most frequent first."""
    table, labels = study.value("confusion", split=split), study.labels
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
    return resting_on(charts.learning_curve(rows, "accuracy"), data=data, method="measured")


def plot_study(study: Study, quantity: Literal["accuracy", "loss"]) -> alt.LayerChart:
    """Accuracy or loss by epoch of a training, with the epoch whose weights were kept."""
    rows = [
        {"epoch": epoch.number, "split": split, quantity: getattr(epoch, f"{split}_{quantity}")}
        for epoch in study.history
        for split in ("training", "validation")
    ]
    return resting_on(
        charts.learning_curve(rows, quantity, study.best.number),
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
    """Recall of each label by run; a run's studies are one a seed."""
    rows = [
        {"label": label, "run": run, "recall": own.value, "low": own.low, "high": own.high}
        for run, studies in runs.items()
        for label, own in recall_by_label(studies).items()
    ]
    return resting_on(
        charts.recall_by_label(rows),
        [each.record("per_label", split="testing") for own in runs.values() for each in own],
    )


def plot_confusion(study: Study) -> alt.LayerChart:
    """Test clips by true and predicted label."""
    record = study.record("confusion", split="testing")
    return resting_on(
        charts.confusion(record.value, study.labels),
        [record],
        seeds=f"seed {study.subject['seed']} alone",
    )


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
