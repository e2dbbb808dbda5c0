"""What chapter 4 shows: a network on its way to the board, and how it does there."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from kwslib.board.profile import RECORDS, Profile, profile, profile_of, record_path
from kwslib.board.target import board_predictor, open_board
from kwslib.cost import Timing
from kwslib.cost.gpu import on_each_device
from kwslib.cost.timing import Device
from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import SPLITS, Split, Task
from kwslib.deploy import interpreter
from kwslib.deploy.convert import convert_float, convert_int8, layer_differences
from kwslib.deploy.graph import Graph
from kwslib.deploy.reader import read_graph
from kwslib.evaluation import evaluate_split
from kwslib.field import summary as field
from kwslib.field.summary import FieldStudy
from kwslib.measurements import Record, read_records, select
from kwslib.models.checkpoint import PUBLISHED
from kwslib.training.findings import Findings, findings
from kwslib.training.study import published_network

_COMPARED_CLIPS = 8
_CHECKED_CLIPS = 200
"""Clips that the emulated board and the interpreter both score; all of them is a test's work."""

_KNOWN_TIMES = RECORDS / "published.json"


@dataclass(frozen=True)
class Accuracy:
    """An accuracy with its 95 % interval."""

    value: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Deployment:
    """What there is to show.

    Attributes:
        training: the findings on the trained network.
        name: of the network and its task, as published networks are called.
        graph: of the int8 file.
        parameter_bytes: of the float network.
        float_bytes, int8_bytes: of the two files.
        differences: layer by layer, by how much the float file differs from PyTorch at most.
        accuracies: of the int8 file by split, where known.
        clips: that the emulated board and the interpreter scored, in ``checked_on``.
        equal_clips: for which they gave the same bytes.
        checked_on: name of the data of these clips.
        emulated: profile on the emulated board.
        compiled: profile of the same C on this machine.
        measured: profile of a physical board, or None as long as none was measured.
        timings: of the float network in PyTorch, by device.
    """

    training: Findings
    name: str
    graph: Graph
    parameter_bytes: int
    float_bytes: int
    int8_bytes: int
    differences: Mapping[str, float]
    accuracies: Mapping[Split, Accuracy]
    clips: int
    equal_clips: int
    checked_on: str
    emulated: Profile
    compiled: Profile
    measured: Profile | None
    timings: Mapping[Device, Timing]

    @property
    def float_accuracies(self) -> dict[Split, Accuracy]:
        """Of the float network in PyTorch, by split."""
        study = self.training.study
        records = {split: study.record("accuracy", split=split) for split in SPLITS}
        return {
            split: Accuracy(record.value, record.interval or (0.0, 1.0))
            for split, record in records.items()
        }


def deployment(
    profile_name: str,
    data: str,
    model: str,
    keywords: str,
    epochs: int,
    seed: int,
    repetitions: int,
    folder: Path = PUBLISHED,
) -> Deployment:
    """Convert a network, compile it, check it, and profile it.

    A published network keeps its published int8 file, whose accuracies are on record; what is
    trained now is converted now, calibrated on its own training clips.

    Args:
        profile_name: ``"demo"`` or ``"full"``; this and the next five are those of
            :func:`kwslib.training.findings.findings`.
        data: folder of Speech Commands, or empty.
        model: name in the registry.
        keywords: comma-separated.
        epochs: passes over the clips, 0 for the usual number.
        seed: of the training.
        repetitions: timed calls on this machine.
        folder: where published networks lie.

    Raises:
        InputError: ``full`` without data, and nothing is published with these settings; or the
            network does not fit the board.
    """
    training = findings(profile_name, data, model, keywords, epochs, seed, folder)
    task = Task.of(keywords)
    name = f"{model}-{task.name}"
    with tempfile.TemporaryDirectory(prefix="kws-chapter-") as place:
        tflite, network, accuracies = _int8(training, name, task, Path(place), folder)
        graph = read_graph(tflite)
        dataset = training.dataset or Dataset(open_source(None), task)
        images = dataset.examples("testing").deployed[:: _step(dataset)]
        equal = _equal_on_the_board(graph, tflite, images)
        return Deployment(
            training=training,
            name=name,
            graph=graph,
            parameter_bytes=4 * sum(each.numel() for each in network.parameters()),
            float_bytes=len(convert_float(network, {})),
            int8_bytes=tflite.stat().st_size,
            differences=layer_differences(network, images[:_COMPARED_CLIPS]),
            accuracies=accuracies,
            clips=len(images),
            equal_clips=equal,
            checked_on=dataset.source.name,
            emulated=profile(graph, "emulator", name),
            compiled=profile(graph, "host", name),
            measured=measured_profile(name, graph),
            timings=on_each_device(network, model, {"network": name}, repetitions),
        )


