"""Chapter 6 in words: the numbers and the sentences of its prose."""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

import torch

from kwslib.config import NANO33BLE
from kwslib.measurements import FOLDER, Record, read_records, select
from kwslib.prune.finetune import gradual_amount
from kwslib.prune.methods import EPOCHS
from kwslib.prune.norms import BLOCK, NORMS, norm
from kwslib.results import pruning_rows as rows
from kwslib.results.literature import author_of
from kwslib.results.over_seeds import points, summarised
from kwslib.results.pruning import Pruning
from kwslib.studies.pruned_boards import EMULATED_CLIPS
from kwslib.studies.sparsity import break_even
from kwslib.training.summary import listed, percent

LITERATURE = FOLDER / "literature_pruning.json"
"""What others published of the same network pruned."""

EXAMPLE = (0.9, -0.1, 0.1, -0.1)
OTHER_EXAMPLE = (0.5, -0.5, 0.5, 0.4)

_SMALL, _LARGE = 0.8, 0.9
_NONE = "No sweep of this network on real speech is committed."


def numbers(found: Pruning) -> dict[str, str]:
    """Every number and every sentence of chapter 6."""
    return {
        "origin": _origin(found),
        "cliff_points": f"{100 * rows.CLIFF:.0f}",
        "weights_epochs": str(EPOCHS["weights"]),
        "channels_epochs": str(EPOCHS["channels"]),
        "gradual_half": percent(gradual_amount(_SMALL, 0.5), 0),
        "gradual_amount": percent(_SMALL, 0),
        "block": str(BLOCK),
        **_weight_numbers(found),
        **_zero_numbers(found),
        **_norm_numbers(found),
        **_channel_numbers(found),
        **_board_numbers(found),
        "together_sentence": _together_sentence(found.committed.get("together", ())),
        "live_weights_sentence": _live_sentence(found, rows.weights, "weights"),
        "live_channels_sentence": _live_sentence(found, rows.channels, "channels"),
        "board_name": NANO33BLE.name,
    }


def _origin(found: Pruning) -> str:
    study = found.training.study
    if found.training.origin != "trained":
        return f"The network of this page is the published {found.name}."
    text = (
        f"The network of this page, {found.name}, was trained on {study.dataset_name} in this run, "
        "and a small sweep is made of it here and now."
    )
    return text + (
        " The committed sweeps on real speech stand beside it." if found.committed else ""
    )


# Single weights.


def _weight_numbers(found: Pruning) -> dict[str, str]:
    records = found.committed.get("weights", ())
    if not records:
        empty = ("cliff_sentence", "original_sentence", "scopes_sentence", "schedules_sentence",
                 "weights_data", "sensitivity_sentence")  # fmt: skip
        return dict.fromkeys(empty, "") | {"weights_sentence": _NONE, "weights_seeds": "0"}
    own, dense = rows.curve_rows(records, rows.weights), rows.dense_accuracy(records)
    return {
        "weights_seeds": str(own[0]["seeds"]),
        "weights_data": str(next(r.data["name"] for r in records if r.data)),
        "weights_sentence": _weights_sentence(own, dense),
        "cliff_sentence": _cliff_sentence(own, dense),
        "original_sentence": _original_sentence(own),
        "scopes_sentence": _scopes_sentence(records, dense),
        "sensitivity_sentence": _sensitivity_sentence(records),
        "schedules_sentence": _schedules_sentence(found.committed.get("schedules", ())),
    }


def accuracy_at(own: Sequence[Mapping[str, Any]], series: str, amount: float) -> float:
    """The accuracy of a curve where a share is gone."""
    return next(
        row["accuracy"] for row in own if (row["series"], row["amount"]) == (series, amount)
    )


