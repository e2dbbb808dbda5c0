"""The published networks side by side, and networks of the literature on the same labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import altair as alt

from kwslib import models
from kwslib.board.profile import RECORDS, Profile, profile_of, record_path
from kwslib.config import NANO33BLE
from kwslib.cost import cost_of
from kwslib.cost.literature import PATH as LITERATURE
from kwslib.models.checkpoint import PUBLISHED
from kwslib.records import FOLDER, Record, read_records, select
from kwslib.results import page
from kwslib.results.charts import networks as charts
from kwslib.results.charts.theme import short_name
from kwslib.results.provenance import resting_on
from kwslib.results.training import mean_accuracy
from kwslib.results.values import Estimate, brief
from kwslib.training.study import Study, studies_in

MORE_LITERATURE = FOLDER / "literature_networks.json"
"""Accuracies and run times that others published, beside the sizes in ``literature.json``."""

TWELVE_LABELS = 12
"""Labels of the ten command words, which is what others publish."""

COSTS = {
    "macs": "million multiply-accumulates",
    "parameters": "thousand parameters",
    "ms": "milliseconds on the board",
}
"""Costs of a network, and the titles of their axes."""

_METHOD = "accuracy measured, operations and parameters computed, times modelled"
_KINDS = {
    "Speech Commands v0.02": "others, v0.02",
    "Speech Commands v0.01": "others, v0.01",
    "MLPerf Tiny": "others, MLPerf Tiny",
}


@dataclass(frozen=True)
class Network:
    """A published network.

    Attributes:
        name: of the network and its task, e.g. ``"tiny_conv-yes_no"``.
        studies: one a seed, that of the published weights first.
        parameters: as the board runs it, BatchNorm folded.
        macs: multiply-accumulates of an image, likewise.
        int8: accuracy of the published int8 file on the test clips, where it is on record.
        profile: of the int8 file on the emulated board, where it is on record.
    """

    name: str
    studies: Sequence[Study]
    parameters: int
    macs: int
    int8: Record | None
    profile: Profile | None

    @property
    def model(self) -> str:
        """Name in the registry."""
        return str(self.studies[0].subject["model"])

    @property
    def task(self) -> str:
        """Name of the task."""
        return str(self.studies[0].subject["task"])

    @property
    def labels(self) -> Sequence[str]:
        """Names of the labels."""
        return self.studies[0].labels

    @property
    def clips(self) -> int:
        """Test clips."""
        return self.studies[0].counts["testing"]

    @property
    def estimate(self) -> Estimate:
        """Accuracy on test clips, the mean of the seeds, with Wilson's interval of the clips."""
        return mean_accuracy(self.studies, "testing")

    @property
    def accuracy(self) -> float:
        """The value of the estimate."""
        return self.estimate.value

    @property
    def interval(self) -> tuple[float, float]:
        """The interval of the estimate."""
        return self.estimate.low, self.estimate.high

    @property
    def int8_change(self) -> float | None:
        """Accuracy of the int8 file less that of the weights it was made of."""
        if self.int8 is None:
            return None
        return float(self.int8.value - self.studies[0].value("accuracy", split="testing"))

    @property
    def milliseconds(self) -> float | None:
        """Run time of the network on the emulated board, once."""
        us = self.profile.stages["network"].us if self.profile else None
        return None if us is None else us / 1000


@dataclass(frozen=True)
class Known:
    """An accuracy that others published for twelve labels, with what the network costs.

    Attributes:
        name: of the network, as its authors call it.
        accuracy: the record; its data tell the version of the data set.
        parameters: of the network.
        macs: multiply-accumulates of a decision.
        run_time: record of milliseconds on a Cortex-M4, of the same source, or None.
    """

    name: str
    accuracy: Record
    parameters: int
    macs: int
    run_time: Record | None

    @property
    def data(self) -> str:
        """Name of the data set, with its version where the source says it."""
        return str(self.accuracy.data["name"])

    @property
    def milliseconds(self) -> float | None:
        """The run time at the clock of our board, which assumes as many cycles."""
        if self.run_time is None:
            return None
        return float(self.run_time.value * self.run_time.subject["clock_hz"] / NANO33BLE.clock_hz)


def networks(folder: Path = PUBLISHED, board: Path = RECORDS) -> list[Network]:
    """All published networks, fewest multiply-accumulates first.

    Args:
        folder: where published networks lie.
        board: where the records of the emulated board lie.
    """
    found = []
    for weights in sorted(folder.glob("*.safetensors")):
        if (records := weights.with_suffix(".json")).exists():
            studies = studies_in(records)
            subject = studies[0].subject
            if weights.stem == f"{subject['model']}-{subject['task']}":
                found.append(_network(weights.stem, studies, folder, board))
    return sorted(found, key=lambda network: (network.macs, network.name))


