"""How few bits: accuracy by width, by method, by small float, over seeds.

Every setting begins with a float network trained at its own seed, and is scored on validation and
testing clips once. What was chosen (epochs, rate, learned scales) was chosen on validation clips.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Unpack

from torch import nn

from kwslib.data.dataset import Dataset
from kwslib.errors import InputError
from kwslib.quantize.network import Widths
from kwslib.quantize.ptq import calibration_clips, quantize_after_training
from kwslib.quantize.qat import aware_recipe, number_of, quantize_in_training, quantize_network
from kwslib.records import Record
from kwslib.studies.base import Base, Recorder, study_networks
from kwslib.sweep.runs import Workers

VERSION = 1
"""Raised by hand when the same data, model and settings can give other records."""

Method = Literal[
    "float", "ptq", "uncorrected", "qat", "observed", "overwriting", "unclipped", "both"
]
Kind = Literal["widths", "ablations", "minifloat"]
KINDS: tuple[Kind, ...] = ("widths", "ablations", "minifloat")

ABLATIONS: Mapping[Method, tuple[bool, bool]] = {
    "observed": (False, True),
    "overwriting": (True, True),
    "unclipped": (False, False),
    "both": (True, False),
}
"""Ways to train with quantizers that are not learned: whether the float weights are overwritten by
what they stand for, and whether the gradient is 0 where a number was clamped."""

BITS = range(2, 9)
_MOST_FLOAT_BITS = 8


@dataclass(frozen=True)
class Setting:
    """A quantization.

    Attributes:
        method: after training (``ptq``; with biases as they were, ``uncorrected``), within it
            (``qat``), within it in one of the ways of :data:`ABLATIONS`, or not at all
            (``float``).
        weights: bits, a small float such as ``E4M3``, or ``float``.
        activations: likewise.
        seed: of the float network's training and of that with quantizers.
    """

    method: Method
    weights: str
    activations: str
    seed: int

    @property
    def widths(self) -> Widths:
        """What weights and activations are kept as."""
        return Widths(number_of(self.weights), number_of(self.activations))


def settings(kind: Kind, seeds: Sequence[int]) -> list[Setting]:
    """The settings of a sweep, seed by seed.

    ``widths``: both methods at 2 to 8 bits, for weights alone and for weights and activations, and
    weights of 2 to 4 bits with activations of 8. ``ablations``: each of :data:`ABLATIONS` and
    ``uncorrected`` at every width.
    ``minifloat``: weights as every small float of at most 8 bits, both methods.
    """
    found = []
    for seed in seeds:
        found.append(Setting("float", "float", "float", seed))
        if kind == "widths":
            pairs = [(str(bits), other) for bits in BITS for other in ("float", str(bits))]
            pairs += [(str(bits), "8") for bits in (2, 3, 4)]
            found += [Setting(m, w, a, seed) for w, a in pairs for m in ("ptq", "qat")]
        elif kind == "ablations":
            methods: tuple[Method, ...] = ("uncorrected", *ABLATIONS)
            found += [Setting(m, str(bits), str(bits), seed) for bits in BITS for m in methods]
        else:
            found += [Setting(m, name, "float", seed) for name in _floats() for m in ("ptq", "qat")]
    return found


def _floats() -> list[str]:
    return [
        f"E{exponent}M{mantissa}"
        for exponent in range(1, 6)
        for mantissa in range(_MOST_FLOAT_BITS - 1)
        if 3 <= 1 + exponent + mantissa <= _MOST_FLOAT_BITS
    ]


def measure(setting: Setting, *, base: Base) -> list[Record]:
    """Accuracies of a setting, of the network that is trained at its seed."""
    network = base.float_network(setting.seed).network
    return measure_network(setting, network, base.dataset, base.model)


def measure_network(
    setting: Setting, network: nn.Module, dataset: Dataset, model: str
) -> list[Record]:
    """Accuracies of a setting, of a network at hand.

    Args:
        setting: which.
        network: trained, as floats.
        dataset: its task and clips.
        model: its name in the registry.
    """
    quantized = _quantized(setting, network, dataset)
    return Recorder.of(setting, model, dataset).of_network(quantized)


def study(
    kind: Kind,
    seeds: Sequence[int],
    base: Base,
    **workers: Unpack[Workers],
) -> list[Record]:
    """The records of a sweep, as of :func:`kwslib.studies.base.study_networks`.

    Args:
        kind: one of :data:`KINDS`.
        seeds: of the float networks.
        base: of these.
        workers: keywords of :func:`kwslib.sweep.runs.sweep`.

    Raises:
        InputError: no such sweep, or no seed.
    """
    if kind not in KINDS:
        raise InputError(f"sweep {kind!r}: must be one of {', '.join(KINDS)}")
    swept = settings(kind, seeds)
    return study_networks(f"quantization-{kind}", swept, measure, seeds, base, VERSION, **workers)


def _quantized(setting: Setting, network: nn.Module, dataset: Dataset) -> nn.Module:
    if setting.method == "float":
        return network
    if setting.method == "uncorrected":
        clips = calibration_clips(dataset.examples("training").deployed)
        return quantize_after_training(network, setting.widths, clips, correct_bias=False)
    if setting.method not in ("ptq", "qat"):
        overwrite, clipped = ABLATIONS[setting.method]
        recipe = replace(
            aware_recipe(setting.widths), learn_scales=False, overwrite=overwrite,
            clipped_gradient=clipped,
        )  # fmt: skip
        return quantize_in_training(network, setting.widths, dataset, recipe, setting.seed)
    return quantize_network(network, setting.method, setting.widths, dataset, setting.seed)
