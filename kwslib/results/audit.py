"""The audit's values and tables: the original report's figures, other people's and ours."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from statistics import mean
from typing import Any

from kwslib.config import NANO33BLE
from kwslib.cost import Cost
from kwslib.cost.original import as_original
from kwslib.prune.methods import USUAL
from kwslib.prune.norms import NORMS
from kwslib.records import FOLDER, Record, select
from kwslib.results import page
from kwslib.results.board_profile import load_profile, network_ms
from kwslib.results.board_times import CHANNELS, times_of_others
from kwslib.results.charts.theme import short_name
from kwslib.results.few_bits import accuracy_by_bits
from kwslib.results.model_size import load_cpu_times
from kwslib.results.pruned_accuracy import accuracy_by_share, change_by_share
from kwslib.results.pruned_networks import published_times
from kwslib.results.values import (
    Estimate,
    brief,
    grouped,
    load,
    load_original,
    mean_over_seeds,
    repository_of,
)
from kwslib.studies.pruned_boards import COMPILED

NETWORK = "tiny_conv-yes_no"
"""The original's network and task, as our records name them."""

_NORM_SWEEPS = (("norms", "blocks"), ("channels", "channels"))
"""Sweeps in which norms are compared, and what is pruned in them."""


def sweep(kind: str) -> Sequence[Record]:
    """A committed sweep of the original's network, such as ``"pruning-weights"``."""
    return load(f"sweeps/{kind}-{NETWORK}.json")


def others(metric: str, **wanted: Any) -> list[Record]:
    """Figures of other people, from every file of literature."""
    files = sorted(path.name for path in FOLDER.glob("literature*.json"))
    return select([record for name in files for record in load(name)], metric, **wanted)


def accuracy(name: str, split: str = "testing") -> Estimate:
    """Accuracy of a published network, the mean over its seeds; ``"…-int8"`` of its int8 file."""
    return mean_over_seeds(select(load(f"published/{name}.json"), "accuracy", split=split))


def share_by_commas(words: Sequence[str] | str) -> int:
    """Percent of silence and of unknown words as TensorFlow's example for microcontrollers works
    it out: an equal share for every label, labels being the commas in the keywords, one, and two.

    >>> share_by_commas("yes,no")
    25
    >>> share_by_commas(["yes", "no"])
    33
    """
    return 100 // (words.count(",") + 1 + 2)


def mean_by_amount(records: Iterable[Record], metric: str, **wanted: Any) -> dict[float, float]:
    """Means over seeds of a metric by the share that was pruned."""
    found = sorted(grouped(select(records, metric, **wanted), "amount").items())
    return {amount: mean(float(each.value) for each in own) for amount, own in found}


def accuracy_by_norm() -> dict[tuple[str, bool, float], dict[str, Estimate]]:
    """Accuracy by norm for each method, with and without fine-tuning, and amount pruned, where
    all three norms were tried.
    """
    found: dict[tuple[str, bool, float], dict[str, Estimate]] = {}
    for (kind, method), tuned in product(_NORM_SWEEPS, (False, True)):
        records = sweep(f"pruning-{kind}")
        by_norm = {norm: accuracy_by_share(records, method, tuned=tuned, criterion=norm)
                   for norm in NORMS}  # fmt: skip
        for amount in set.intersection(*(set(each) for each in by_norm.values())):
            found[method, tuned, amount] = {norm: by_norm[norm][amount] for norm in NORMS}
    return dict(sorted(found.items()))


def leads_of_l1() -> list[Estimate]:
    """By how many points L1 is ahead of L2 after fine-tuning, paired by seed, for each method
    and amount pruned.
    """
    leads = {
        method: change_by_share(sweep(f"pruning-{kind}"), method, criterion="l1", reference="l2")
        for kind, method in _NORM_SWEEPS
    }
    return [leads[method][amount] for method, tuned, amount in accuracy_by_norm() if tuned]


def channels_left(amount: float) -> int:
    """Channels of the original's network that a pruned share leaves."""
    return round(CHANNELS * (1 - amount))


def by_channels(values: Mapping[float, Any]) -> dict[int, Any]:
    """Values by the channels that are left, the most first."""
    return {channels_left(amount): value for amount, value in sorted(values.items())}


def board_times_by_channels() -> tuple[dict[int, float], dict[int, float]]:
    """Milliseconds of the network on the board by channels: ours, modelled, and another's."""
    cycles = mean_by_amount(sweep("pruning-board"), "cycles", bits=8, method="channels")
    cycles |= mean_by_amount(sweep("pruning-board"), "cycles", bits=8, method="dense")
    ours = by_channels({a: 1000 * n / NANO33BLE.clock_hz for a, n in cycles.items()})
    return ours, published_times()


