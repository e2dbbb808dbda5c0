"""What a reader finds: pages that need no network, in light and dark, wide and narrow."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from alive import bring_alive

from kwslib.site.book import Book

BOOK = Book.open(Path(__file__).resolve().parents[2])
CHAPTERS = [chapter.page for chapter in BOOK.chapters]
AUDIT = "book/audit"
CHARTED = [name for name in CHAPTERS if name != AUDIT]
"""The audit is executed as a chapter is, but has words and tables alone: no chart."""

PROSE = {
    name: re.sub(r"```.*?```", "", BOOK.path(name).read_text("utf-8"), flags=re.DOTALL)
    for name in CHARTED
}
"""The text of the pages with charts, without their code."""

pytestmark = pytest.mark.xdist_group("site")

DRAWINGS = """() => [...document.querySelectorAll(".kws-chart svg")].map((svg) => {
  const box = svg.getBoundingClientRect();
  return [box.width, box.height];
})"""
# Of plots that stand below each other and name no point: how far each runs beyond its place.
STACKED = """() => [...document.querySelectorAll(".kws-chart")].flatMap((chart) => {
  const text = chart.querySelector("script").textContent;
  const spec = JSON.parse(text);
  const stacked = "vconcat" in spec ? !/"type": ?"text"/.test(text) : Boolean(spec.facet?.row);
  return stacked ? [chart.scrollWidth - chart.clientWidth] : [];
})"""
# Contrast (WCAG) of a chart's text, or of an element, with what stands behind it.
CONTRAST = """(selector) => {
  const luminance = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if (!/^rgba\\(.*, 0\\)$/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.querySelectorAll(selector)].map((element) => {
    const style = getComputedStyle(element);
    const text = element instanceof SVGElement ? style.fill : style.color;
    const [low, high] = [luminance(text), luminance(ground(element))].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  });
}"""
AXIS_TEXT = ".kws-chart svg .role-axis text"


@pytest.mark.parametrize("name", BOOK.pages)
def test_a_page_reads_without_network_or_error(open_page, address, name):
    outside, errors = [], []

    def watch(page):
        page.on(
            "request",
            lambda request: (
                outside.append(request.url)
                if not request.url.startswith((address, "data:", "blob:"))
                else None
            ),
        )
        page.on("requestfailed", lambda request: errors.append(f"{request.url} failed"))
        page.on(
            "response",
            lambda response: (
                errors.append(f"{response.url}: {response.status}")
                if response.status >= 400
                else None
            ),
        )
        page.on(
            "console",
            lambda message: errors.append(message.text) if message.type == "error" else None,
        )
        page.on("pageerror", lambda error: errors.append(str(error)))

    page = open_page(name, watch)
    bring_alive(page)
    page.wait_for_load_state("networkidle")
    assert outside == []
    assert errors == []


@pytest.mark.parametrize("name", BOOK.pages)
def test_a_page_does_not_scroll_sideways_on_a_phone(open_page, name):
    page = open_page(name, viewport={"width": 375, "height": 800})
    bring_alive(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_plots_below_each_other_fit_a_phone(open_page):
    page = open_page("book/5_quantization", viewport={"width": 375, "height": 800})
    bring_alive(page)
    beyond = page.evaluate(STACKED)
    assert len(beyond) >= 2
    assert max(beyond) <= 0


@pytest.mark.parametrize("name", [name for name in CHARTED if "$" in PROSE[name]])
def test_mathematics_is_typeset(open_page, name):
    page = open_page(name, java_script_enabled=False)
    formulas = page.locator(".math math")
    assert formulas.count() == page.locator(".math").count() > 0
    assert page.locator(".math merror").count() == 0
    assert all(each.bounding_box()["width"] > 2 for each in formulas.all())


@pytest.mark.parametrize("name", CHARTED)
def test_charts_are_drawn_without_javascript(open_page, site, name):
    charts = (site / f"{name}.html").read_text(encoding="utf-8").count('class="kws-chart"')
    page = open_page(name, java_script_enabled=False)
    boxes = [svg.bounding_box() for svg in page.locator(".kws-chart svg").all()]
    assert len(boxes) == charts > 0
    assert all(box["width"] > 100 and box["height"] > 40 for box in boxes)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", CHARTED)
def test_charts_read_in_light_and_dark_drawn_and_interactive(open_page, name, scheme):
    def no_vega(page):
        page.route(re.compile(r"/vega-[\d.]+"), lambda route: route.abort())

    drawn = open_page(name, no_vega, color_scheme=scheme)
    assert drawn.locator(".kws-chart .kws-view").count() == 0
    alive = open_page(name, color_scheme=scheme)
    assert alive.evaluate("document.documentElement.dataset.theme") == scheme
    bring_alive(alive)
    for page in (drawn, alive):
        contrasts = page.evaluate(CONTRAST, AXIS_TEXT)
        assert contrasts and min(contrasts) > 4.5
        assert all(width > 100 and height > 40 for width, height in page.evaluate(DRAWINGS))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_tooltip_reads_in_light_and_dark(open_page, site, scheme):
    page = open_page(_page_with_tooltip(site), color_scheme=scheme)
    bring_alive(page)
    for mark in page.locator(".kws-chart svg [aria-roledescription]:not(g)").all():
        mark.scroll_into_view_if_needed()
        mark.hover(force=True)
        if page.locator("#vg-tooltip-element.visible").count():
            break
    page.wait_for_selector("#vg-tooltip-element.visible")
    contrasts = page.evaluate(CONTRAST, "#vg-tooltip-element td")
    assert contrasts and min(contrasts) > 4.5


def _page_with_tooltip(site):
    for name in CHAPTERS:
        if '"tooltip"' in (site / f"{name}.html").read_text(encoding="utf-8"):
            return name
    pytest.fail("no chapter has a chart with a tooltip")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_points_of_the_audit_read_in_light_and_dark(open_page, scheme):
    page = open_page(AUDIT, color_scheme=scheme)
    contrasts = page.evaluate(CONTRAST, "article :is(h3, p, td, th, em, figcaption)")
    assert len(contrasts) > 100 and min(contrasts) > 4.5


def test_search_finds_a_word(open_page):
    page = open_page("search", lambda page: None)
    page.goto(f"{page.url}?q=microcontroller")
    page.wait_for_selector("#search-results li a")
    assert page.locator("#search-results li a").count() > 0


def test_there_is_one_search_field(open_page):
    page = open_page(BOOK.pages[0])
    assert page.locator(".search-button-field:visible").count() == 1


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_executed_notebook_can_be_downloaded(open_page, name):
    page = open_page(name)
    link = page.locator('a[href$=".ipynb"]').first.evaluate("link => link.href")
    notebook = nbformat.from_dict(json.loads(page.request.get(link).text()))
    nbformat.validate(notebook)
    assert any(cell.get("outputs") for cell in notebook.cells)
    assert not any("{glue:text}" in cell.source for cell in notebook.cells)


@pytest.mark.parametrize("name", CHAPTERS)
def test_sounds_can_be_played(open_page, name):
    page = open_page(name)
    page.evaluate("document.querySelectorAll('audio').forEach((each) => (each.preload = 'auto'))")
    ready = "() => [...document.querySelectorAll('audio')].every((each) => each.duration > 0)"
    page.wait_for_function(ready)


def test_a_page_has_a_title_and_an_icon(open_page):
    page = open_page(CHAPTERS[-1])
    assert "Keyword spotting on a microcontroller" in page.title()
    icon = page.locator('link[rel~="icon"]').first.evaluate("link => link.href")
    assert page.request.get(icon).ok
