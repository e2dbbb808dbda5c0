"""What the text of a page asks of its run: expressions, claims, and conditions of blocks.

The text is read by MyST's own parser, as the page will be, so that what stands in a code span or
a formula is left alone.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import nbformat
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from myst_parser.config.main import MdParserConfig
from myst_parser.mdit_to_docutils.base import DocutilsRenderer
from myst_parser.parsers.mdit import create_md_parser

from kwslib.results.page import CLAIM_LABEL

ROLE = "eval"
"""The role of an expression: ``{eval}`accuracy:.1%```."""

_ROLE = re.compile(rf"\{{{ROLE}\}}`([^`]*)`")
_EXTENSIONS = {"amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"}
_DIRECTIVE = re.compile(r"\{([a-zA-Z0-9:_-]+)\}")
_LITERAL = ("code", "code-block", "code-cell", "literalinclude", "math", "raw")  # no Markdown

_IF = re.compile(r"if\s+(.+)")
_END = re.compile(r"end\s+if")


class MarkError(Exception):
    """A mark is wrong or stands alone; the message begins with its line."""


@dataclass(frozen=True)
class Expression:
    """A value in the text.

    Attributes:
        text: as its author wrote it: an expression and, behind a colon, its format.
        line: of the source on which it stands, or on which its paragraph begins.
    """

    text: str
    line: int

    @property
    def code(self) -> str:
        """Python that gives the value as it is shown."""
        return f'f"""{{ {self.text}}}"""'


@dataclass(frozen=True)
class MarkedClaim:
    """A sentence whose truth depends on numbers.

    Attributes:
        label: its own.
        sentence: as its author wrote it.
        line: of the source.
    """

    label: str
    sentence: str
    line: int


@dataclass(frozen=True)
class Block:
    """A part of the page that is there only if a condition holds.

    Attributes:
        condition: Python.
        line: of the source, with its first comment.
        end: likewise, with its last.
    """

    condition: str
    line: int
    end: int

    @property
    def code(self) -> str:
        """Python that gives whether it is there."""
        return f"bool({self.condition})"

    def covers(self, line: int) -> bool:
        """Whether a line of the source is in the block, its comment lines included."""
        return self.line <= line <= self.end


@dataclass(frozen=True)
class Marks:
    """All marks of a page, in its order."""

    expressions: tuple[Expression, ...]
    claims: tuple[MarkedClaim, ...]
    blocks: tuple[Block, ...]

    def codes(self) -> list[str]:
        """Python of all values and conditions, each once."""
        values = (expression.code for expression in self.expressions)
        return list(dict.fromkeys([*values, *(block.code for block in self.blocks)]))


def first_line(notebook: nbformat.NotebookNode, cell: int) -> int:
    """The line of the source, from 1, on which a cell begins; 1 where that is not known."""
    lines = notebook.metadata.get("source_map", [])
    return int(lines[cell]) + 1 if cell < len(lines) else 1


def marks_of(notebook: nbformat.NotebookNode) -> Marks:
    """The marks of a notebook's text and of its figures' captions.

    Raises:
        MarkError: a mark is not closed, stands where it is not seen, or has a wrong label.
    """
    expressions: list[Expression] = []
    claims: list[MarkedClaim] = []
    comments: list[tuple[str, int]] = []
    for number, cell in enumerate(notebook.cells):
        start = first_line(notebook, number)
        is_text = cell.cell_type == "markdown"
        text = cell.source if is_text else caption_of(cell)
        seen = list(_inlines(text, start))
        found = [
            Expression(node.content, line)
            for node, line in seen
            if node.type == "myst_role" and node.meta.get("name") == ROLE
        ]
        _check_all_seen(text, found, start)
        expressions += found
        claims += [
            MarkedClaim(str(node.attrs.get("id", "")), _sentence(node), line)
            for node, line in seen
            if node.type == "span" and "claim" in str(node.attrs.get("class", "")).split()
        ]
        if is_text:
            comments += _comments(text, start)
    labels = [claim.label for claim in claims]
    for claim in claims:
        if not CLAIM_LABEL.fullmatch(claim.label):
            raise MarkError(
                f"{claim.line}: claim {claim.label!r}: a label has small letters, digits and -"
            )
        if labels.count(claim.label) > 1:
            raise MarkError(f"{claim.line}: two claims are called {claim.label}")
    return Marks(tuple(expressions), tuple(claims), tuple(_blocks(comments)))


def caption_of(cell: nbformat.NotebookNode) -> str:
    """The caption of a cell's figure or table, or empty."""
    figure = cell.metadata.get("mystnb", {}).get("figure", {})
    return str(figure.get("caption", "")) if isinstance(figure, dict) else ""