def _weights_sentence(own: Sequence[Mapping[str, Any]], dense: float) -> str:
    def at(amount: float) -> str:
        tuned = accuracy_at(own, rows.TUNED, amount)
        return (
            f"with {percent(amount, 0)} of the weights gone it gets {percent(tuned)} right, "
            f"{points(tuned - dense)}, where {percent(accuracy_at(own, rows.AS_PRUNED, amount))} "
            "are left without training"
        )

    most = max(row["amount"] for row in own)
    return (
        f"The whole network gets {percent(dense)} right. Fine-tuned, {at(_SMALL)}; {at(_LARGE)}. "
        f"Even with {percent(most)} gone, {percent(accuracy_at(own, rows.TUNED, most))} are right."
    )


def _cliff_sentence(own: Sequence[Mapping[str, Any]], dense: float) -> str:
    texts = []
    for series in (rows.AS_PRUNED, rows.TUNED):
        at = rows.cliff(own, series, dense)
        texts.append(
            f"{series} it is not reached"
            if at is None
            else f"{series} it is at {percent(at['amount'])}, with {at['parameters']:,.0f} "
            "parameters left"
        )
    return f"By this rule, {listed(texts)}."


def _original_sentence(own: Sequence[Mapping[str, Any]]) -> str:
    others = []
    for record in select(read_records(LITERATURE), "accuracy", method="weights"):
        amount = float(record.subject["amount"])
        others.append(
            f"{author_of(record.source)} {percent(record.value)} at {percent(amount, 0)} "
            f"(here {percent(accuracy_at(own, rows.TUNED, amount))})"
        )
    gain = [
        accuracy_at(own, rows.TUNED, amount) - accuracy_at(own, rows.AS_PRUNED, amount)
        for amount in sorted({row["amount"] for row in own})
    ]
    return (
        "The original report saw little difference between the curves before and after "
        f"fine-tuning; here it is up to {points(max(gain)).lstrip('+')}. Others published, "
        f"fine-tuned: {'; '.join(others)}."
    )


def _scopes_sentence(records: Sequence[Record], dense: float) -> str:
    own = rows.curve_rows(records, rows.scopes)
    places = {
        series: rows.cliff(own, series, dense) for series in dict.fromkeys(r["series"] for r in own)
    }
    texts = [
        f"{series} {'nowhere' if at is None else percent(at['amount'])}"
        for series, at in places.items()
    ]
    return f"Without any training, the cliff is at: {'; '.join(texts)}."


def _sensitivity_sentence(records: Sequence[Record]) -> str:
    found = rows.sensitivity_rows(records, "weight_sensitivity")
    dense = rows.dense_accuracy(records, "validation")
    texts = []
    for layer in dict.fromkeys(row["layer"] for row in found):
        kept = [row["amount"] for row in found
                if row["layer"] == layer and row["accuracy"] > dense - rows.CLIFF]  # fmt: skip
        texts.append(f"{layer} can lose {percent(max(kept, default=0.0), 0)}")
    return (
        f"Pruned by itself and not trained again, {listed(texts)} of its weights before it costs "
        f"{100 * rows.CLIFF:.0f} points."
    )


def _schedules_sentence(records: Sequence[Record]) -> str:
    if not records:
        return "No sweep of schedules is committed."
    texts = []
    amounts = sorted({r.subject["amount"] for r in select(records, "accuracy", method="weights")})
    for amount in amounts:
        ways = {
            (criterion, tuning): summarised(
                select(records, "accuracy", split="validation", method="weights", amount=amount,
                       criterion=criterion, tuning=tuning)
            )["accuracy"]
            for criterion, tuning in rows.ways(records)
        }  # fmt: skip
        best, worst = max(ways, key=ways.__getitem__), min(ways, key=ways.__getitem__)
        texts.append(
            f"with {percent(amount, 0)} gone the best is {rows.way(*best)} "
            f"({percent(ways[best])}), the worst {rows.way(*worst)} ({percent(ways[worst])})"
        )
    return f"On validation clips, {'; '.join(texts)}."


# What zeros buy.


