"""Figures of the published networks: each is a chart or a table, or a note where nothing is."""

from collections.abc import Sequence
from typing import Any

from kwslib.results import networks_prose as prose
from kwslib.results import page
from kwslib.results.charts import deployment as deployment_charts
from kwslib.results.charts import networks as charts
from kwslib.results.charts import training as training_charts
from kwslib.results.networks import Known, Network

_COSTS = {
    "macs": "million multiply-accumulates",
    "parameters": "thousand parameters",
    "ms": "milliseconds on the board",
}
_AGAIN = "python -m kwslib.studies --data DIR makes the published run, with all networks."


def table(networks: Sequence[Network], task: str, caption: str) -> Any:
    """The published networks of a task in numbers."""
    own = prose.of_task(networks, task)
    return page.table(prose.network_rows(own), caption) if own else _missing()


def four_labels(networks: Sequence[Network]) -> Any:
    """Accuracy on yes and no against what it costs."""
    own = prose.of_task(networks, prose.FOUR)
    return charts.pareto(prose.pareto_rows(own), _COSTS, "yes and no") if own else _missing()


def twelve_labels(networks: Sequence[Network], known: Sequence[Known]) -> Any:
    """Accuracy on the ten words against what it costs, with networks of others."""
    own = prose.of_task(networks, prose.TEN)
    return charts.pareto(prose.pareto_rows(own, known), _COSTS, "the ten command words")


def ten_words_by_label(networks: Sequence[Network]) -> Any:
    """Recall of each of the ten words by the best network on them."""
    best = prose.best_of(prose.of_task(networks, prose.TEN))
    return training_charts.recall_by_label(prose.recall_rows(best)) if best else _missing()


def board(networks: Sequence[Network]) -> Any:
    """Milliseconds of every network on the emulated board."""
    rows = prose.time_rows(networks)
    if not rows:
        return _missing()
    return deployment_charts.run_times(rows, "the network, once", "ms")


def board_table(networks: Sequence[Network]) -> Any:
    """Every network's record of the emulated board."""
    rows = prose.board_rows(networks)
    caption = "Every published network on the emulated board: instructions counted, times modelled"
    return page.table(rows, caption) if rows else _missing()


def _missing() -> Any:
    return page.note(_AGAIN, "Not published yet")
