"""From an executed chapter to its page: the notebook that it is made of, claims, figures, and the
values in its text, for which the role ``{eval}`` stands: ``{eval}`accuracy:.1%```.
"""

import copy
import html
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import nbformat
from docutils import nodes

from kwslib.results.page import CLAIM_MIME
from kwslib.results.renderer import ORIGIN
from kwslib.site.claims import Claim, decide
from kwslib.site.engine import ValueMissingError, value_of
from kwslib.site.execute import ExecutedChapter
from kwslib.site.figures import Figure, figures_of
from kwslib.site.marks import Block, Expression, without_blocks
from kwslib.site.settings import name_of_data

_MINUS = re.compile(r"(?<![\w.])-(?=\d)")
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=%|([kMG]?B|[kM]?Hz|ms|µs|s|dB|points?)\b)")
_PERCENT = re.compile(r"(?<=\d)%")


@dataclass(frozen=True)
class Page:
    """What a page shows of the run of its chapter.

    Attributes:
        executed: the chapter.
        notebook: without absent blocks and without what only the build needs.
        claims: decided, by label.
        figures: by name.
    """

    executed: ExecutedChapter
    notebook: nbformat.NotebookNode
    claims: Mapping[str, Claim]
    figures: Mapping[str, Figure]

    @classmethod
    def of(cls, executed: ExecutedChapter) -> "Page":
        """The page of an executed chapter.

        Raises:
            ChapterError: an expression, a condition, a claim or a figure fails, or a sentence is
                wrong.
        """
        absent, claims = decide(executed)
        notebook = page_notebook(executed, absent)
        figures = figures_of(notebook, executed.chapter.path)
        return cls(executed, notebook, {each.label: each for each in claims}, figures)


def page_notebook(executed: ExecutedChapter, absent: Sequence[Block]) -> nbformat.NotebookNode:
    """A chapter's notebook without absent blocks and without what only the build needs."""
    notebook = copy.deepcopy(executed.notebook)
    without_blocks(notebook, executed.marks, absent)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [out for out in cell.outputs if CLAIM_MIME not in out.get("data", {})]
            for out in cell.outputs:
                shown = out.get("data", {})
                if "text/html" in shown:
                    shown["text/html"] = _with_origin(shown["text/html"], executed)
    return notebook


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


def shown_values(executed: ExecutedChapter) -> dict[str, str]:
    """The values of a chapter's text as they are shown, by their expressions."""
    found = {}
    for expression in executed.marks.expressions:
        with suppress(ValueMissingError):  # it is in a block that is absent
            found[expression.text] = value_text(executed.run.values, expression.text)
    return found


def _with_origin(text: str, executed: ExecutedChapter) -> str:
    """HTML of a chapter in which its charts say how their numbers came about."""
    profile, data = str(executed.values["profile"]), str(executed.values["data"])
    origin = (
        f"drawn by chapter {executed.chapter.stem} from {name_of_data(profile, data)}, "
        f"{executed.run.when[:10]}, kwslib {executed.run.code}"
    )
    return text.replace(ORIGIN, ORIGIN.replace("></", f">{html.escape(origin)}</"))
