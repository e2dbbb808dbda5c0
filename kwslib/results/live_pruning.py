"""Chapter 6: a network that the run prunes by itself, measured and profiled."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import get_args

from torch import nn

from kwslib.board.profile import Profile, profile
from kwslib.config import NANO33BLE
from kwslib.data.dataset import Dataset
from kwslib.data.task import Task
from kwslib.models import create
from kwslib.network.reader import graph_of
from kwslib.network.writer import tflite_bytes
from kwslib.prune.methods import EPOCHS, Method, fine_tuning, prune_network
from kwslib.prune.structured import widths_without
from kwslib.quantize.network import QuantizedNetwork
from kwslib.quantize.to_integers import integers_of
from kwslib.records import Record
from kwslib.results import page
from kwslib.results.board_profile import ram_bytes
from kwslib.results.pruned_networks import network_name
from kwslib.studies.base import Recorder
from kwslib.studies.pruning import NOT_TUNED, Setting, measure_network, quantized, usual
from kwslib.training.predict import predictor
from kwslib.training.recipe import recipe_for

DEMO_EPOCHS = 5
"""Of fine-tuning in the demo: enough for embedded speech, and quick."""


def check_channels(model: str, shares: Iterable[float]) -> None:
    """Make sure that a network of the registry can lose each share of its channels.

    Raises:
        InputError: no channel would be left in one of its layers.
    """
    network = create(model, len(Task().labels))
    for share in shares:
        widths_without(network, share, "channels")


def prune(
    network: nn.Module,
    dataset: Dataset,
    model: str,
    shares: Mapping[Method, Sequence[float]],
    seed: int,
    epochs: int = 0,
) -> dict[Setting, nn.Module]:
    """A network at each share, without fine-tuning and with it; the unpruned one comes first.

    Args:
        network: trained.
        dataset: whose clips train it on.
        model: its name in the registry.
        shares: by what is pruned.
        seed: of the fine-tuning.
        epochs: of the fine-tuning; 0 for :data:`kwslib.prune.methods.EPOCHS`.
    """
    networks = {Setting(seed=seed): network}
    for method in get_args(Method):
        how = fine_tuning(recipe_for(model), method, epochs=epochs or EPOCHS[method])
        for share in shares.get(method, ()):
            tuned = replace(usual(method, share), seed=seed)
            for setting, training in ((replace(tuned, tuning=NOT_TUNED), None), (tuned, how)):
                networks[setting] = prune_network(network, method, share, dataset, training, seed)
    return networks


def measure(networks: Mapping[Setting, nn.Module], dataset: Dataset, model: str) -> list[Record]:
    """Accuracies of networks, and what remains of those that are pruned."""
    records: list[Record] = []
    for setting, network in networks.items():
        if setting.method == "dense":
            recorder = Recorder.of(setting, model, dataset)
            records += recorder.accuracies("accuracy", predictor(network))
        else:
            records += measure_network(setting, network, model, dataset)
    return records


def profile_live(networks: Mapping[Setting, nn.Module], dataset: Dataset) -> dict[Setting, Profile]:
    """The unpruned network, and for each method the one of which least remains, fine-tuned, in
    8 bits on the emulated board.

    Args:
        networks: of :func:`prune`.
        dataset: whose clips calibrate them.
    """
    chosen = {setting.method: setting for setting in networks if setting.tuning != NOT_TUNED}
    profiles = {}
    for setting in (next(iter(networks)), *chosen.values()):
        of_bits = quantized(replace(setting, quantized="ptq", bits=8), networks[setting], dataset)
        assert isinstance(of_bits, QuantizedNetwork)
        graph = graph_of(tflite_bytes(integers_of(of_bits, dataset.task.labels, {})))
        profiles[setting] = profile(graph, "emulator", "the pruned network")
    return profiles


def tabulate_profiles(profiles: Mapping[Setting, Profile], data: str) -> page.Html:
    """Flash, RAM and cycles of networks that the run pruned.

    Args:
        profiles: of :func:`profile_live`.
        data: on which they were trained.
    """
    return page.table(
        [
            {
                "network": network_name(setting.method, setting.amount),
                "flash, bytes": f"{own.flash:,}",
                "RAM, bytes": f"{ram_bytes(own):,}",
                "instructions": f"{own.stages['network'].instructions:,}",
                "cycles": f"{own.stages['network'].cycles:,}",
            }
            for setting, own in profiles.items()
        ],
        data=data,
        method="emulated, cycles modelled",
        place=NANO33BLE.name,
    )
