"""The original report's figures, other people's and ours, from the committed records."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from statistics import mean
from typing import Any

from kwslib.config import NANO33BLE
from kwslib.prune.methods import USUAL
from kwslib.prune.norms import NORMS
from kwslib.records import FOLDER, Record, select
from kwslib.results.committed import load
from kwslib.results.pruned_networks import published_times
from kwslib.results.pruning import accuracy_by_share, change_by_share
from kwslib.results.values import Estimate, grouped, mean_over_seeds

NETWORK = "tiny_conv-yes_no"
"""The original's network and task, as our records name them."""

CHANNELS = 8
"""Of the original's convolution."""

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


def last_epochs(name: str = NETWORK) -> list[Mapping[str, float]]:
    """What the last epoch of each training measured, one a seed."""
    return [record.value[-1] for record in select(load(f"published/{name}.json"), "history")]


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
