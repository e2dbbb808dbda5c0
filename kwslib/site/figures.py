"""Numbered figures and tables: their captions, what they rest on, and words for who cannot see."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.writers.html5 import HTML5Translator
from typing_extensions import override

from kwslib.results.provenance import FIELDS_MIME
from kwslib.site.execute import ChapterError
from kwslib.site.marks import first_line

_LABELLED = re.compile(r'aria-label="[^"]*"')


@dataclass(frozen=True)
class Figure:
    """A figure or table of a page.

    Attributes:
        kind: ``"figure"`` or ``"table"``.
        fields: what it rests on: data, seeds, method, place.
    """

    kind: str
    fields: Mapping[str, str]


def figures_of(notebook: nbformat.NotebookNode, path: Path) -> dict[str, Figure]:
    """The figures of an executed notebook by name, each with its alternative text put in.

    Args:
        notebook: what its outputs are is changed.
        path: of its source, for messages.

    Raises:
        ChapterError: a cell with a caption puts out nothing, or several things, or has no
            alternative text; or two figures have one name.
    """
    found: dict[str, Figure] = {}
    for number, cell in enumerate(notebook.cells):
        options = cell.metadata.get("mystnb", {})
        figure = options.get("figure") if cell.cell_type == "code" else None
        if not figure:
            continue
        name, alt = figure.get("name", ""), options.get("image", {}).get("alt", "")
        outputs = [each for each in cell.outputs if "text/html" in each.get("data", {})]
        for wrong, what in (
            (not name or not figure.get("caption"), "a figure needs a name and a caption"),
            (not alt, f"{name} needs an alternative text, image: alt:"),
            (len(outputs) != 1, f"{name} has {len(outputs)} outputs, must be one"),
            (name in found, f"two figures are called {name}"),
        ):
            if wrong:
                raise ChapterError(f"{path}:{first_line(notebook, number)}: {what}")
        data = outputs[0]["data"]
        label = f'aria-label="{html.escape(" ".join(alt.split()), quote=True)}"'
        # of the first drawing or table, for those who cannot see it
        literally = label.replace("\\", r"\\")
        data["text/html"] = _LABELLED.sub(literally, data["text/html"], count=1)
        kind = cell.metadata.get("kws", {}).get("kind", "figure")
        found[name] = Figure(kind, data.get(FIELDS_MIME, {}))
    return found


class TableFigure(nodes.figure):
    """A figure that counts as a table."""


class ShowFigures(SphinxTransform):
    """Counts tables as such, and writes below a caption what the figure rests on."""

    default_priority = 840  # before numbers are given

    @override
    def apply(self, **kwargs: Any) -> None:
        page = self.app.kws_report.pages.get(self.env.docname)  # type: ignore[attr-defined]
        figures: Mapping[str, Figure] = page.figures if page else {}
        for node in list(self.document.findall(nodes.figure)):
            names = [name for name in node["names"] if name in figures]
            if not names:
                continue
            figure = figures[names[0]]
            if figure.fields:
                text = " · ".join(f"{name}: {value}" for name, value in figure.fields.items())
                below = nodes.paragraph("", text, classes=["kws-fields"])
                node += nodes.legend("", below)
            if figure.kind == "table":
                table = TableFigure("", *node.children, **node.attributes)
                node.replace_self(table)
                for each in table["ids"]:
                    self.document.ids[each] = table


def renumbered(app: Sphinx, env: Any) -> list[str]:
    """All pages, if a figure or section got another number: others may refer to it."""
    numbers = repr((env.toc_fignumbers, env.toc_secnumbers))
    before = getattr(env, "kws_numbers", numbers)
    env.kws_numbers = numbers
    return sorted(env.all_docs) if before != numbers else []


def add_figures(app: Sphinx) -> None:
    """Let Sphinx number tables that are figures, and write fields below captions."""
    app.add_enumerable_node(
        TableFigure, "table", html=(HTML5Translator.visit_figure, HTML5Translator.depart_figure)
    )
    app.add_transform(ShowFigures)
    app.connect("env-get-updated", renumbered, priority=900)
