"""How much can go: accuracy by what is pruned, by criterion and by training, over seeds; and what
each pruned network takes on the board.

Every setting begins with a float network trained at its own seed, and is scored on validation and
testing clips once. What was chosen (epochs, rates, criteria) was chosen on validation clips.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Unpack

import torch
from torch import nn

from kwslib.cost import cost_of
from kwslib.data.dataset import Dataset
from kwslib.errors import InputError
from kwslib.files import sha256_of_sources, sha256_of_text
from kwslib.folders import cache_folder
from kwslib.models import create
from kwslib.models.channels import widths_of, with_widths
from kwslib.models.checkpoint import NetworkInfo, load, save
from kwslib.models.standardise import Standardised, pixel_statistics
from kwslib.prune.finetune import SCHEDULES
from kwslib.prune.importance import CRITERIA
from kwslib.prune.masks import remaining_cost, zeros_of
from kwslib.prune.methods import (
    USUAL,
    USUAL_SCHEDULES,
    Method,
    channel_sensitivity,
    fine_tuning,
    prune_network,
    weight_sensitivity,
)
from kwslib.prune.norms import NORMS
from kwslib.prune.structured import widths_without
from kwslib.prune.unstructured import SCOPES
from kwslib.quantize.network import Widths
from kwslib.quantize.qat import quantize_network
from kwslib.records import Record
from kwslib.studies.base import Base, Recorder, key_of, study_networks
from kwslib.sweep.runs import Workers
from kwslib.training.fit import code_of_training
from kwslib.training.passes import tune

VERSION = 1
"""Raised by hand when the same data, model and settings can give other records."""

Kind = Literal["weights", "schedules", "norms", "channels", "together"]
KINDS: tuple[Kind, ...] = ("weights", "schedules", "norms", "channels", "together")

AMOUNTS = (0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.995)
"""Shares of the weights that go."""

SCHEDULED_AMOUNTS = (0.9, 0.98)
"""Those at which the ways to prune and train are compared."""

BLOCK_AMOUNTS = (0.5, 0.8, 0.9, 0.95)
"""Shares of the fully connected layers' blocks that go."""

CHANNEL_AMOUNTS = tuple(gone / 8 for gone in range(1, 8))
"""Shares of the channels that go: of tiny_conv's eight, 7 to 1 are left."""

COMPARED_CHANNEL_AMOUNTS = (0.25, 0.5, 0.75)
"""Those at which fine-tuned networks are compared by criterion."""

SCRATCH_CHANNEL_AMOUNTS = (0.25, 0.5, 0.75, 0.875)
"""Those at which networks that were small from the start are trained."""

TOGETHER: tuple[tuple[Method, float], ...] = (
    ("weights", 0.8), ("weights", 0.9), ("channels", 0.5), ("channels", 0.75),
)  # fmt: skip
"""What is quantized once it is pruned."""

NOT_TUNED = "none"


@dataclass(frozen=True)
class Setting:
    """A pruned network.

    Attributes:
        method: what is pruned; ``dense`` where nothing is, and ``scratch`` for a network that was
            made with so few channels and trained like any other.
        amount: share of the weights, of the fully connected layers' blocks, or of each group's
            channels that goes.
        criterion: one of :data:`kwslib.prune.methods.CRITERIA_OF`.
        tuning: a schedule of fine-tuning, with ``+rewind`` where it repeats the end of the
            network's own training; ``none`` where there is none.
        quantized: ``ptq`` or ``qat`` once it is pruned, weights in ``bits`` and activations in 8;
            ``float`` where it is not.
        bits: of the weights.
        seed: of the float network's training and of all that follows.
    """

    method: Method | Literal["dense", "scratch"] = "dense"
    amount: float = 0.0
    criterion: str = ""
    tuning: str = NOT_TUNED
    quantized: Literal["float", "ptq", "qat"] = "float"
    bits: int = 32
    seed: int = 0


