"""Chapter 5 in words and rows: the numbers of its prose, the rows of its charts and tables."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from statistics import mean
from typing import Any

import numpy as np
import torch

from kwslib.config import NANO33BLE
from kwslib.measurements import FOLDER, Record, read_records, select
from kwslib.quantize.affine import (
    METHODS,
    Method,
    QParams,
    choose_qparams,
    dequantize,
    qparams_for_range,
    quantize,
)
from kwslib.quantize.fake import fake_quantize
from kwslib.quantize.inside import grid_levels, weight_noise
from kwslib.quantize.methods import AWARE_RATE, number_of
from kwslib.quantize.minifloat import E2M1, Minifloat
from kwslib.results.literature import author_of
from kwslib.results.over_seeds import points, summarised
from kwslib.results.quantization import OnBoard, Quantization
from kwslib.training.summary import interval_text, listed, percent

LITERATURE = FOLDER / "literature_quantization.json"
"""What others published of the same network in few bits."""

SYMMETRIC, ASYMMETRIC = (-1.5, 1.5), (-0.5, 1.25)
"""Ranges of the two small examples, in which all steps are round numbers."""

EXAMPLE_BITS = 3
EXAMPLE = (-0.7, 0.1, 0.7, 0.8, 9.9)

NAMES = {"ptq": "after training", "qat": "within training"}
ABLATION_NAMES = {
    "uncorrected": "after training, biases as they were",
    "observed": "within training, as it should be",
    "unclipped": "gradient through clamping",
    "overwriting": "weights overwritten",
    "both": "both",
}

_GRID_BITS = (4, 3, 2)
_BINS = 48
_RULES: Mapping[Method, str] = {
    "minmax": "all numbers", "percentile": "99.9 % of them", "mse": "least squared error",
}  # fmt: skip


def numbers(found: Quantization) -> dict[str, str]:
    """Every number and every sentence of chapter 5."""
    return {
        "origin": _origin(found),
        **_example_numbers(),
        **_rule_numbers(found),
        **_width_numbers(found),
        **_inside_numbers(found),
        **_ablation_numbers(found),
        **_minifloat_numbers(found),
        **_board_numbers(found.boards),
    }


def _origin(found: Quantization) -> str:
    study = found.training.study
    if found.training.origin != "trained":
        return (
            f"The network of this page is the published {found.name}, trained on "
            f"{study.dataset_name}; its inside is looked at here with clips of {found.looked_at}."
        )
    text = f"The network of this page, {found.name}, was trained on {study.dataset_name} in this "
    text += "run, and a small sweep of widths is made of it here and now."
    if found.committed:
        text += " The committed sweeps on real speech stand beside it."
    return text


# The small example.


def _example_numbers() -> dict[str, str]:
    symmetric, asymmetric = example_grid(symmetric=True), example_grid(symmetric=False)
    return {
        "example_bits": str(EXAMPLE_BITS),
        "symmetric_reach": f"{SYMMETRIC[1]:g}",
        "symmetric_step": f"{float(symmetric.scale):g}",
        "symmetric_most": str(symmetric.high),
        "asymmetric_low": f"{ASYMMETRIC[0]:g}".replace("-", "−"),
        "asymmetric_high": f"{ASYMMETRIC[1]:g}",
        "asymmetric_step": f"{float(asymmetric.scale):g}",
        "asymmetric_zero": str(int(asymmetric.zero_point)).replace("-", "−"),
        "asymmetric_least": str(asymmetric.low).replace("-", "−"),
        "asymmetric_most": str(asymmetric.high),
    }


def example_grid(*, symmetric: bool) -> QParams:
    """The grid of one of the small examples."""
    least, greatest = SYMMETRIC if symmetric else ASYMMETRIC
    return qparams_for_range(least, greatest, EXAMPLE_BITS, symmetric=symmetric)


def example_rows(*, symmetric: bool) -> list[dict[str, Any]]:
    """The numbers of the small example on their way to an integer and back, for a table."""
    grid = example_grid(symmetric=symmetric)
    x = torch.tensor(EXAMPLE, requires_grad=True)
    fake_quantize(x, grid).sum().backward()
    assert x.grad is not None
    integers = quantize(x.detach(), grid)
    back = dequantize(integers, grid)
    return [
        {
            "number": _signed(number),
            "over the step": _signed(number / float(grid.scale)),
            "rounded": _signed(round(number / float(grid.scale))),
            "integer": _signed(int(integer)),
            "stands for": _signed(float(value)),
            "gradient": f"{slope:.0f}",
        }
        for number, integer, value, slope in zip(
            EXAMPLE, integers, back, x.grad.tolist(), strict=True
        )
    ]


def _signed(number: float) -> str:
    return f"{number:.4g}".replace("-", "−")


def stair_rows() -> list[dict[str, float]]:
    """The symmetric example as a function: numbers, what they stand for, and the gradient."""
    grid = example_grid(symmetric=True)
    x = torch.linspace(-2.5, 2.5, 501, requires_grad=True)
    y = fake_quantize(x, grid)
    y.sum().backward()
    assert x.grad is not None
    rows = zip(x.tolist(), y.tolist(), x.grad.tolist(), strict=True)
    return [{"x": number, "y": value, "gradient": slope} for number, value, slope in rows]


def rule_rows(found: Quantization) -> list[dict[str, str]]:
    """Decibels of the largest layer's weights on grids chosen by each rule, for a table."""
    weights = found.layers[_largest(found)]
    rows = []
    for bits in (8, *_GRID_BITS):
        row = {"bits": str(bits)}
        for by_channel, where in ((False, "one step"), (True, "a step an output")):
            for method in METHODS:
                noise = weight_noise(weights, bits, by_channel=by_channel, method=method)
                row[f"{where}: {_RULES[method]}"] = f"{noise:.1f} dB"
        rows.append(row)
    return rows