def _network(name: str, studies: Sequence[Study], folder: Path, board: Path) -> Network:
    cost = cost_of(models.create(studies[0].subject["model"], len(studies[0].labels)))
    integers, profiled = folder / f"{name}-int8.json", record_path(board, name, "emulator")
    int8 = select(read_records(integers), "accuracy", split="testing") if integers.exists() else []
    return Network(
        name, studies, cost.parameters, cost.macs,
        int8[0] if int8 else None,
        profile_of(read_records(profiled)[0]) if profiled.exists() else None,
    )  # fmt: skip


def literature(paths: Sequence[Path] = (LITERATURE, MORE_LITERATURE)) -> list[Known]:
    """What others published for twelve labels, fewest multiply-accumulates first."""
    records = [record for path in paths for record in read_records(path)]
    found = [
        _known(accuracy, records)
        for accuracy in select(records, "accuracy", labels=TWELVE_LABELS)
        if accuracy.data
    ]
    return sorted(found, key=lambda known: (known.macs, known.name))


def _known(accuracy: Record, records: Sequence[Record]) -> Known:
    name = accuracy.subject["network"]
    (parameters, *_) = select(records, "parameters", network=name)
    macs = select(records, "macs", network=name)
    flops = select(records, "flops", network=name)
    times = [
        each
        for each in select(records, "run_time", network=name)
        if each.subject["runtime"] == accuracy.subject.get("runtime")
    ]
    return Known(
        str(name), accuracy, int(parameters.value),
        int(macs[0].value) if macs else int(flops[0].value) // 2,
        times[0] if times else None,
    )  # fmt: skip


def of_task(found: Sequence[Network], task: str) -> dict[str, Network]:
    """The networks of a task by their name in the registry, fewest operations first."""
    return {network.model: network for network in found if network.task == task}


def ahead_of(network: Network, known: Sequence[Known], data: str) -> list[Known]:
    """What others published that is more accurate with no more operations.

    Args:
        network: of ours.
        known: of others.
        data: name of the data that the figures of others must be on.
    """
    return [
        each
        for each in known
        if each.data == data
        and each.macs <= network.macs
        and each.accuracy.value > network.accuracy
    ]


# Tables and figures.


def tabulate_networks(found: Sequence[Network]) -> page.Html:
    """Accuracy and cost of networks of one task."""
    rows = []
    for each in found:
        rows.append(
            {
                "network": short_name(each.model),
                "parameters": each.parameters,
                "multiply-accumulates": each.macs,
                "accuracy": brief(each.estimate),
                "seeds": len(each.studies),
                "as 8-bit integers": f"{100 * each.int8.value:.1f} %" if each.int8 else "",
                "board": "" if each.milliseconds is None else f"{each.milliseconds:.3g} ms",
            }
        )
    return resting_on(page.table(rows), _records(found), method=_METHOD)


def plot_pareto(
    found: Sequence[Network], costs: Sequence[str], words: str, known: Sequence[Known] = ()
) -> alt.VConcatChart:
    """Accuracy against costs; a line joins what no other network beats.

    Args:
        found: networks of one task.
        costs: of :data:`COSTS`, a panel each.
        words: what the networks distinguish, for the description.
        known: of others.
    """
    ours = [
        {
            "network": short_name(each.model), "model": each.model, "kind": charts.OURS,
            "accuracy": each.accuracy, "low": each.interval[0], "high": each.interval[1],
            "macs": each.macs / 1e6, "parameters": each.parameters / 1e3,
            "ms": each.milliseconds, "note": f"mean of {len(each.studies)}, {each.clips:,} clips",
        }
        for each in found
    ]  # fmt: skip
    others = [
        {
            "network": each.name, "kind": _KINDS.get(each.data, "others, version not said"),
            "accuracy": each.accuracy.value, "macs": each.macs / 1e6,
            "parameters": each.parameters / 1e3, "ms": each.milliseconds,
            "note": each.accuracy.source, "low": None, "high": None,
        }
        for each in known
    ]  # fmt: skip
    chart = charts.pareto([*ours, *others], {cost: COSTS[cost] for cost in costs}, words)
    method = f"{_METHOD}; others published" if known else _METHOD
    return resting_on(chart, _records(found), method=method)


def _records(found: Sequence[Network]) -> list[Record]:
    return [study.record("accuracy", split="testing") for each in found for study in each.studies]
