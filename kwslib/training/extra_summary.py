"""What an extra keyword costs, in words and rows."""

from collections.abc import Iterator, Sequence
from statistics import mean
from typing import Any

from kwslib.evaluation import wilson_interval
from kwslib.measurements import read_records, select
from kwslib.training.comparison import Comparison
from kwslib.training.extra import ExtraKeyword
from kwslib.training.findings import Findings
from kwslib.training.paired import Pair
from kwslib.training.study import Study, mean_accuracy
from kwslib.training.summary import ORIGINAL, interval_text, listed, percent

ALL = "all of them"
"""What stands for the labels together in a chart or table."""


def numbers(found: ExtraKeyword) -> dict[str, str]:
    """Every number and sentence on an extra keyword, by a name that begins with ``extra_``."""
    comparison = found.comparison
    change, interval = comparison.change()
    return {
        "extra_word": comparison.extra,
        "extra_keywords": listed(found.without.study.labels[2:]),
        "extra_all_keywords": listed(found.with_extra.study.labels[2:]),
        "extra_dataset": comparison.data["name"],
        "extra_accuracy_without": percent(mean_accuracy(_studies(found.without), "testing")[0]),
        "extra_accuracy_with": percent(mean_accuracy(_studies(found.with_extra), "testing")[0]),
        "extra_recall": percent(_own_recall(found)["accuracy"]),
        "extra_recall_interval": interval_text(_own_recall(found)["interval"]),
        "extra_clips": f"{comparison.clips:,}",
        "extra_change": points(change),
        "extra_change_interval": _points_interval(interval),
        "extra_accuracy_sentence": _accuracy_sentence(found),
        "extra_recall_sentence": _recall_sentence(found),
        "extra_before_sentence": _before_sentence(found),
        "extra_compared_sentence": _compared_sentence(found),
        "extra_change_sentence": change_sentence(comparison),
        "extra_labels_sentence": _labels_sentence(comparison),
        "extra_original_sentence": _original_sentence(found),
        "extra_committed_sentence": _committed_sentence(found),
    }


def points(change: float) -> str:
    """A change of a share in points, ``-0.021`` as ``"−2.1 points"``."""
    return f"{_signed(change)} points"


def _signed(change: float) -> str:
    text = f"{100 * change:+.1f}".replace("-", "−")
    return "0.0" if text in ("+0.0", "−0.0") else text


def _points_interval(interval: tuple[float, float]) -> str:
    return f"{_signed(interval[0])} to {_signed(interval[1])} points"


def _studies(findings: Findings) -> Sequence[Study]:
    """What the numbers rest on: the run made now, or all seeds of the published one."""
    return [findings.study] if findings.origin == "trained" else findings.published


def _own_recall(found: ExtraKeyword) -> dict[str, Any]:
    """Clips, recall and interval of the extra word in the study of the page."""
    scores = found.with_extra.study.value("per_label", split="testing")
    return scores[found.comparison.extra]


def _accuracy_sentence(found: ExtraKeyword) -> str:
    word, texts = found.comparison.extra, []
    for findings in (found.without, found.with_extra):
        studies = _studies(findings)
        text = f"{percent(mean_accuracy(studies, 'testing')[0])} of "
        text += f"{studies[0].counts['testing']:,} test clips right"
        if len(studies) > 1:
            seeds = [percent(study.value("accuracy", split="testing")) for study in studies]
            text += f" ({', '.join(seeds)} by seed)"
        else:
            interval = studies[0].record("accuracy", split="testing").interval
            text += f" (95 % interval {interval_text(interval)})"
        texts.append(text)
    return (
        f"The network without {word} gets {texts[0]}, the one with it {texts[1]}. These are the "
        "test clips of each network's own task, so the two figures are no comparison yet."
    )


