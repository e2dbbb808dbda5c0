"""Section 3 of the original: accuracy, data set, an extra keyword."""

from collections.abc import Sequence

from kwslib.data.spoken import WORDS
from kwslib.data.task import Task
from kwslib.measurements import Record, select
from kwslib.results.audit.evidence import (
    NETWORK,
    Evidence,
    average,
    cited,
    over_seeds,
    shares,
)
from kwslib.results.audit.line import Line, Reason
from kwslib.results.literature import repository_of
from kwslib.results.over_seeds import points
from kwslib.training.extra import committed_comparison
from kwslib.training.recipe import recipe_for
from kwslib.training.summary import listed, percent

TITLE = "Training"

_ALL_NETWORKS = "python -m kwslib.studies --data DIR"
_PUBLISH = f"{_ALL_NETWORKS} --networks {NETWORK}"
_EXTRA = "python -m kwslib.training.extra --data DIR"
_SHIFT = (
    f"kws evaluate {NETWORK} --sweep shift --data DIR --out measurements/robustness/"
    f"shift-{NETWORK}.json"
)
_TELLS = 0.002
"""A change of accuracy below this is called none."""


def lines(evidence: Evidence) -> list[Line]:
    """The points of this section."""
    return [
        _accuracy(evidence), _test_accuracy(evidence), _counts(evidence), _words(evidence),
        _overfitting(evidence), _extra(evidence), _networks(evidence), _ten_words(evidence),
    ]  # fmt: skip


def _ours(evidence: Evidence, split: str) -> list[Record]:
    return select(evidence.read(f"published/{NETWORK}.json"), "accuracy", split=split)


def _accuracy(evidence: Evidence) -> Line:
    claimed = {
        split: evidence.original("accuracy", split=split).value
        for split in ("training", "validation")
    }
    told = [f"{split} {over_seeds(_ours(evidence, split))}" for split in claimed]
    return Line(
        "Accuracy in training and validation",
        listed([f"{split} {percent(value, 2)}" for split, value in claimed.items()]),
        listed(told), _PUBLISH, reasons=(_while_training(evidence), _unshifted(evidence)),
    )  # fmt: skip


def _while_training(evidence: Evidence) -> Reason:
    """Training accuracy as it is met in training is lower than that of the finished network."""
    histories = select(evidence.read(f"published/{NETWORK}.json"), "history")
    met = [history.value[-1]["training_accuracy"] for history in histories]
    validation = [history.value[-1]["validation_accuracy"] for history in histories]
    gap = sum(validation) / len(validation) - sum(met) / len(met)
    return Reason(
        "Training accuracy was taken while training, under dropout and on clips that were shifted "
        f"and made noisy: taken so, ours is {percent(sum(met) / len(met))}, "
        f"{100 * gap:.1f} points below validation.",
        "shown" if gap > 0 else "not borne out",
    )


def _unshifted(evidence: Evidence) -> Reason:
    """What moving evaluation clips at random does, as far as training moves them."""
    text = "Clips that are scored were shifted at random: "
    varied = recipe_for("tiny_conv").augmentation
    most = varied.shift_ms if varied else 0
    records = select(evidence.read(f"robustness/shift-{NETWORK}.json"), "accuracy")
    if not records:
        return Reason(f"{text}not measured yet.", "open", _SHIFT)
    moved = [r for r in records if abs(r.subject["shift_ms"]) <= most]
    (still,) = (r for r in moved if r.subject["shift_ms"] == 0)
    cost = average(moved) - float(still.value)
    return Reason(
        f"{text}moved by up to {most} ms either way, as in training, ours changes by "
        f"{points(cost)} on average.",
        "shown" if cost < -_TELLS else "not borne out", _SHIFT,
    )  # fmt: skip


def _test_accuracy(evidence: Evidence) -> Line:
    floats = evidence.others("accuracy", task="yes_no", numbers="float")
    whole = select(evidence.read(f"published/{NETWORK}-int8.json"), "accuracy", split="testing")
    ours = f"{over_seeds(_ours(evidence, 'testing'))}; in 8 bits {over_seeds(whole)}"
    integers = evidence.others("accuracy", task="yes_no", numbers="int8")
    return Line(
        "Test accuracy", "Not told.", ours, _PUBLISH,
        others=f"{cited(floats, shares)}; in 8 bits {cited(integers, shares)}",
        reasons=(
            Reason(
                "Others draw unknown and silence anew, and do not say of which clips their "
                "figures are; differences of a point are within the intervals.", "guess",
            ),
        ),
    )  # fmt: skip


def share_by_commas(words: Sequence[str] | str) -> int:
    """Percent of silence and of unknown words as TensorFlow's example for microcontrollers works
    it out: an equal share for every label, labels being the commas in the keywords, one, and two.

    >>> share_by_commas("yes,no")
    25
    >>> share_by_commas(["yes", "no"])
    33
    """
    return 100 // (words.count(",") + 1 + 2)


