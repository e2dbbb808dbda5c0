"""The published networks in words and rows: numbers of chapters 3 and 4, rows of their figures."""

from collections.abc import Sequence
from typing import Any

from kwslib.config import NANO33BLE
from kwslib.results.charts.networks import OURS
from kwslib.results.networks import Known, Network
from kwslib.training.summary import interval_text, listed, percent

FOUR, TEN = "yes_no", "ten_words"
"""Names of the tasks that are compared."""

_AGAIN = "python -m kwslib.studies"
_KINDS = {
    "Speech Commands v0.02": "others, v0.02",
    "Speech Commands v0.01": "others, v0.01",
    "MLPerf Tiny": "others, MLPerf Tiny",
}
_BASELINE = "tiny_conv"
_MILLION = 1_000_000


def numbers(networks: Sequence[Network], known: Sequence[Known]) -> dict[str, str]:
    """Every number and every sentence on the published networks."""
    headline, beneath = _headline(networks)
    return {
        "networks_headline": headline,
        "networks_headline_sentence": beneath,
        "networks_sentence": _published_sentence(networks),
        "networks_seeds_sentence": _seeds_sentence(networks),
        "networks_budget_sentence": _budget_sentence(networks),
        "networks_int8_sentence": _int8_sentence(networks),
        "networks_ten_sentence": _ten_sentence(networks),
        "networks_others_sentence": _others_sentence(networks, known),
        "networks_others_times": _others_times(known),
        "networks_board_sentence": _board_sentence(networks),
        "networks_board_clock": f"{NANO33BLE.clock_hz / 1e6:.0f} MHz",
    }


def of_task(networks: Sequence[Network], task: str) -> list[Network]:
    """The networks of a task."""
    return [network for network in networks if network.task == task]


def best_of(networks: Sequence[Network]) -> Network | None:
    """The most accurate network; of equal ones the cheapest."""
    return max(networks, key=lambda each: (each.accuracy, -each.macs), default=None)


def _headline(networks: Sequence[Network]) -> tuple[str, str]:
    """What the best network of no more parameters than the baseline does, and what that is."""
    base, others = _baseline_and_smaller(networks)
    best = best_of(others)
    if base is None or best is None or best.accuracy <= base.accuracy:
        return "No better network yet", _published_sentence(networks)
    told = f"A network built of what is known today: {_beside(best, base)} than {_BASELINE}."
    return f"{percent(best.accuracy)} with as few parameters", told


def _baseline_and_smaller(
    networks: Sequence[Network],
) -> tuple[Network | None, list[Network]]:
    """The baseline on yes and no, and the others there that have no more parameters."""
    four = of_task(networks, FOUR)
    base = next((each for each in four if each.model == _BASELINE), None)
    if base is None:
        return None, []
    return base, [x for x in four if x is not base and x.parameters <= base.parameters]


def _published_sentence(networks: Sequence[Network]) -> str:
    models = list(dict.fromkeys(network.model for network in networks))
    if not models:
        return f"No network is published; {_AGAIN} trains them all."
    if models == [_BASELINE]:
        return f"So far {_BASELINE} alone is published; {_AGAIN} trains the others of this library."
    return (
        f"Published are {listed(models)}: {len(networks)} networks, counting each set of keywords."
    )


def _seeds_sentence(networks: Sequence[Network]) -> str:
    many = [each for each in of_task(networks, FOUR) if len(each.studies) > 1]
    if not many:
        return "Each accuracy is that of a single seed."
    counts = sorted({len(network.studies) for network in many})
    return (
        f"On yes and no an accuracy is the mean of {listed([str(n) for n in counts], 'or')} seeds."
    )


def _figures(network: Network) -> str:
    text = f"{network.parameters:,} parameters and {network.macs:,} multiply-accumulates"
    if network.milliseconds is None:
        return text
    return f"{text}, {network.milliseconds:.1f} ms on the emulated board"


def _right(network: Network) -> str:
    return (
        f"{percent(network.accuracy)} of {network.clips:,} test clips right "
        f"(95 % interval {interval_text(network.interval)})"
    )


def _budget_sentence(networks: Sequence[Network]) -> str:
    """What the budget of the baseline buys today on yes and no, and what one of a million does."""
    base, others = _baseline_and_smaller(networks)
    if base is None:
        return f"{_BASELINE} is not published on yes and no, so there is no budget to keep to."
    text = f"{_BASELINE}, with {_figures(base)}, gets {_right(base)}."
    small = best_of([each for each in others if each.macs <= base.macs])
    if small is not None:
        text += f" With no more of either, {_beside(small, base)}."
    million = best_of([each for each in others if base.macs < each.macs <= _MILLION])
    if million is not None:
        better = small is None or million.accuracy > small.accuracy
        words = "With a million operations," if better else "A million operations buy no more:"
        text += f" {words} {_beside(million, base)}."
    return text


def _beside(network: Network, base: Network) -> str:
    points = 100 * (network.accuracy - base.accuracy)
    return (
        f"{network.model} ({_figures(network)}) gets {_right(network)}, "
        f"{abs(points):.1f} points {'more' if points >= 0 else 'less'}"
    )


def _int8_sentence(networks: Sequence[Network]) -> str:
    changes = {each.name: each.int8_change for each in networks if each.int8_change is not None}
    if not changes:
        return "No accuracy in 8-bit integers is on record."
    worst = max(changes, key=lambda name: abs(changes[name]))
    points = 100 * changes[worst]
    return (
        f"As 8-bit integers no network is more than {abs(points):.2f} points away from its "
        f"floats on the test clips; the farthest is {worst}, {abs(points):.2f} points "
        f"{'above' if points > 0 else 'below'}."
    )


