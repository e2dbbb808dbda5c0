"""What a chapter calls to put something on its page; importing it makes charts draw themselves.

A chapter shows a chart, a player or a table by making it the last expression of a cell, and states
with :func:`claim` on what numbers a sentence depends.
"""

import ast
import base64
import html
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import soundfile
from IPython.display import display
from numpy.typing import NDArray

from kwslib.config import SAMPLE_RATE
from kwslib.records import Record
from kwslib.results import renderer
from kwslib.results.charts.tables import table_html
from kwslib.results.provenance import FIELDS_MIME, resting_on

renderer.enable()

CLAIM_MIME = "application/vnd.kws.claim+json"
"""Where an executed notebook holds a claim."""

CLAIM_LABEL = re.compile(r"[a-z][a-z0-9-]*")
"""What the label of a claim consists of."""

_RANGE = re.compile(r"(?<=\d)–(?=\d)")
_NUMBER = re.compile(r"[-+−±]?\d[\d.,]*(\s?[%\w/µ]+)?")


class Html(str):
    """A piece of HTML that Jupyter shows as such when it is the value of a cell.

    Attributes:
        fields: what it rests on, see :mod:`kwslib.results.provenance`.
    """

    fields: Mapping[str, str] = {}

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {"text/html": str(self), **({FIELDS_MIME: dict(self.fields)} if self.fields else {})}

    def __repr__(self) -> str:
        return "[HTML]"


def claim(label: str, condition: str, over: Literal["records", "run"]) -> None:
    """State on what numbers a sentence of the text depends, for the build to decide.

    Args:
        label: of the sentence, which the text marks as ``[...]{.claim #label}``.
        condition: Python that is true if the sentence is, evaluated after the last cell.
        over: ``"records"`` if committed records alone decide, ``"run"`` if this run does.

    Raises:
        ValueError: the label, the condition or ``over`` cannot be read.
    """
    if not CLAIM_LABEL.fullmatch(label):
        raise ValueError(f"claim {label!r}: a label has small letters, digits and -")
    if over not in ("records", "run"):
        raise ValueError(f"claim {label}: over is {over!r}, must be records or run")
    try:
        ast.parse(condition, mode="eval")
    except SyntaxError as error:
        raise ValueError(f"claim {label}: {condition!r} cannot be read ({error.msg})") from None
    facts = {"label": label, "condition": condition, "over": over}
    display({CLAIM_MIME: facts, "text/plain": f"claim {label}: {condition}"}, raw=True)


def player(audio: NDArray[np.int16], caption: str = "") -> Html:
    """An audio player with the sound in the page (FLAC); ``audio`` is ``[samples]`` int16."""
    if audio.dtype != np.int16 or audio.ndim != 1:
        raise ValueError(f"audio is {audio.dtype} {audio.shape}, must be int16 [samples]")
    source = "data:audio/flac;base64," + base64.b64encode(flac(audio)).decode()
    text = html.escape(caption, quote=True)
    label = f' aria-label="{text}"' if caption else ""
    return Html(
        f'<figure class="kws-player"><audio controls preload="metadata" src="{source}"{label}>'
        f"</audio>{f'<figcaption>{text}</figcaption>' if caption else ''}</figure>"
    )


def flac(audio: NDArray[np.int16]) -> bytes:
    """Sound ``[samples]`` as a FLAC file."""
    stream = io.BytesIO()
    soundfile.write(stream, audio, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return stream.getvalue()


def table(
    rows: Iterable[Mapping[str, Any]],
    records: Iterable[Record] = (),
    columns: Sequence[str] | None = None,
    **fields: str,
) -> Html:
    """A table with one row a mapping and the mappings' keys as its head.

    A column of numbers, with or without a unit, stands to the right. A cell may hold HTML made
    by this module, such as a player. A wide table scrolls inside the page.

    Args:
        rows: one mapping a row; a missing key leaves the cell empty.
        records: on which it rests, as of :func:`kwslib.results.provenance.fields_of`.
        columns: keys to show, in order; those of the first row by default.
        fields: that records do not hold, or in other words.
    """
    rows = list(rows)
    if columns is None:
        columns = list(rows[0]) if rows else []
    cells = [[each.get(name, "") for name in columns] for each in rows]
    numeric = [_is_numeric(column) for column in zip(*cells, strict=True)]
    content = [[_content(value) for value in row] for row in cells]
    head = [_unbroken(html.escape(str(name))) for name in columns]
    shown = Html(table_html(head, content, numeric or [False] * len(columns), "Table"))
    return resting_on(shown, records, **fields)


def _is_numeric(values: Sequence[Any]) -> bool:
    """Whether a column holds numbers alone, with or without a unit, and at least one."""
    texts = [str(value) for value in values if str(value)]
    return bool(texts) and all(_NUMBER.fullmatch(text) for text in texts)


def _content(value: Any) -> str:
    """The HTML of a cell."""
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return value if isinstance(value, Html) else _unbroken(html.escape(text))


def _unbroken(text: str) -> str:
    """Text in which no line is broken before a percent sign or within a range of numbers."""
    return _RANGE.sub("\N{WORD JOINER}–\N{WORD JOINER}", text.replace(" %", "&nbsp;%"))