def _zero_numbers(found: Pruning) -> dict[str, str]:
    records = found.committed.get("zeros", ())
    if not records:
        return {"zeros_sentence": _NONE, "bytes_sentence": "", "host_sentence": ""}
    return {
        "zeros_sentence": _zeros_sentence(records),
        "bytes_sentence": _bytes_sentence(records),
        "host_sentence": _host_sentence(records),
    }


def _zeros_sentence(records: Sequence[Record]) -> str:
    texts = []
    for pattern, name in rows.PATTERN_NAMES.items():
        even = break_even(records, pattern, "sparse")  # type: ignore[arg-type]
        (at,) = select(records, "cycles", build="sparse", pattern=pattern, zeros=_LARGE)
        (dense,) = select(records, "cycles", build="dense", pattern=pattern, zeros=_LARGE)
        start = "never" if even is None else f"from {percent(even, 0)} on"
        texts.append(
            f"“{name}” {start} ({dense.value / at.value:.2f} times fewer cycles at "
            f"{percent(_LARGE, 0)})"
        )
    return f"Skipping zeros pays, with {listed(texts)}."


def _bytes_sentence(records: Sequence[Record]) -> str:
    def size(encoding: str, zeros: float) -> float:
        (record,) = select(
            records, "weight_bytes", pattern="global", encoding=encoding, zeros=zeros
        )
        return float(record.value)

    texts = []
    for zeros in (_SMALL, _LARGE):
        sizes = {name: size(name, zeros) for name in rows.ENCODING_NAMES if name != "dense"}
        best = min(sizes, key=sizes.__getitem__)
        texts.append(
            f"with {percent(zeros, 0)} zeros “{rows.ENCODING_NAMES[best]}” is the shortest, "
            f"{percent(sizes[best] / size('dense', zeros), 0)} of the bytes"
        )
    return f"Of the encodings, {'; '.join(texts)}."


def _host_sentence(records: Sequence[Record]) -> str:
    texts = [
        f"{record.value:.2f} times at {percent(zeros, 0)}"
        for zeros in (0.5, _SMALL, _LARGE)
        for record in select(records, "speed", pattern="uniform", build="sparse", zeros=zeros)
    ]
    machine = next(r.machine for r in records if r.metric == "speed")
    return (
        f"On a large processor ({machine}) the same C with zeros in each layer alike runs "
        f"{listed(texts)} as fast as the dense one."
    )


# Norms.


def _norm_numbers(found: Pruning) -> dict[str, str]:
    first, second = torch.tensor(EXAMPLE), torch.tensor(OTHER_EXAMPLE)
    values = {
        f"{kind}_{name}": f"{float(norm(x, kind)):.2f}"
        for kind in NORMS
        for name, x in (("first", first), ("second", second))
    }
    values["first_example"] = _numbers(EXAMPLE)
    values["second_example"] = _numbers(OTHER_EXAMPLE)
    values["norms_sentence"] = _norms_sentence(found)
    return values


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}".replace("-", "−") for value in values)


def _norms_sentence(found: Pruning) -> str:
    if not (found.committed.get("norms") and found.committed.get("channels")):
        return _NONE
    table = rows.norm_rows(found.committed)
    shown = [row for row in table if row["so"] != "no difference shown"]
    texts = [
        f"{row['criterion']} is {row['so']} than L2 for {row['what']} {row['network']} "
        f"({row['against L2']})"
        for row in shown
    ]
    tuned = [row for row in shown if row["network"] == rows.TUNED]
    differences = "no difference is shown at all" if not texts else "; ".join(texts)
    return (
        f"Of {len(table)} comparisons, {len(shown)} show a difference: {differences}. (One in "
        "twenty would by chance alone.) "
        + (
            "Fine-tuning leaves little of what the criteria do differently."
            if len(tuned) < len(shown) / 2
            else "Fine-tuning does not level them."
        )
    )


# Channels.


