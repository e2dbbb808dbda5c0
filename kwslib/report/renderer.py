"""How a chart stands on a page: a drawing that needs no JavaScript, and the data to bring it alive.

A displayed Altair chart becomes HTML with the finished SVG inside and its Vega-Lite
specification beside it; ``charts.js`` of the site replaces the drawing by an interactive one
when the reader comes near. A notebook opened elsewhere shows the drawing.
"""

import hashlib
import html
import json
import re
from typing import Any

import altair as alt
import vl_convert

NAME = "kws"


def enable() -> None:
    """Draw every chart displayed from now on as :func:`chart_html` does."""
    alt.renderers.register(NAME, _mime_bundle)
    alt.renderers.enable(NAME)
    # A chart's data stand in the page. What is too much for a page is for its author to thin.
    alt.data_transformers.disable_max_rows()


def chart_html(spec: dict[str, Any]) -> str:
    """The HTML of a Vega-Lite specification: static SVG, and the specification as JSON.

    Raises:
        ValueError: the chart has neither a description nor a title, so that it would say
            nothing to a reader who cannot see it.
    """
    description = _description(spec)
    source = json.dumps(spec, ensure_ascii=False, separators=(",", ":"))
    name = "chart-" + hashlib.sha256(source.encode()).hexdigest()[:10]
    svg = _scalable(_own_ids(vl_convert.vegalite_to_svg(spec), name), description)
    # "</" must not appear in a script element, whatever a chart's text says
    data = source.replace("</", r"<\/")
    return (
        f'<div class="kws-chart" id="{name}">{svg}'
        f'<script type="application/json">{data}</script></div>'
    )


def _mime_bundle(spec: dict[str, Any], **_metadata: Any) -> dict[str, str]:
    return {"text/html": chart_html(spec), "text/plain": f"[chart] {_description(spec)}"}


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