def _recall_sentence(found: ExtraKeyword) -> str:
    word, score = found.comparison.extra, _own_recall(found)
    text = (
        f"{word} itself is recognised in {percent(score['accuracy'])} of its {score['n']:,} test "
        f"clips (95 % interval {interval_text(score['interval'])})"
    )
    studies = _studies(found.with_extra)
    if len(studies) > 1:
        recalls = [study.value("per_label", split="testing")[word]["accuracy"] for study in studies]
        text += f"; over {len(studies)} seeds {percent(mean(recalls))} on average"
    missed = {label: n for label, n in _heard_with(found).items() if label != word and n}
    if not missed:
        return f"{text}."
    most = max(missed, key=lambda label: missed[label])
    share = percent(missed[most] / score["n"])
    return f"{text}. Where it is missed, it is most often taken for {most}: {share} of the clips."


def _heard_with(found: ExtraKeyword) -> dict[str, int]:
    """What the network with the extra keyword hears in the word's clips."""
    study = found.with_extra.study
    row = study.value("confusion", split="testing")[study.labels.index(found.comparison.extra)]
    return dict(zip(study.labels, row, strict=True))


def _before_sentence(found: ExtraKeyword) -> str:
    """The false alarms that the word caused as long as it was unknown, and causes still."""
    keywords, word = found.without.study.labels[2:], found.comparison.extra
    shares = [
        sum(heard[keyword] for keyword in keywords) / sum(heard.values())
        for heard in found.comparison.heard
    ]
    after = _heard_with(found)
    still = sum(after[keyword] for keyword in keywords) / sum(after.values())
    heard = percent(shares[0])
    if len(shares) > 1:
        heard = f"{interval_text((min(shares), max(shares)))} (by seed)"
    return (
        f"While {word} was an unknown word, {heard} of its test clips were taken for "
        f"{listed(keywords, 'or')}, a false alarm each; with a label of its own, {percent(still)}."
    )


def _compared_sentence(found: ExtraKeyword) -> str:
    comparison, study = found.comparison, found.without.study
    others = study.counts["testing"] - comparison.clips
    text = (
        f"So that like is set beside like, both are scored on the {comparison.clips:,} test clips "
        "that have the same label in both tasks: those of "
        f"{listed(comparison.labels)} that stand in both test sets."
    )
    if others:
        text += (
            f" That is the smaller test set without {others:,} clips of {comparison.extra}, which "
            "were unknown there."
        )
    return text


def change_sentence(comparison: Comparison) -> str:
    """What the extra keyword changes on the clips compared, and whether that may be chance."""
    change, interval = comparison.change()
    text = (
        f"On them {comparison.extra} changes the share of right clips by {points(change)} "
        f"(95 % interval over clips {_points_interval(interval)})"
    )
    pairs = [comparison.pair(index) for index in range(len(comparison.seeds))]
    if len(pairs) > 1:
        seeds = ", ".join(f"{_signed(pair.change)} ({_p_value(pair)})" for pair in pairs)
        text += f"; seed by seed {seeds}"
    else:
        text += f": {pairs[0].lost:,} clips lost and {pairs[0].gained:,} gained"
        text += f" ({_p_value(pairs[0])})"
    return f"{text}. {_verdict(comparison)}"


def _verdict(comparison: Comparison) -> str:
    """Whether chance may have done it: that of the clips, and that of the seeds."""
    low, high = comparison.change()[1]
    changes = [comparison.pair(index).change for index in range(len(comparison.seeds))]
    if low <= 0 <= high:
        return "The interval holds zero: chance alone may do as much."
    if len(changes) == 1:
        return "The interval leaves out zero, but one seed cannot rule out luck in training."
    if min(changes) <= 0 <= max(changes):
        return "The interval leaves out zero, but the seeds do not agree in sign."
    return "The interval leaves out zero and all seeds agree in sign: this is more than chance."


def _p_value(pair: Pair) -> str:
    return "p < 0.001" if pair.p_value < 0.001 else f"p = {pair.p_value:.2g}"


def _labels_sentence(comparison: Comparison) -> str:
    parts = []
    for label in comparison.labels:
        change, interval = comparison.change(label)
        parts.append(f"{label} {_signed(change)} ({_points_interval(interval)})")
    return f"Label by label: {', '.join(parts)}."