def counts_by_channels() -> dict[str, dict[int, float]]:
    """Parameters and multiply-accumulates (``"macs"``) by the channels that are left."""
    records = sweep("pruning-channels")
    return {
        metric: by_channels(
            mean_by_amount(records, metric, method="dense")
            | mean_by_amount(records, metric, method="channels", criterion=USUAL["channels"])
        )
        for metric in ("parameters", "macs")
    }


def tabulate_sizes(cost: Cost) -> page.Html:
    """Parameters, flash, RAM and operations: the original's figures, these recomputed by its own
    conventions, and this report's.
    """
    theirs = as_original(cost)
    share = {name: load_original(name).value for name in ("flash_share", "ram_share")}
    rows = [
        ("parameters", f"{load_original('parameters').value:,}", f"{cost.parameters:,}",
         f"{cost.parameters:,}", f"{cost.parameters:,}"),
        ("flash", _percent(share["flash_share"]), _percent(theirs.flash_share, 2),
         _percent(cost.flash_share["float32"], 2), _percent(cost.flash_share["int8"], 2)),
        ("RAM", _percent(share["ram_share"]), _percent(theirs.ram_share, 2),
         _percent(cost.ram_share["float32"], 2), _percent(cost.ram_share["int8"], 2)),
        ("operations", f"{load_original('flops').value:,}", f"{theirs.flops:,}",
         f"{cost.flops:,}", f"{cost.flops:,}"),
    ]  # fmt: skip
    heads = ("quantity", "original", "original, recomputed", "here, 32-bit floats", "here, 8 bits")
    return page.table(
        (dict(zip(heads, row, strict=True)) for row in rows),
        method="computed, published (original)",
    )


