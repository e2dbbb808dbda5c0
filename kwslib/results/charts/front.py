"""Which of several networks no other beats."""

from collections.abc import Mapping, Sequence
from typing import Any


def front(rows: Sequence[Mapping[str, Any]], cost: str, worth: str) -> list[Mapping[str, Any]]:
    """The rows that no other beats: whatever is worth more costs more. Cheapest first.

    Args:
        rows: with ``worth`` and ``cost``; one whose cost is None, which is not known, is left out.
        cost: name of what should be little.
        worth: name of what should be much.
    """
    known = [row for row in rows if row[cost] is not None]
    best: list[Mapping[str, Any]] = []
    for row in sorted(known, key=lambda row: (row[cost], -row[worth])):
        if not best or row[worth] > best[-1][worth]:
            best.append(row)
    return best