def _rule_numbers(found: Quantization) -> dict[str, str]:
    """By how much the best rule is above the worst, at the most and at the fewest bits."""
    weights = found.layers[_largest(found)]
    values = {}
    for bits, name in ((8, "rules_many"), (2, "rules_few")):
        noises = [
            weight_noise(weights, bits, by_channel=by_channel, method=method)
            for by_channel in (False, True)
            for method in METHODS
        ]
        values[f"{name}_least"] = f"{min(noises):.0f}"
        values[f"{name}_most"] = f"{max(noises):.0f}"
    return values


def _largest(found: Quantization) -> str:
    """The layer with the most weights."""
    return max(found.layers, key=lambda name: found.layers[name].numel())


# Accuracy by width.


def width_rows(
    records: Sequence[Record], names: Mapping[str, str], activations: str = "same"
) -> list[dict[str, Any]]:
    """Accuracy on test clips by bits and method: the mean over seeds with its interval, or, of one
    seed, that of its clips.

    Args:
        records: of a sweep.
        names: of the methods that are wanted.
        activations: ``"same"`` for those with as many bits as the weights, or what they are kept
            as: ``"float"``, ``"8"``.
    """
    rows = []
    for method, name in names.items():
        of_method = select(records, "accuracy", method=method, split="testing")
        for bits in sorted({record.subject["weights"] for record in of_method}):
            other = bits if activations == "same" else activations
            own = select(of_method, "accuracy", weights=bits, activations=other)
            if own:
                rows.append({"bits": int(bits), "method": name, **summarised(own)})
    return rows


def unquantized(records: Sequence[Record]) -> float:
    """Accuracy of the float networks of a sweep, the mean over seeds."""
    return mean(r.value for r in select(records, "accuracy", method="float", split="testing"))


def _accuracy(rows: Sequence[Mapping[str, Any]], method: str, bits: int) -> float:
    return next(r["accuracy"] for r in rows if (r["method"], r["bits"]) == (method, bits))


