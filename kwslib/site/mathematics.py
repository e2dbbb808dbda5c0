"""Formulas as MathML, which browsers set by themselves: no script, no fonts to load.

Docutils converts the LaTeX. What the browser makes of it is text, which is searched, copied, read
out and printed like the rest.
"""

import re

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

NAME = "kws-mathml"
"""What the configuration calls this way to show mathematics."""

_log = logging.getLogger(__name__)

_FUNCTIONS = r"\\(?:ln|log|exp|cos|sin)(?![A-Za-z])"

# Docutils knows brackets of a size only with their sides, and dots only with their place; it takes
# the digits of \frac12 for one number; and it leaves out the space around functions.
_SPELLINGS = (
    (re.compile(r"\\([td]?frac)\s*(\d)\s*(\d)"), r"\\\1{\2}{\3}"),
    (re.compile(r"\\([td]?frac)\s*(\d)(?=\s*\{)"), r"\\\1{\2}"),
    (re.compile(r"(?<=[\w})])\s*(?=" + _FUNCTIONS + ")"), r"\\,"),
    (re.compile("(" + _FUNCTIONS + r")\s+(?=[A-Za-z])"), r"\1\\,"),
    (re.compile(r"\\([bB]igg?)(?=\s*[(\[])"), r"\\\1l"),
    (re.compile(r"\\([bB]igg?)(?=\s*[)\]])"), r"\\\1r"),
    (re.compile(r"\\dots\b"), r"\\ldots"),
)

# Bars are brackets as high as a letter, without space around them.
_BAR = re.compile(r'<mo stretchy="false">(\|)</mo>|<mo>(‖)</mo>')


def to_mathml(tex: str, block: bool = False) -> str:
    """A formula in LaTeX as MathML.

    Args:
        tex: without dollar signs around it.
        block: it stands by itself, not within a line.

    Raises:
        MathError: it has a command that docutils does not know.
    """
    for pattern, spelling in _SPELLINGS:
        tex = pattern.sub(spelling, tex)
    mathml = str(tex2mathml(tex, as_block=block))
    return _BAR.sub(r'<mo stretchy="false" lspace="0" rspace="0">\1\2</mo>', mathml)


def _visit_math(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(f'<span class="math">{_converted(node, block=False)}</span>')
    raise nodes.SkipNode


def _visit_block(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math kws-formula"))
    if node.get("number"):
        self.body.append(f'<span class="eqno">({self.get_equation_number(node)})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append("</span>")
    self.body.append(f"{_converted(node, block=True)}</div>\n")
    raise nodes.SkipNode


def _converted(node: nodes.Element, block: bool) -> str:
    tex = node.astext()
    try:
        return to_mathml(tex, block)
    except MathError as error:
        _log.warning("the formula %r cannot be shown: %s", tex.strip(), error, location=node)
        return ""


def add_renderer(app: Sphinx) -> None:
    """Let a build show mathematics so."""
    app.add_html_math_renderer(NAME, (_visit_math, None), (_visit_block, None))
