"""What chapter 6 shows: a network with ever less in it, trained on or not, on the board."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from torch import nn

from kwslib.board.profile import Profile, profile
from kwslib.data.dataset import Dataset
from kwslib.data.task import Task
from kwslib.deploy.reader import graph_of
from kwslib.deploy.write import tflite_bytes
from kwslib.errors import InputError
from kwslib.measurements import Record
from kwslib.models import create
from kwslib.models.channels import channels_of
from kwslib.models.checkpoint import PUBLISHED
from kwslib.prune.methods import EPOCHS, Method, fine_tuning, prune_network
from kwslib.prune.unstructured import check_amount
from kwslib.quantize.network import QuantizedNetwork
from kwslib.quantize.to_integers import integers_of
from kwslib.results.sweeps import SWEEPS, committed
from kwslib.studies.pruning import (
    KINDS,
    NOT_TUNED,
    Setting,
    measure_network,
    quantized,
    usual,
)
from kwslib.training.findings import Findings, findings
from kwslib.training.recipe import Recipe, recipe_for

COMMITTED = (*KINDS, "board", "zeros")
"""Kinds of sweeps that may be committed."""

DEMO_EPOCHS = 6
"""Of fine-tuning in the demo: enough for embedded speech, and quick."""


@dataclass(frozen=True)
class OnBoard:
    """A network of this run on the emulated board.

    Attributes:
        name: what a table calls it.
        profile: of the whole program.
    """

    name: str
    profile: Profile


@dataclass(frozen=True)
class Pruning:
    """What there is to show.

    Attributes:
        training: the findings on the network before it is pruned.
        name: of the network and its task, as published networks are called.
        channels: groups of channels of the network, and how many each has.
        live: records of settings measured in this run, none without data.
        boards: some of them on the emulated board.
        committed: records of the committed sweeps, by kind; none for other networks.
    """

    training: Findings
    name: str
    channels: Mapping[str, int]
    live: Sequence[Record]
    boards: Sequence[OnBoard]
    committed: Mapping[str, Sequence[Record]]

    @property
    def live_data(self) -> str:
        """Name of the data of the live records, or empty."""
        return next((str(record.data["name"]) for record in self.live if record.data), "")


def pruning(
    profile_name: str,
    data: str,
    model: str,
    keywords: str,
    epochs: int,
    seed: int,
    amounts: str,
    channels: str,
    tuning_epochs: int,
    folder: Path = PUBLISHED,
    sweeps: Path = SWEEPS,
) -> Pruning:
    """Prune a network in every way that the chapter shows.

    Args:
        profile_name: ``"demo"`` or ``"full"``; this and the next five are those of
            :func:`kwslib.training.findings.findings`.
        data: folder of Speech Commands, or empty.
        model: name in the registry.
        keywords: comma-separated.
        epochs: passes of the training, 0 for the usual number.
        seed: of the trainings.
        amounts: comma-separated shares of the weights that are pruned live.
        channels: comma-separated shares of each group's channels likewise.
        tuning_epochs: passes of fine-tuning, 0 for the usual number.
        folder: where published networks lie.
        sweeps: where committed sweeps lie.

    Raises:
        InputError: a share is none; or ``full`` without data, and nothing is published with these
            settings.
    """
    shares: dict[Method, list[float]] = {
        "weights": shares_of("amounts", amounts),
        "channels": shares_of("channels", channels),
    }
    training = findings(profile_name, data, model, keywords, epochs, seed, folder)
    task = Task.of(keywords)
    name = f"{model}-{task.name}"
    passes = tuning_epochs or (DEMO_EPOCHS if profile_name == "demo" else None)
    live, boards = _live(training, model, shares, seed, passes)
    return Pruning(
        training=training,
        name=name,
        channels=channels_of(create(model, len(task.labels))).sizes,
        live=live,
        boards=boards,
        committed=committed("pruning", COMMITTED, name, sweeps),
    )


def shares_of(name: str, text: str) -> list[float]:
    """``"0.5,0.8"`` as numbers, in ascending order.

    Raises:
        InputError: one is no share from 0 to below 1; ``name`` is what the parameter is called.
    """
    try:
        shares = sorted(float(each) for each in text.split(","))
    except ValueError:
        raise InputError(f"{name} {text!r}: must be numbers such as 0.5,0.8") from None
    for share in shares:
        check_amount(share)
    return shares


def _live(
    training: Findings,
    model: str,
    shares: Mapping[Method, Sequence[float]],
    seed: int,
    passes: int | None,
) -> tuple[list[Record], list[OnBoard]]:
    """The network of this run at every share, fine-tuned or not, and the smallest on the board."""
    if training.live is None or training.origin != "trained":
        return [], []
    dense, dataset = training.live
    setting = Setting(seed=seed)
    records = measure_network(setting, dense, model, dataset)
    boards = [_on_board("whole", setting, dense, dataset)]
    recipe = recipe_for(model)
    for method in get_args(Method):
        for amount in shares.get(method, ()):
            tuned = replace(usual(method, amount), seed=seed)
            for each in (replace(tuned, tuning=NOT_TUNED), tuned):
                network = _pruned(each, dense, dataset, recipe, passes)
                records += measure_network(each, network, model, dataset)
        if shares.get(method):
            boards.append(
                _on_board(f"{100 * amount:g} % of {method} gone", tuned, network, dataset)
            )
    return records, boards


def _pruned(
    setting: Setting, dense: nn.Module, dataset: Dataset, recipe: Recipe, passes: int | None
) -> nn.Module:
    method: Any = setting.method
    how = None
    if setting.tuning != NOT_TUNED:
        how = fine_tuning(recipe, method, epochs=passes or EPOCHS[method])
    return prune_network(
        dense, method, setting.amount, dataset, how, setting.seed, setting.criterion
    )


def _on_board(name: str, setting: Setting, network: nn.Module, dataset: Dataset) -> OnBoard:
    """A network in integers of 8 bits on the emulated board."""
    in_8_bits = quantized(replace(setting, quantized="ptq", bits=8), network, dataset)
    assert isinstance(in_8_bits, QuantizedNetwork)
    graph = graph_of(tflite_bytes(integers_of(in_8_bits, dataset.task.labels, {})))
    return OnBoard(name, profile(graph, "emulator", "the pruned network"))