def _counts(evidence: Evidence) -> Line:
    claim = evidence.original("clips").value
    found = select(evidence.read(f"published/{NETWORK}.json"), "clips")[0].value
    totals = {split: sum(labels.values()) for split, labels in found.items()}
    words = list(Task().keywords)
    keywords = sum(found["training"][word] for word in words)
    by_text, by_list = (share_by_commas(each) for each in (",".join(words), words))
    made = {
        share: keywords + 2 * Task(unknown_percent=share).unknown_count(keywords)
        for share in (by_text, by_list)
    }
    fits = made[by_list] == claim["training"] != made[by_text]
    return Line(
        "Clips in training, validation and testing",
        " / ".join(f"{claim[split]:,}" for split in totals),
        " / ".join(f"{total:,}" for total in totals.values()), "kws data --data DIR",
        reasons=(
            Reason(
                f"{by_list} % of silence and as much of unknown words, because a comma was counted "
                f"in a list: “{','.join(words)}” has {','.join(words).count(',')}, the list of the "
                f"same words {words.count(',')}. With {by_list} % there are {made[by_list]:,} "
                f"training clips, with {by_text} % there would be {made[by_text]:,}.",
                "counted" if fits else "not borne out",
            ),
        ),
    )  # fmt: skip


def _words(evidence: Evidence) -> Line:
    labels = len(Task().labels)
    return Line(
        "Words in the data set", f"{evidence.claim('words')} {labels} labels.",
        f"{len(WORDS)} words in v0.02, {labels} labels", "kws data --data DIR",
    )  # fmt: skip


def _overfitting(evidence: Evidence) -> Line:
    gap = average(_ours(evidence, "training")) - average(_ours(evidence, "validation"))
    training, validation = (
        evidence.original("accuracy", split=split).value for split in ("training", "validation")
    )
    claimed = training - validation
    return Line(
        "Overfitting", evidence.claim("overfitting"),
        f"Training is {points(gap)} from validation, scored alike.", _PUBLISH,
        reasons=(
            Reason(
                f"The report's own training accuracy is {points(claimed)} from its validation "
                "accuracy: by these two numbers alone, nothing was learned by heart.", "counted",
            ),
        ),
    )  # fmt: skip


def _extra(evidence: Evidence) -> Line:
    claim = evidence.original("accuracy_change")
    word, larger = str(claim.subject["extra"]), str(claim.subject["larger_task"])
    task = Task.of(larger.replace("_", ","))
    found = committed_comparison("tiny_conv", Task(), task, evidence.folder / "published")
    ours = ""
    reasons: tuple[Reason, ...] = ()
    if found:
        change, (low, high) = found.change()
        more = select(evidence.read(f"published/tiny_conv-{larger}.json"), "accuracy",
                      split="testing")  # fmt: skip
        whole = average(more) - average(_ours(evidence, "testing"))
        ours = (
            f"{points(change)} on the clips of the other labels, the same for both networks (95 % "
            f"interval {points(low)} to {points(high)}); {points(whole)} on each task's own clips"
        )
        reasons = (
            Reason(
                "The report does not say on which clips; ours depends on them, as both figures "
                "show.",
                "guess",
            ),
        )
    return Line(
        f"The extra keyword {word}", points(claim.value), ours, _EXTRA, reasons=reasons,
    )  # fmt: skip


def _tested(evidence: Evidence, task: str) -> dict[str, str]:
    """Test accuracies of the published networks of a task, by network."""
    told = {}
    for name, records in evidence.named(f"published/*-{task}.json").items():
        found = select(records, "accuracy", split="testing")
        if found:
            told[name.removesuffix(f"-{task}")] = over_seeds(found)
    return told


def _networks(evidence: Evidence) -> Line:
    found = _tested(evidence, "yes_no")
    found.pop("tiny_conv", None)
    return Line(
        "Other small networks, the same four labels", "Not asked for.",
        "; ".join(f"{name} {accuracy}" for name, accuracy in found.items()),
        _ALL_NETWORKS,
    )  # fmt: skip


def _ten_words(evidence: Evidence) -> Line:
    found = _tested(evidence, "ten_words")
    others = "; ".join(
        f"{r.subject['model']}, {r.subject['numbers']}, {percent(r.value)} "
        f"({repository_of(r.source)})"
        for r in evidence.others("accuracy", task="ten_words")
    )
    return Line(
        "Ten keywords, twelve labels", "Not asked for.",
        "; ".join(f"{name} {accuracy}" for name, accuracy in found.items()),
        _ALL_NETWORKS, others=others,
    )  # fmt: skip