def measured_profile(name: str, graph: Graph, folder: Path = RECORDS) -> Profile | None:
    """What ``kws profile --target serial:PORT`` wrote of this very network, if it has been run."""
    path = record_path(folder, name, "serial")
    records = select(read_records(path), "profile", tflite=graph.sha256) if path.exists() else []
    return profile_of(records[0]) if records else None


def field_study(model: str) -> FieldStudy:
    """The committed field test of a published network on yes and no, or of tiny_conv's."""
    return _field_study(model, "yes_no")


def larger_field_study(model: str) -> FieldStudy:
    """The committed field test of a published network with left as well, or of tiny_conv's."""
    return _field_study(model, "yes_no_left")


def _field_study(model: str, task: str) -> FieldStudy:
    path = field.PUBLISHED / f"{model}-{task}.json"
    return field.read_study(path) if path.exists() else field.published(f"tiny_conv-{task}")


@cache
def known_times() -> Sequence[Record]:
    """What others published of run times on physical boards, and what the cycle model says of
    programs that were timed on one.
    """
    return read_records(_KNOWN_TIMES)


def _int8(
    training: Findings, name: str, task: Task, place: Path, folder: Path
) -> tuple[Path, nn.Module, dict[Split, Accuracy]]:
    """The int8 file of a network, the network, and the file's accuracies."""
    study = training.study
    if training.origin != "trained":
        network = training.network or published_network(study.subject["model"], task, folder)[0]
        records = read_records(folder / f"{name}-int8.json")
        return folder / f"{name}.tflite", network, _recorded(records)
    assert training.live is not None
    network, dataset = training.live
    facts = {"model": study.subject["model"], "labels": study.labels}
    tflite = place / f"{name}.tflite"
    tflite.write_bytes(convert_int8(network, dataset.examples("training").deployed, facts))
    predict = interpreter.predictor(tflite)
    scored = {split: evaluate_split(predict, dataset, split) for split in SPLITS}
    return (
        tflite,
        network,
        {split: Accuracy(result.accuracy, result.interval) for split, result in scored.items()},
    )


def _recorded(records: list[Record]) -> dict[Split, Accuracy]:
    found: dict[Split, Accuracy] = {}
    for split in SPLITS:
        for record in select(records, "accuracy", split=split):
            found[split] = Accuracy(record.value, record.interval or (0.0, 1.0))
    return found


def _step(dataset: Dataset) -> int:
    """Every how manieth test clip is checked, so that all labels are among them."""
    return max(1, len(dataset.names["testing"]) // _CHECKED_CLIPS)


def _equal_on_the_board(graph: Graph, tflite: Path, images: NDArray[np.uint8]) -> int:
    """Clips to which the emulated board, asked over its protocol, and the reference interpreter
    give the same bytes.
    """
    with open_board("emulator", graph, tflite.name) as board:
        on_the_board: NDArray[Any] = board_predictor(board)(images)
    same = on_the_board == interpreter.predictor(tflite)(images)
    return int(same.all(axis=1).sum())
