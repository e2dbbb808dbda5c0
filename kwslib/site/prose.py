"""From an executed chapter to its page: numbers put into the prose, code folded away."""

import ast
import copy
import html
import re
from collections.abc import Mapping

import nbformat

from kwslib.results.page import GLUE_PREFIX
from kwslib.results.renderer import ORIGIN
from kwslib.site import variant
from kwslib.site.execute import ExecutedChapter
from kwslib.site.settings import name_of_data

PICTURE_TAG = "picture"
"""A cell with this tag publishes what it shows as the chapter's number ``picture``."""

# what Markdown would take for markup in a number or a sentence
_MARKUP = re.compile(r"([\\`*_{}\[\]<>$|~])")

# a number and its unit stay on one line
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=%|([kM]?B|[kM]?Hz|ms|µs|s)\b)")

_ROLE = re.compile(r"\{glue:text\}`([^`]+)`")


class MissingNumberError(Exception):
    """The prose asks for a number that no cell published."""


def published_numbers(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """The numbers that the notebook's cells published with :func:`kwslib.results.page.numbers`.

    The HTML of a cell tagged ``picture`` is among them.
    """
    found = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            if name is not None:
                found[name] = str(ast.literal_eval(output["data"][f"{GLUE_PREFIX}text/plain"]))
            elif PICTURE_TAG in cell.metadata.get("tags", []):
                found[PICTURE_TAG] = output["data"]["text/html"]
    return found


def all_numbers(chapters: list[ExecutedChapter]) -> dict[str, str]:
    """The numbers of all chapters, named ``<chapter>.<name>``."""
    return {
        f"{each.chapter.name}.{name}": _with_origin(value, each)
        for each in chapters
        for name, value in published_numbers(each.notebook).items()
    }


def _with_origin(text: str, executed: ExecutedChapter) -> str:
    """HTML of a chapter in which its charts say how their numbers came about."""
    profile, data = str(executed.values["profile"]), str(executed.values["data"])
    told = (
        f"drawn by chapter {executed.chapter.stem} from {name_of_data(profile, data)}, "
        f"{executed.when[:10]}, kwslib {executed.code}"
    )
    return text.replace(ORIGIN, ORIGIN.replace("></", f">{html.escape(told)}</"))


def fill(text: str, numbers: Mapping[str, str], where: str) -> str:
    """``text`` with every role ``{glue:text}`` replaced by the number that it names.

    Numbers are plain text, but for a picture, which is HTML.

    Raises:
        MissingNumberError: a number is missing; ``where`` is named in the message.
    """

    def number(match: re.Match[str]) -> str:
        name = match.group(1).strip()
        if name not in numbers:
            known = ", ".join(sorted(numbers)) or "none"
            raise MissingNumberError(f"{where} asks for the number {name!r}; published: {known}")
        if name.rpartition(".")[2] == PICTURE_TAG:
            return numbers[name]
        return _BEFORE_UNIT.sub("\N{NO-BREAK SPACE}", _MARKUP.sub(r"\\\1", numbers[name]))

    return _ROLE.sub(number, text)


def page_notebook(executed: ExecutedChapter) -> nbformat.NotebookNode:
    """The notebook that a reader sees and downloads: prose with its numbers, code folded."""
    notebook = copy.deepcopy(executed.notebook)
    chapter, numbers = executed.chapter, published_numbers(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = fill(cell.source, numbers, chapter.stem)
        else:
            cell.outputs = [
                out for out in cell.outputs if "scrapbook" not in out.get("metadata", {})
            ]
            for out in cell.outputs:
                shown = out.get("data", {})
                if "text/html" in shown:
                    shown["text/html"] = _with_origin(shown["text/html"], executed)
            cell.metadata["tags"] = _folded(cell.metadata.get("tags", []))
    if chapter.base:
        differing = {name: executed.values[name] for name in chapter.presets}
        notebook.cells[0].source += f"\n\n{variant.note(chapter.base.stem, differing)}"
    _follow_injection(notebook)
    return notebook


def _folded(tags: list[str]) -> list[str]:
    """Tags with ``hide-input``, unless the chapter or papermill said otherwise."""
    spoken_for = ("hide-", "remove-", "show-input", "parameters", "injected-parameters")
    return tags if any(tag.startswith(spoken_for) for tag in tags) else [*tags, "hide-input"]


def _follow_injection(notebook: nbformat.NotebookNode) -> None:
    """Give the cell that papermill put in a line number, so that the others keep theirs."""
    lines = notebook.metadata.get("source_map", [])
    for number, cell in enumerate(notebook.cells):
        if "injected-parameters" in cell.metadata.get("tags", []):
            notebook.metadata["source_map"] = [*lines[:number], lines[number - 1], *lines[number:]]