def _width_numbers(found: Quantization) -> dict[str, str]:
    records = found.committed.get("widths", ())
    if not records:
        names = ("widths_data", "weights_sentence", "others_sentence", "integers_sentence")
        return dict.fromkeys(names, "") | {
            "widths_seeds": "0",
            "widths_sentence": "No sweep of this network on real speech is committed.",
            "live_sentence": _live_sentence(found),
        }
    floats, rows = unquantized(records), width_rows(records, NAMES)
    return {
        "widths_seeds": str(rows[0]["seeds"]),
        "widths_data": str(records[0].data["name"]),
        "widths_float": percent(floats),
        "widths_sentence": _widths_sentence(rows, floats),
        "weights_sentence": _weights_sentence(records, rows),
        "others_sentence": _others_sentence(rows),
        "integers_sentence": _integers_sentence(records),
        "live_sentence": _live_sentence(found),
    }


def _widths_sentence(rows: Sequence[Mapping[str, Any]], floats: float) -> str:
    after, within = NAMES.values()
    widths = sorted({row["bits"] for row in rows}, reverse=True)
    most, least = widths[0], widths[-1]
    texts = [
        f"At {most} bits nothing is lost that matters: the mean is "
        f"{points(_accuracy(rows, after, most) - floats)} from the float networks' "
        f"{percent(floats)} {after}, and {points(_accuracy(rows, within, most) - floats)} "
        f"{within}."
    ]
    for method in (after, within):
        kept = _least_within(rows, method, floats - 0.01)
        texts.append(
            f"{method.capitalize()}, {kept} bits are the fewest that cost less than a point."
        )
    texts.append(
        f"At {least} bits {after} leaves {percent(_accuracy(rows, after, least))}, {within} "
        f"{percent(_accuracy(rows, within, least))}."
    )
    return " ".join(texts)


def _least_within(rows: Sequence[Mapping[str, Any]], method: str, floor: float) -> int:
    """The fewest bits down to which every width keeps an accuracy of at least ``floor``."""
    kept = 8
    for row in sorted((r for r in rows if r["method"] == method), key=lambda r: -r["bits"]):
        if row["accuracy"] < floor:
            break
        kept = row["bits"]
    return kept


def _weights_sentence(records: Sequence[Record], rows: Sequence[Mapping[str, Any]]) -> str:
    alone = width_rows(records, NAMES, "float")
    mixed = width_rows(records, NAMES, "8")
    within = NAMES["qat"]
    parts = [
        f"{bits} bits: {percent(_accuracy(alone, within, bits))} with float activations, "
        f"{percent(_accuracy(mixed, within, bits))} with those of 8 bits, "
        f"{percent(_accuracy(rows, within, bits))} with those of {bits}"
        for bits in sorted({row["bits"] for row in mixed if row["bits"] < 8}, reverse=True)
    ]
    return f"{within.capitalize()}, weights of {'; of '.join(parts)}."


def _others_sentence(rows: Sequence[Mapping[str, Any]]) -> str:
    """What others published of the same network, beside ours."""
    texts = []
    for record in read_records(LITERATURE):
        bits, method = int(record.subject["bits"]), NAMES[record.subject["method"]]
        author = author_of(record.source)
        texts.append(
            f"{author} {percent(record.value)} at {bits} bits {method} "
            f"(here {percent(_accuracy(rows, method, bits))})"
        )
    return f"Others published of the same assignment: {'; '.join(texts)}."


def _integers_sentence(records: Sequence[Record]) -> str:
    """By how much the networks in integers differ from those with quantizers."""
    settings: dict[tuple[str, ...], list[float]] = {}
    for record in select(records, "integer_accuracy", split="testing"):
        subject = record.subject
        (same,) = select(
            records, "accuracy", split="testing",
            **{name: subject[name] for name in ("method", "weights", "activations", "seed")},
        )  # fmt: skip
        key = tuple(str(subject[name]) for name in ("method", "weights", "activations"))
        settings.setdefault(key, []).append(record.value - same.value)
    largest = max(abs(mean(differences)) for differences in settings.values())
    return (
        f"Computed in integers alone, as the board does, the mean accuracies of the "
        f"{len(settings)} settings of integer weights and activations differ from these by "
        f"{100 * largest:.2f} points at most: biases and multipliers are rounded too, which "
        "decides where two labels are next to equal."
    )


