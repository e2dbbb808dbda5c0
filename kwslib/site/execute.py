"""Chapters run by papermill, each only when something that it depends on has changed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from papermill.exceptions import PapermillExecutionError

from kwslib.errors import InputError
from kwslib.measurements import code_version
from kwslib.site import cache, parameters
from kwslib.site.book import Book, Chapter
from kwslib.site.settings import Settings, now

METADATA_KEY = "kws"
"""Where an executed notebook says how it was run."""


class ChapterError(Exception):
    """A chapter's cell failed: one line that names chapter, cell and error."""


@dataclass(frozen=True)
class ExecutedChapter:
    """A chapter with its outputs.

    Attributes:
        chapter: which.
        notebook: with outputs; its source cells are those of the source file.
        key: what the run depends on, see :func:`kwslib.site.cache.key`.
        defaults: parameters as they are where no reader asks for another value.
        values: parameters as they were in this run.
        seconds: how long the run took.
        when: when it began.
        code: version of the library that ran it.
        fresh: whether it was run now, not taken from an earlier build.
        path: the kept notebook.
    """

    chapter: Chapter
    notebook: nbformat.NotebookNode
    key: str
    defaults: dict[str, parameters.Value]
    values: dict[str, parameters.Value]
    seconds: float
    when: str
    code: str
    fresh: bool
    path: Path


class _ThisPython(AsyncKernelManager):
    """Starts the kernel with this interpreter, whatever kernels are installed on the machine."""

    @property
    def kernel_spec(self) -> KernelSpec:
        # it would say each time that local TCP is not encrypted and that it was told to stop
        return KernelSpec(**get_kernel_dict(["--log-level=CRITICAL"]))


def run_book(
    book: Book, settings: Settings, say: Callable[[str], None] = lambda _: None
) -> list[ExecutedChapter]:
    """Every chapter of ``book``, executed with ``settings`` or taken from an earlier run.

    All parameters are checked before the first chapter runs.

    Raises:
        InputError: a parameter is unknown, or a chapter refused its input.
        ChapterError: a cell failed.
    """
    asked = parameters.resolve(book, settings.parameters)
    executed = cache.Executed(book.root / "_build" / "executed")
    return [
        _run_or_load(chapter, book.root, settings, asked[chapter.name], executed, say)
        for chapter in book.chapters
    ]


def _run_or_load(
    chapter: Chapter,
    root: Path,
    settings: Settings,
    asked: dict[str, parameters.Value],
    executed: cache.Executed,
    say: Callable[[str], None],
) -> ExecutedChapter:
    source = chapter.notebook()
    declared, defaults = parameters.declared(chapter, source), parameters.defaults_of(chapter)
    values = defaults | {"profile": settings.profile, "data": settings.data} | asked
    key = cache.key(chapter, values, settings.data_identity(), root)
    notebook = executed.load(chapter, key)
    if notebook is None:
        say(f"running {chapter.stem}")
        changed = {name: value for name, value in values.items() if value != declared[name]}
        notebook = run_notebook(chapter, source, changed, root)
        executed.store(chapter, key, notebook)
    facts = notebook.metadata[METADATA_KEY]
    return ExecutedChapter(
        chapter=chapter,
        notebook=notebook,
        key=key,
        defaults=defaults,
        values=values,
        seconds=facts["seconds"],
        when=facts["when"],
        code=facts["code"],
        fresh=facts["when"] >= settings.started,
        path=executed.path(chapter, key),
    )


def run_notebook(
    chapter: Chapter,
    notebook: nbformat.NotebookNode,
    changed: dict[str, parameters.Value],
    root: Path,
) -> nbformat.NotebookNode:
    """``notebook`` executed by papermill in ``root``, with ``changed`` parameters injected.

    Raises:
        InputError: a cell raised it: the parameters ask for something that cannot be.
        ChapterError: a cell failed in any other way.
    """
    when, start = now(), time.perf_counter()
    try:
        result = papermill.execute_notebook(
            notebook,
            None,
            parameters=changed,
            kernel_name="python3",
            language="python",
            cwd=root,
            start_timeout=120,
            # on a machine that is busy, what a cell prints comes later than the 4 s of the default
            iopub_timeout=120,
            kernel_manager_class=_ThisPython,
        )
    except PapermillExecutionError as error:
        raise _explain(chapter, error) from error
    # the time that a chapter takes is for the page on this run, not for the reader of the cell
    seconds = time.perf_counter() - start
    result.metadata[METADATA_KEY] = {"when": when, "seconds": seconds, "code": code_version()}
    return result


def _explain(chapter: Chapter, error: Any) -> Exception:
    if error.ename == "InputError":
        return InputError(f"chapter {chapter.stem}: {error.evalue}")
    lines = [line.strip() for line in error.source.splitlines()]
    first = next((line for line in lines if line and not line.startswith("#")), "")
    return ChapterError(
        f"chapter {chapter.stem}, code cell {error.exec_count} ({first}): "
        f"{error.ename}: {error.evalue}"
    )
