"""What a reader may change: the parameters that chapters declare, and the values asked for."""

import ast
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from kwslib.data.sound_file import SUFFIXES
from kwslib.errors import InputError, naming
from kwslib.site.book import Book, Chapter

Value = bool | int | float | str

ENGINE_NAMES = ("profile", "data")
"""Parameters of every chapter that the run fills, not the reader."""

_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def declared(chapter: Chapter) -> dict[str, Value]:
    """The names in the cell tagged ``parameters``, and what they are where no reader asks for
    another value.

    Raises:
        ValueError: there is no such cell, or it holds something other than plain assignments
            of numbers, truth values and text, or lacks ``profile`` and ``data``.
    """
    cells = chapter.notebook().cells
    tagged = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise ValueError(f"{chapter.path}: {len(tagged)} cells are tagged 'parameters', must be 1")
    found = dict(_assignment(each, chapter) for each in ast.parse(tagged[0].source).body)
    for name in ENGINE_NAMES:
        if not isinstance(found.get(name), str):
            raise ValueError(f"{chapter.path}: the parameters must declare {name} as text")
    return found


def _assignment(statement: ast.stmt, chapter: Chapter) -> tuple[str, Value]:
    match statement:
        case (
            ast.Assign(targets=[ast.Name(id=name), *_], value=value)
            | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
        ):
            with suppress(ValueError):
                literal = ast.literal_eval(value)
                if isinstance(literal, bool | int | float | str):
                    return name, literal
    raise ValueError(
        f"{chapter.path}: the parameters cell may only hold lines like 'epochs = 12', "
        f"not {ast.unparse(statement)!r}"
    )


def resolve(book: Book, asked: Mapping[str, Any]) -> dict[str, dict[str, Value]]:
    """The values asked for, by chapter, each converted to the type of its default.

    Args:
        book: where the parameters are declared.
        asked: ``{"training.epochs": "40", ...}``.

    Raises:
        InputError: no such chapter or name, or a value of another type or out of its range.
    """
    chapters = {each.name: each for each in book.chapters}
    defaults = {name: declared(chapter) for name, chapter in chapters.items()}
    chosen: dict[str, dict[str, Value]] = {name: {} for name in chapters}
    for key, value in asked.items():
        chapter, _, name = key.partition(".")
        if chapter not in chapters:
            raise InputError(
                f"parameter {key!r}: no chapter is called {chapter!r}; write <chapter>.<name>=value"
                f" with a chapter of {', '.join(chapters)}"
            )
        allowed = [each for each in defaults[chapter] if each not in ENGINE_NAMES]
        if name not in allowed:
            raise InputError(
                f"parameter {key!r}: chapter {chapter!r} has no {name!r}; "
                f"it has {', '.join(allowed) or 'no parameters'}"
            )
        chosen[chapter][name] = _converted(key, str(value), defaults[chapter][name])
        _check(key, name, chosen[chapter][name])
    return chosen


def _check(key: str, name: str, value: Value) -> None:
    from kwslib.results.parameter_checks import check_parameters  # loads torch

    with naming(f"parameter {key!r}"):
        check_parameters(**{name: value})


def _converted(key: str, text: str, default: Value) -> Value:
    """``text`` as the type of ``default``; ``key`` is named where it is none."""
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

    A value with a slash or the suffix of a sound file is a path from where the caller stands, while
    chapters run elsewhere; it is made absolute.

    Raises:
        InputError: a pair has no ``=``.
    """
    for pair in pairs:
        if "=" not in pair:
            raise InputError(f"parameter {pair!r} has no '='; write <chapter>.<name>=value")
    divided = (pair.partition("=") for pair in pairs)
    return {name.strip(): _from_here(value) for name, _, value in divided}


def _from_here(value: str) -> str:
    is_path = "/" in value or Path(value).suffix.lower() in SUFFIXES
    return str(Path(value).absolute()) if is_path else value
