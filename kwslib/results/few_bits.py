"""Chapter 5: a network in few bits, as values, tables and charts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from kwslib.board.profile import Profile, profile
from kwslib.config import NANO33BLE
from kwslib.data.dataset import Dataset
from kwslib.deploy.codegen import generate
from kwslib.models.checkpoint import PUBLISHED
from kwslib.network.reader import read_graph
from kwslib.quantize.affine import METHODS, Method
from kwslib.quantize.inside import weight_noise
from kwslib.quantize.minifloat import Minifloat
from kwslib.quantize.network import QuantizedLayer, QuantizedNetwork, Widths
from kwslib.quantize.qat import number_of
from kwslib.records import Record, read_records, select
from kwslib.results import page
from kwslib.results.board_profile import ram_bytes
from kwslib.results.values import (
    Estimate,
    author_of,
    brief,
    grouped,
    load,
    mean_over_seeds,
    paired_change,
)
from kwslib.studies.quantization import Kind, Setting, measure_network

NAMES = {"ptq": "post-training", "qat": "quantization-aware"}
"""The two methods, as figures and tables call them."""

ABLATION_NAMES = {
    "uncorrected": "post-training, biases not corrected",
    "observed": "quantization-aware, correct",
    "unclipped": "gradient not clipped",
    "overwriting": "weights overwritten",
    "both": "both mistakes",
}

GRID_BITS = (4, 3, 2)
"""Widths whose grids are drawn over the weights."""

_LITERATURE = "literature_quantization.json"
_BOARD_BITS = (8, 4, 2)
_RULES: Mapping[Method, str] = {
    "minmax": "all weights", "percentile": "99.9 % of them", "mse": "least squared error",
}  # fmt: skip


def load_sweep(kind: Kind, name: str) -> Sequence[Record]:
    """The committed sweep of a kind; empty where there is none of the network ``name``."""
    return load(f"sweeps/quantization-{kind}-{name}.json")


def measure_widths(
    network: nn.Module, dataset: Dataset, model: str, bits: Iterable[int], seed: int
) -> list[Record]:
    """Both methods at each width, weights and activations alike, and the float network.

    Args:
        network: trained.
        dataset: whose clips train, calibrate and score.
        model: name in the registry.
        bits: widths.
        seed: of the trainings.
    """
    settings = [Setting(method, str(n), str(n), seed) for n in bits for method in ("ptq", "qat")]
    return [
        record
        for setting in (Setting("float", "float", "float", seed), *settings)
        for record in measure_network(setting, network, dataset, model)
    ]


def float_accuracy(records: Iterable[Record]) -> Estimate:
    """Accuracy of the float networks of a sweep on test clips."""
    return mean_over_seeds(of_method(records, "float"))


def accuracy_by_bits(
    records: Iterable[Record], method: str, activations: str = "same"
) -> dict[int, Estimate]:
    """Accuracy on test clips by bits of the weights.

    Args:
        records: of a sweep.
        method: of :class:`kwslib.studies.quantization.Setting`.
        activations: ``"same"`` for as many bits as the weights, or what they are kept as:
            ``"float"``, ``"8"``.
    """
    by_bits = _by_bits(records, method, activations)
    return {bits: mean_over_seeds(own) for bits, own in by_bits.items()}


def change_by_bits(
    records: Sequence[Record], method: str, activations: str = "same", reference: str = "float"
) -> dict[int, Estimate]:
    """By how many points a method differs from another one, paired by seed.

    Args:
        records: of a sweep.
        method: as of :func:`accuracy_by_bits`, and so ``activations``.
        activations: of both.
        reference: the other method, at the same width; ``"float"`` for the float network.
    """
    own = _by_bits(records, method, activations)
    if reference == "float":
        others = dict.fromkeys(own, of_method(records, "float"))
    else:
        others = _by_bits(records, reference, activations)
    return {bits: paired_change(each, others[bits]) for bits, each in own.items()}


def integer_change(records: Sequence[Record]) -> float:
    """By how many points at most a setting's mean accuracy changes where all is computed in
    integers, as the board does.
    """
    integers, others = (
        grouped(select(records, metric, split="testing"), "method", "weights", "activations")
        for metric in ("integer_accuracy", "accuracy")
    )
    return max(abs(paired_change(own, others[way]).value) for way, own in integers.items())


def accuracy_by_format(records: Iterable[Record], method: str) -> dict[str, Estimate]:
    """Accuracy on test clips by the format of the weights, such as ``"E2M1"``."""
    by_format = grouped(of_method(records, method), "weights")
    return {name: mean_over_seeds(own) for name, own in by_format.items()}


def of_method(records: Iterable[Record], method: str) -> list[Record]:
    """Accuracies on test clips of a method, or of "float"."""
    return select(records, "accuracy", method=method, split="testing")


def _by_bits(records: Iterable[Record], method: str, activations: str) -> dict[int, list[Record]]:
    """Accuracies by bits of the weights, the most first."""
    by_widths = grouped(of_method(records, method), "weights", "activations")
    return {
        int(bits): own
        for (bits, kept), own in sorted(by_widths.items(), reverse=True)
        if kept == (bits if activations == "same" else activations)
    }


# Tables.


def tabulate_activations(records: Sequence[Record]) -> page.Html:
    """Accuracy of few-bit weights by what activations are kept as, quantization-aware."""
    columns = {"float": "float activations", "8": "8 bits", "same": "as many bits as weights"}
    by_column = {name: accuracy_by_bits(records, "qat", name) for name in columns}
    return page.table(
        [
            {
                "bits of weights": str(bits),
                **{columns[name]: brief(by_column[name][bits]) for name in columns},
            }
            for bits in by_column["8"]
            if bits < max(by_column["8"])
        ],
        of_method(records, "qat"),
    )


def tabulate_grid(numbers: torch.Tensor, integers: torch.Tensor, values: torch.Tensor,
                  slopes: torch.Tensor, scale: float) -> page.Html:  # fmt: skip
    """Numbers on their way to an integer and back, and the gradient that passes."""
    rows = [
        {
            "number": f"{number:.4g}",
            "divided by the scale": f"{number / scale:.4g}",
            "integer": f"{int(integer)}",
            "value": f"{value:.4g}",
            "gradient": f"{slope:.0f}",
        }
        for number, integer, value, slope in zip(
            numbers.tolist(), integers.tolist(), values.tolist(), slopes.tolist(), strict=True
        )
    ]
    return page.table(_with_minus(rows), method="computed")


def largest_layer(network: nn.Module) -> tuple[str, torch.Tensor]:
    """Name and weights ``[out, ...]`` of the layer with the most weights, BatchNorm folded."""
    layers: dict[str, torch.Tensor] = {}
    for name, layer in QuantizedNetwork(network, Widths(None, None)).layers():
        assert isinstance(layer, QuantizedLayer)
        layers[name] = layer.layer.weight.detach()
    return max(layers.items(), key=lambda item: item[1].numel())


def sqnr_by_rule(weights: torch.Tensor, bits: int) -> dict[tuple[str, str], float]:
    """Decibels of weights over their rounding, by the rule that chose the scale and by whether
    there is one scale or one for each output.

    Args:
        weights: ``[out, ...]``.
        bits: 2 to 8.
    """
    return {
        (where, _RULES[rule]): weight_noise(weights, bits, by_channel=by_channel, method=rule)
        for by_channel, where in ((False, "one scale"), (True, "one per output"))
        for rule in METHODS
    }


def tabulate_rules(weights: torch.Tensor) -> page.Html:
    """SQNR of weights ``[out, ...]`` by width and rule."""
    return page.table(
        [
            {
                "bits": str(bits),
                **{
                    f"{where}: {rule}": f"{decibels:.1f} dB"
                    for (where, rule), decibels in sqnr_by_rule(weights, bits).items()
                },
            }
            for bits in (8, *GRID_BITS)
        ],
        method="computed",
    )


def tabulate_values(floats: Sequence[float], name: str) -> page.Html:
    """The numbers of a minifloat from 0 up beside those of as many bits with even steps."""
    top = len(floats) - 1
    even = [floats[-1] * integer / top for integer in range(top + 1)]
    columns = [str(i) for i in range(top + 1)]
    return page.table(
        [
            {
                "format": label,
                **dict(zip(columns, (f"{value:.3g}" for value in values), strict=True)),
            }
            for label, values in ((name, floats), ("integers, scaled", even))
        ],
        method="computed",
    )


def formats_of(bits: int, accuracies: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """The formats of a width among ``accuracies``, by accuracy, the best first."""
    own = {name: value for name, value in accuracies.items() if minifloat_of(name).bits == bits}
    return dict(sorted(own.items(), key=lambda item: -item[1].value))


def minifloat_of(name: str) -> Minifloat:
    """The format of a name, such as ``"E2M1"``."""
    number = number_of(name)
    assert isinstance(number, Minifloat)
    return number


def tabulate_formats(minifloats: Sequence[Record], widths: Sequence[Record]) -> page.Html:
    """The best minifloat of each width beside the integer of as many bits, weights alone."""
    rows = []
    for method, name in NAMES.items():
        floats = accuracy_by_format(minifloats, method)
        integers = accuracy_by_bits(widths, method, "float")
        for bits in sorted({minifloat_of(each).bits for each in floats}, reverse=True):
            best, own = next(iter(formats_of(bits, floats).items()))
            rows.append(
                {"bits": str(bits), "method": name, "best minifloat": best,
                 "its accuracy": brief(own), "integers": brief(integers[bits])}
            )  # fmt: skip
    return page.table(rows, [*_drawn(minifloats), *_drawn(widths)])


def _drawn(records: Iterable[Record]) -> list[Record]:
    return [record for method in NAMES for record in of_method(records, method)]


def published_gains(bits: int) -> dict[str, float]:
    """By how many points quantization-aware training is ahead where others published both, by
    author.
    """
    published = select(load(_LITERATURE), "accuracy", bits=bits)
    found: dict[str, dict[str, float]] = {}
    for record in published:
        found.setdefault(author_of(record.source), {})[record.subject["method"]] = record.value
    return {
        author: 100 * (own["qat"] - own["ptq"]) for author, own in found.items() if len(own) == 2
    }


def tabulate_literature(widths: Sequence[Record]) -> page.Html:
    """Accuracies that others published of the same network, beside ours."""
    published = load(_LITERATURE)
    ours = {method: accuracy_by_bits(widths, method) for method in NAMES}
    rows = []
    for author in dict.fromkeys(author_of(record.source) for record in published):
        own = [record for record in published if author_of(record.source) == author]
        for bits in sorted({int(record.subject["bits"]) for record in own}, reverse=True):
            row = {"source": author, "bits": str(bits)}
            for method, name in NAMES.items():
                row[name] = "".join(
                    f"{100 * record.value:.1f} %"
                    for record in select(own, "accuracy", bits=bits, method=method)
                )
                row[f"{name}, here"] = f"{100 * ours[method][bits].value:.1f} %"
            rows.append(row)
    return page.table(rows, [*published, *_drawn(widths)])


@dataclass(frozen=True)
class OnBoard:
    """A published file on the emulated board.

    Attributes:
        bits: of its weights.
        method: by which they were quantized.
        weights: bytes that they take in flash.
        profile: of the whole program.
        accuracy: on the test clips.
    """

    bits: int
    method: str
    weights: int
    profile: Profile
    accuracy: Record

    @property
    def cycles(self) -> int:
        """Modelled cycles of an inference."""
        return int(self.profile.stages["network"].cycles or 0)


def profile_widths(name: str) -> list[OnBoard]:
    """The files of a published network with weights of 8, 4 and 2 bits, run on the emulated board.

    Args:
        name: of the network and its task; empty where it has no such files.
    """
    if not (PUBLISHED / f"{name}-w{_BOARD_BITS[0]}.tflite").exists():
        return []
    found = []
    for bits in _BOARD_BITS:
        graph = read_graph(PUBLISHED / f"{name}-w{bits}.tflite")
        records = read_records(PUBLISHED / f"{name}-w{bits}.json")
        (accuracy,) = select(records, "accuracy", split="testing", tflite=graph.sha256)
        weights = generate(graph).weights
        method = str(accuracy.subject["method"])
        found.append(
            OnBoard(bits, method, weights, profile(graph, "emulator", f"{name}-w{bits}"), accuracy)
        )
    return found


def tabulate_boards(boards: Sequence[OnBoard]) -> page.Html:
    """Accuracy, flash, RAM and time of the published files."""
    return page.table(
        [
            {
                "weights": f"{board.bits} bits, {NAMES[board.method]}",
                "accuracy": f"{board.accuracy}",
                "weights, bytes": f"{board.weights:,}",
                "flash, bytes": f"{board.profile.flash:,}",
                "RAM, bytes": f"{ram_bytes(board.profile):,}",
                "instructions": f"{board.profile.stages['network'].instructions:,}",
                "cycles": f"{board.cycles:,}",
                "time": f"{1e3 * board.cycles / NANO33BLE.clock_hz:.3g} ms",
            }
            for board in boards
        ],
        [board.accuracy for board in boards],
        method="accuracy measured, instructions emulated, cycles modelled",
        place=NANO33BLE.name,
    )


def _with_minus(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{name: str(value).replace("-", "−") for name, value in row.items()} for row in rows]
