"""How a chart stands on a page: a drawing that needs no JavaScript, the data to bring it alive, and
those data as a table.

A displayed Altair chart becomes HTML with the finished SVG inside and its Vega-Lite
specification beside it; ``charts.js`` of the site replaces the drawing by an interactive one
when the reader comes near. A notebook opened elsewhere shows the drawing and the table.
"""

import hashlib
import html
import json
import re
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt
import vl_convert

from kwslib.results.charts import tables as chart_tables
from kwslib.results.charts.legends import with_filters
from kwslib.results.charts.tables import Table
from kwslib.results.provenance import FIELDS_MIME, META

NAME = "kws"

ORIGIN = '<span class="kws-origin"></span>'
"""Where under a chart the page says how its numbers came about."""


def enable() -> None:
    """Draw every chart displayed from now on as :func:`drawn` does."""
    alt.renderers.register(NAME, _mime_bundle)
    alt.renderers.enable(NAME)
    # A chart's data stand in the page. What is too much for a page is for its author to thin.
    alt.data_transformers.disable_max_rows()


@dataclass(frozen=True)
class Drawn:
    """A chart as a page has it.

    Attributes:
        name: its own on the page.
        description: for those who cannot see it.
        tables: the numbers behind it.
        html: static SVG, the specification as JSON, and the tables.
    """

    name: str
    description: str
    tables: list[Table]
    html: str


def drawn(spec: dict[str, Any]) -> Drawn:
    """Draw a Vega-Lite specification.

    Raises:
        ValueError: the chart has neither a description nor a title, so that it would say
            nothing to a reader who cannot see it.
    """
    description = _description(spec)
    spec, tables = chart_tables.taken_apart(spec)
    spec = with_filters(spec)
    source = json.dumps(spec, ensure_ascii=False, separators=(",", ":"))
    name = "chart-" + hashlib.sha256(source.encode()).hexdigest()[:10]
    svg = _scalable(_own_ids(vl_convert.vegalite_to_svg(spec), name), description)
    # "</" must not appear in a script element, whatever a chart's text says
    data = source.replace("</", r"<\/")
    markup = (
        f'<div class="kws-chart" id="{name}">{svg}'
        f'<script type="application/json">{data}</script></div>{_details(name, tables)}'
    )
    return Drawn(name, description, tables, markup)


def csv_names(name: str, count: int) -> list[str]:
    """The names of the CSV files of a chart's tables."""
    return [f"{name}.csv", *(f"{name}-{number}.csv" for number in range(2, count + 1))][:count]


def _details(name: str, tables: list[Table]) -> str:
    """The tables, folded away, and links to them as files."""
    files = csv_names(name, len(tables))
    parts = [
        f'{table.html("Data of the chart above")}<p><a class="kws-csv" '
        f'href="{chart_tables.LINK}{file}" download="{file}">Download as CSV</a></p>'
        for table, file in zip(tables, files, strict=True)
    ]
    return (
        f'<details class="kws-data" data-chart="{name}"><summary>Data of this chart</summary>'
        f"{''.join(parts)}<p>{ORIGIN}</p></details>"
    )


def _mime_bundle(spec: dict[str, Any], **_metadata: Any) -> dict[str, Any]:
    fields = spec.get("usermeta", {}).get(META, {})
    chart = drawn(spec)
    return {
        **({FIELDS_MIME: fields} if fields else {}),
        "text/html": chart.html,
        "text/plain": f"[chart] {chart.description}",
        chart_tables.MIME: {
            "chart": chart.name,
            "description": chart.description,
            "tables": [asdict(table) for table in chart.tables],
        },
    }


def _description(spec: dict[str, Any]) -> str:
    title = spec.get("title")
    if isinstance(title, dict):
        title = title.get("text")
    if isinstance(title, list):
        title = " ".join(title)
    text = spec.get("description") or title
    if not text:
        raise ValueError(
            "a chart needs words for those who cannot see it: .properties(description='...')"
        )
    return str(text)


def _own_ids(svg: str, name: str) -> str:
    """``svg`` with its ids, which Vega counts from 0 in every chart, made the chart's own."""
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    return re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', svg)


def _scalable(svg: str, description: str) -> str:
    label = html.escape(description, quote=True)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
