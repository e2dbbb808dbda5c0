"""Chapter 2: what a network costs, as values, tables and charts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kwslib.cost import Cost, cost_of
from kwslib.cost.literature import PublishedNetwork
from kwslib.cost.original import DECIMAL_FLASH, DECIMAL_RAM, OriginalFigures
from kwslib.models import create, names
from kwslib.records import FOLDER, Record, select
from kwslib.results import page
from kwslib.results.charts.size import COUNTED
from kwslib.results.charts.theme import short_name
from kwslib.results.values import load, load_original

_ORIGIN = {"published": "paper", "modelled": "code"}


def count_networks(n_labels: int) -> dict[str, Cost]:
    """The cost of every network of the registry, by name, fewest FLOPs first."""
    costs = {name: cost_of(create(name, n_labels)) for name in names()}
    return dict(sorted(costs.items(), key=lambda item: item[1].flops))


def load_cpu_times(
    model: str, runtime: str = "PyTorch", folder: Path = FOLDER, method: str = "dense"
) -> list[Record]:
    """Run times of a network on one core, one for each training, in microseconds.

    Args:
        model: name in the registry.
        runtime: what the name of the runtime begins with: ``"PyTorch"``, or
            :data:`kwslib.studies.pruned_boards.COMPILED` for the generated C.
        folder: with the layout of ``measurements/``.
        method: by which it was pruned; ``"dense"`` for the unpruned network.
    """
    own = load(f"sweeps/pruning-board-{model}-yes_no.json", folder)
    times = select(own, "run_time", bits=8, method=method)
    return [each for each in times if str(each.subject["runtime"]).startswith(runtime)]


def load_gpu_time(model: str, batch: int = 1, folder: Path = FOLDER) -> Record | None:
    """The median run time of a network with four labels on a GPU; None where there is none.

    Args:
        model: name in the registry.
        batch: images per call.
        folder: with the layout of ``measurements/``.
    """
    return next(iter(select(load(f"gpu/{model}.json", folder), "run_time", batch=batch)), None)


def load_count(metric: str, network: str) -> int:
    """A count of a published network that is no part of comparisons.

    Args:
        metric: ``"convolution_parameters"``, or ``"unfolded_parameters"``.
        network: as its authors call it.
    """
    (record,) = select(load("literature.json"), metric, network=network)
    return int(record.value)


# Tables.


def tabulate_operations(cost: Cost) -> page.Html:
    """Parameters and operations of each layer, and their sums."""
    rows: list[dict[str, Any]] = [
        {
            "layer": layer.name,
            "output": "×".join(map(str, layer.output_shape)),
            "parameters": layer.parameters,
            "MACs per output": layer.macs // layer.output_elements,
            "MACs": layer.macs,
            "biases added": layer.biased_outputs,
            "FLOPs": layer.flops,
        }
        for layer in cost.layers
    ]
    sums = {name: sum(row[name] for row in rows)
            for name in ("parameters", "MACs", "biases added", "FLOPs")}  # fmt: skip
    return page.table([*rows, {"layer": "all", **sums}], method=COUNTED)


def tabulate_networks(costs: Mapping[str, Cost]) -> page.Html:
    """Parameters, FLOPs, and flash and RAM in 8-bit integers of networks by name."""
    return page.table(
        [
            {
                "network": short_name(name),
                "parameters": cost.parameters,
                "FLOPs": cost.flops,
                "flash": _size(cost.flash["int8"], cost.flash_share["int8"]),
                "RAM": _size(cost.ram["int8"], cost.ram_share["int8"]),
            }
            for name, cost in costs.items()
        ],
        method=COUNTED,
    )


def tabulate_original(theirs: OriginalFigures, cost: Cost) -> page.Html:
    """The original report's figures: printed, recomputed by its rules, and by this chapter's.

    Args:
        theirs: figures of the original's network by its rules.
        cost: of the same network.
    """
    printed = {metric: load_original(metric) for metric in ("flops", "flash_share", "ram_share")}
    flash, ram = cost.flash["float32"], cost.ram["float32"]
    return page.table(
        [
            {
                "figure": "FLOPs",
                "printed": f"{printed['flops'].value:,}",
                "its rule": f"{cost.flops:,} − {cost.layers[-1].macs:,}",
                "by its rule": f"{theirs.flops:,}",
                "here": f"{cost.flops:,}",
            },
            {
                "figure": "flash, float32",
                "printed": f"{100 * printed['flash_share'].value:.1f} %",
                "its rule": f"{flash:,} of {DECIMAL_FLASH:,} bytes",
                "by its rule": f"{100 * theirs.flash_share:.2f} %",
                "here": f"{100 * cost.flash_share['float32']:.2f} % of {cost.board.flash:,}",
            },
            {
                "figure": "RAM, float32",
                "printed": f"{100 * printed['ram_share'].value:.1f} %",
                "its rule": f"{theirs.ram_bytes:,} of {DECIMAL_RAM:,} bytes",
                "by its rule": f"{100 * theirs.ram_share:.2f} %",
                "here": f"{ram:,} bytes, {100 * cost.ram_share['float32']:.2f} % of "
                f"{cost.board.ram:,}",
            },
        ],
        method=f"published; {COUNTED}",
    )


def tabulate_literature(
    networks: Sequence[PublishedNetwork], model: str, cost: Cost
) -> page.Html:  # fmt: skip
    """Parameters, FLOPs and accuracy of the same networks, fewest FLOPs first."""
    ours: dict[str, Any] = {
        "network": short_name(model), "parameters": cost.parameters, "from": "this run",
        "FLOPs": cost.flops, "FLOPs from": "this run",
    }  # fmt: skip
    rows: list[dict[str, Any]] = [
        {
            "network": network.name,
            "parameters": int(network.parameters.value),
            "from": _ORIGIN[network.parameters.method],
            "FLOPs": network.flops,
            "FLOPs from": _ORIGIN[network.operations.method]
            + (", 2 per MAC" if network.operations.metric == "macs" else ""),
            "accuracy": f"{100 * network.accuracy.value:.1f} %" if network.accuracy else "",
        }
        for network in networks
    ]
    shown = sorted([ours, *rows], key=lambda row: row["FLOPs"])
    return page.table(shown, columns=list(rows[0]), method=f"published; {COUNTED} from code")


def _size(size: int, share: float) -> str:
    return f"{size / 1024:.1f} kB, {100 * share:.1f} %"
