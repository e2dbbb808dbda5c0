"""How a chart stands on a page: a drawing that needs no JavaScript, the data to bring it alive, and
those data as a table.

A displayed Altair chart becomes HTML with the finished SVG inside and its Vega-Lite
specification beside it; ``charts.js`` of the site replaces the drawing by an interactive one
when the reader comes near. A notebook opened elsewhere shows the drawing and the table.
"""

import copy
import hashlib
import html
import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import altair as alt
import vl_convert

from kwslib.results.charts import tables as chart_tables
from kwslib.results.charts.tables import Table
from kwslib.results.provenance import FIELDS_MIME, META

NAME = "kws"

ORIGIN = '<span class="kws-origin"></span>'
"""Where under a chart the page says how its numbers came about."""


def enable() -> None:
    """Draw every chart displayed from now on as :func:`drawn` does."""
    alt.renderers.register(NAME, drawn)
    alt.renderers.enable(NAME)
    # A chart's data stand in the page. What is too much for a page is for its author to thin.
    alt.data_transformers.disable_max_rows()


def drawn(spec: dict[str, Any], **_metadata: Any) -> dict[str, Any]:
    """A Vega-Lite specification as a page has it, by MIME type.

    As HTML it is a static SVG, the specification as JSON, and the tables behind it.

    Raises:
        ValueError: the chart has neither a description nor a title, so that it would say
            nothing to a reader who cannot see it.
    """
    description = _description(spec)
    fields = spec.get("usermeta", {}).get(META, {})
    spec, tables = chart_tables.taken_apart(spec)
    spec = with_filters(spec)
    source = json.dumps(spec, ensure_ascii=False, separators=(",", ":"))
    name = "chart-" + hashlib.sha256(source.encode()).hexdigest()[:10]
    svg = _scalable(_own_ids(vl_convert.vegalite_to_svg(spec), name), description)
    # "</" must not appear in a script element, whatever a chart's text says
    data = source.replace("</", r"<\/")
    return {
        **({FIELDS_MIME: fields} if fields else {}),
        "text/html": f'<div class="kws-chart" id="{name}">{svg}'
        f'<script type="application/json">{data}</script></div>{_details(name, tables)}',
        "text/plain": f"[chart] {description}",
        chart_tables.MIME: {
            "chart": name,
            "description": description,
            "tables": [asdict(table) for table in tables],
        },
    }


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


# Legends that filter: a click on an entry leaves only its marks in full strength. Vega-Lite can tie
# a selection to a legend; each chart whose legend names things gets such a selection, and all marks
# that are not in it fade. Nothing is selected at first.

_FADED = 0.1
_LEGENDS = ("color", "fill", "shape", "strokeDash")
_BY_DEFAULT = {"point": 0.7, "tick": 0.7, "circle": 0.7, "square": 0.7}
"""Opacities that Vega-Lite gives marks which do not say theirs; all others have 1."""


def with_filters(spec: dict[str, Any]) -> dict[str, Any]:
    """A copy of a specification in which legends of names filter; facets stay as they are."""
    spec = copy.deepcopy(spec)
    for number, group in enumerate(_groups(spec)):
        _filter(group, f"legend_{number}")
    return spec


def _groups(spec: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """The views of a specification: of each the layers, with their marks and encodings."""
    for name in ("hconcat", "vconcat", "concat"):
        for part in spec.get(name, ()):
            yield from _groups(part)
    if "layer" in spec and "encoding" not in spec and all("mark" in each for each in spec["layer"]):
        yield spec["layer"]
    elif "mark" in spec and not {"row", "column", "facet"} & spec.get("encoding", {}).keys():
        yield [spec]


def _filter(layers: list[dict[str, Any]], name: str) -> None:
    field = next((field for each in layers if (field := _named(each))), None)
    if field is None:
        return
    chosen = {"type": "point", "fields": [field], "toggle": "true"}
    selection = {"name": name, "select": chosen, "bind": "legend"}
    first = next(each for each in layers if _named(each) == field)
    first["params"] = [*first.get("params", ()), selection]
    for each in layers:
        channels = each.get("encoding", {})
        if "opacity" not in channels and field in _fields(channels):
            channels["opacity"] = {
                "condition": {"param": name, "value": _opacity(each["mark"])},
                "value": _FADED,
            }


def _named(layer: dict[str, Any]) -> str | None:
    """The field whose names a legend of the layer lists."""
    for channel in _LEGENDS:
        given = layer.get("encoding", {}).get(channel)
        if isinstance(given, dict) and given.get("type") == "nominal" and "field" in given:
            if "legend" in given and given["legend"] is None:
                continue
            return str(given["field"])
    return None


def _fields(channels: dict[str, Any]) -> set[str]:
    """Fields that place or colour a mark, as names of data."""
    return {
        given["field"]
        for given in channels.values()
        if isinstance(given, dict) and "field" in given
    }


def _opacity(mark: Any) -> float:
    settings = mark if isinstance(mark, dict) else {"type": mark}
    return float(settings.get("opacity", _BY_DEFAULT.get(settings["type"], 1.0)))
