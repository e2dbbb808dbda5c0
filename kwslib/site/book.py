"""The book: which pages the table of contents lists, and which of them are chapters to execute."""

import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from sphinx_external_toc.parsing import MalformedError, parse_toc_yaml

from kwslib.errors import InputError

TOC_NAME = "_toc.yml"

_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Chapter:
    """A page that is a MyST notebook.

    Attributes:
        page: its name in the table of contents, e.g. ``"book/3_training"``.
        path: the source file.
    """

    page: str
    path: Path

    @property
    def stem(self) -> str:
        """File name without suffix, e.g. ``"3_training"``."""
        return self.path.stem

    @property
    def number(self) -> str:
        """The number that the stem begins with, or empty."""
        head, _, tail = self.stem.partition("_")
        return head if head.isdigit() and tail else ""

    @property
    def name(self) -> str:
        """The stem without its number, as parameters and numbers name the chapter."""
        return self.stem.removeprefix(f"{self.number}_") if self.number else self.stem

    def source(self) -> str:
        """The text of the notebook as MyST Markdown."""
        return self.path.read_text(encoding="utf-8")

    def notebook(self) -> nbformat.NotebookNode:
        """The source as a notebook without outputs."""
        return as_notebook(self.source(), self.path)


@dataclass(frozen=True)
class Book:
    """The pages of the table of contents, in reading order; ``root`` is the repository's."""

    root: Path
    pages: tuple[str, ...]

    @classmethod
    def open(cls, root: Path, toc: Path | None = None) -> "Book":
        """The book whose table of contents is ``toc``, by default ``_toc.yml`` in ``root``.

        Raises:
            InputError: there is no such file, or it lists a page that does not exist.
        """
        toc = toc or root / TOC_NAME
        try:
            pages = parse_toc_yaml(toc)
        except (OSError, MalformedError) as error:
            reason = getattr(error, "strerror", error)
            raise InputError(f"{toc}: no table of contents ({reason})") from error
        book = cls(root, tuple(pages))
        for page in book.pages:
            if not book.path(page).exists():
                raise InputError(f"{toc} lists {page}, but there is no {book.path(page)}")
        return book

    def path(self, page: str) -> Path:
        """The source file of a page."""
        return self.root / f"{page}.md"

    @property
    def chapters(self) -> list[Chapter]:
        """The pages that hold code, in reading order."""
        found = [Chapter(page, self.path(page)) for page in self.pages]
        return [chapter for chapter in found if is_myst_markdown_notebook(chapter.source())]

    def chapter(self, asked: str) -> Chapter:
        """The chapter that ``asked`` means: ``3``, ``training`` or ``3_training``.

        Raises:
            InputError: no chapter is called that.
        """
        for chapter in self.chapters:
            if asked and asked in (chapter.name, chapter.stem, chapter.number):
                return chapter
        names = ", ".join(chapter.name for chapter in self.chapters)
        raise InputError(f"there is no chapter {asked!r}; the chapters are {names}")


def title_of(text: str) -> str:
    """The title of a page, ``"# ..."`` without the mark, or empty."""
    match = _TITLE.search(text)
    return match[1].strip() if match else ""


def as_notebook(text: str, path: Path) -> nbformat.NotebookNode:
    """MyST Markdown as a notebook; plain Markdown becomes a single Markdown cell."""
    notebook = read_myst_markdown_notebook(text, add_source_map=True, path=path)
    lines, starts = text.splitlines(), notebook.metadata.get("source_map", [])
    for number, cell in enumerate(notebook.cells):
        # nbformat draws random ids; fixed ones keep equal notebooks equal
        cell.id = f"cell-{number}"
        while cell.cell_type == "markdown" and starts and not lines[starts[number]].strip():
            starts[number] += 1  # a cell begins with its first line that is not empty
    return notebook
