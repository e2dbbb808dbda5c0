"""The audit on its page: the points of a section as HTML, what they amount to in numbers."""

import html
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import get_args

from kwslib.results.audit import board, preprocessing, pruning, quantization, size, training
from kwslib.results.audit.evidence import Evidence
from kwslib.results.audit.line import Line, Reason, Standing
from kwslib.results.page import Html

SECTIONS = {
    module.__name__.rpartition(".")[2]: module
    for module in (preprocessing, size, training, board, quantization, pruning)
}
"""In the order of the original's."""

MISSING = "Not measured yet."
"""Stands where the record of a point is not there."""

Audit = dict[str, list[Line]]
"""The points of every section."""


def audit(evidence: Evidence | None = None) -> Audit:
    """Every point, from the committed records and what is counted and timed now."""
    evidence = evidence or Evidence()
    return {name: module.lines(evidence) for name, module in SECTIONS.items()}


def numbers(found: Audit) -> dict[str, str]:
    """The numbers of the prose."""
    lines = _lines(found)
    standings = Counter(reason.standing for line in lines for reason in line.reasons)
    missing = [line.topic for line in lines if not line.ours]
    sentence = "Every point has its figures."
    if missing:
        sentence = (
            f"The records of {len(missing)} are not there yet; they say so, with the command that "
            "makes them."
        )
    return {
        "audit_points": str(len(lines)),
        "audit_missing_sentence": sentence,
        **{f"audit_{each.replace(' ', '_')}": str(standings[each]) for each in get_args(Standing)},
    }


def _lines(found: Audit) -> list[Line]:
    return [line for lines in found.values() for line in lines]


def section(found: Audit, name: str) -> Html:
    """The points of a section, one below the other."""
    return Html("".join(map(_point, found[name])))


def _point(line: Line) -> str:
    parts = [
        ("The original", _text(line.original)),
        ("Others", _text(line.others)),
        ("Ours", f"{_text(line.ours) or f'<strong>{MISSING}</strong>'}{_code(line.command)}"),
        ("Why they differ", _reasons(line.reasons)),
    ]
    terms = "".join(f"<dt>{term}</dt><dd>{text}</dd>" for term, text in parts if text)
    return f'<div class="kws-point"><h3>{html.escape(line.topic)}</h3><dl>{terms}</dl></div>'


def _reasons(reasons: Sequence[Reason]) -> str:
    told = "".join(
        f'<li><span class="kws-standing">{each.standing}</span> '
        f"{_text(each.text)}{_code(each.command)}</li>"
        for each in reasons
    )
    return f"<ul>{told}</ul>" if told else ""


def _text(text: str) -> str:
    """Escaped, and a percent sign stays with its number."""
    return html.escape(text).replace(" %", "\N{NO-BREAK SPACE}%")


def _code(command: str) -> str:
    return f" <code>{html.escape(command)}</code>" if command else ""


def commands(found: Audit) -> Iterable[str]:
    """Every command that the audit names."""
    for line in _lines(found):
        yield line.command
        yield from (reason.command for reason in line.reasons if reason.command)
