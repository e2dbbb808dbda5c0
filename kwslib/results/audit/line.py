"""A point of the audit: the original, others, ours, and why they differ."""

from dataclasses import dataclass
from typing import Literal

Standing = Literal["counted", "shown", "not borne out", "guess", "open"]
"""What a reason rests on.

``counted``: arithmetic on this page gives the original's figure, or settles the point. ``shown``: a
run of ours has the effect. ``not borne out``: a run of ours lacks it. ``guess``: nothing was run.
``open``: the run that would tell has no record yet.
"""


@dataclass(frozen=True)
class Reason:
    """Why the original's figure differs from ours, or may.

    Attributes:
        text: the reason, with its figures.
        standing: what it rests on.
        command: that makes the run; empty where there is none, or where it is that of the point.
    """

    text: str
    standing: Standing
    command: str = ""


@dataclass(frozen=True)
class Line:
    """One point.

    Attributes:
        topic: what it is on.
        original: what the report handed in or claimed.
        ours: what we have; empty where the record is not there yet.
        command: that makes ours.
        others: what others published of the same, empty where nothing is known.
        reasons: why the two differ; none where they agree.
    """

    topic: str
    original: str
    ours: str
    command: str
    others: str = ""
    reasons: tuple[Reason, ...] = ()