def settings(kind: Kind, seeds: Sequence[int]) -> list[Setting]:
    """The settings of a sweep, seed by seed; the network of which nothing is pruned comes first.

    ``weights``: every amount, without training by each criterion, and with it by the usual one.
    ``schedules``: at some amounts the other schedules, rewinding and criteria. ``norms``: blocks by
    each norm, with training and without. ``channels``: every number of channels by each criterion
    without training, with it by the usual one and at some by each, and some trained from scratch.
    ``together``: pruned, then quantized to 8 and 4 bits, after training and within it.
    """
    own = {
        "weights": _weights, "schedules": _schedules, "norms": _norms, "channels": _channels,
        "together": _together,
    }[kind]()  # fmt: skip
    return [replace(each, seed=seed) for seed in seeds for each in [Setting(), *own]]


def usual(method: Method, amount: float) -> Setting:
    """As it is fine-tuned unless something else is asked for."""
    return Setting(method, amount, USUAL[method], USUAL_SCHEDULES[method])


def _weights() -> list[Setting]:
    return [
        each
        for amount in AMOUNTS
        for each in (
            *(Setting("weights", amount, scope) for scope in SCOPES), usual("weights", amount),
        )
    ]  # fmt: skip


def _schedules() -> list[Setting]:
    found = []
    for amount in SCHEDULED_AMOUNTS:
        tuned = usual("weights", amount)
        found += [replace(tuned, tuning=each) for each in SCHEDULES]
        found += [replace(tuned, tuning=f"{each}+rewind") for each in SCHEDULES]
        found += [replace(tuned, criterion=each) for each in SCOPES if each != tuned.criterion]
    return found


def _norms() -> list[Setting]:
    return [
        replace(usual("blocks", amount), criterion=kind, tuning=tuning)
        for amount in BLOCK_AMOUNTS
        for kind in NORMS
        for tuning in (NOT_TUNED, usual("blocks", amount).tuning)
    ]


def _channels() -> list[Setting]:
    found = []
    for amount in CHANNEL_AMOUNTS:
        tuned = usual("channels", amount)
        found += [replace(tuned, criterion=each, tuning=NOT_TUNED) for each in CRITERIA]
        compared = CRITERIA if amount in COMPARED_CHANNEL_AMOUNTS else (tuned.criterion,)
        found += [replace(tuned, criterion=each) for each in compared]
    return found + [Setting("scratch", amount) for amount in SCRATCH_CHANNEL_AMOUNTS]


def _together() -> list[Setting]:
    pruned = [Setting(), *(usual(method, amount) for method, amount in TOGETHER)]
    return [
        replace(each, quantized=method, bits=bits)
        for each in pruned
        for bits in (8, 4)
        for method in ("ptq", "qat")
    ]


def deployed(seeds: Sequence[int]) -> list[Setting]:
    """The settings whose networks are measured on the board: every amount of weights and blocks and
    every number of channels, fine-tuned, in 8 bits; and what :data:`TOGETHER` names in 4 bits.
    """
    own = [
        Setting(),
        *(usual("weights", amount) for amount in AMOUNTS),
        *(usual("blocks", amount) for amount in BLOCK_AMOUNTS),
        *(usual("channels", amount) for amount in CHANNEL_AMOUNTS),
    ]
    in_8_bits = [replace(each, quantized="ptq", bits=8) for each in own]
    in_4_bits = [each for each in _together() if (each.quantized, each.bits) == ("qat", 4)]
    return [replace(each, seed=seed) for seed in seeds for each in [*in_8_bits, *in_4_bits]]


def measure(setting: Setting, *, base: Base) -> list[Record]:
    """Accuracies of a setting, and what is left of the network.

    Records: ``accuracy`` on validation and testing clips, ``integer_accuracy`` likewise where it is
    quantized; ``sparsity``, ``parameters``, ``macs`` and ``flops`` without zeros, and ``size``, the
    bytes of weights and biases with zeros. For the dense network also ``weight_sensitivity`` and
    ``channel_sensitivity``, on validation clips.
    """
    network, _ = pruned_network(setting, base)
    return measure_network(setting, network, base.model, base.dataset)


