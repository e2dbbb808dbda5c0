"""The published networks of a task on one page: accuracy, memory and time on the board."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt

from kwslib.board.profile import Profile, profile_of
from kwslib.config import DEPLOYED, NANO33BLE, SAMPLE_RATE
from kwslib.records import FOLDER, Record, read_records, select
from kwslib.results import page
from kwslib.results.board_profile import ram_bytes
from kwslib.results.charts import overview as charts
from kwslib.results.charts.theme import short_name
from kwslib.results.provenance import resting_on
from kwslib.results.values import Estimate, brief, mean_over_seeds


@dataclass(frozen=True)
class PublishedNetwork:
    """A published network with the whole program that runs it on the board.

    Attributes:
        model: its name in the registry.
        records: accuracies on test clips, one a seed.
        profile: of its int8 file on the emulated board.
    """

    model: str
    records: Sequence[Record]
    profile: Profile

    @property
    def name(self) -> str:
        """What text and figures call it."""
        return short_name(self.model)

    @property
    def accuracy(self) -> Estimate:
        """On test clips, the mean over its seeds."""
        return mean_over_seeds(self.records)

    @property
    def flash(self) -> int:
        """Bytes of flash of the whole program."""
        return self.profile.flash or 0

    @property
    def ram(self) -> int:
        """Bytes of RAM of the whole program, the stack that it was seen to use included."""
        return ram_bytes(self.profile)

    @property
    def milliseconds(self) -> float:
        """Of one inference on the board, modelled without waits for flash."""
        return (self.profile.stages["network"].us or 0) / 1000

    @property
    def load(self) -> float:
        """Share of the processor's time that the fewest hops with which it keeps up take."""
        hops = self.profile.least_hops or 1
        cost = self.profile.stages["features"].times(hops) + self.profile.inference
        return (cost.us or 0) * SAMPLE_RATE / (1e6 * hops * DEPLOYED.hop)


def published_networks(task: str = "yes_no", folder: Path = FOLDER) -> list[PublishedNetwork]:
    """The published networks of a task whose board profile is committed, most accurate first.

    Args:
        task: name of the task.
        folder: with the layout of ``measurements/``.
    """
    found = []
    for path in sorted((folder / "board").glob(f"*-{task}-emulator.json")):
        model = path.name.removesuffix(f"-{task}-emulator.json")
        records = read_records(folder / "published" / f"{model}-{task}.json")
        own = select(records, "accuracy", split="testing")
        found.append(PublishedNetwork(model, own, profile_of(read_records(path)[0])))
    return sorted(found, key=lambda network: -network.accuracy.value)


def table_rows(networks: Sequence[PublishedNetwork]) -> list[dict[str, Any]]:
    """A row a network: accuracy with its interval, flash, RAM and time on the board."""
    return [
        {
            "network": each.name,
            "accuracy": brief(each.accuracy),
            "flash": f"{each.flash / 1024:.1f} kB",
            "RAM": f"{each.ram / 1024:.1f} kB",
            "time per inference": f"{each.milliseconds:.3g} ms",
        }
        for each in networks
    ]


def tabulate_networks(networks: Sequence[PublishedNetwork]) -> page.Html:
    """Networks by accuracy, with the memory and time that they take on the board."""
    drawn = [record for each in networks for record in each.records]
    return resting_on(
        page.table(table_rows(networks)), drawn,
        method="measured (accuracy), computed (memory), modelled (time)", place=NANO33BLE.name,
    )  # fmt: skip


def plot_memory(networks: Sequence[PublishedNetwork]) -> alt.FacetChart:
    """Shares of the board's flash and RAM that the whole program takes, by network."""
    rows = [
        {
            "network": each.name,
            "memory": memory,
            "kB": size / 1024,
            "share": size / whole,
            "label": f"{size / 1024:.0f} kB, {100 * size / whole:.0f}\N{NO-BREAK SPACE}%",
        }
        for each in networks
        for memory, size, whole in (
            ("flash", each.flash, NANO33BLE.flash), ("RAM", each.ram, NANO33BLE.ram),
        )
    ]  # fmt: skip
    chart = charts.memory_shares(rows, [each.model for each in networks])
    return resting_on(chart, method="computed", place=NANO33BLE.name)