def _live_sentence(found: Quantization) -> str:
    if not found.live:
        return ""
    rows, floats = width_rows(found.live, NAMES), unquantized(found.live)
    parts = [
        f"{row['method']}, {row['bits']} bits {percent(row['accuracy'])}"
        for row in sorted(rows, key=lambda row: -row["bits"])
    ]
    return (
        f"In this run, on {found.live_data}, where the float network reaches {percent(floats)}: "
        f"{'; '.join(parts)}."
    )


# Inside the network.


def weight_rows(found: Quantization) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The weights of one output of the largest layer as a histogram, and the levels of grids."""
    weights = found.layers[_largest(found)][_output(found)].flatten()
    counts, edges = np.histogram(weights.numpy(), bins=_BINS)
    bars = [
        {"from": float(start), "to": float(end), "weights": int(count)}
        for (start, end), count in zip(pairwise(edges), counts, strict=True)
    ]
    levels = [
        {"bits": bits, "level": level}
        for bits in _GRID_BITS
        for level in grid_levels(weights, bits)
    ]
    return bars, levels


def _output(found: Quantization) -> int:
    """The output of the first keyword, where the largest layer gives the labels; else the first."""
    labels = found.training.study.labels
    return 2 if len(found.layers[_largest(found)]) == len(labels) else 0


def noise_rows(found: Quantization) -> list[dict[str, Any]]:
    """Decibels at the logits by bits and place, for a chart."""
    return [
        {"layer": str(place), "bits": bits, "decibels": decibels}
        for bits, places in found.noise.items()
        for place, decibels in places.items()
    ]


def _inside_numbers(found: Quantization) -> dict[str, str]:
    weights = found.layers[_largest(found)][_output(found)].flatten()
    step = {bits: np.diff(grid_levels(weights, bits))[0] for bits in _GRID_BITS}
    labels = found.training.study.labels
    whose = f"for {labels[2]}" if _output(found) else "of its first output"
    levels = grid_levels(weights, 2)
    zero = float((weights.abs() < step[2] / 2).float().mean())
    minmax, chosen = found.logits["minmax"], found.logits["output"]
    return {
        "histogram_layer": _largest(found),
        "histogram_whose": whose,
        "histogram_weights": f"{len(weights):,}",
        "histogram_zero": percent(zero, 0),
        "histogram_levels": str(len(levels)),
        "noise_sentence": _noise_sentence(found),
        "looked_at": found.looked_at,
        "logits_step": f"{minmax.step:.2f}",
        "logits_changed": f"{minmax.changed} of {minmax.images:,}",
        "logits_chosen_step": f"{chosen.step:.2f}",
        "logits_chosen_changed": f"{chosen.changed}",
    }


def _noise_sentence(found: Quantization) -> str:
    bits = sorted(found.noise)
    low, high = bits[0], bits[-1]
    a_bit = mean(
        (found.noise[high][place] - found.noise[low][place]) / (high - low)
        for place in found.noise[high]
    )
    ordered = sorted(found.noise[4].items(), key=lambda item: item[1])
    worst, best = ordered[0], ordered[-1]
    return (
        f"A bit more is worth {a_bit:.1f} dB on average. At 4 bits most noise comes from the "
        f"{worst[0]}: the signal is {worst[1]:.0f} dB above it; the {best[0]} matter least, with "
        f"{best[1]:.0f} dB."
    )


# Why the original saw no gain.


def ablation_rows(found: Quantization) -> list[dict[str, Any]]:
    """Accuracy by bits of the ways to train that are compared."""
    return width_rows(found.committed.get("ablations", ()), ABLATION_NAMES)


def _ablation_numbers(found: Quantization) -> dict[str, str]:
    weights = found.layers[_largest(found)]
    scales = choose_qparams(weights, 4, symmetric=True, axis=0, method="mse").scale
    half = float(scales.mean()) / 2
    values = {
        "rate": f"{AWARE_RATE:g}",
        "half_step": f"{half:.3f}",
        "half_steps": f"{half / AWARE_RATE:,.0f}",
        "ablation_sentence": "No ablation of this network is committed.",
    }
    rows = ablation_rows(found)
    if rows:
        values["ablation_sentence"] = _ablation_sentence(rows)
    return values


def _ablation_sentence(rows: Sequence[Mapping[str, Any]]) -> str:
    plain, right, unclipped, overwritten, _ = ABLATION_NAMES.values()

    def at(name: str, bits: int) -> float:
        return _accuracy(rows, name, bits)

    few = (4, 3, 2)
    fallen = listed([f"{points(at(overwritten, n) - at(right, n))} at {n} bits" for n in few])
    apart = listed([f"{points(at(overwritten, n) - at(plain, n))} at {n} bits" for n in few])
    had = listed([f"{points(at(right, n) - at(plain, n))} at {n}" for n in few])
    widths = sorted({row["bits"] for row in rows})
    changed = [at(unclipped, n) - at(right, n) for n in widths]
    small = max(abs(change) for change in changed) < 0.01
    return (
        f"With weights overwritten the mean accuracy changes by {fallen}. What is left of the gain "
        f"over quantization after training, biases as they were, is {apart}, where {had} were to "
        f"be had. A gradient through clamping changes it by {points(min(changed))} to "
        f"{points(max(changed))}, by width: "
        + ("that mistake does not explain it." if small else "that is a mistake of its own.")
    )


# Small floats.


def minifloat_rows(found: Quantization, method: str) -> list[dict[str, Any]]:
    """Accuracy of small floats by exponent and mantissa, the mean over seeds."""
    records = select(
        found.committed.get("minifloat", ()), "accuracy", method=method, split="testing"
    )
    by_format: dict[str, list[float]] = {}
    for record in records:
        by_format.setdefault(record.subject["weights"], []).append(record.value)
    rows = []
    for name, values in by_format.items():
        number = number_of(name)
        assert isinstance(number, Minifloat)
        rows.append(
            {
                "exponent": number.exponent_bits, "mantissa": number.mantissa_bits,
                "bits": number.bits, "accuracy": mean(values),
            }
        )  # fmt: skip
    return rows


def value_rows() -> list[dict[str, str]]:
    """The numbers of E2M1 from 0 up beside those of as many bits in integers, for a table."""
    floats = [value for value in E2M1.values() if value >= 0]
    top = 2 ** (E2M1.bits - 1) - 1
    integers = [E2M1.largest * integer / top for integer in range(top + 1)]
    columns = [str(i) for i in range(len(floats))]
    return [
        {"numbers": name, **dict(zip(columns, (f"{value:.3g}" for value in values), strict=True))}
        for name, values in ((E2M1.name, floats), (f"{E2M1.bits} bits, even steps", integers))
    ]


def format_rows(found: Quantization) -> list[dict[str, str]]:
    """The best small float of each size beside the integer of as many bits, for a table."""
    rows = []
    integers = found.committed.get("widths", ())
    for method, name in NAMES.items():
        floats, whole = minifloat_rows(found, method), width_rows(integers, NAMES, "float")
        for bits in sorted({row["bits"] for row in floats}, reverse=True):
            best = max((row for row in floats if row["bits"] == bits), key=_by_accuracy)
            rows.append(
                {
                    "bits": str(bits),
                    "method": name,
                    "best small float": f"E{best['exponent']}M{best['mantissa']}",
                    "right": percent(best["accuracy"]),
                    "integers": percent(_accuracy(whole, name, bits)),
                }
            )
    return rows


_by_accuracy: Callable[[Mapping[str, Any]], float] = lambda row: row["accuracy"]  # noqa: E731


def _minifloat_numbers(found: Quantization) -> dict[str, str]:
    values = {
        "e2m1_largest": f"{E2M1.largest:g}",
        "e2m1_bits": str(E2M1.bits),
        "minifloat_sentence": "No grid of small floats of this network is committed.",
    }
    after = minifloat_rows(found, "ptq")
    if not after:
        return values
    return values | {"minifloat_sentence": _minifloat_sentence(found, after)}


def _minifloat_sentence(found: Quantization, after: Sequence[Mapping[str, Any]]) -> str:
    within = minifloat_rows(found, "qat")
    texts = []
    for bits in (8, 4):
        same = [row for row in after if row["bits"] == bits]
        best, worst = max(same, key=_by_accuracy), min(same, key=_by_accuracy)
        texts.append(
            f"of {bits} bits, E{best['exponent']}M{best['mantissa']} does best with "
            f"{percent(best['accuracy'])} and E{worst['exponent']}M{worst['mantissa']} worst with "
            f"{percent(worst['accuracy'])}"
        )
    least = min(row["accuracy"] for row in within)
    return (
        f"After training, {'; '.join(texts)}. Within training even the worst of all formats "
        f"keeps {percent(least)}."
    )


# On the board.


def board_rows(boards: Sequence[OnBoard]) -> list[dict[str, Any]]:
    """The published files on the emulated board, for charts: bits, accuracy with its interval,
    kB of weights and ms of the network.
    """
    rows = []
    for board in boards:
        low, high = board.accuracy.interval or (0.0, 1.0)
        rows.append(
            {
                "bits": f"{board.bits} bits", "accuracy": board.accuracy.value, "low": low,
                "high": high, "weights_kB": board.weights / 1024,
                "ms": (board.profile.stages["network"].us or 0) / 1000,
            }
        )  # fmt: skip
    return rows


def board_table(boards: Sequence[OnBoard]) -> list[dict[str, Any]]:
    """The same as a table, with what else there is to say."""
    return [
        {
            "weights": f"{board.bits} bits, {NAMES[board.method]}",
            "test clips right": percent(board.accuracy.value, 2),
            "weights in flash": f"{board.weights:,} B",
            "flash in all": f"{board.profile.flash:,} B",
            "instructions": f"{board.profile.stages['network'].instructions:,}",
            "cycles, modelled": f"{board.profile.stages['network'].cycles:,}",
        }
        for board in boards
    ]


def _board_numbers(boards: Sequence[OnBoard]) -> dict[str, str]:
    first = boards[0]
    subject = first.accuracy.subject
    return {
        "board_network": f"{subject['model']}-{subject['task']}",
        "board_name": NANO33BLE.name,
        "board_interval": interval_text(first.accuracy.interval),
        "board_clips": f"{first.accuracy.data['clips']:,}"
        if "clips" in first.accuracy.data
        else "all",
        "board_ram": f"{(first.profile.ram or 0) + (first.profile.stack or 0):,} bytes",
        "board_sentence": _board_sentence(boards),
    }


def _board_sentence(boards: Sequence[OnBoard]) -> str:
    first, *others = boards
    texts = []
    for board in others:
        cycles = board.profile.stages["network"].cycles or 0
        before = first.profile.stages["network"].cycles or 1
        saved = 1 - board.weights / first.weights
        faster = "fewer" if cycles < before else "more"
        texts.append(
            f"{board.bits} bits take {percent(saved, 0)} less flash for weights and "
            f"{percent(abs(cycles / before - 1))} {faster} cycles than {first.bits}, for "
            f"{points(board.accuracy.value - first.accuracy.value)} of accuracy"
        )
    return f"On the board, {'; '.join(texts)}."
