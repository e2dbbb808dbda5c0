"""A page's notebook in plain Markdown, to be read in JupyterLab or on GitHub as on the page.

MyST's roles, directives and comments are written out: values, numbers of figures, citations,
titles. What is not known here stops the build, so that nothing of MyST is left by accident.
"""

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import nbformat
from sphinx.environment import BuildEnvironment

from kwslib.site.claims import CLASS
from kwslib.site.marks import caption_of

_BLOCK = re.compile(
    r"^(?P<marks>(?P<mark>[`:~])(?P=mark){2,})"
    r"(?:\{(?P<name>[\w:-]+)\}[ \t]*(?P<title>.*)|(?<!:).*)\n"
    r"(?P<body>(?:.*\n)*?)"
    r"[ \t]*(?P=marks)(?P=mark)*[ \t]*$",
    re.MULTILINE,
)
"""A directive, or a fence around what is shown as it stands."""

_OPTIONS = re.compile(r"(?:(?::[\w-]+:.*|[ \t]*)\n)*")
_UNSEEN = re.compile(r"%.*|\([^()\s]+\)=\s*")  # lines
_ROLE_OR_CODE = re.compile(r"\{([\w:+-]+)\}`([^`]+)`|(`+)(?!`).+?(?<!`)\3(?!`)", re.DOTALL)
_CLAIM_END = re.compile(rf"\]\{{[^}}]*\.{CLASS}[^}}]*#([a-z0-9-]+)[^}}]*\}}")
_TITLES = {"note": "Note", "tip": "Tip", "warning": "Warning", "important": "Important"}
_COUNTED = {"figure": "Figure", "table": "Table"}
_TITLED = re.compile(r"(.+?)\s*<[^<>]+>", re.DOTALL)  # the author's words for a link


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
        out, at = [], 0
        for block in _BLOCK.finditer(text):
            out.append(self._inline(text[at : block.start()].removesuffix("\n")))
            out.append(self._directive(block) if block["name"] else block[0])
            at = block.end() + 1
        plain = "\n".join([*out, self._inline(text[at:])])
        return re.sub(r"\n{3,}", "\n\n", plain)

    def _directive(self, block: re.Match[str]) -> str:
        name = block["name"]
        content = _OPTIONS.sub("", block["body"], count=1)
        if name.startswith("kws-"):  # what the site alone can show
            return ""
        if name == "math":
            return f"$$\n{content}$$"
        if name not in ("admonition", "dropdown", *_TITLES):
            raise PlainError(f"directive {name}: has no plain form; add one to site/plain.py")
        quoted = [f"> {line}".rstrip() for line in self.markdown(content).strip().split("\n")]
        return "\n".join([f"> **{block['title'].strip() or _TITLES[name]}**", ">", *quoted])

    def _inline(self, text: str) -> str:
        def written(match: re.Match[str]) -> str:
            if not match[1]:
                return match[0]
            if match[1] not in self.roles:
                raise PlainError(f"role {match[1]}: has no plain form; add one to site/plain.py")
            titled = _TITLED.fullmatch(match[2]) if match[1] in ("doc", "ref", "numref") else None
            return titled[1] if titled else self.roles[match[1]](match[2])

        text = "\n".join(line for line in text.split("\n") if not _UNSEEN.fullmatch(line))
        while end := _CLAIM_END.search(text):
            start = _opening(text, end.start())
            mark = " (*not so in this run*)" if end[1] in self.open_claims else ""
            sentence = text[start + 1 : end.start()]
            text = f"{text[:start]}{sentence}{mark}{text[end.end() :]}"
        return _ROLE_OR_CODE.sub(written, text)


def _opening(text: str, end: int) -> int:
    """Where the bracket opens that closes at ``end``."""
    depth = 1
    for at in range(end - 1, -1, -1):
        depth += {"]": 1, "[": -1}.get(text[at], 0)
        if depth == 0:
            return at
    raise PlainError(f"a claim has no opening bracket: {text[:end]}")


def number_of(env: BuildEnvironment, name: str) -> str:
    """A figure or table as the text calls it, such as ``"Figure 5.1"``; its name if it has none."""
    standard = cast(Any, env.get_domain("std"))
    page, place, *_ = standard.anonlabels.get(name.lower(), ("", ""))
    for kind, word in _COUNTED.items():
        number = env.toc_fignumbers.get(page, {}).get(kind, {}).get(place)
        if number:
            return f"{word} {'.'.join(map(str, number))}"
    return name


def section_title_of(env: BuildEnvironment, name: str) -> str:
    """The title of a section that has a label; the label if there is none."""
    standard = cast(Any, env.get_domain("std"))
    return f"*{standard.labels.get(name.lower(), ('', '', name))[2]}*"


def citations_of(env: BuildEnvironment, keys: str) -> str:
    """Citations by the labels that they have on the site, such as ``"JKC+18"``."""
    cited = {
        each.key: each.formatted_entry.label for each in cast(Any, env.get_domain("cite")).citations
    }
    return ", ".join(cited.get(key.strip(), key.strip()) for key in keys.split(","))
