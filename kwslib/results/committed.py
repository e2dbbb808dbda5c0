"""The committed records, as chapters load them: a file, or those of all networks of a task."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from kwslib.records import FOLDER, Record, read_records


@cache
def load(name: str, folder: Path = FOLDER) -> Sequence[Record]:
    """The records of a file, such as ``"gpu/tiny_conv.json"``; empty where there is none.

    Raises:
        InputError: the file holds something other than records.
    """
    path = folder / name
    return tuple(read_records(path)) if path.exists() else ()


def load_by_network(
    beginning: str, task: str, folder: Path = FOLDER
) -> dict[str, Sequence[Record]]:
    """The records of the files ``<beginning><network>-<task>.json`` by the network's name.

    Args:
        beginning: of the files' names, such as ``"streaming/"``.
        task: its name.
        folder: with the layout of ``measurements/``.
    """
    ending = f"-{task}.json"
    paths = sorted(folder.glob(f"{beginning}*{ending}"))
    kind = beginning.rpartition("/")[2]
    return {
        path.name.removeprefix(kind).removesuffix(ending): load(
            str(path.relative_to(folder)), folder
        )
        for path in paths
    }
