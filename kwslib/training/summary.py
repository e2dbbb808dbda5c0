"""Chapter 3 in words and rows: the numbers of its prose, the rows of its charts and tables."""

from collections.abc import Sequence
from typing import Any

from torch import nn

from kwslib.data.task import SILENCE, SPLITS, UNKNOWN, Split, Task
from kwslib.measurements import FOLDER, read_records, select
from kwslib.models.registry import create
from kwslib.training.findings import Findings
from kwslib.training.recipe import Recipe
from kwslib.training.study import HARDEST, Study, mean_accuracy

ORIGINAL = FOLDER / "original_report.json"


def numbers(findings: Findings) -> dict[str, str]:
    """Every number and every sentence of chapter 3 that depends on the run, formatted."""
    study = findings.study
    return {
        **_data_numbers(study),
        **_learning_numbers(study),
        **_accuracy_numbers(study),
        **_original_numbers(),
        "original_labels_sentence": _original_labels_sentence(study),
        "dropout_sentence": _dropout_sentence(study),
        "origin": _origin(findings),
        "published_sentence": _published_sentence(findings),
        "hear_note": _hear_note(findings),
        "seeds_sentence": _seeds_sentence(findings),
        "label_sentence": _label_sentence(study),
        "confusion_sentence": _confusion_sentence(study),
        "hardest_note": _hardest_note(findings),
        "limits": _limits(findings),
    }


def percent(share: float, digits: int = 1) -> str:
    """``0.9284`` as ``"92.8 %"``."""
    return f"{100 * share:.{digits}f} %"


def interval_text(interval: tuple[float, float] | None) -> str:
    """``(0.9135, 0.9409)`` as ``"91.3 to 94.1 %"``; nothing is known where there is none."""
    low, high = interval or (0.0, 1.0)
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def listed(words: Sequence[str], by: str = "and") -> str:
    """``["yes", "no", "left"]`` as ``"yes, no and left"``."""
    *first, last = words
    return f"{', '.join(first)} {by} {last}" if first else last


def _data_numbers(study: Study) -> dict[str, str]:
    values = {
        "dataset": study.dataset_name,
        "labels": ", ".join(study.labels),
        "keywords": listed(study.labels[2:]),
        "other_share": f"{Task.of(study.labels[2:]).unknown_percent} %",
    }
    for split in SPLITS:
        values[f"{split}_clips"] = f"{study.counts[split]:,}"
        values[f"{split}_speakers"] = f"{study.value('speakers')[split]:,}"
    return values


def _learning_numbers(study: Study) -> dict[str, str]:
    recipe = Recipe.from_json(study.subject["recipe"])
    varied = recipe.augmentation
    last = study.history[-1]
    training = study.value("accuracy", split="training")
    gap = training - study.best.validation_accuracy
    return {
        "batch": str(recipe.batch),
        "warm_up": percent(recipe.warm_up, 0),
        "learning_rate": f"{recipe.learning_rate:g}",
        "shift": f"{varied.shift_ms} ms" if varied else "0 ms",
        "noise_share": percent(varied.noise_probability, 0) if varied else "0 %",
        "epochs": str(recipe.epochs),
        "best_epoch": str(study.best.number),
        "training_seconds": f"{study.value('training_time'):,.0f} s",
        "machine": study.record("training_time").machine,
        "training_accuracy_live": percent(last.training_accuracy),
        "validation_accuracy_last": percent(last.validation_accuracy),
        "training_accuracy": percent(training),
        "gap_sentence": _gap_sentence(gap),
    }


def _gap_sentence(gap: float) -> str:
    points = f"{abs(100 * gap):.1f} points"
    if gap > 0.01:
        return f"{points} above validation, which is what little overfitting there is."
    if gap < -0.01:
        return f"{points} below validation; the network does not overfit."
    return f"within {points} of validation; the network hardly overfits."


def _accuracy_numbers(study: Study) -> dict[str, str]:
    values = {}
    for split in ("validation", "testing"):
        record = study.record("accuracy", split=split)
        values[f"{split}_accuracy"] = percent(record.value)
        values[f"{split}_interval"] = interval_text(record.interval)
    return values