def _channel_numbers(found: Pruning) -> dict[str, str]:
    records = found.committed.get("channels", ())
    if not records:
        return {"channels_sentence": _NONE, "scratch_sentence": "",
                "channel_others_sentence": ""}  # fmt: skip
    own, dense = rows.curve_rows(records, rows.channels), rows.dense_accuracy(records)
    return {
        "channels_sentence": _channels_sentence(own, dense, found),
        "scratch_sentence": _scratch_sentence(own),
        "channel_others_sentence": _channel_others(own, found),
    }


def _whole(found: Pruning) -> int:
    """Channels of the network, the first group's where there are several."""
    return next(iter(found.channels.values()))


def _left(amount: float, whole: int) -> str:
    left = whole - round(amount * whole)
    return f"{left} channel{'s' if left > 1 else ''}"


def _channels_sentence(own: Sequence[Mapping[str, Any]], dense: float, found: Pruning) -> str:
    texts = []
    for amount in (0.5, 0.75, 0.875):
        tuned, before = (accuracy_at(own, name, amount) for name in (rows.TUNED, rows.AS_PRUNED))
        texts.append(
            f"{_left(amount, _whole(found))} {percent(tuned)} ({points(tuned - dense)}; "
            f"{percent(before)} without fine-tuning)"
        )
    return f"Fine-tuned, the share of test clips right is, with {listed(texts)}."


def _scratch_sentence(own: Sequence[Mapping[str, Any]]) -> str:
    differences = [
        accuracy_at(own, rows.TUNED, row["amount"]) - row["accuracy"]
        for row in own
        if row["series"] == rows.SCRATCH
    ]
    return (
        "Against a network that was small from the start and trained in full, one that was pruned "
        f"and fine-tuned is {points(mean(differences))} on average, {points(min(differences))} to "
        f"{points(max(differences))} by width."
    )


def _channel_others(own: Sequence[Mapping[str, Any]], found: Pruning) -> str:
    whole = _whole(found)
    by_author: dict[str, list[str]] = {}
    for record in select(read_records(LITERATURE), "accuracy", method="channels"):
        left = int(record.subject["channels"])
        ours = accuracy_at(own, rows.TUNED, 1 - left / whole)
        text = f"{percent(record.value)} with {left} (here {percent(ours)})"
        by_author.setdefault(author_of(record.source), []).append(text)
    texts = [f"{author} {', '.join(parts)}" for author, parts in by_author.items()]
    return f"Others published, fine-tuned: {'; '.join(texts)}."


# On the board.


def _board_numbers(found: Pruning) -> dict[str, str]:
    records = found.committed.get("board", ())
    if not records:
        empty = ("proportion_sentence", "published_sentence", "exact_sentence", "ship_sentence",
                 "host_channels_sentence")  # fmt: skip
        return dict.fromkeys(empty, "") | {"faster_sentence": _NONE}
    own = rows.board_rows(records)
    return {
        "faster_sentence": _faster_sentence(own),
        "exact_sentence": _exact_sentence(records),
        "proportion_sentence": _proportion_sentence(own),
        "published_sentence": _published_sentence(own, _whole(found)),
        "host_channels_sentence": _host_channels_sentence(own),
        "ship_sentence": _ship_sentence(own),
    }


def _together_sentence(records: Sequence[Record]) -> str:
    if not records:
        return "No sweep of pruned networks in few bits is committed."
    lost: dict[str, list[float]] = {"ptq": [], "qat": []}
    for method, amount in rows.pruned_networks(records):
        in_8_bits = rows.in_few_bits(records, method, amount, "ptq", 8)
        for quantized, values in lost.items():
            values.append(rows.in_few_bits(records, method, amount, quantized, 4) - in_8_bits)
    return (
        f"Going from 8 bits to 4 changes the accuracy by {points(min(lost['qat']))} to "
        f"{points(max(lost['qat']))} if the network is trained with the grids, and by "
        f"{points(min(lost['ptq']))} to {points(max(lost['ptq']))} if it is not: pruning and "
        "quantization add up, but only with training."
    )


