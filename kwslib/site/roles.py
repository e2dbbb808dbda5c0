"""The role of expressions: ``{eval}`accuracy:.1%``` becomes the value that the run gave."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from docutils import nodes

from kwslib.site.engine import ValueMissingError, value_of
from kwslib.site.marks import Expression

_MINUS = re.compile(r"(?<![\w.])-(?=\d)")
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=%|([kMG]?B|[kM]?Hz|ms|µs|s|dB|points?)\b)")
_PERCENT = re.compile(r"(?<=\d)%")


def typeset(text: str) -> str:
    """A value as it is set: a true minus sign, and a number and its unit on one line.

    >>> typeset("-1.5 dB").replace(chr(160), "~"), typeset("92.8%").replace(chr(160), "~")
    ('−1.5~dB', '92.8~%')
    """
    text = _MINUS.sub("−", text.strip())
    text = _BEFORE_UNIT.sub("\N{NO-BREAK SPACE}", text)
    return _PERCENT.sub("\N{NO-BREAK SPACE}%", text)


def value_text(values: Mapping[str, Any], text: str) -> str:
    """The value of an expression as it is set.

    Raises:
        ValueMissingError: it has none.
    """
    return typeset(str(value_of(values, Expression(text, 0).code)))


def eval_role(
    name: str,
    rawtext: str,
    text: str,
    lineno: int,
    inliner: Any,
    options: Mapping[str, Any] | None = None,
    content: Sequence[str] = (),
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """The value of an expression of the page that is read."""
    env = inliner.document.settings.env
    page = env.app.kws_report.pages.get(env.docname)
    try:
        shown = value_text(page.executed.run.values if page else {}, text)
    except ValueMissingError as error:
        message = inliner.reporter.error(f"{{{name}}}`{text}`: {error}", line=lineno)
        return [nodes.problematic(rawtext, rawtext)], [message]
    node = nodes.inline("", shown, classes=["kws-value"], support_smartquotes=False)
    return [node], []
