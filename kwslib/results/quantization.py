"""What chapter 5 shows: a network in few bits, by method, width and small float, on the board."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kwslib.board.profile import Profile, profile
from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.deploy.compile import compile_network
from kwslib.deploy.reader import read_graph
from kwslib.errors import InputError
from kwslib.measurements import Record, read_records, select
from kwslib.models.checkpoint import PUBLISHED
from kwslib.quantize.affine import check_bits
from kwslib.quantize.inside import LogitsGrid, Source, logits_grids, noise_at_logits
from kwslib.quantize.network import QuantizedLayer, QuantizedNetwork, Widths
from kwslib.quantize.ptq import calibration_clips
from kwslib.results.sweeps import SWEEPS, committed
from kwslib.studies.quantization import KINDS, Kind, Setting, measure_network
from kwslib.training.findings import Findings, findings
from kwslib.training.study import published_network

BOARD_BITS = (8, 4, 2)
"""Widths of the published files."""

INSIDE_BITS = tuple(range(2, 9))

_LOOKED_AT = 400
"""Images at which the inside of a network is looked at."""


@dataclass(frozen=True)
class OnBoard:
    """A published file on the emulated board.

    Attributes:
        bits: of its weights.
        method: by which they were found.
        weights: bytes that they take in flash.
        profile: of the whole program.
        accuracy: record of its accuracy on the test clips.
    """

    bits: int
    method: str
    weights: int
    profile: Profile
    accuracy: Record


@dataclass(frozen=True)
class Quantization:
    """What there is to show.

    Attributes:
        training: the findings on the float network.
        name: of the network and its task, as published networks are called.
        layers: its layers with weights: name and weights ``[out, ...]``, BatchNorm folded.
        looked_at: name of the data of the images at which its inside was looked at.
        noise: decibels at the logits by bits, of each place where it is quantized alone.
        logits: what two grids of 8 bits do to its logits, by method.
        live: records of settings measured in this run, none without data.
        committed: records of the committed sweeps, by kind; none for other networks.
        boards: the published files on the emulated board.
    """

    training: Findings
    name: str
    layers: Mapping[str, torch.Tensor]
    looked_at: str
    noise: Mapping[int, Mapping[Source, float]]
    logits: Mapping[str, LogitsGrid]
    live: Sequence[Record]
    committed: Mapping[Kind, Sequence[Record]]
    boards: Sequence[OnBoard]

    @property
    def live_data(self) -> str:
        """Name of the data of the live records, or empty."""
        return str(self.live[0].data["name"]) if self.live else ""


def quantization(
    profile_name: str,
    data: str,
    model: str,
    keywords: str,
    epochs: int,
    seed: int,
    bits: str,
    folder: Path = PUBLISHED,
    sweeps: Path = SWEEPS,
) -> Quantization:
    """Quantize a network in every way that the chapter shows.

    Args:
        profile_name: ``"demo"`` or ``"full"``; this and the next five are those of
            :func:`kwslib.training.findings.findings`.
        data: folder of Speech Commands, or empty.
        model: name in the registry.
        keywords: comma-separated.
        epochs: passes of the float training, 0 for the usual number.
        seed: of the trainings.
        bits: comma-separated widths that are measured live, both methods.
        folder: where published networks lie.
        sweeps: where committed sweeps lie.

    Raises:
        InputError: a width is none; or ``full`` without data, and nothing is published with these
            settings.
    """
    widths = widths_of(bits)
    training = findings(profile_name, data, model, keywords, epochs, seed, folder)
    task = Task.of(keywords)
    name = f"{model}-{task.name}"
    network = training.network or published_network(model, task, folder)[0]
    dataset = training.dataset or Dataset(open_source(None), task)
    calibration = calibration_clips(dataset.examples("training").deployed)
    images = _spread(dataset.examples("testing").deployed)
    return Quantization(
        training=training,
        name=name,
        layers=_layers(network),
        looked_at=dataset.source.name,
        noise={each: noise_at_logits(network, each, calibration, images) for each in INSIDE_BITS},
        logits=logits_grids(network, calibration, images),
        live=_live(training, model, widths, seed),
        committed=committed("quantization", KINDS, name, sweeps),
        boards=_boards(name if (folder / f"{name}-w8.tflite").exists() else _DEFAULT, folder),
    )


_DEFAULT = "tiny_conv-yes_no"
"""Whose published files are shown where the network of the page has none."""


def widths_of(bits: str) -> list[int]:
    """``"8,4,2"`` as ``[8, 4, 2]``.

    Raises:
        InputError: one is no number from 2 to 8.
    """
    try:
        widths = [int(each) for each in bits.split(",")]
    except ValueError:
        raise InputError(f"bits {bits!r}: must be numbers such as 8,4,2") from None
    for width in widths:
        check_bits(width)
    return widths


def _live(training: Findings, model: str, widths: Sequence[int], seed: int) -> list[Record]:
    """Both methods at each width, weights and activations, of the network of this run."""
    if training.live is None or training.origin != "trained":
        return []
    network, dataset = training.live
    settings = [
        Setting(method, str(width), str(width), seed)
        for width in widths
        for method in ("ptq", "qat")
    ]
    return [
        record
        for setting in (Setting("float", "float", "float", seed), *settings)
        for record in measure_network(setting, network, dataset, model)
    ]


def _layers(network: nn.Module) -> dict[str, torch.Tensor]:
    unquantized = QuantizedNetwork(network, Widths(None, None))
    found: dict[str, torch.Tensor] = {}
    for name, layer in unquantized.layers():
        assert isinstance(layer, QuantizedLayer)
        found[name] = layer.layer.weight.detach()
    return found


def _spread(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Some of the images, so that all labels are among them."""
    return images[:: max(1, len(images) // _LOOKED_AT)]


def _boards(name: str, folder: Path) -> list[OnBoard]:
    found = []
    for bits in BOARD_BITS:
        graph = read_graph(folder / f"{name}-w{bits}.tflite")
        records = read_records(folder / f"{name}-w{bits}.json")
        (accuracy,) = select(records, "accuracy", split="testing", tflite=graph.sha256)
        with tempfile.TemporaryDirectory(prefix="kws-chapter-") as place:
            weights = compile_network(graph, "emulator", Path(place)).weights
        method = str(accuracy.subject["method"])
        found.append(
            OnBoard(bits, method, weights, profile(graph, "emulator", f"{name}-w{bits}"), accuracy)
        )
    return found
