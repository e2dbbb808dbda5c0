"""How few bits: accuracy by width, by method, by small float, over seeds.

Every setting begins with a float network trained at its own seed, and is scored on validation and
testing clips once. What was chosen (epochs, rate, learned scales) was chosen on validation clips.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Literal

from torch import nn

from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Split, Task
from kwslib.errors import InputError
from kwslib.evaluation import Evaluation, Predict, evaluate_split
from kwslib.files import sha256_of_sources
from kwslib.measurements import Record, machine_name
from kwslib.quantize.inference import run as run_integers
from kwslib.quantize.methods import aware_recipe, number_of, quantize_network
from kwslib.quantize.network import QuantizedNetwork, Widths
from kwslib.quantize.ptq import calibration_clips, quantize_after_training
from kwslib.quantize.qat import quantize_in_training
from kwslib.quantize.to_integers import integers_of
from kwslib.sweep import Backend, check_backend, sweep
from kwslib.training.fit import fitted
from kwslib.training.predict import predictor
from kwslib.training.recipe import recipe_for

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

SPLITS: tuple[Split, ...] = ("validation", "testing")
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


def measure(
    setting: Setting, *, data: str, model: str, keywords: str, epochs: int | None = None
) -> list[Record]:
    """Accuracies of a setting, of the network that is trained at its seed.

    Args:
        setting: which.
        data: folder of Speech Commands, or empty for embedded speech.
        model: name in the registry.
        keywords: comma-separated.
        epochs: of the float training; None for the recipe's.
    """
    network = _network(data, model, keywords, epochs, setting.seed)
    return measure_network(setting, network, _dataset(data, keywords), model)


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
    predictors: dict[str, Predict] = {"accuracy": predictor(quantized)}
    if isinstance(quantized, QuantizedNetwork) and setting.widths.are_integers:
        integers = integers_of(quantized, dataset.task.labels)
        predictors["integer_accuracy"] = partial(run_integers, integers)
    subject = {"model": model, "task": dataset.task.name, **asdict(setting)}

    def record(metric: str, split: Split, result: Evaluation) -> Record:
        return Record(
            metric, result.accuracy, "fraction", "measured", subject,
            {**dataset.identity(), "split": split, "clips": len(result.truth)},
            machine=machine_name(), interval=result.interval,
        )  # fmt: skip

    return [
        record(metric, split, evaluate_split(predict, dataset, split))
        for metric, predict in predictors.items()
        for split in SPLITS
    ]


def study(
    kind: Kind,
    seeds: Sequence[int],
    *,
    data: str,
    model: str = "tiny_conv",
    keywords: str = "yes,no",
    epochs: int | None = None,
    jobs: int | None = None,
    folder: Path | None = None,
    backend: Backend = "processes",
    scheduler: str | None = None,
) -> list[Record]:
    """The records of a sweep; settings that an earlier call finished are not measured again.

    Args:
        kind: one of :data:`KINDS`.
        seeds: of the float networks.
        data: folder of Speech Commands, or empty for embedded speech.
        model: name in the registry.
        keywords: comma-separated.
        epochs: of the float training; None for the recipe's.
        jobs: processes; by default as many as cores.
        folder: where finished settings are kept, by default in the cache.
        backend: processes of this machine, or a cluster, whose workers train the float networks
            again unless they share this machine's cache.
        scheduler: address of the cluster's.

    Raises:
        InputError: no such sweep, or no seed.
    """
    if kind not in KINDS:
        raise InputError(f"sweep {kind!r}: must be one of {', '.join(KINDS)}")
    if not seeds:
        raise InputError("seeds: none given; name at least one, e.g. 0,1,2")
    check_backend(backend, jobs, scheduler)
    for seed in seeds:  # trained one after the other, so that no two processes train the same
        _network(data, model, keywords, epochs, seed)
    run = partial(measure, data=data, model=model, keywords=keywords, epochs=epochs)
    results = sweep(
        f"quantization-{kind}-{model}", settings(kind, seeds), run,
        key=partial(_key, data, model, keywords, epochs), jobs=jobs, folder=folder,
        backend=backend, scheduler=scheduler,
    )  # fmt: skip
    return [record for records in results for record in records]


def _key(data: str, model: str, keywords: str, epochs: int | None) -> str:
    """What the records of a sweep rest on: code, data, recipe and keywords."""
    code = sha256_of_sources("config.py", "data", "features", "models", "training", "quantize")
    fingerprint = open_source(data or None).fingerprint()
    return f"{code} {fingerprint} {recipe_for(model, epochs=epochs)!r} {keywords}"


@cache
def _dataset(data: str, keywords: str) -> Dataset:
    return Dataset(open_source(data or None), Task.of(keywords))


@cache
def _network(data: str, model: str, keywords: str, epochs: int | None, seed: int) -> nn.Module:
    """The float network of a seed, trained by an earlier call or now."""
    recipe = recipe_for(model, epochs=epochs)
    return fitted(model, _dataset(data, keywords), recipe, seed).network


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
