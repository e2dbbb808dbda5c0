"""The tables of the audit: the original's figures, other people's and ours."""

from collections.abc import Mapping, Sequence
from typing import Any

from kwslib.config import NANO33BLE
from kwslib.cost import Cost
from kwslib.cost.original import as_original
from kwslib.prune.methods import USUAL
from kwslib.prune.norms import NORMS
from kwslib.records import FOLDER, Record, select
from kwslib.results import page
from kwslib.results.audit import (
    CHANNELS,
    NETWORK,
    accuracy,
    accuracy_by_norm,
    board_times_by_channels,
    by_channels,
    counts_by_channels,
    mean_by_amount,
    others,
    sweep,
)
from kwslib.results.board_profile import load_profile, network_ms
from kwslib.results.charts.theme import short_name
from kwslib.results.committed import load, load_original, repository_of
from kwslib.results.model_size import load_cpu_times
from kwslib.results.pruning import accuracy_by_share
from kwslib.results.quantization import accuracy_by_bits
from kwslib.results.values import brief
from kwslib.studies.pruned_boards import COMPILED


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
    for record in select(published, "run_time", stage="network"):
        if record.subject.get("channels", CHANNELS) == CHANNELS:
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