def operands(condition: str) -> list[str]:
    """What a condition compares: the parts whose values say why it holds or not.

    >>> operands("low(a) > 0 and not len(b) <= 3")
    ['low(a)', 'len(b)']
    """

    def walk(node: ast.expr) -> list[ast.expr]:
        match node:
            case ast.BoolOp(values=values):
                return [part for value in values for part in walk(value)]
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return walk(operand)
            case ast.Compare(left=left, comparators=comparators):
                return [left, *comparators]
        return [node]

    tree = ast.parse(condition, mode="eval").body
    found = [node for node in walk(tree) if not isinstance(node, ast.Constant)]
    return list(dict.fromkeys(ast.unparse(node) for node in found))


def _parse(text: str) -> list[Token]:
    config = MdParserConfig(enable_extensions=_EXTENSIONS)
    return create_md_parser(config, DocutilsRenderer).parse(text) if text else []


def _inlines(text: str, line: int) -> Iterator[tuple[SyntaxTreeNode, int]]:
    """All that running text consists of, also in directives, and the line of its paragraph.

    Args:
        text: of a cell or of a directive.
        line: of the source, on which it begins.
    """
    for node in SyntaxTreeNode(_parse(text)).walk():
        first = line + (node.map[0] if node.type != "root" and node.map else 0)
        if node.type == "inline":
            yield from ((inner, first) for inner in node.walk())
        elif node.type in ("fence", "colon_fence"):
            directive = _DIRECTIVE.match(node.info.strip())
            if directive and directive[1] not in _LITERAL:
                yield from _inlines(node.content, first + 1)


def _sentence(claim: SyntaxTreeNode) -> str:
    """The text in a span, as its author wrote it but for marks of emphasis."""
    return "".join(_source(node) for node in claim.walk(include_self=False) if not node.children)


def _source(node: SyntaxTreeNode) -> str:
    if node.type == "myst_role":
        return f"{{{node.meta['name']}}}`{node.content}`"
    return " " if node.type == "softbreak" else node.content


def _check_all_seen(text: str, found: Sequence[Expression], start: int) -> None:
    """Refuse a role that the parser takes for something else, and so would show as it stands."""
    seen = Counter(expression.text for expression in found)
    for match in _ROLE.finditer(text):
        seen[match[1]] -= 1
        if seen[match[1]] < 0:
            line = start + text.count("\n", 0, match.start())
            raise MarkError(
                f"{line}: {match[0]} is not read as an expression; look for a code span around it, "
                "a | in a table, two $ around it, an image's text or the title of a directive"
            )


def _comments(text: str, start: int) -> Iterator[tuple[str, int]]:
    for token in _parse(text):
        if token.type == "myst_line_comment" and token.map:
            for line, comment in enumerate(token.content.split("\n"), start + token.map[0]):
                yield comment.strip().lstrip("%").strip(), line


def _blocks(comments: Sequence[tuple[str, int]]) -> Iterator[Block]:
    begun: tuple[str, int] | None = None
    for comment, line in comments:
        if condition := _IF.fullmatch(comment):
            if begun:
                raise MarkError(f"{line}: a block begins in the one of line {begun[1]}")
            begun = (condition[1], line)
        elif _END.fullmatch(comment):
            if not begun:
                raise MarkError(f"{line}: a block ends that has not begun")
            yield Block(*begun, line)
            begun = None
    if begun:
        raise MarkError(f"{begun[1]}: the block has no end; write % end if")


def without_blocks(
    notebook: nbformat.NotebookNode, marks: Marks, absent: Sequence[Block]
) -> nbformat.NotebookNode:
    """Take from ``notebook`` the lines and cells of absent blocks, and the marks of all blocks.

    Lines of text are blanked, so that what follows keeps its number.
    """
    edges = {line for block in marks.blocks for line in (block.line, block.end)}
    kept = []
    for number, cell in enumerate(notebook.cells):
        start = first_line(notebook, number)
        if cell.cell_type == "markdown":
            lines = enumerate(cell.source.split("\n"), start)
            cell.source = "\n".join(
                "" if line in edges or is_covered(line, absent) else text for line, text in lines
            )
        if cell.cell_type == "markdown" or not is_covered(start, absent):
            kept.append(number)
    starts: Any = notebook.metadata.get("source_map")
    notebook.cells = [notebook.cells[number] for number in kept]
    if starts:
        notebook.metadata["source_map"] = [starts[number] for number in kept]
    return notebook


def is_covered(line: int, blocks: Iterable[Block]) -> bool:
    """Whether a line of the source is in one of some blocks."""
    return any(block.covers(line) for block in blocks)