def measure_network(
    setting: Setting, network: nn.Module, model: str, dataset: Dataset
) -> list[Record]:
    """The records of :func:`measure`, of a network that is pruned already.

    Args:
        setting: how it was pruned, and how it is quantized now.
        network: float, pruned.
        model: its name in the registry.
        dataset: the task and its clips.
    """
    scored = quantized(setting, network, dataset)
    record = Recorder.of(setting, model, dataset)
    records = record.of_network(scored)
    if setting == Setting(seed=setting.seed):
        records += _sensitivities(network, dataset, record)
    return records + _left(network, setting.bits, record)


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
    return study_networks(f"pruning-{kind}", swept, measure, seeds, base, VERSION, **workers)


def pruned_network(setting: Setting, base: Base) -> tuple[nn.Module, NetworkInfo]:
    """The float network of a setting, pruned by an earlier call or now, and what it is."""
    setting = replace(setting, quantized="float", bits=32)
    found = base.float_network(setting.seed)
    dense, info = found.network, found.info
    if setting.method == "dense":
        return dense, info
    code = code_of_training(), sha256_of_sources("prune")
    name = sha256_of_text(repr(setting), *code, key_of(base, VERSION))[:32]
    path = cache_folder("pruned", base.model) / f"{name}.safetensors"
    if not path.exists():
        network = _pruned(setting, base, dense)
        widths = widths_of(network, create(base.model, len(info.labels)))
        training = {**info.training, "pruning": asdict(setting)}
        save(path, network.state_dict(), replace(info, training=training, widths=widths))
    return load(path)


def _pruned(setting: Setting, base: Base, dense: nn.Module) -> nn.Module:
    dataset = base.dataset
    if setting.method == "scratch":
        return _from_scratch(setting, base, dataset)
    method: Any = setting.method
    schedule, _, rewind = setting.tuning.partition("+")
    how = None
    if setting.tuning != NOT_TUNED:
        how = fine_tuning(base.recipe, method, schedule=schedule, rewind=bool(rewind))  # type: ignore[arg-type]
    return prune_network(
        dense, method, setting.amount, dataset, how, setting.seed, setting.criterion
    )


def _from_scratch(setting: Setting, base: Base, dataset: Dataset) -> nn.Module:
    """A small network that was never large, trained by the recipe of the large one."""
    torch.manual_seed(setting.seed)
    whole = create(base.model, len(dataset.task.labels))
    network = with_widths(whole, widths_without(whole, setting.amount))
    images = torch.from_numpy(dataset.examples("training").images)
    # As a first training begins: its weights are random in standardised coordinates.
    own = Standardised(network, *pixel_statistics(images))
    tune(own, dataset, base.recipe, setting.seed, rates_by_inputs=True)
    return own.restore()


def quantized(setting: Setting, network: nn.Module, dataset: Dataset) -> nn.Module:
    """The network of :func:`pruned_network` in as few bits as the setting has; zeros stay zeros."""
    if setting.quantized == "float":
        return network
    return quantize_network(
        network, setting.quantized, Widths(setting.bits, 8), dataset, setting.seed,
        hold=zeros_of(network).hold,
    )  # fmt: skip


def _sensitivities(network: nn.Module, dataset: Dataset, record: Recorder) -> list[Record]:
    """What pruning one layer alone does, before any training."""
    training, clips = dataset.examples("training"), dataset.examples("validation")
    criterion: Any = USUAL["channels"]
    found = {
        "weight_sensitivity": weight_sensitivity(network, AMOUNTS, clips),
        "channel_sensitivity": channel_sensitivity(network, criterion, training, clips),
    }
    return [record.on("validation", metric, each, "fraction") for metric, each in found.items()]


def _left(network: nn.Module, bits: int, record: Recorder) -> list[Record]:
    """Counts of a network, and bytes of its weights and biases."""
    cost = cost_of(network)
    weights = sum(layer.weights for layer in cost.layers)
    biases = sum(layer.biases for layer in cost.layers)
    return [
        record("sparsity", zeros_of(network).sparsity, "fraction"),
        *(record(metric, count, "count") for metric, count in remaining_cost(network).items()),
        record("size", weights * bits // 8 + biases * 4, "bytes"),
    ]