def _row(own: Sequence[Mapping[str, Any]], method: str, amount: float = 0.0) -> Mapping[str, Any]:
    return next(
        row for row in own if (row["method"], row["amount"], row["bits"]) == (method, amount, 8)
    )


def _faster_sentence(own: Sequence[Mapping[str, Any]]) -> str:
    dense = _row(own, "dense")
    texts = [
        f"{percent(amount, 0)} of its {method} gone, {dense['cycles'] / row['cycles']:.2f} times "
        f"as fast and {percent(row['accuracy'])} right"
        for method in ("weights", "blocks")
        for amount in (_SMALL, _LARGE)
        for row in [_row(own, method, amount)]
    ]
    return (
        f"The whole network takes {dense['cycles']:,.0f} cycles. Fine-tuned and compiled, it is, "
        f"with {listed(texts)}."
    )


def _exact_sentence(records: Sequence[Record]) -> str:
    checked = select(records, "exact_clips")
    clips = {record.value["host"] for record in checked}
    seeds = {record.subject["seed"] for record in checked}
    return (
        f"What is said of the board are means over {len(seeds)} seeds. "
        f"All {len(checked)} networks gave the scores of their integers to the bit: the compiled C "
        f"on this processor on all {max(clips):,} test clips, the emulated board on "
        f"{EMULATED_CLIPS} of them."
    )


def _proportion_sentence(own: Sequence[Mapping[str, Any]]) -> str:
    dense = _row(own, "dense")
    small = min(
        (row for row in own if row["method"] == "channels" and row["bits"] == 8),
        key=lambda row: -row["amount"],
    )
    return (
        f"With {rows.share(small['amount'])} of its channels gone the network takes "
        f"{percent(small['cycles'] / dense['cycles'])} of the cycles of the whole one "
        f"({small['ms']:.2f} of {dense['ms']:.2f} ms)."
    )


def _published_sentence(own: Sequence[Mapping[str, Any]], whole: int) -> str:
    """How another author's networks fall with channels, on a physical board."""
    times = {
        row["channels"]: row["ms"]
        for row in rows.channel_time_rows(own, whole)
        if row["series"] == rows.OTHERS
    }
    most, least = max(times), min(times)
    return (
        "That is not so everywhere: others timed such networks on the board under TensorFlow Lite "
        f"Micro, and {least} of {most} channels took {percent(times[least] / times[most])} of the "
        f"time ({times[least]:.0f} of {times[most]:.0f} ms)."
    )


def _host_channels_sentence(own: Sequence[Mapping[str, Any]]) -> str:
    dense = _row(own, "dense")
    small = _row(own, "channels", max(r["amount"] for r in own if r["method"] == "channels"))
    return (
        f"On this processor the compiled C falls from {dense['host_us']:.1f} to "
        f"{small['host_us']:.1f} us, PyTorch from {dense['eager_us']:.0f} to "
        f"{small['eager_us']:.0f} us: most of its time goes into calling the layers, however small "
        "they are."
    )


def _ship_sentence(own: Sequence[Mapping[str, Any]]) -> str:
    best = max(own, key=lambda row: row["validation"])
    smallest = min(own, key=lambda row: row["flash"])
    return (
        f"Best on validation clips is {best['name']} ({percent(best['accuracy'])} of the test "
        f"clips); the smallest program is {smallest['name']}, {smallest['flash_kB']:.1f} kB and "
        f"{percent(smallest['accuracy'])}."
    )


def _live_sentence(found: Pruning, series: Any, what: str) -> str:
    own = rows.curve_rows(found.live, series)
    if not own:
        return ""
    dense = rows.dense_accuracy(found.live)
    texts = [
        f"{rows.share(row['amount'])} gone, {row['series']} {percent(row['accuracy'])}"
        for row in own
    ]
    return (
        f"In this run, on {found.live_data}, the whole network gets {percent(dense)} right; "
        f"with {what}, {'; '.join(texts)}."
    )
