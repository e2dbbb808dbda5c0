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
from papermill.engines import papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from kwslib.errors import InputError
from kwslib.records import code_version
from kwslib.site import cache, parameters
from kwslib.site.book import Book, Chapter
from kwslib.site.engine import NAME, ReportEngine, ValueMissingError, value_of, values_in
from kwslib.site.marks import MarkError, Marks, marks_of
from kwslib.site.settings import Settings, now

KERNEL = "python3"

papermill_engines.register(NAME, ReportEngine)


class ChapterError(Exception):
    """A chapter failed: one line that names the chapter, the place and the error."""


@dataclass(frozen=True)
class ExecutedChapter:
    """A chapter with its outputs.

    Attributes:
        chapter: which.
        notebook: with outputs; its other cells are those of the source file.
        marks: of its text.
        key: what the run depends on, see :func:`kwslib.site.cache.key`.
        defaults: parameters as they are where no reader asks for another value.
        values: parameters as they were in this run.
        run: what the run gave.
        fresh: whether it was run now, not taken from an earlier build.
    """

    chapter: Chapter
    notebook: nbformat.NotebookNode
    marks: Marks
    key: str
    defaults: dict[str, parameters.Value]
    values: dict[str, parameters.Value]
    run: cache.Run
    fresh: bool

    @property
    def asked(self) -> bool:
        """Whether a reader asked for other parameters than the declared ones."""
        return any(
            self.values[name] != value
            for name, value in self.defaults.items()
            if name not in parameters.ENGINE_NAMES
        )

    def place(self, line: int) -> str:
        """A line of the source, for messages."""
        return f"{self.chapter.path}:{line}"

    def value(self, code: str, line: int, what: str) -> Any:
        """The value of evaluated code.

        Args:
            code: Python that the text asks for.
            line: of the source, on which it does.
            what: cannot be told without the value, for the message.

        Raises:
            ChapterError: it was not evaluated, or failed.
        """
        try:
            return value_of(self.run.values, code)
        except ValueMissingError as error:
            raise ChapterError(f"{self.place(line)}: {what}: {error}") from error


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
    return [
        _run_or_load(chapter, book.root, settings, asked[chapter.name], say)
        for chapter in book.chapters
    ]


def _run_or_load(
    chapter: Chapter,
    root: Path,
    settings: Settings,
    asked: dict[str, parameters.Value],
    say: Callable[[str], None],
) -> ExecutedChapter:
    defaults = parameters.declared(chapter)
    values = defaults | {"profile": settings.profile, "data": settings.data} | asked
    changed = {name: value for name, value in values.items() if value != defaults[name]}
    notebook = _with_parameters(chapter.notebook(), changed)
    try:
        marks = marks_of(notebook)
        key = cache.key(notebook, values, settings.data_identity(), root)
    except MarkError as error:
        raise ChapterError(f"{chapter.path}:{error}") from error
    path = root / "_build" / "executed" / chapter.stem / f"{key[:20]}.json"
    run = cache.load(path)
    if run is None:
        say(f"running {chapter.stem}")
        run = run_notebook(chapter, notebook, root)
        cache.store(path, run)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell, outputs in zip(cells, run.outputs, strict=True):
        cell.outputs = nbformat.from_dict(outputs)
    fresh = run.when >= settings.started
    return ExecutedChapter(chapter, notebook, marks, key, defaults, values, run, fresh)


def _with_parameters(
    notebook: nbformat.NotebookNode, changed: dict[str, parameters.Value]
) -> nbformat.NotebookNode:
    """The notebook with papermill's cell of parameters behind the one that declares them."""
    if not changed:
        return notebook
    notebook = load_notebook_node(notebook)
    notebook = parameterize_notebook(notebook, changed, kernel_name=KERNEL, language="python")
    lines = notebook.metadata.get("source_map", [])
    for number, cell in enumerate(notebook.cells):
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.id = "cell-parameters"
            declared = notebook.cells[number - 1].metadata.get("tags", [])
            hidden = "remove-cell" if "remove-cell" in declared else "hide-input"
            cell.metadata["tags"].append(hidden)
            # it has a line of its own, so that the cells behind it keep theirs
            notebook.metadata["source_map"] = [*lines[:number], lines[number - 1], *lines[number:]]
    return notebook


def run_notebook(chapter: Chapter, notebook: nbformat.NotebookNode, root: Path) -> cache.Run:
    """What ``notebook`` gives, executed by papermill in ``root``.

    Raises:
        InputError: a cell raised it: the parameters ask for something that cannot be.
        ChapterError: a cell failed in any other way.
    """
    when, start = now(), time.perf_counter()
    try:
        result = papermill.execute_notebook(
            notebook,
            None,
            engine_name=NAME,
            kernel_name=KERNEL,
            language="python",
            cwd=root,
            start_timeout=120,
            # on a machine that is busy, what a cell prints comes later than the 4 s of the default
            iopub_timeout=120,
            kernel_manager_class=_ThisPython,
        )
    except PapermillExecutionError as error:
        raise _explain(chapter, error) from error
    return cache.Run(
        outputs=[cell.outputs for cell in result.cells if cell.cell_type == "code"],
        values=values_in(result),
        # the time that a chapter takes is for the page on this run, not for the reader of the cell
        seconds=time.perf_counter() - start,
        when=when,
        code=code_version(),
    )


def _explain(chapter: Chapter, error: Any) -> Exception:
    if error.ename == "InputError":
        return InputError(f"chapter {chapter.stem}: {error.evalue}")
    lines = [line.strip() for line in error.source.splitlines()]
    first = next((line for line in lines if line and not line.startswith("#")), "")
    return ChapterError(
        f"chapter {chapter.stem}, code cell {error.exec_count} ({first}): "
        f"{error.ename}: {error.evalue}"
    )