def _original_numbers() -> dict[str, str]:
    """What the original report stated."""
    claims = read_records(ORIGINAL)
    clips = select(claims, "clips")[0].value
    values = {}
    for split in ("training", "validation"):
        stated = select(claims, "accuracy", split=split)[0].value
        values[f"original_{split}"] = percent(stated, 2)
        values[f"original_{split}_clips"] = f"{clips[split]:,}"
    return values


def _original_labels_sentence(study: Study) -> str:
    """Whether the figures of the original report can be set beside those of a study."""
    task = study.subject["task"]
    if task == "yes_no":
        return "Its labels are those of this page."
    text = "This page has other labels, so its accuracy is not to be measured by those figures."
    claims = select(read_records(ORIGINAL), "accuracy_change", larger_task=task)
    for claim in claims:
        points = abs(100 * claim.value)
        text += (
            f" With {claim.subject['extra']} as an extra keyword the report found {points:g} "
            f"{'point' if points == 1 else 'points'} less, without saying on which clips."
        )
    return text


def _dropout_sentence(study: Study) -> str:
    network = create(study.subject["model"], len(study.labels))
    shares = [layer.p for layer in network.modules() if isinstance(layer, nn.Dropout)]
    if not shares:
        return "The network itself leaves nothing out: it has no dropout."
    return f"Dropout hides {percent(max(shares), 0)} of the features from the layer that follows."


def _origin(findings: Findings) -> str:
    study = findings.study
    name, model = study.dataset_name, study.subject["model"]
    made = study.record("history").when[:10]
    if findings.origin == "published":
        return (
            f"This page shows the published run on {name}, made on {made}; no data folder was "
            "given to this build."
        )
    if findings.origin == "scored":
        return (
            f"This page scores the published weights of {model} on {name}, here and now; the "
            "curves are those of their training."
        )
    text = f"This page was made by training {model} on {name}."
    if findings.beside and findings.beside.dataset_name != name:
        text += (
            f" The committed run on {findings.beside.dataset_name} stands beside it as "
            "“published run”."
        )
    return text


def _published_sentence(findings: Findings) -> str:
    """For the front page: what the committed runs on real speech reached."""
    published = findings.published
    if not published:
        return "No run with these keywords is committed."
    mean, _ = mean_accuracy(published, "testing")
    clips = f"{published[0].counts['testing']:,}"
    return (
        f"The committed runs on {published[0].dataset_name} got {percent(mean)} of {clips} test "
        f"clips right, the mean of {len(published)} seeds."
    )


def _hear_note(findings: Findings) -> str:
    if findings.dataset is not None and findings.dataset.source is findings.sounds:
        return f"One test clip of each label, from {findings.sounds.name}:"
    return (
        f"One clip of each label. They are {findings.sounds.name}, which stands in for "
        f"{findings.study.dataset_name} here:"
    )


def _seeds_sentence(findings: Findings) -> str:
    published = findings.published
    if len(published) < 2:
        return "A single seed says nothing of how much luck there was in it."
    mean, deviation = mean_accuracy(published, "testing")
    values = ", ".join(percent(s.value("accuracy", split="testing")) for s in published)
    return (
        f"Chance also enters through the seed: {len(published)} runs on "
        f"{published[0].dataset_name} that differ in nothing else gave {values} on the test "
        f"clips, {percent(mean)} on average with a standard deviation of "
        f"{100 * deviation:.1f} points."
    )


def _label_sentence(study: Study) -> str:
    scores = study.value("per_label", split="testing")
    known = {label: score for label, score in scores.items() if score["n"]}
    best = max(known, key=lambda label: known[label]["accuracy"])
    worst = min(known, key=lambda label: known[label]["accuracy"])
    text = (
        f"Recall is the share of a label's clips that were recognised. It is highest for {best} "
        f"({percent(known[best]['accuracy'])}) and lowest for {worst} "
        f"({percent(known[worst]['accuracy'])})."
    )
    if worst == UNKNOWN:
        text += (
            " The unknown words are many and different, and some sound much like a keyword; "
            "they are the hard part of the task."
        )
    return text


