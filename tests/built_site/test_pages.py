"""What a reader finds: pages that need no network, in light and dark, wide and narrow."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from alive import bring_alive
from contrast import CONTRAST

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

# Of plots that stand below each other and name no point: how far each runs beyond its place.
STACKED = """() => [...document.querySelectorAll(".kws-chart")].flatMap((chart) => {
  const text = chart.querySelector("script").textContent;
  const spec = JSON.parse(text);
  const stacked = "vconcat" in spec ? !/"type": ?"text"/.test(text) : Boolean(spec.facet?.row);
  return stacked ? [chart.scrollWidth - chart.clientWidth] : [];
})"""


def test_plots_below_each_other_fit_a_phone(open_page):
    page = open_page("book/5_quantization", viewport={"width": 375, "height": 800})
    bring_alive(page)
    beyond = page.evaluate(STACKED)
    assert len(beyond) >= 2
    assert max(beyond) <= 0


@pytest.mark.parametrize("name", CHARTED)
def test_a_page_without_javascript_has_its_charts_and_its_mathematics(open_page, site, name):
    page = open_page(name, java_script_enabled=False)
    charts = (site / f"{name}.html").read_text(encoding="utf-8").count('class="kws-chart"')
    boxes = [svg.bounding_box() for svg in page.locator(".kws-chart svg").all()]
    assert len(boxes) == charts > 0
    assert all(box["width"] > 100 and box["height"] > 40 for box in boxes)
    formulas = page.locator(".math math")
    assert formulas.count() == page.locator(".math").count()
    if "$" in PROSE[name]:
        assert formulas.count() > 0
    assert page.locator(".math merror").count() == 0
    assert all(each.bounding_box()["width"] > 2 for each in formulas.all())


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


def test_there_is_one_search_field(read_page):
    page = read_page(BOOK.pages[0])
    assert page.locator(".search-button-field:visible").count() == 1


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_executed_notebook_can_be_downloaded(read_page, name):
    page = read_page(name)
    link = page.locator('a[href$=".ipynb"]').first.evaluate("link => link.href")
    notebook = nbformat.from_dict(json.loads(page.request.get(link).text()))
    nbformat.validate(notebook)
    assert any(cell.get("outputs") for cell in notebook.cells)
    assert not any("{glue:text}" in cell.source for cell in notebook.cells)


@pytest.mark.parametrize("name", CHAPTERS)
def test_sounds_can_be_played(read_page, name):
    page = read_page(name)
    page.evaluate("document.querySelectorAll('audio').forEach((each) => (each.preload = 'auto'))")
    ready = "() => [...document.querySelectorAll('audio')].every((each) => each.duration > 0)"
    page.wait_for_function(ready)


def test_a_page_has_a_title_and_an_icon(read_page):
    page = read_page(CHAPTERS[-1])
    assert "Keyword spotting on a microcontroller" in page.title()
    icon = page.locator('link[rel~="icon"]').first.evaluate("link => link.href")
    assert page.request.get(icon).ok
