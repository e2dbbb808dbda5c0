"""What the original report states, and who published a figure of others."""

from typing import Any

from kwslib.records import Record, select
from kwslib.results.committed import load

ORIGINAL = "original_report.json"
"""The file of what the original report states; sizes stand with those of other people."""


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
    raise LookupError(f"the original report states no {metric} with {facts}")


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
