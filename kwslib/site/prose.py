"""From an executed chapter to its page: numbers put into the prose, code folded away."""

import ast
import copy
import html
import re
from collections.abc import Mapping, Sequence

import nbformat

from kwslib.results.page import CLAIM_MIME, GLUE_PREFIX
from kwslib.results.renderer import ORIGIN
from kwslib.site.execute import ExecutedChapter
from kwslib.site.marks import Block, without_blocks
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
        f"{executed.run.when[:10]}, kwslib {executed.run.code}"
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


def page_notebook(executed: ExecutedChapter, absent: Sequence[Block]) -> nbformat.NotebookNode:
    """The notebook that a page is made of: without absent blocks, with numbers in the prose."""
    notebook = copy.deepcopy(executed.notebook)
    chapter, numbers = executed.chapter, published_numbers(notebook)
    without_blocks(notebook, executed.marks, absent)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = fill(cell.source, numbers, chapter.stem)
        else:
            cell.outputs = [out for out in cell.outputs if _is_shown(out)]
            for out in cell.outputs:
                shown = out.get("data", {})
                if "text/html" in shown:
                    shown["text/html"] = _with_origin(shown["text/html"], executed)
    return notebook


def _is_shown(output: nbformat.NotebookNode) -> bool:
    is_number = "scrapbook" in output.get("metadata", {})
    return not is_number and CLAIM_MIME not in output.get("data", {})
