"""The book: which pages the table of contents lists, and which of them are chapters to execute."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import yaml
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook

from kwslib.errors import InputError
from kwslib.site import variant

TOC_NAME = "_toc.yml"


@dataclass(frozen=True)
class Chapter:
    """A page that is a MyST notebook: one of its own, or another chapter's.

    Attributes:
        page: its name in the table of contents, e.g. ``"book/3_training"``.
        path: the source file.
        base: the chapter of which this page is another run (:mod:`kwslib.site.variant`).
        presets: the parameters in which it differs from ``base``.
    """

    page: str
    path: Path
    base: "Chapter | None" = None
    presets: Mapping[str, Any] = field(default_factory=dict)

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
        text = self.path.read_text(encoding="utf-8")
        return variant.compose(text, self.base.source()) if self.base else text

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
            listing = yaml.safe_load(toc.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{toc}: no table of contents ({error.strerror})") from error
        book = cls(root, tuple(_files(listing)))
        for page in book.pages:
            if not book.path(page).exists():
                raise InputError(f"{toc} lists {page}, but there is no {book.path(page)}")
        return book

    def path(self, page: str) -> Path:
        """The source file of a page."""
        return self.root / f"{page}.md"

    @property
    def chapters(self) -> list[Chapter]:
        """The pages that hold code, their own or another chapter's, in reading order.

        Raises:
            InputError: a page names a chapter that does not exist.
        """
        found = [_chapter(page, self.path(page)) for page in self.pages]
        return [chapter for chapter in found if chapter]

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


def _chapter(page: str, path: Path) -> Chapter | None:
    """The chapter that a page is, or None."""
    text = path.read_text(encoding="utf-8")
    if is_myst_markdown_notebook(text):
        return Chapter(page, path)
    head = variant.head_of(text, path)
    if head is None:
        return None
    base = Chapter(
        f"{page.rpartition('/')[0]}/{head.chapter}", path.with_name(f"{head.chapter}.md")
    )
    if not base.path.exists() or not is_myst_markdown_notebook(base.source()):
        raise InputError(
            f"{path}: there is no chapter {head.chapter!r} beside it; write its file name "
            "without suffix, e.g. 3_training"
        )
    return Chapter(page, path, base, head.parameters)


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


def _files(listing: Any) -> list[str]:
    """Every ``root`` and ``file`` of a table of contents, depth first."""
    if isinstance(listing, list):
        return [page for entry in listing for page in _files(entry)]
    if not isinstance(listing, dict):
        return []
    own = [listing[key] for key in ("root", "file") if key in listing]
    nested = [
        _files(listing[key])
        for key in ("parts", "chapters", "sections", "entries")
        if key in listing
    ]
    return own + [page for pages in nested for page in pages]
