"""What pruned networks take on the board: each in integers, compiled, checked, counted, timed."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from torch import nn

from kwslib.board.profile import profile
from kwslib.board.target import board_predictor, open_board
from kwslib.cost.timing import run_time
from kwslib.data.dataset import Dataset
from kwslib.deploy.codegen import generate
from kwslib.network.graph import Graph
from kwslib.network.reader import graph_of
from kwslib.network.reference import run as run_integers
from kwslib.network.writer import tflite_bytes
from kwslib.quantize.network import QuantizedNetwork
from kwslib.quantize.to_integers import integers_of
from kwslib.records import Record
from kwslib.studies.base import Base, Recorder, study_networks
from kwslib.studies.pruning import Setting, deployed, pruned_network, quantized

VERSION = 1
"""Raised by hand when the same data, model and settings can give other records."""

EMULATED_CLIPS = 64
"""Test clips, evenly spread, on which the emulated board is compared; the same C on this machine is
on all of them."""

COMPILED = "compiled core"


def measure_on_board(setting: Setting, *, base: Base) -> list[Record]:
    """What a pruned network takes, once it is in integers and compiled.

    Records: ``integer_accuracy`` on validation and testing clips; ``exact_clips``, on how many the
    compiled C gave the integers' scores to the bit, which is all of those that were tried;
    ``cycles``, ``instructions`` and ``flash_reads`` of an inference, ``flash``, ``ram`` and
    ``stack`` of the whole program, ``weights``, their bytes in flash; and ``run_time`` on this
    machine, of the compiled core and of PyTorch (``runtime`` tells which).

    Args:
        setting: quantized, activations in 8 bits.
        base: what the sweep shares.

    Raises:
        RuntimeError: the compiled network gives other scores.
    """
    dataset, (network, info) = base.dataset, pruned_network(setting, base)
    scored = quantized(setting, network, dataset)
    assert isinstance(scored, QuantizedNetwork)
    facts = {"model": info.model, "training": {"task": info.training["task"]}}
    integers = integers_of(scored, info.labels, facts)
    graph = graph_of(tflite_bytes(integers))
    record = Recorder.of(setting, base.model, dataset)
    return [
        *record.accuracies("integer_accuracy", partial(run_integers, integers)),
        record.on("testing", "exact_clips", _compared(graph, integers, dataset), "clips"),
        record("weights", generate(graph).weights, "bytes"),
        *_emulated(graph, record),
        *_timed(graph, network, record),
    ]


def study_on_board(seeds: Sequence[int], base: Base, folder: Path | None = None) -> list[Record]:
    """The records of :func:`measure_on_board` for :func:`kwslib.studies.pruning.deployed`, one
    after the other, since a network beside it would disturb what is timed.

    Args:
        seeds: of the float networks.
        base: of these.
        folder: where finished settings are kept, by default in the cache.

    Raises:
        InputError: no seed.
    """
    return study_networks(
        "pruning-board", deployed(seeds), measure_on_board, seeds, base, VERSION,
        jobs=1, folder=folder,
    )  # fmt: skip


def _compared(graph: Graph, integers: Graph, dataset: Dataset) -> dict[str, int]:
    """Test clips on which the compiled network gave the integers' scores, by where it ran."""
    images = dataset.examples("testing").deployed
    few = np.linspace(0, len(images) - 1, min(EMULATED_CLIPS, len(images))).astype(int)
    counts = {}
    for target, own in (("host", images), ("emulator", images[few])):
        with open_board(target, graph, "the pruned network") as board:
            scores = board_predictor(board)(own)
        if not np.array_equal(scores, run_integers(integers, own)):
            raise RuntimeError(f"the network on {target} gives other scores than its integers")
        counts[target] = len(own)
    return counts


def _emulated(graph: Graph, record: Recorder) -> list[Record]:
    found = profile(graph, "emulator", "the pruned network")
    network = found.stages["network"]
    where = {"machine": found.board, "target": "emulator"}
    return [
        record("cycles", network.cycles, "cycles", "modelled", **where),
        record("instructions", network.instructions, "instructions", "emulated", **where),
        record("flash_reads", network.flash_reads, "reads", "emulated", **where),
        record("flash", found.flash, "bytes", "emulated", **where),
        record("ram", found.ram, "bytes", "emulated", **where),
        record("stack", found.stack, "bytes", "emulated", **where),
    ]


def _timed(graph: Graph, network: nn.Module, record: Recorder) -> list[Record]:
    """Run times on this machine: medians of many calls."""
    found = profile(graph, "host", "the pruned network")
    subject = {**record.subject, "runtime": COMPILED, "repetitions": found.repetitions}
    compiled = Record(
        "run_time", found.stages["network"].us, "us", "measured", subject, machine=found.board
    )
    return [compiled, run_time(network, subject=record.subject).median]
