"""Shares, intervals and lists as words, for the pages that still build their sentences."""

from collections.abc import Sequence

from kwslib.measurements import FOLDER

ORIGINAL = FOLDER / "original_report.json"
"""What the original report stated."""


def percent(share: float, digits: int = 1) -> str:
    """``0.9284`` as ``"92.8 %"``."""
    return f"{100 * share:.{digits}f} %"


def interval_text(interval: tuple[float, float] | None) -> str:
    """``(0.9135, 0.9409)`` as ``"91.3 to 94.1 %"``; nothing is known where there is none."""
    low, high = interval or (0.0, 1.0)
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def listed(words: Sequence[str], by: str = "and") -> str:
    """``["yes", "no", "left"]`` as ``"yes, no and left"``."""
    *first, last = words
    return f"{', '.join(first)} {by} {last}" if first else last
