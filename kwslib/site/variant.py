"""A page that is another chapter run with other parameters.

Its source file holds a title, an introduction if one is wanted, and a head that names the
chapter and the parameters in which the page differs from it::

    ---
    kws:
      chapter: 3_training
      parameters:
        keywords: yes,no,left
    ---

    # Training with an extra keyword

All else (text, code, figures) is the chapter's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from kwslib.errors import InputError

_HEAD = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_TITLE = re.compile(r"^# .+\n", re.MULTILINE)

# Targets of links. They stay the chapter's, since no two pages may have the same.
_LABEL_LINE = re.compile(r"^(?:\([^()\s]+\)=|:(?:label|name): .*)\n", re.MULTILINE)
_EQUATION_LABEL = re.compile(r"^\$\$[ \t]*\([^()\s]+\)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class Head:
    """What the head of such a page says.

    Attributes:
        chapter: file name of the chapter, without suffix.
        parameters: the values in which the page differs from it.
    """

    chapter: str
    parameters: Mapping[str, Any]


def head_of(text: str, path: Path) -> Head | None:
    """The head of a page that is another chapter's run; None for any other page.

    Raises:
        InputError: the head names no chapter or no parameters, or the page has no title.
    """
    match = _HEAD.match(text)
    try:
        facts = yaml.safe_load(match[1]) if match else None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: its head cannot be read as YAML; mend it") from error
    if not isinstance(facts, dict) or "kws" not in facts:
        return None
    head = facts["kws"]
    if not isinstance(head, dict) or set(head) != {"chapter", "parameters"}:
        raise InputError(f"{path}: under kws, name a chapter and its parameters, nothing else")
    if not isinstance(head["parameters"], dict) or not head["parameters"]:
        raise InputError(f"{path}: parameters must be lines like 'keywords: yes,no,left'")
    if not body_of(text).startswith("# "):
        raise InputError(f"{path}: what follows the head must begin with a title, '# ...'")
    return Head(str(head["chapter"]), head["parameters"])


def body_of(text: str) -> str:
    """A page without its head."""
    return _HEAD.sub("", text, count=1).strip()


def title_of(text: str) -> str:
    """The title of a page, ``"# ..."`` without the mark, or empty."""
    match = _TITLE.search(_HEAD.sub("", text, count=1))
    return match[0][2:].strip() if match else ""


def compose(page: str, chapter: str) -> str:
    """The chapter's source with the page's title and introduction in place of its title.

    The first cell of the notebook that comes of it is the page's own text.
    """
    head = _HEAD.match(chapter)
    start = head.end() if head else 0
    own = f"\n{body_of(page)}\n\n+++\n"
    text = _TITLE.sub(lambda _: own, chapter[start:], count=1)
    text = _EQUATION_LABEL.sub("$$", _LABEL_LINE.sub("", text))
    return chapter[:start] + text


def note(chapter: str, values: Mapping[str, Any]) -> str:
    """The sentence that tells a reader which chapter a page is, run with which ``values``."""
    differing = ", ".join(f"`{name} = {_quoted(value)}`" for name, value in values.items())
    return (
        f"This page is the chapter {{doc}}`{chapter}`, run again with {differing}: the same text "
        "and code, with the figures and numbers of this run."
    )


def _quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