def _confusion_sentence(study: Study) -> str:
    table, labels = study.value("confusion", split="testing"), study.labels
    errors = [
        (table[i][j], labels[i], labels[j])
        for i in range(len(labels))
        for j in range(len(labels))
        if i != j
    ]
    count, truth, heard = max(errors)
    if not count:
        return "There is no mistake at all."
    total = sum(error[0] for error in errors)
    return (
        f"The most frequent of the {total:,} mistakes is to hear {heard} where {truth} was the "
        f"label: {count:,} times."
    )


def _hardest_note(findings: Findings) -> str:
    if findings.dataset is not None and findings.dataset.source is findings.sounds:
        return "Listen: some would puzzle a person."
    return (
        f"The recordings cannot be redistributed with this page, so {findings.sounds.name} says "
        "the word of each clip; the scores are those of the real one."
    )


_REAL_LIMITS = (
    "The feature ends at 4 kHz, below much of the hiss of an “s”. The training and validation "
    "clips of this run were images compressed by JPEG, the test clips sound, so training saw "
    "noise that testing does not have. 5 to 9 % of the test clips are shorter than a second and "
    "padded elsewhere than in training; they are centred here, but their edges differ. The test "
    "silence is cut from the same six recordings of noise as the training silence, so a real "
    "room will be harder than these numbers say."
)
_EMBEDDED_LIMITS = (
    "Embedded speech is spoken by a synthesiser. Its speakers differ less than people do, and "
    "they never hesitate, so accuracies on it are no forecast for people; it serves to run "
    "every step of the way where no recordings are at hand. Silence in all splits is cut from "
    "the same six synthetic noises, at different places."
)


def _limits(findings: Findings) -> str:
    name = findings.study.dataset_name
    return _EMBEDDED_LIMITS if name == "embedded speech" else _REAL_LIMITS


def original_accuracy(split: Split) -> float | None:
    """The original report's accuracy on a split, if it stated one."""
    found = select(read_records(ORIGINAL), "accuracy", split=split)
    return found[0].value if found else None


def accuracy_rows(findings: Findings) -> list[dict[str, Any]]:
    """Accuracy of each split and run for :func:`kwslib.results.charts.training.accuracies`."""
    rows = []
    for split in SPLITS:
        for run, study in _runs(findings):
            record = study.record("accuracy", split=split)
            low, high = record.interval or (record.value, record.value)
            rows.append(
                {
                    "split": split,
                    "run": run,
                    "accuracy": record.value,
                    "low": low,
                    "high": high,
                    "note": record.provenance(),
                }
            )
        original = original_accuracy(split)
        if original is not None and findings.study.subject["task"] == "yes_no":
            note = "as the report states it, without an interval"
            row = {"split": split, "run": "original report", "accuracy": original, "note": note}
            rows.append(row)
    return rows


def recall_rows(findings: Findings) -> list[dict[str, Any]]:
    """Recall of each label and run for :func:`kwslib.results.charts.training.recall_by_label`."""
    return [
        {
            "label": label,
            "run": run,
            "recall": score["accuracy"],
            "low": score["interval"][0],
            "high": score["interval"][1],
            "clips": score["n"],
        }
        for run, study in _runs(findings)
        for label, score in study.value("per_label", split="testing").items()
        if score["n"]
    ]


def _runs(findings: Findings) -> list[tuple[str, Study]]:
    """The studies that a chart draws, each by what it is called there."""
    runs = [(findings.run, findings.study)]
    return [*runs, ("published run", findings.beside)] if findings.beside else runs


def hardest_rows(findings: Findings, count: int = HARDEST) -> list[dict[str, Any]]:
    """The hardest test clips, hardest first; ``sound`` is int16 ``[16000]`` to be heard."""
    rows = []
    for clip in findings.study.value("hardest", split="testing")[:count]:
        word, file = clip["clip"].split("/", 1)
        rows.append(
            {
                "said": "background noise" if word == SILENCE else word,
                "label": clip["label"],
                "heard": clip["predicted"],
                "probability of heard": percent(clip["predicted_score"]),
                "of label": percent(clip["score"]),
                "sound": findings.hear(clip["clip"])[0],
                "clip": file,
            }
        )
    return rows
