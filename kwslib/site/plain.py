"""A page's notebook in plain Markdown, to be read in JupyterLab or on GitHub as on the page.

MyST's roles, directives and comments are written out: values, numbers of figures, citations,
titles. What is not known here stops the build, so that nothing of MyST is left by accident.
"""

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import nbformat

from kwslib.site.claims import CLASS
from kwslib.site.marks import caption_of

_OPEN = re.compile(r"(`{3,}|:{3,})\{([\w:-]+)\}[ \t]*(.*)")
_FENCE = re.compile(r"`{3,}|~{3,}")
_OPTION = re.compile(r":[\w-]+:.*")
_TARGET = re.compile(r"\([^()\s]+\)=\s*")
_ROLE_OR_CODE = re.compile(r"\{([\w:+-]+)\}`([^`]+)`|(`+)(?!`).+?(?<!`)\3(?!`)", re.DOTALL)
_CLAIM_END = re.compile(rf"\]\{{[^}}]*\.{CLASS}[^}}]*#([a-z0-9-]+)[^}}]*\}}")
_TITLES = {"note": "Note", "tip": "Tip", "warning": "Warning", "important": "Important"}
_MATHS = ("math",)
_LINKS = ("doc", "ref", "numref")
_TITLED = re.compile(r"(.+?)\s*<[^<>]+>", re.DOTALL)  # the author's words for a link
_LIVE = "kws-"  # begins the names of what the site alone can show


class PlainError(Exception):
    """A page uses a role or directive that has no plain form here."""


@dataclass(frozen=True)
class Plain:
    """How the marks of one page are written out.

    Attributes:
        roles: by name, what an argument becomes.
        open_claims: labels of the claims that do not hold in this run.
        fields: of each figure and table, what it rests on, by name.
        number: of a figure or table, such as ``"Figure 5.1"``, by name.
    """

    roles: Mapping[str, Callable[[str], str]]
    open_claims: frozenset[str]
    fields: Mapping[str, Mapping[str, str]]
    number: Callable[[str], str]

    def notebook(self, notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
        """A copy of an executed notebook in plain Markdown.

        Raises:
            PlainError: a role or directive is not known.
        """
        notebook = copy.deepcopy(notebook)
        cells = []
        for cell in notebook.cells:
            cells.append(cell)
            if cell.cell_type == "markdown":
                cell.source = self.markdown(cell.source)
                continue
            if {"hide-input", "remove-input", "remove-cell"} & {*cell.metadata.get("tags", ())}:
                cell.metadata["jupyter"] = {"source_hidden": True}
            cell.outputs = [out for out in cell.outputs if out.output_type != "stream"]
            if caption := caption_of(cell):
                cells.append(self._caption(cell, caption))
        notebook.cells = cells
        notebook.metadata.pop("source_map", None)
        return notebook

    def _caption(self, cell: nbformat.NotebookNode, caption: str) -> nbformat.NotebookNode:
        name = str(cell.metadata["mystnb"]["figure"]["name"])
        fields = "; ".join(f"{key}: {value}" for key, value in self.fields.get(name, {}).items())
        text = f"*{self.number(name)}.* {self.markdown(caption).strip()}"
        below = nbformat.v4.new_markdown_cell(f"{text} ({fields})" if fields else text)
        below.id = f"{cell.id}-caption"
        return below

    def markdown(self, text: str) -> str:
        """Text of a page in plain Markdown.

        Raises:
            PlainError: a role or directive is not known.
        """
        lines, out, running = text.split("\n"), [], []
        at = 0
        while at < len(lines):
            line, at = lines[at], at + 1
            fence = _OPEN.match(line) or _FENCE.match(line)
            if not fence:
                if not line.startswith("%") and not _TARGET.fullmatch(line):
                    running.append(line)
                continue
            out.append(self._inline("\n".join(running)))
            running = []
            marks = fence[1] if fence.re is _OPEN else fence[0]
            body, at = _until(lines, at, marks)
            if fence.re is _OPEN:
                out.append(self._directive(fence[2], fence[3].strip(), body))
            else:
                out.append("\n".join([line, *body, marks]))
        plain = "\n".join([*out, self._inline("\n".join(running))])
        return re.sub(r"\n{3,}", "\n\n", plain)

    def _directive(self, name: str, title: str, body: list[str]) -> str:
        if name.startswith(_LIVE):
            return ""
        if name in _MATHS:
            return "\n".join(["$$", *_content(body), "$$"])
        if name not in ("admonition", "dropdown", *_TITLES):
            raise PlainError(f"directive {name}: has no plain form; add one to site/plain.py")
        inner = self.markdown("\n".join(_content(body))).strip()
        quoted = [f"> {line}".rstrip() for line in inner.split("\n")]
        return "\n".join([f"> **{title or _TITLES[name]}**", ">", *quoted])

    def _inline(self, text: str) -> str:
        def written(match: re.Match[str]) -> str:
            if not match[1]:
                return match[0]
            if match[1] not in self.roles:
                raise PlainError(f"role {match[1]}: has no plain form; add one to site/plain.py")
            titled = _TITLED.fullmatch(match[2]) if match[1] in _LINKS else None
            return titled[1] if titled else self.roles[match[1]](match[2])

        while end := _CLAIM_END.search(text):
            start = _opening(text, end.start())
            mark = " (*not so in this run*)" if end[1] in self.open_claims else ""
            sentence = text[start + 1 : end.start()]
            text = f"{text[:start]}{sentence}{mark}{text[end.end() :]}"
        return _ROLE_OR_CODE.sub(written, text)


def _until(lines: list[str], at: int, marks: str) -> tuple[list[str], int]:
    """The lines up to the one that closes a fence, and the place behind that."""
    for end in range(at, len(lines)):
        closing = lines[end].strip()
        if closing.startswith(marks) and not closing.strip(marks[0]):
            return lines[at:end], end + 1
    return lines[at:], len(lines)


def _content(body: list[str]) -> list[str]:
    """What a directive contains, without its options."""
    while body and (_OPTION.fullmatch(body[0]) or not body[0].strip()):
        body = body[1:]
    return body


def _opening(text: str, end: int) -> int:
    """Where the bracket opens that closes at ``end``."""
    depth = 1
    for at in range(end - 1, -1, -1):
        depth += {"]": 1, "[": -1}.get(text[at], 0)
        if depth == 0:
            return at
    raise PlainError(f"a claim has no opening bracket: {text[:end]}")
