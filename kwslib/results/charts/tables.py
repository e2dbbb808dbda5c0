"""The numbers behind a chart, as tables: for those who cannot see it, and to compute with.

A chart's tables are the data sets in its Vega-Lite specification. A picture has none there; what
it shows is told in the specification's ``usermeta``, see :func:`picture_meta`.
"""

import csv
import html
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MIME = "application/vnd.kws.tables+json"
"""Where an executed notebook holds the tables of a chart, all rows of them."""

LINK = "kws-data:"
"""What the address of a table's CSV file begins with until the site knows where the file lies."""

_META = "kws_picture"
_HELPERS = {"order", "side", "left", "colour"}
"""Columns that only tell a chart where to put something."""
_MOST_ROWS = 40


@dataclass(frozen=True)
class Table:
    """Rows of numbers and words.

    Attributes:
        columns: their names.
        rows: a value for each column; None where there is none.
        picture: a column is a row of a picture, and a row a moment.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    picture: bool = False

    def csv(self) -> str:
        """As comma-separated values with a head."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([_plain(value) for value in row] for row in self.rows)
        return stream.getvalue()

    def html(self, caption: str) -> str:
        """As a table of the page; the last rows of a long one are left out."""
        shown = _strongest(self) if self.picture else self
        rows = shown.rows[:_MOST_ROWS]
        numeric = [_is_numeric([row[i] for row in rows]) for i in range(len(shown.columns))]
        cells = [[_text(value) for value in row] for row in rows]
        head = list(map(html.escape, shown.columns))
        return table_html(head, cells, numeric, caption) + self._left_out(len(rows))

    def _left_out(self, shown: int) -> str:
        if self.picture:
            number = len(self.columns) - 1
            return f"<p>The strongest of {number} values of each moment; the CSV file has all.</p>"
        more = len(self.rows) - shown
        return f"<p>And {more:,} rows more in the CSV file.</p>" if more else ""


def table_html(
    head: Sequence[str], rows: Iterable[Sequence[str]], numeric: Sequence[bool], label: str
) -> str:
    """A table as the pages have it, which scrolls inside the page where it is wide.

    Args:
        head: HTML of the columns' names.
        rows: HTML of the cells.
        numeric: which columns stand to the right.
        label: for those who cannot see it.
    """
    looks = [' class="kws-number"' if each else "" for each in numeric]

    def cells(row: Sequence[str], kind: str, more: str = "") -> str:
        pairs = zip(row, looks, strict=True)
        return "".join(f"<{kind}{more}{look}>{cell}</{kind}>" for cell, look in pairs)

    names = cells(head, "th", ' scope="col"')
    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return (
        f'<div class="kws-table" role="region" tabindex="0" aria-label="{html.escape(label)}">'
        f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def picture_meta(
    rows: Sequence[str], times: Iterable[float], values: Iterable[Iterable[float]]
) -> dict[str, Any]:
    """The ``usermeta`` of a chart that is a picture.

    Args:
        rows: names of its rows from the bottom up.
        times: of its columns, in seconds.
        values: array ``[times, rows]``.
    """
    table = [
        [round(float(time), 4), *(float(f"{value:.4g}") for value in column)]
        for time, column in zip(times, values, strict=True)
    ]
    return {_META: {"columns": ["time, s", *rows], "rows": table, "picture": True}}


def taken_apart(spec: Mapping[str, Any]) -> tuple[dict[str, Any], list[Table]]:
    """A specification without its ``usermeta``, and the tables behind the chart."""
    spec = dict(spec)
    picture = spec.pop("usermeta", {}).get(_META)
    if picture is not None:
        return spec, [Table(**picture)]
    found = list(_data_sets(spec, spec.get("datasets", {})))
    several = [rows for rows in found if len(rows) > 1]
    return spec, _without_parts([_table(rows) for rows in several or found])


def _data_sets(part: Any, named: Mapping[str, Any]) -> Iterator[list[Mapping[str, Any]]]:
    """Every data set of a specification once, in the order in which they are drawn."""
    seen: list[Any] = []
    for data in _data_entries(part):
        rows = data.get("values", named.get(data.get("name", "")))
        if isinstance(rows, list) and rows and isinstance(rows[0], dict) and rows not in seen:
            seen.append(rows)
            yield rows


def _data_entries(part: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(part, list):
        for each in part:
            yield from _data_entries(each)
    elif isinstance(part, dict):
        if isinstance(part.get("data"), dict) and not _invisible(part.get("mark")):
            yield part["data"]
        for name, each in part.items():
            if name not in ("data", "datasets"):
                yield from _data_entries(each)


def _invisible(mark: Any) -> bool:
    """Whether marks are there for the sake of their axes alone."""
    return isinstance(mark, dict) and mark.get("opacity") == 0


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = list(dict.fromkeys(name for row in rows for name in row if name not in _HELPERS))
    return Table(columns, [[row.get(name) for name in columns] for row in rows])


def _without_parts(tables: Sequence[Table]) -> list[Table]:
    """The tables but those that have nothing but some columns of another one."""
    return [
        table
        for i, table in enumerate(tables)
        if not any(
            set(table.columns) < set(other.columns)
            for k, other in enumerate(tables)
            if k != i and len(other.rows) >= len(table.rows)
        )
    ]


def _strongest(table: Table) -> Table:
    """Of each moment of a picture the row with the largest value."""
    rows = []
    for time, *values in table.rows:
        best = max(range(len(values)), key=values.__getitem__)
        rows.append((time, table.columns[best + 1], values[best]))
    return Table(("time, s", "strongest", "value"), rows)


def _plain(value: Any) -> Any:
    """A value as one cell of text."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {each}" for name, each in value.items())
    if isinstance(value, list):
        return "; ".join(str(each) for each in value)
    return value


def _is_numeric(values: Sequence[Any]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in known
    )


def _text(value: Any) -> str:
    if isinstance(value, float):
        value = f"{value:.5g}"
    elif isinstance(value, int) and not isinstance(value, bool):
        value = f"{value:,}"
    return html.escape(str(_plain(value)))
