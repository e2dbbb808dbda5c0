"""Classic scripts made of the ES modules in ``modules/``.

A browser loads ES modules, workers and audio worklets from a server only. A page that is opened
as a file gets one classic script instead, in which each module is a function, and which carries
the text of the worker and of the worklet inside it.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

MODULES = Path(__file__).parent / "modules"

_IMPORT = re.compile(r'^import \{([^}]+)\} from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|let|class) (\w+))", re.MULTILINE)
_LEFT_OVER = re.compile(r"^\s*(import|export)\b.*", re.MULTILINE)


def bundle(entry: str, exposed: str = "", made: Mapping[str, str] | None = None) -> str:
    """A module and all that it imports, as one classic script.

    Modules import by ``import { a, b } from "./name.js";`` and export by ``export`` before a
    function, class or constant; nothing else is understood.

    Args:
        entry: name of the module, without suffix.
        exposed: name of a global variable that gets what the module exports; none if empty.
        made: text of modules that are no files, by name.

    Raises:
        ValueError: a module is written in another way, or imports itself by way of others.
    """
    bodies: dict[str, str] = {}
    _collect(entry, made or {}, bodies, ())
    modules = "".join(f"const ${name} = (() => {{\n{body}}})();\n" for name, body in bodies.items())
    target = f"globalThis.{exposed} = " if exposed else ""
    return f'(() => {{\n"use strict";\n{modules}{target}${entry};\n}})();\n'


def _collect(
    name: str, made: Mapping[str, str], bodies: dict[str, str], path: tuple[str, ...]
) -> None:
    """Put a module into ``bodies``, after those that it imports."""
    if name in bodies:
        return
    if name in path:
        raise ValueError(f"modules import each other: {' imports '.join([*path, name])}")
    text = made[name] if name in made else (MODULES / f"{name}.js").read_text(encoding="utf-8")
    for match in _IMPORT.finditer(text):
        _collect(match[2], made, bodies, (*path, name))
    bodies[name] = _body(name, text)


def _body(name: str, text: str) -> str:
    """The text of a function that returns what the module exports."""
    exports = _EXPORT.findall(text)
    text = _IMPORT.sub(
        lambda match: f"const {{{match[1].replace(' as ', ': ')}}} = ${match[2]};\n", text
    )
    text = _EXPORT.sub("", text)
    if strange := _LEFT_OVER.search(text):
        raise ValueError(f"{name}.js: cannot be bundled: {strange[0].strip()}")
    return f"{text.rstrip()}\nreturn {{ {', '.join(exports)} }};\n"


def page_script() -> str:
    """The script of the page, with those of its worker and its worklet inside."""
    inside = {name.upper(): bundle(name) for name in ("worker", "worklet")}
    texts = "".join(f"export const {name} = {json.dumps(text)};\n" for name, text in inside.items())
    return bundle("main", made={"inside": texts})
