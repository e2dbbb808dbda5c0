"""The site: built beside, then put in the place of the last good one."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path

import yaml

import kwslib
from kwslib import interrupt
from kwslib.errors import InputError
from kwslib.files import write_text
from kwslib.folders import lock_folder
from kwslib.site.book import TOC_NAME, Book, Chapter
from kwslib.site.cache import LIBRARY_VARIABLE, library_hash
from kwslib.site.chromium import chromium
from kwslib.site.claims import Claim
from kwslib.site.execute import ExecutedChapter, run_book
from kwslib.site.pages import Page
from kwslib.site.parameters import resolve
from kwslib.site.pdf import NAME, PDF_VARIABLE, print_report
from kwslib.site.publication import claimed_folder, put_site
from kwslib.site.settings import Settings

# the page that a chapter's citations point to
_REFERENCES = "book/references"

# what the names of their pages begin with; on paper they would be three times the rest
_API_PAGES = "book/api"

Say = Callable[[str], None]


class BuildError(Exception):
    """Sphinx could not make the site; what it had to say stands on standard error."""


@dataclass(frozen=True)
class Built:
    """What a run of the report made: the site, its first page, the chapters in it, and the claims
    of each by its stem.
    """

    site: Path
    page: Path
    chapters: list[ExecutedChapter]
    claims: Mapping[str, list[Claim]]

    def notebook(self, executed: ExecutedChapter) -> Path:
        """Where an executed chapter is offered for download."""
        return self.site / "_sources" / f"{executed.chapter.page}.ipynb"


def find_root() -> Path:
    """The repository: the working folder, or else the one that this library lies in.

    Raises:
        InputError: neither holds a table of contents.
    """
    for folder in (Path.cwd(), Path(kwslib.__file__).resolve().parent.parent):
        if (folder / TOC_NAME).exists():
            return folder
    raise InputError(f"there is no {TOC_NAME} here; run this in a clone of the repository")


def build_site(
    root: Path, settings: Settings, say: Say, out: Path | None = None, pdf: bool = False
) -> Built:
    """Execute the chapters, build the site and put it at ``out`` (``_build/html``).

    A build that fails leaves what stands there as it is.

    Args:
        root: the repository.
        settings: of the run.
        say: takes lines on how far it is.
        out: folder of the site; the default is taken whatever it holds, and keeps what is not the
            site's.
        pdf: print the report to a PDF file too, which every page links.

    Raises:
        InputError: bad parameters, or ``out`` holds something else or the folder in which the site
            is built, or another process puts a site there, or there is no browser to print with.
        ChapterError: a cell failed.
        BuildError: Sphinx failed or warned.
    """
    adopt, out, workspace = out is None, out or root / "_build" / "html", root / "_build" / "next"
    _check_apart(out, workspace)
    with claimed_folder(out, adopt) as folder, _locked_workspace(root):
        if pdf:
            chromium()
        book = Book.open(root)
        chapters = run_book(book, settings, say)
        claims = _claims(chapters)
        say("building the site")
        # every warning is an error: a broken reference or formula must not be published
        options = ["-W", "--keep-going"]
        html = _sphinx(root, workspace, settings, options, {PDF_VARIABLE: NAME if pdf else ""})
        if pdf:
            printed = [page for page in book.pages if not page.startswith(_API_PAGES)]
            print_report(html, titles(html, printed), html / NAME, say)
        put_site(html, folder, adopt)
        # a plain `jupyter-book build` would take what it knows of the old pages for the new ones
        shutil.rmtree(root / "_build" / ".doctrees", ignore_errors=True)
    return Built(out, out / "index.html", chapters, claims)


def _locked_workspace(root: Path) -> AbstractContextManager[None]:
    return lock_folder(root / "_build", wait=True, mend="run this in a clone of your own")


def _check_apart(out: Path, workspace: Path) -> None:
    target, work = (Path(os.path.realpath(folder)) for folder in (out, workspace))
    if target.is_relative_to(work) or work.is_relative_to(target):
        raise InputError(
            f"--out {out}: holds {workspace}, in which the site is built, or lies in it; "
            "name another folder"
        )


def build_chapter(root: Path, settings: Settings, say: Say, asked: str) -> Built:
    """Execute one chapter and build a site of its page alone, with the references it cites.

    Raises:
        InputError: no such chapter, or bad parameters.
        ChapterError: a cell failed.
        BuildError: Sphinx failed.
    """
    book = Book.open(root)
    chapter = book.chapter(asked)
    folder = root / "_build" / "chapter" / chapter.stem
    with _locked_workspace(root):
        own = resolve(book, settings.parameters)[chapter.name]  # after all have been checked
        parameters = {f"{chapter.name}.{name}": value for name, value in own.items()}
        settings = replace(settings, parameters=parameters)
        toc = _toc_of(chapter, root, folder)
        chapters = run_book(Book.open(root, toc), settings, say)
        claims = _claims(chapters)
        say("building the page")
        html = _sphinx(root, folder, settings, ["--toc", str(toc)])
    return Built(html, html / f"{chapter.page}.html", chapters, claims)


def _claims(chapters: Iterable[ExecutedChapter]) -> dict[str, list[Claim]]:
    """The claims of chapters; what is wrong stops the build here, in one line."""
    return {each.chapter.stem: list(Page.of(each).claims.values()) for each in chapters}


def _toc_of(chapter: Chapter, root: Path, folder: Path) -> Path:
    toc: dict[str, object] = {"format": "jb-book", "root": chapter.page}
    if (root / f"{_REFERENCES}.md").exists():
        toc["chapters"] = [{"file": _REFERENCES}]
    write_text(folder / TOC_NAME, yaml.safe_dump(toc))
    return folder / TOC_NAME


def titles(html: Path, pages: Iterable[str]) -> dict[str, str]:
    """The headings of built pages, by page."""
    found = {}
    for page in pages:
        text = (html / f"{page}.html").read_text(encoding="utf-8")
        # before it stands the theme's own, for paper
        heading = re.search(r"<h1>((?:(?!<h1>).)*?)<a class=.headerlink", text, re.DOTALL)
        found[page] = unescape(re.sub("<[^>]*>", "", heading[1])) if heading else page
    return found


def _sphinx(
    root: Path,
    folder: Path,
    settings: Settings,
    options: list[str],
    more: Mapping[str, str] | None = None,
) -> Path:
    """Run ``jupyter-book build`` into ``folder`` and return the folder of its pages."""
    start = "from jupyter_book.cli.main import main; main()"  # it has no __main__
    command = [sys.executable, "-c", start, "build", str(root), "-q"]
    command += ["--path-output", str(folder), *options]
    environment = (
        os.environ | settings.environment() | {LIBRARY_VARIABLE: library_hash()} | dict(more or {})
    )
    # jupyter-book prints where it put the pages, which is not where they will stand; warnings
    # and errors go to standard error
    done = interrupt.run(command, env=environment, stdout=subprocess.DEVNULL)
    if done.returncode:
        # what Sphinx knows of half-made pages must not lead the next build astray
        shutil.rmtree(folder / "_build", ignore_errors=True)
        raise BuildError("the site could not be built; Sphinx says why above")
    return folder / "_build" / "html"
