"""Sizes of keyword-spotting networks that others published, brought to one convention.

The figures and their sources stand in ``measurements/literature.json``. A figure that a
paper leaves out was counted from its authors' code or layer sizes and is a record of the
method ``modelled``; one that was printed is ``published``.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from kwslib.records import FOLDER, Record, read_records, select

PATH = FOLDER / "literature.json"
ORIGINAL = "original report"


@dataclass(frozen=True)
class PublishedNetwork:
    """One network of the literature.

    Attributes:
        name: as its authors call it; :data:`ORIGINAL` is the original course report's.
        parameters: record of the count.
        operations: record of FLOPs or of MACs, whichever the source gives.
        accuracy: record on twelve labels, or None.
    """

    name: str
    parameters: Record
    operations: Record
    accuracy: Record | None

    @property
    def flops(self) -> int:
        """FLOPs as the source gives them, or twice its MACs."""
        factor = 2 if self.operations.metric == "macs" else 1
        return factor * int(self.operations.value)


def published(records: Iterable[Record] | None = None) -> list[PublishedNetwork]:
    """Networks of which both parameters and operations are known, fewest operations first."""
    records = list(read_records(PATH) if records is None else records)
    networks = []
    for name in dict.fromkeys(str(record.subject["network"]) for record in records):
        parameters = _first(records, "parameters", name)
        operations = _first(records, "flops", name) or _first(records, "macs", name)
        if parameters and operations:
            accuracy = _first(records, "accuracy", name)
            networks.append(PublishedNetwork(name, parameters, operations, accuracy))
    return sorted(networks, key=lambda network: network.flops)


def _first(records: list[Record], metric: str, network: str) -> Record | None:
    return next(iter(select(records, metric, network=network)), None)