def _ten_sentence(networks: Sequence[Network]) -> str:
    best = best_of(of_task(networks, TEN))
    if best is None:
        return f"No network is published on the ten words yet; {_AGAIN} trains them."
    text = (
        f"The best published network on them is {best.model}, with {_figures(best)}: {_right(best)}"
    )
    if best.int8 is not None:
        text += f", and {percent(best.int8.value)} in 8-bit integers"
    return text + "."


def _others_sentence(networks: Sequence[Network], known: Sequence[Known]) -> str:
    """Where the best network on ten words stands among others' on the same version of the data."""
    if not known:
        return "No figures of others are at hand."
    best = best_of(of_task(networks, TEN))
    same = [each for each in known if _KINDS.get(each.data) == "others, v0.02"]
    stated = (
        f"Others state {percent(min(each.accuracy.value for each in known))} to "
        f"{percent(max(each.accuracy.value for each in known))}."
    )
    if best is None or not same:
        return stated
    smaller = [each for each in same if each.macs <= best.macs]
    ahead = [each for each in smaller if each.accuracy.value > best.accuracy]
    if ahead:
        names = listed([f"{each.name} ({percent(each.accuracy.value)})" for each in ahead])
        return f"{stated} With no more operations and on the same test clips, {names} did better."
    if smaller:
        return f"{stated} None with no more operations did better on the same test clips."
    return f"{stated} None of them needs so few operations."


def _others_times(known: Sequence[Known]) -> str:
    """The times of others that the figure draws, at their own clock and at our board's."""
    told = []
    for each in known:
        if each.run_time is not None:
            told.append(
                f"{each.run_time.value:g} ms for {each.name} by {each.run_time.subject['runtime']} "
                f"on a {each.run_time.machine.split(',')[0]} at "
                f"{each.run_time.subject['clock_hz'] / 1e6:.0f} MHz"
            )
    return listed(told) if told else "none"


def _board_sentence(networks: Sequence[Network]) -> str:
    timed = [each for each in networks if each.profile is not None]
    if not timed:
        return "None has been profiled yet."
    fastest = min(timed, key=lambda each: each.milliseconds or 0)
    slowest = max(timed, key=lambda each: each.milliseconds or 0)
    text = f"{fastest.name} is the fastest, with {fastest.milliseconds:.1f} ms"
    if slowest is not fastest:
        text += f", and {slowest.name} the slowest, with {slowest.milliseconds:.1f} ms"
    per_mac = [_per_mac(each) for each in timed]
    return (
        f"{text}. A multiply-accumulate takes {min(per_mac):.2f} to {max(per_mac):.2f} "
        "instructions, with all that is around it."
    )


def _per_mac(network: Network) -> float:
    assert network.profile is not None
    return (network.profile.stages["network"].instructions or 0) / network.macs


def network_rows(networks: Sequence[Network]) -> list[dict[str, Any]]:
    """The networks of a task for a table, fewest operations first."""
    return [
        {
            "network": each.model,
            "parameters": each.parameters,
            "MACs": each.macs,
            "seeds": len(each.studies),
            "test accuracy": percent(each.accuracy),
            "95 % interval": interval_text(each.interval),
            "int8": percent(each.int8.value) if each.int8 else "",
            "board": "" if each.milliseconds is None else f"{each.milliseconds:.1f} ms",
        }
        for each in networks
    ]


def pareto_rows(networks: Sequence[Network], known: Sequence[Known] = ()) -> list[dict[str, Any]]:
    """Networks of a task, and those of others, for a chart."""
    ours = [
        {
            "network": each.model, "kind": OURS, "accuracy": each.accuracy,
            "low": each.interval[0], "high": each.interval[1],
            "macs": each.macs / 1e6, "parameters": each.parameters / 1e3, "ms": each.milliseconds,
            "note": f"mean of {len(each.studies)} seeds" if len(each.studies) > 1 else "one seed",
        }
        for each in networks
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
    return [*ours, *others]


def recall_rows(network: Network) -> list[dict[str, Any]]:
    """Recall of each label for :func:`kwslib.results.charts.training.recall_by_label`."""
    scores = network.studies[0].value("per_label", split="testing")
    return [
        {
            "label": label, "run": "published run", "recall": score["accuracy"],
            "low": score["interval"][0], "high": score["interval"][1], "clips": score["n"],
        }
        for label, score in scores.items()
        if score["n"]
    ]  # fmt: skip


def board_rows(networks: Sequence[Network]) -> list[dict[str, Any]]:
    """What every network takes on the emulated board, for a table."""
    rows = []
    for each in networks:
        if each.profile is not None:
            stage = each.profile.stages["network"]
            waiting = stage.us_with_waits
            rows.append(
                {
                    "network": each.name,
                    "instructions": int(stage.instructions or 0),
                    "instructions a MAC": f"{_per_mac(each):.2f}",
                    "time": f"{each.milliseconds:.1f} ms",
                    "with flash waits": "" if waiting is None else f"{waiting / 1000:.1f} ms",
                    "flash": f"{(each.profile.flash or 0) / 1024:.1f} kB",
                    "RAM": f"{(each.profile.ram or 0) / 1024:.1f} kB",
                }
            )
    return rows


def time_rows(networks: Sequence[Network]) -> list[dict[str, Any]]:
    """Run times for :func:`kwslib.results.charts.deployment.run_times`, in milliseconds."""
    return [
        {"place": each.name, "kind": "modelled here", "time": each.milliseconds, "words": ""}
        for each in networks
        if each.milliseconds is not None
    ]
