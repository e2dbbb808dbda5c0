"""The published networks side by side, and networks of the literature on the same labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import altair as alt

from kwslib import models
from kwslib.board.profile import Profile
from kwslib.config import NANO33BLE
from kwslib.cost import cost_of
from kwslib.records import FOLDER, Record, select
from kwslib.results import page
from kwslib.results.board_profile import load_profile, network_ms, ram_bytes
from kwslib.results.charts import pareto as charts
from kwslib.results.charts.theme import WIDTH, listed, names_of, network_scale, short_name
from kwslib.results.provenance import resting_on
from kwslib.results.training import mean_accuracy
from kwslib.results.values import Estimate, brief, load, mean_over_seeds, point
from kwslib.training.study import Study, studies_in

MORE_LITERATURE = "literature_networks.json"
"""Accuracies and run times that others published, beside the sizes in ``literature.json``."""

_TWELVE_LABELS = 12
"""Labels of the ten command words, which is what others publish."""

_NAME_WIDTH = 130  # pixels that the names of networks take


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
        model: its name in the registry.
        task: name of its task.
        studies: one a seed, that of the published weights first.
        accuracy: on test clips, the mean of the seeds, with Wilson's interval of the clips.
        over_seeds: the same mean, with the interval of other seeds.
        parameters: as the board runs it, BatchNorm folded.
        macs: multiply-accumulates of an image, likewise.
        int8: accuracy of the published int8 file on the test clips, where it is on record.
        profile: of the int8 file on the emulated board, where it is on record.
    """

    model: str
    task: str
    studies: Sequence[Study]
    accuracy: Estimate
    over_seeds: Estimate
    parameters: int
    macs: int
    int8: Record | None
    profile: Profile | None

    @property
    def name(self) -> str:
        """Of the network and its task, e.g. ``"tiny_conv-yes_no"``."""
        return f"{self.model}-{self.task}"

    @property
    def board(self) -> Profile:
        """The profile of a network that has one."""
        assert self.profile is not None
        return self.profile

    @property
    def int8_change(self) -> float | None:
        """Accuracy of the int8 file less that of the weights it was made of."""
        if self.int8 is None:
            return None
        return float(self.int8.value - self.studies[0].value("accuracy", split="testing"))

    @property
    def milliseconds(self) -> float | None:
        """Run time of the network on the emulated board, once."""
        return network_ms(self.profile)


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
    def milliseconds(self) -> float | None:
        """The run time at the clock of our board, which assumes as many cycles."""
        if self.run_time is None:
            return None
        return float(self.run_time.value * self.run_time.subject["clock_hz"] / NANO33BLE.clock_hz)


def networks(folder: Path = FOLDER, task: str = "*") -> list[Network]:
    """The published networks, fewest multiply-accumulates first.

    Args:
        folder: with the layout of ``measurements/``.
        task: of whose name; all without it.
    """
    found = []
    for weights in sorted((folder / "published").glob(f"*-{task}.safetensors")):
        if (records := weights.with_suffix(".json")).exists():
            studies = studies_in(records)
            if "{model}-{task}".format(**studies[0].subject) == weights.stem:
                found.append(_network(studies, folder))
    return sorted(found, key=lambda network: (network.macs, network.name))


def _network(studies: Sequence[Study], folder: Path) -> Network:
    model, task = studies[0].subject["model"], studies[0].subject["task"]
    cost = cost_of(models.create(model, len(studies[0].labels)))
    int8 = select(load(f"published/{model}-{task}-int8.json", folder), "accuracy", split="testing")
    return Network(
        model, task, studies, mean_accuracy(studies, "testing"),
        mean_over_seeds([study.record("accuracy", split="testing") for study in studies]),
        cost.parameters, cost.macs, next(iter(int8), None),
        load_profile(f"{model}-{task}", folder=folder),
    )  # fmt: skip


def literature() -> list[Known]:
    """What others published for twelve labels, fewest multiply-accumulates first."""
    records = [*load("literature.json"), *load(MORE_LITERATURE)]
    found = [
        _known(accuracy, records)
        for accuracy in select(records, "accuracy", labels=_TWELVE_LABELS)
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
        if each.accuracy.data["name"] == data
        and each.macs <= network.macs
        and each.accuracy.value > network.accuracy.value
    ]


# Tables and figures.


