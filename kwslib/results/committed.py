"""The committed records, as chapters load them: a file, those of a task, the original report's."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from kwslib.records import FOLDER, Record, read_records, select

ORIGINAL = "original_report.json"
"""The file of what the original report states; sizes stand with those of other people."""


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


def load_original(metric: str, target: str = "", **facts: Any) -> Record:
    """What the original report states; of several records the first.

    Args:
        metric: of the record.
        target: of a run time: ``"cpu"``, ``"cuda"`` or ``"serial"``, its board.
        facts: of the record's subject or data.

    Raises:
        LookupError: it states nothing of this kind.
    """
    sizes = select(load("literature.json"), metric, network="original report")
    for record in select([*load(ORIGINAL), *sizes], metric, **facts):
        if target in ("", record.target):
            return record
    asked = facts | ({"target": target} if target else {})
    raise LookupError(f"the original report states no {metric} with {asked}")


def repository_of(source: str) -> str:
    """Of code, its repository; of the rest, its first words.

    >>> repository_of("github.com/somebody/project, section 6")
    'somebody/project'
    """
    return source.removeprefix("github.com/").split(",")[0].split(":")[0]


def author_of(source: str) -> str:
    """Of code, its author; of the rest, the source itself.

    >>> author_of("github.com/somebody/project, section 6")
    'somebody'
    """
    return source.split("/")[1] if source.startswith("github.com/") else source
