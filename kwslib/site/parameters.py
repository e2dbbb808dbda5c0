"""What a reader may change: the parameters that chapters declare, and the values asked for."""

import ast
import math
from collections.abc import Mapping
from typing import Any

import nbformat

from kwslib.errors import InputError
from kwslib.site.book import Book, Chapter

Value = bool | int | float | str

ENGINE_NAMES = ("profile", "data")
"""Parameters of every chapter that the run fills, not the reader."""

_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def declared(chapter: Chapter, notebook: nbformat.NotebookNode) -> dict[str, Value]:
    """The names and defaults in the cell tagged ``parameters``.

    Raises:
        ValueError: there is no such cell, or it holds something other than plain assignments
            of numbers, truth values and text, or lacks ``profile`` and ``data``.
    """
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise ValueError(f"{chapter.path}: {len(cells)} cells are tagged 'parameters', must be 1")
    found: dict[str, Value] = {}
    for statement in ast.parse(cells[0].source).body:
        name, value = _assignment(statement, chapter)
        found[name] = value
    for name in ENGINE_NAMES:
        if not isinstance(found.get(name), str):
            raise ValueError(f"{chapter.path}: the parameters must declare {name} as text")
    return found


def defaults_of(chapter: Chapter) -> dict[str, Value]:
    """The parameters as they are where no reader asks for another value."""
    return declared(chapter, chapter.notebook())


def resolve(book: Book, asked: Mapping[str, Any]) -> dict[str, dict[str, Value]]:
    """The values asked for, by chapter, each converted to the type of its default.

    Args:
        book: where the parameters are declared.
        asked: ``{"training.epochs": "40", ...}``.

    Raises:
        InputError: no such chapter or name, or a value of another type.
    """
    chapters = {each.name: each for each in book.chapters}
    defaults = {name: defaults_of(chapter) for name, chapter in chapters.items()}
    chosen: dict[str, dict[str, Value]] = {name: {} for name in chapters}
    for key, value in asked.items():
        chapter, _, name = key.partition(".")
        if chapter not in chapters:
            raise InputError(
                f"parameter {key!r}: no chapter is called {chapter!r}; write <chapter>.<name>=value"
                f" with a chapter of {', '.join(chapters)}"
            )
        _check_name(key, chapters[chapter], name, defaults[chapter])
        chosen[chapter][name] = convert(key, str(value), defaults[chapter][name])
    return chosen


def _check_name(key: str, chapter: Chapter, name: str, found: Mapping[str, Value]) -> None:
    """Refuse a parameter that a chapter does not have, or that is the run's to fill."""
    allowed = [each for each in found if each not in ENGINE_NAMES]
    if name not in allowed:
        raise InputError(
            f"parameter {key!r}: chapter {chapter.name!r} has no {name!r}; "
            f"it has {', '.join(allowed) or 'no parameters'}"
        )


def convert(key: str, text: str, default: Value) -> Value:
    """``text`` as the type of ``default``.

    Raises:
        InputError: it cannot be read as that type; ``key`` is named in the message.
    """
    if isinstance(default, str):
        return text
    try:
        if isinstance(default, bool):
            return _TRUTH[text.strip().lower()]
        if isinstance(default, int):
            return int(text)
        number = float(text)
        if not math.isfinite(number):
            raise ValueError(text)
        return number
    except (KeyError, ValueError):
        kind = {bool: "true or false", int: "a whole number", float: "a number"}[type(default)]
        raise InputError(
            f"parameter {key!r}: {text!r} is not {kind} (the default is {default})"
        ) from None


def parse_pairs(pairs: tuple[str, ...]) -> dict[str, str]:
    """``("training.epochs=40", ...)`` as a mapping.

    Raises:
        InputError: a pair has no ``=``.
    """
    for pair in pairs:
        if "=" not in pair:
            raise InputError(f"parameter {pair!r} has no '='; write <chapter>.<name>=value")
    return {name.strip(): value for name, _, value in (pair.partition("=") for pair in pairs)}


def _assignment(statement: ast.stmt, chapter: Chapter) -> tuple[str, Value]:
    mistake = ValueError(
        f"{chapter.path}: the parameters cell may only hold lines like 'epochs = 12', "
        f"not {ast.unparse(statement)!r}"
    )
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        target: ast.expr = statement.targets[0]
        value: ast.expr | None = statement.value
    elif isinstance(statement, ast.AnnAssign):
        target, value = statement.target, statement.value
    else:
        raise mistake
    try:
        literal = ast.literal_eval(value) if value else None
    except ValueError:
        raise mistake from None
    if not isinstance(target, ast.Name) or not isinstance(literal, bool | int | float | str):
        raise mistake
    return target.id, literal