def tabulate_networks(found: Sequence[Network]) -> page.Html:
    """Accuracy and cost of networks of one task."""
    return page.table(
        [
            {
                "network": short_name(each.model),
                "parameters": each.parameters,
                "multiply-accumulates": each.macs,
                "accuracy": brief(each.accuracy),
                "seeds": len(each.studies),
                "as 8-bit integers": f"{100 * each.int8.value:.1f} %" if each.int8 else "",
                "board": "" if each.milliseconds is None else f"{each.milliseconds:.3g} ms",
            }
            for each in found
        ],
        _records(found),
        method=_METHOD,
    )


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
            **point(each.accuracy),
            "macs": each.macs / 1e6, "parameters": each.parameters / 1e3,
            "ms": each.milliseconds,
            "note": f"mean of {len(each.studies)}, {each.studies[0].counts['testing']:,} clips",
        }
        for each in found
    ]  # fmt: skip
    others = [
        {
            "network": each.name,
            "kind": _KINDS.get(each.accuracy.data["name"], "others, version not said"),
            "accuracy": each.accuracy.value, "macs": each.macs / 1e6,
            "parameters": each.parameters / 1e3, "ms": each.milliseconds,
            "note": each.accuracy.source, "low": None, "high": None,
        }
        for each in known
    ]  # fmt: skip
    chart = charts.pareto([*ours, *others], {cost: COSTS[cost] for cost in costs}, words)
    method = f"{_METHOD}; others published" if known else _METHOD
    return resting_on(chart, _records(found), method=method)


def tabulate_memory(found: Sequence[Network]) -> page.Html:
    """Accuracy of networks, with the memory and time that their programs take on the board."""
    return page.table(
        [
            {
                "network": short_name(each.model),
                "accuracy": brief(each.over_seeds),
                "flash": f"{(each.board.flash or 0) / 1024:.1f} kB",
                "RAM": f"{ram_bytes(each.board) / 1024:.1f} kB",
                "time per inference": f"{each.milliseconds:.3g} ms",
            }
            for each in found
        ],
        _records(found),
        method="measured (accuracy), computed (memory), modelled (time)",
        place=NANO33BLE.name,
    )


def plot_memory(found: Sequence[Network]) -> alt.FacetChart:
    """Shares of the board's flash and RAM that the whole program takes, by network: bars on a grey
    one for the whole.
    """
    rows = [
        {
            "network": short_name(each.model), "memory": memory, "kB": size / 1024,
            "share": size / whole,
            "label": f"{size / 1024:.0f} kB, {100 * size / whole:.0f}\N{NO-BREAK SPACE}%",
        }
        for each in found
        for memory, size, whole in (
            ("flash", each.board.flash or 0, NANO33BLE.flash),
            ("RAM", ram_bytes(each.board), NANO33BLE.ram),
        )
    ]  # fmt: skip
    scale = network_scale([each.model for each in found])
    names = list(scale.domain)
    base = alt.Chart().encode(
        alt.Y("network:N", sort=names, title=None, axis=alt.Axis(labelLimit=_NAME_WIDTH))
    )
    share = alt.X(
        "share:Q", title="share of the board's memory", scale=alt.Scale(domain=[0, 1], nice=False),
        axis=alt.Axis(format="%", tickCount=5),
    )  # fmt: skip
    layers = [
        base.mark_bar(color="currentColor", opacity=0.1).encode(alt.XDatum(0), alt.X2Datum(1)),
        base.mark_bar().encode(
            share,
            color=alt.Color("network:N", scale=scale, sort=names, legend=None),
            tooltip=["network:N", "memory:N", alt.Tooltip("kB:Q", format=".1f"),
                     alt.Tooltip("share:Q", format=".1%")],
        ),
        base.mark_text(align="left", dx=6).encode(share, text="label:N"),
    ]  # fmt: skip
    told = listed(rows, "{network}, {memory} {label}")
    panel = alt.LayerChart(layer=layers).properties(width=WIDTH // 2 - _NAME_WIDTH // 2, height=150)
    facet = alt.Column("memory:N", sort=names_of(rows, "memory"), title=None)
    drawn = panel.facet(data=alt.Data(values=rows), column=facet).properties(
        description=f"Flash and RAM of the whole program by network: {told}"
    )
    return resting_on(drawn, method="computed", place=NANO33BLE.name)


def _records(found: Sequence[Network]) -> list[Record]:
    return [study.record("accuracy", split="testing") for each in found for study in each.studies]
