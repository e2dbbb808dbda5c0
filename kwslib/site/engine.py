"""The project's papermill engine: after the last cell it evaluates what the text asks for.

``papermill --engine kws`` uses it; so does the report. The values stand in the metadata of cells,
as ``user_expressions``: of the first cell those of the text, of others those of their claims.
"""

import ast
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import nbformat
from nbclient.util import run_sync
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine
from papermill.log import logger
from papermill.utils import merge_kwargs, remove_args

from kwslib.results.page import CLAIM_MIME
from kwslib.site.marks import MarkError, marks_of, operands

NAME = "kws"

_KEY = "user_expressions"
_TIMEOUT_S = 600


class ReportEngine(NBClientEngine):
    """Runs a notebook as papermill does, and evaluates the expressions of its text."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        log_output: bool = False,
        stdout_file: Any = None,
        stderr_file: Any = None,
        start_timeout: int = 60,
        execution_timeout: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Execute; the parent's method names its client, so that it is written anew here."""
        given = remove_args(["input_path", "timeout", "startup_timeout"], **kwargs)
        options = merge_kwargs(
            given, timeout=execution_timeout or kwargs.get("timeout"),
            startup_timeout=start_timeout, kernel_name=kernel_name, log=logger,
            log_output=log_output, stdout_file=stdout_file, stderr_file=stderr_file,
        )  # fmt: skip
        return _Client(nb_man, **options).execute()


class _Client(PapermillNotebookClient):
    def papermill_execute_cells(self) -> None:
        super().papermill_execute_cells()
        asked = codes_of(self.nb)
        codes = list(dict.fromkeys(code for codes in asked.values() for code in codes))
        if not codes:
            return
        reply = run_sync(self.kc.execute_interactive)(
            "", silent=True, store_history=False, allow_stdin=False, timeout=_TIMEOUT_S,
            user_expressions={str(i): code for i, code in enumerate(codes)},
            output_hook=lambda _: None,
        )  # fmt: skip
        answers = reply["content"].get(_KEY, {})
        results = {code: answers.get(str(i), {}) for i, code in enumerate(codes)}
        for number, wanted in asked.items():
            self.nb.cells[number].metadata[_KEY] = [
                {"expression": code, "result": results[code]} for code in wanted
            ]


def codes_of(notebook: nbformat.NotebookNode) -> dict[int, list[str]]:
    """Python to evaluate after the last cell, by the number of the cell that asks for it.

    Args:
        notebook: executed, as claims are made by cells.
    """
    found: dict[int, list[str]] = {0: []}
    with suppress(MarkError):  # the build says so, with the file's name
        found[0] += marks_of(notebook).codes()
    for number, cell in enumerate(notebook.cells):
        for claim in claims_in(cell):
            found.setdefault(number, []).extend(claim_codes(claim["condition"]))
    return found


def claims_in(cell: nbformat.NotebookNode) -> Iterator[Mapping[str, str]]:
    """The claims that an executed cell made: ``label``, ``condition`` and ``over``."""
    for output in cell.get("outputs", ()):
        if CLAIM_MIME in output.get("data", {}):
            yield output["data"][CLAIM_MIME]


def claim_codes(condition: str) -> list[str]:
    """Python that decides a condition, and Python for the value of each of its operands."""
    return [f"bool({condition})", *(f'f"""{{ {part}}}"""' for part in operands(condition))]


def values_in(notebook: nbformat.NotebookNode) -> dict[str, Any]:
    """What was evaluated in an executed notebook, by code: the kernel's answer to each."""
    return {
        each["expression"]: each["result"]
        for cell in notebook.cells
        for each in cell.metadata.get(_KEY, ())
    }


class ValueMissingError(Exception):
    """An expression of the text gave no value; the message says why."""


def value_of(values: Mapping[str, Any], code: str) -> Any:
    """The value of evaluated code: text or a truth value.

    Raises:
        ValueMissingError: it was not evaluated, or failed.
    """
    result = values.get(code) or {"status": "error", "ename": "", "evalue": "was not evaluated"}
    if result.get("status") != "ok":
        raise ValueMissingError(": ".join(filter(None, (result["ename"], result["evalue"]))))
    return ast.literal_eval(result["data"]["text/plain"])
