"""Chapter 6: accuracy of a network with fewer weights or channels, as values, tables and charts.

An accuracy is the mean over the seeds of a sweep, on test clips; a share is that of the weights, of
the blocks of four weights, or of the channels that are pruned.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from statistics import mean
from typing import Any

import altair as alt
import numpy as np
import torch

from kwslib.data.task import Split
from kwslib.prune.methods import USUAL, USUAL_SCHEDULES, Method
from kwslib.prune.norms import NORMS, norm
from kwslib.records import FOLDER, Record, select
from kwslib.results import page
from kwslib.results.charts import pruning_curves as charts
from kwslib.results.charts.theme import BELOW, PERCENT, WIDTH, chart, listed, names_of, tips
from kwslib.results.provenance import resting_on
from kwslib.results.values import (
    Estimate,
    author_of,
    brief,
    grouped,
    load,
    mean_over_seeds,
    paired_change,
    point,
)
from kwslib.studies.pruning import KINDS, NOT_TUNED

COMMITTED = (*KINDS, "board", "zeros")
"""Kinds of sweeps that may be committed."""

NOT_TUNED_NAME, TUNED_NAME = "without fine-tuning", "fine-tuned"
SCRATCH_NAME = "trained small"

CRITERION_NAMES = {
    "global": "magnitude, all layers", "layer": "magnitude, each layer", "lamp": "LAMP",
    "l1": "L1", "l2": "L2", "linf": "L-infinity", "taylor": "Taylor", "activation": "activation",
}  # fmt: skip

CLIFF = 5.0
"""Points below the unpruned network at which a curve reaches its cliff."""

_SCHEDULE_NAMES = {"one_shot": "at once", "iterative": "in four rounds", "gradual": "gradually"}


def load_sweeps(name: str, folder: Path = FOLDER) -> dict[str, Sequence[Record]]:
    """The committed sweeps of a network by kind; empty unless all are there.

    Args:
        name: of the network and its task, as published networks are called.
        folder: with the layout of ``measurements/``.
    """
    records = {kind: load(f"sweeps/pruning-{kind}-{name}.json", folder) for kind in COMMITTED}
    return records if all(records.values()) else {}


# Values.


def unpruned(records: Iterable[Record], split: Split = "testing") -> Estimate:
    """Accuracy of the networks of a sweep before they are pruned."""
    return mean_over_seeds(_dense(records, split))


def accuracy_by_share(
    records: Iterable[Record], method: str, *, tuned: bool = True, criterion: str = ""
) -> dict[float, Estimate]:
    """Accuracy by share.

    Args:
        records: of a sweep.
        method: ``"weights"``, ``"blocks"``, ``"channels"``, or ``"scratch"`` for networks that had
            so few channels from the start.
        tuned: whether the networks were fine-tuned, by the usual schedule.
        criterion: by which weights or channels were chosen; the usual one by default.
    """
    by_share = _by_share(records, method, tuned, criterion)
    return {share: mean_over_seeds(own) for share, own in by_share.items()}


def change_by_share(
    records: Sequence[Record],
    method: str,
    *,
    tuned: bool = True,
    criterion: str = "",
    reference: str = "dense",
) -> dict[float, Estimate]:
    """By how many points accuracy differs from another network's, paired by seed.

    Args:
        records: of a sweep.
        method: as of :func:`accuracy_by_share`, and so ``tuned`` and ``criterion``.
        tuned: of both.
        criterion: of the one.
        reference: ``"dense"`` for the unpruned network, ``"scratch"``, or another criterion; shares
            that it does not have are left out.
    """
    own = _by_share(records, method, tuned, criterion)
    if reference == "dense":
        return {share: paired_change(each, _dense(records)) for share, each in own.items()}
    other = "scratch" if reference == "scratch" else method
    others = _by_share(records, other, tuned, "" if reference == "scratch" else reference)
    return {s: paired_change(each, others[s]) for s, each in own.items() if s in others}


def mean_change(records: Sequence[Record], method: str, criterion: str, *, tuned: bool) -> Estimate:
    """By how many points a criterion differs from L2 on the mean over all shares, by seed."""
    own = _by_share(records, method, tuned, criterion)
    other = _by_share(records, method, tuned, "l2")
    return paired_change(_mean_by_seed(own), _mean_by_seed({share: other[share] for share in own}))


def _mean_by_seed(by_share: Mapping[float, Sequence[Record]]) -> list[Record]:
    """For each seed a record whose value is the mean over all shares."""
    by_seed = grouped(chain(*by_share.values()), "seed")
    return [replace(own[0], value=mean(float(r.value) for r in own)) for own in by_seed.values()]


def cliff(accuracies: Mapping[float, Estimate], unpruned: float) -> float:
    """The share at which accuracy lies :data:`CLIFF` points below ``unpruned``; 1 if it never does.

    Between two shares accuracy is a straight line over the logarithm of what remains.
    """
    least, before = unpruned - CLIFF / 100, (0.0, unpruned)
    for share, accuracy in sorted(accuracies.items()):
        if accuracy.value <= least:
            part = (before[1] - least) / (before[1] - accuracy.value)
            start, end = math.log(1 - before[0]), math.log(1 - share)
            return 1 - math.exp(start + part * (end - start))
        before = share, accuracy.value
    return 1.0


def sensitivity(records: Iterable[Record], metric: str) -> dict[str, dict[float, float]]:
    """Accuracy on validation clips by layer and share where that layer alone is pruned.

    Args:
        records: of a sweep.
        metric: ``"weight_sensitivity"`` or ``"channel_sensitivity"``.
    """
    pooled: dict[str, dict[float, list[float]]] = {}
    for record in select(records, metric):
        for each in record.value:
            shares = pooled.setdefault(each["layer"], {})
            shares.setdefault(each["amount"], []).append(each["accuracy"])
    return {layer: {s: mean(own) for s, own in shares.items()} for layer, shares in pooled.items()}


def spared(records: Sequence[Record], layer: str) -> float:
    """The largest share of a layer's weights without which accuracy falls by less than the cliff,
    without training.
    """
    least = unpruned(records, "validation").value - CLIFF / 100
    shares = sensitivity(records, "weight_sensitivity")[layer]
    return max(share for share, accuracy in shares.items() if accuracy > least)


def accuracy_by_schedule(
    records: Iterable[Record], share: float
) -> dict[tuple[str, str], Estimate]:
    """Accuracy of fine-tuned networks by criterion and schedule.

    Args:
        records: of the sweep of schedules.
        share: of the weights.
    """
    own = _accuracies(records, method="weights", amount=share)
    by_way = grouped(own, "criterion", "tuning")
    return {way: mean_over_seeds(each) for way, each in by_way.items()}


def beside_literature(
    sweeps: Mapping[str, Sequence[Record]], channels: int
) -> list[tuple[Record, Estimate]]:
    """What others published, each beside the accuracy of our fine-tuned network of that size.

    Args:
        sweeps: of :func:`load_sweeps`.
        channels: of the unpruned network.
    """
    ours = {method: accuracy_by_share(sweeps[method], method) for method in ("weights", "channels")}
    return [
        (record, ours["channels"][1 - record.subject["channels"] / channels]
         if "channels" in record.subject else ours["weights"][record.subject["amount"]])
        for record in load("literature_pruning.json")
    ]  # fmt: skip


def _accuracies(records: Iterable[Record], **wanted: Any) -> list[Record]:
    return select(records, "accuracy", **{"split": "testing", "quantized": "float", **wanted})


def _dense(records: Iterable[Record], split: Split = "testing") -> list[Record]:
    return _accuracies(records, method="dense", split=split)


def _facts(method: str, tuned: bool, criterion: str) -> dict[str, str]:
    if method == "scratch":
        return {"method": method}
    tuning = USUAL_SCHEDULES[method] if tuned else NOT_TUNED  # type: ignore[index]
    return {"method": method, "criterion": criterion or USUAL[method], "tuning": tuning}


def _by_share(
    records: Iterable[Record], method: str, tuned: bool, criterion: str
) -> dict[float, list[Record]]:
    own = _accuracies(records, **_facts(method, tuned, criterion))
    return dict(sorted(grouped(own, "amount").items()))


# Figures and tables.

Curve = tuple[str, bool, str]
"""What is pruned, whether it is fine-tuned, and by which criterion; empty for the usual one."""


def curve_rows(records: Sequence[Record], curves: Mapping[str, Curve]) -> list[dict[str, Any]]:
    """A row for each point of curves by name, with what remains of the network.

    Columns: ``series``, ``share``, ``accuracy``, ``low``, ``high``, ``parameters`` and ``flops``.
    """
    rows = []
    for name, curve in curves.items():
        for share, own in accuracy_by_share(
            records, curve[0], tuned=curve[1], criterion=curve[2]
        ).items():
            facts = {**_facts(*curve), "amount": share}
            remains = {
                metric: mean(record.value for record in select(records, metric, **facts))
                for metric in ("parameters", "flops")
            }
            rows.append({"series": name, "share": share, **point(own), **remains})
    return rows


def plot_accuracy_by_parameters(records: Sequence[Record], method: Method) -> alt.LayerChart:
    """Accuracy against parameters that are not zero, without fine-tuning and with it.

    Where each curve reaches its cliff is dotted.
    """
    curves = {NOT_TUNED_NAME: (method, False, ""), TUNED_NAME: (method, True, "")}
    rows, whole, cliffs = curve_rows(records, curves), unpruned(records).value, {}
    for name, (_, tuned, _) in curves.items():
        share = cliff(accuracy_by_share(records, method, tuned=tuned), whole)
        own = [row for row in rows if row["series"] == name]
        if share < 1:
            shares, parameters = ([row[f] for row in own] for f in ("share", "parameters"))
            cliffs[name] = float(np.interp(share, shares, parameters))
    title = "parameters" if method == "channels" else "parameters that are not zero"
    return _on_clips(
        charts.curves(rows, "parameters", title, whole, logarithmic=True, cliffs=cliffs), records
    )


def plot_criteria(
    records: Sequence[Record], method: Method, criteria: Iterable[str], *, tuned: bool
) -> alt.LayerChart:
    """Accuracy against the share that is pruned, a line for each criterion."""
    curves = {CRITERION_NAMES[each]: (method, tuned, each) for each in criteria}
    return _on_clips(
        charts.curves(
            curve_rows(records, curves),
            "share",
            f"{method} {'removed' if method == 'channels' else 'pruned'}",
            unpruned(records).value,
            share=True,
        ),
        records,
    )


def plot_sensitivity(records: Sequence[Record], metric: str) -> alt.Chart:
    """Accuracy against the share of one layer alone, a line for each layer."""
    rows = [
        {"layer": layer, "share": share, "accuracy": accuracy}
        for layer, shares in sensitivity(records, metric).items()
        for share, accuracy in shares.items()
    ]
    what = metric.split("_")[0] + "s"
    layers = names_of(rows, "layer")
    values = listed(rows, "{layer}, {share:.1%}, {accuracy:.1%}")
    drawn = (
        chart(rows)
        .mark_line(point=alt.OverlayMarkDef(size=50), strokeWidth=2)
        .encode(
            alt.X("share:Q", title=f"{what} of one layer pruned",
                  axis=alt.Axis(format="~%", tickCount=8),
                  scale=alt.Scale(zero=False, nice=False, padding=12)),
            alt.Y("accuracy:Q", title="accuracy, validation", axis=PERCENT,
                  scale=alt.Scale(zero=False)),
            alt.Color("layer:N", sort=layers, title=None, legend=BELOW),
            alt.StrokeDash("layer:N", sort=layers, legend=None),
            tooltip=["layer:N", *tips(".1%", "share", "accuracy")],
        )
        .properties(
            width=WIDTH, height=240, description=f"Accuracy when one layer is pruned: {values}"
        )
    )  # fmt: skip
    return resting_on(drawn, select(records, metric))


def tabulate_schedules(records: Sequence[Record]) -> page.Html:
    """Accuracy by criterion and schedule, a column for each share."""
    shares = sorted({record.subject["amount"] for record in _accuracies(records, method="weights")})
    columns = {share: accuracy_by_schedule(records, share) for share in shares}
    rows = []
    for criterion, tuning in columns[shares[0]]:
        schedule, _, rewind = tuning.partition("+")
        rows.append(
            {"criterion": CRITERION_NAMES[criterion],
             "weights are pruned": _SCHEDULE_NAMES[schedule],
             "learning rates": "rewound" if rewind else "a new cycle"}
            | {f"{percent_of(share)} pruned": brief(own[criterion, tuning])
               for share, own in columns.items()}
        )  # fmt: skip
    return _on_clips(page.table(rows), records)


def tabulate_norms(groups: Mapping[str, Sequence[float]]) -> page.Html:
    """The three norms of groups of weights."""
    return page.table(
        [
            {"weights": name}
            | {
                CRITERION_NAMES[kind]: f"{float(norm(torch.tensor(group), kind)):.2f}"
                for kind in NORMS
            }
            for name, group in groups.items()
        ],
        method="computed",
    )


def tabulate_criteria(sweeps: Mapping[str, Sequence[Record]]) -> page.Html:
    """By how many points each criterion differs from L2, for blocks and for channels."""
    rows = []
    for method, kind in (("blocks", "norms"), ("channels", "channels")):
        used = (r.subject["criterion"] for r in _accuracies(sweeps[kind], method=method))
        for criterion in dict.fromkeys(used):
            if criterion != "l2":
                rows.append(
                    {"pruned": method, "criterion": CRITERION_NAMES[criterion]}
                    | {name: f"{mean_change(sweeps[kind], method, criterion, tuned=tuned)}"
                       for name, tuned in ((NOT_TUNED_NAME, False), (TUNED_NAME, True))}
                )  # fmt: skip
    return _on_clips(page.table(rows), [*sweeps["norms"], *sweeps["channels"]])


def tabulate_literature(sweeps: Mapping[str, Sequence[Record]], channels: int) -> page.Html:
    """Accuracies that others published of the same network, fine-tuned, beside ours.

    Args:
        sweeps: of :func:`load_sweeps`.
        channels: of the unpruned network.
    """
    beside = beside_literature(sweeps, channels)
    return page.table(
        [
            {
                "source": author_of(record.source),
                "network": (
                    f"{record.subject['channels']} of {channels} channels remain"
                    if "channels" in record.subject
                    else f"{percent_of(record.subject['amount'])} of the weights pruned"
                ),
                "published": f"{record}",
                "here": brief(ours),
            }
            for record, ours in beside
        ],
        [
            *(record for record, _ in beside),
            *_accuracies(sweeps["weights"]),
            *_accuracies(sweeps["channels"]),
        ],
    )


def _on_clips(shown: Any, records: Iterable[Record]) -> Any:
    return resting_on(shown, _accuracies(records))


def percent_of(share: float) -> str:
    """A share in percent, with a decimal where it has one.

    >>> percent_of(0.5), percent_of(0.875)
    ('50 %', '87.5 %')
    """
    return f"{100 * share:.{0 if round(1000 * share) % 10 == 0 else 1}f} %"