def tabulate_accuracies(task: str) -> page.Html:
    """Test accuracies of other people's networks and of ours on a task, float and int8."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for record in others("accuracy", task=task):
        numbers = record.subject.get("numbers", "")
        if numbers and "method" not in record.subject:
            model = short_name(str(record.subject["model"]))
            if numbers not in ("float", "int8"):
                model = f"{model}, {numbers}"
            column = "floats" if numbers == "float" else "8-bit integers"
            network = rows.setdefault((model, repository_of(record.source)), {})
            network[column] = _percent(record.value)
    ours = []
    for path in sorted((FOLDER / "published").glob(f"*-{task}.json")):
        name = path.stem
        ours += select(load(f"published/{path.name}"), "accuracy", split="testing")
        rows[short_name(name.removesuffix(f"-{task}")), "this library"] = {
            "floats": brief(accuracy(name)), "8-bit integers": brief(accuracy(f"{name}-int8")),
        }  # fmt: skip
    return page.table(
        ({"network": network, "by": by, **values} for (network, by), values in rows.items()),
        ours,
        ["network", "by", "floats", "8-bit integers"],
        method="measured, published (others)",
    )


def tabulate_board_times() -> page.Html:
    """Run times of networks on boards: the original's, other people's, and ours."""
    published = load("board/published.json")
    rows: list[tuple[Any, ...]] = []
    for record in times_of_others():
        by = "the original report" if not rows else repository_of(record.source)
        rows.append(("tiny conv", by, record.subject["runtime"], "published", record.value))
    (library,) = select(published, "cycles_with_flash_waits", model="tiny_conv")
    rows.append(("tiny conv", "this report", library.subject["runtime"], "modelled",
                 1000 * library.value / NANO33BLE.clock_hz))  # fmt: skip
    ours = network_ms(load_profile(NETWORK))
    rows.append(("tiny conv", "this report", "generated C", "modelled", ours))
    for record in others("run_time", task="ten_words"):
        runtime = record.subject["runtime"] + (f", {record.machine}" if record.machine else "")
        by = repository_of(record.source)
        rows.append((record.subject["model"], by, runtime, "published", record.value))
    heads = ("network", "by", "runs on", "method", "time")
    return page.table(
        (dict(zip(heads, (*row[:-1], _milliseconds(row[-1])), strict=True)) for row in rows),
        method="modelled, published",
        place="Cortex-M4 boards",
    )


def tabulate_by_bits(
    records: Sequence[Record], names: Mapping[str, str], most: int = 8
) -> page.Html:
    """Accuracy by bits, a column a method.

    Args:
        records: of a sweep.
        names: of the methods.
        most: bits of the first row.
    """
    by_method = {name: accuracy_by_bits(records, method) for method, name in names.items()}
    return page.table(
        [
            {"bits": str(bits), **{name: brief(values[bits]) for name, values in by_method.items()}}
            for bits in next(iter(by_method.values()))
            if bits <= most
        ],
        select(records, "accuracy", split="testing"),
    )


def tabulate_pruned_weights() -> page.Html:
    """Accuracy by the share of pruned weights, before and after fine-tuning, other people's, and
    the time on the board.
    """
    records = sweep("pruning-weights")
    before, after = (accuracy_by_share(records, "weights", tuned=each) for each in (False, True))
    cycles = mean_by_amount(sweep("pruning-board"), "cycles", method="weights", bits=8)
    known = {each.subject["amount"]: each for each in others("accuracy", method="weights")}
    return page.table(
        [
            {
                "pruned": f"{100 * amount:g} %",
                "before fine-tuning": brief(before[amount]),
                "after fine-tuning": brief(after[amount]),
                "kpan02": _percent(known[amount].value) if amount in known else "",
                "on the board": _milliseconds(1000 * cycles[amount] / NANO33BLE.clock_hz),
            }
            for amount in before
            if amount in after
        ],
        select(records, "accuracy", split="testing", method="weights", criterion=USUAL["weights"]),
        method="measured (accuracy), modelled (time)",
    )


def tabulate_channels() -> page.Html:
    """Accuracy, parameters and operations by the channels that are left."""
    records = sweep("pruning-channels")
    before, after = (
        by_channels(accuracy_by_share(records, "channels", tuned=each)) for each in (False, True)
    )
    counts = counts_by_channels()
    known = {each.subject["channels"]: each for each in others("accuracy", method="channels")}
    rows = [
        {
            "channels": str(left),
            "before fine-tuning": brief(before[left]),
            "after fine-tuning": brief(after[left]),
            "ethanglaser": _percent(known[left].value) if left in known else "",
            "parameters": f"{counts['parameters'][left]:,.0f}",
            "MACs": f"{counts['macs'][left]:,.0f}",
        }
        for left in before
    ]
    own = select(records, "accuracy", split="testing", method="channels", criterion="l2")
    return page.table(rows, own, method="measured (accuracy), computed (counts)")


def tabulate_channel_times() -> page.Html:
    """Run times on a CPU and on the board by the channels that are left, and another's."""
    times, theirs = board_times_by_channels()
    in_c, in_pytorch = (
        [*load_cpu_times("tiny_conv", each), *load_cpu_times("tiny_conv", each, method="channels")]
        for each in (COMPILED, "PyTorch")
    )
    compiled, eager = (by_channels(mean_by_amount(own, "run_time")) for own in (in_c, in_pytorch))
    return page.table(
        [
            {
                "channels": str(left),
                "CPU, PyTorch": f"{eager[left]:.3g} µs" if left in eager else "",
                "CPU, generated C": f"{compiled[left]:.3g} µs" if left in compiled else "",
                "board, generated C": _milliseconds(times[left]) if left in times else "",
                "board, Beichen-Ma": _milliseconds(theirs[left]) if left in theirs else "",
            }
            for left in sorted({*times, *theirs}, reverse=True)
        ],
        in_c,
        data="",
        method="measured (CPU), modelled (board)",
    )


def tabulate_norms() -> page.Html:
    """Accuracy after fine-tuning by what was pruned and by the norm that chose it."""
    return page.table(
        [
            {
                "pruned": f"{100 * amount:g} % of "
                + ("blocks of 4" if method == "blocks" else method),
                **{
                    name: brief(values[norm])
                    for norm, name in zip(NORMS, ("L1", "L2", "L-infinity"), strict=True)
                },
            }
            for (method, tuned, amount), values in accuracy_by_norm().items()
            if tuned
        ],
        [
            record
            for kind in ("norms", "channels")
            for record in select(sweep(f"pruning-{kind}"), "accuracy", split="testing")
        ],
    )


def _percent(value: Any, digits: int = 1) -> str:
    """A share, or a range of shares, in percent."""
    values = value if isinstance(value, list) else [value]
    return "–".join(f"{100 * each:.{digits}f}" for each in values) + " %"


def _milliseconds(value: Any) -> str:
    values = value if isinstance(value, list) else [value]
    return "–".join(f"{each:.3g}" for each in values) + "\N{NO-BREAK SPACE}ms"