def _original_sentence(found: ExtraKeyword) -> str:
    """What the original report found, beside what the published networks give."""
    (claim,) = select(read_records(ORIGINAL), "accuracy_change")
    text = (
        f"The original report added {claim.subject['extra']} and found "
        f"{100 * abs(claim.value):g} point less accuracy, without saying on which clips."
    )
    if found.committed is None or claim.subject["extra"] != found.committed.extra:
        return text
    smaller, larger = (
        mean_accuracy(findings.published, "testing")[0]
        for findings in (found.without, found.with_extra)
    )
    change, interval = found.committed.change()
    low, high = interval
    inside = "inside" if low <= claim.value <= high else "outside"
    return (
        f"{text} The networks published here differ by {points(larger - smaller)} when each is "
        f"scored on its own test clips, and by {points(change)} on those that both know; one "
        f"point less, stated without an interval, lies {inside} the 95 % interval of the latter "
        f"({_points_interval(interval)})."
    )


def _committed_sentence(found: ExtraKeyword) -> str:
    if found.committed is None:
        return "No comparison on real speech with this keyword is committed."
    if not found.live:
        return "The comparison is the committed one."
    committed = found.committed
    change, interval = committed.change()
    return (
        f"The committed comparison on {committed.data['name']}, {len(committed.seeds)} seeds on "
        f"{committed.clips:,} clips, gives {points(change)} ({_points_interval(interval)})."
    )


def recall_rows(found: ExtraKeyword) -> list[dict[str, Any]]:
    """Recall of each label for a chart, one row a label, network
    and seed: on the clips compared, and of the extra word on all its test clips.

    ``low`` and ``high`` stand in the rows of the first seed alone.
    """
    comparison = found.comparison
    rows = []
    for index, pairs in enumerate(comparison.pairs):
        for label, pair in pairs.items():
            for network, right in (("without", pair.first), ("with", pair.second)):
                rows.append(_row(label, f"{network} {comparison.extra}", right, pair.clips, index))
    for index, study in enumerate(_studies(found.with_extra)):
        score = study.value("per_label", split="testing")[comparison.extra]
        right = round(score["accuracy"] * score["n"])
        rows.append(_row(comparison.extra, f"with {comparison.extra}", right, score["n"], index))
    return rows


def _row(label: str, network: str, right: int, clips: int, index: int) -> dict[str, Any]:
    row = {"label": label, "network": network, "recall": right / clips, "clips": clips}
    if index == 0:
        row["low"], row["high"] = wilson_interval(right, clips)
    return row


def change_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Change of each label and of all, in points, for a chart."""
    rows = []
    for label, seeds in _by_label(comparison):
        change, (low, high) = comparison.change(label)
        rows.append(
            {
                "label": label or ALL,
                "change": 100 * change,
                "low": 100 * low,
                "high": 100 * high,
                "clips": seeds[0].clips,
                "seeds": [100 * pair.change for pair in seeds],
            }
        )
    return rows


def table_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """The comparison in figures, for :func:`kwslib.results.page.table`; means over seeds."""
    rows = []
    for label, seeds in _by_label(comparison):
        change, interval = comparison.change(label)
        rows.append(
            {
                "clips of": label or ALL,
                "clips": seeds[0].clips,
                f"right without {comparison.extra}": percent(
                    mean(pair.first for pair in seeds) / seeds[0].clips
                ),
                f"right with {comparison.extra}": percent(
                    mean(pair.second for pair in seeds) / seeds[0].clips
                ),
                "change in points": _signed(change),
                "95 % interval": _points_interval(interval).removesuffix(" points"),
            }
        )
    return rows


def _by_label(comparison: Comparison) -> Iterator[tuple[str | None, list[Pair]]]:
    """The pairs of all seeds for each label and, under None, for all labels together."""
    for label in comparison.labels:
        yield label, [pairs[label] for pairs in comparison.pairs]
    yield None, [comparison.pair(index) for index in range(len(comparison.seeds))]
