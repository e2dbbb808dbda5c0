"""What makes the site a good one: light pages, open to everyone, with the numbers behind charts."""

import csv
import gzip
import io
import json
import re
import zipfile
from pathlib import Path

import pytest
from alive import bring_alive
from axe_playwright_python.sync_playwright import Axe

from kwslib.site.book import Book

BOOK = Book.open(Path(__file__).resolve().parents[2])
AUDIT = "book/audit"
CHARTED = [chapter.page for chapter in BOOK.chapters if chapter.page != AUDIT]
MOST_BYTES = 300_000
"""Of a page with all that it loads, compressed, without the bundle of Vega."""

pytestmark = pytest.mark.xdist_group("site")

# Of the marks that a chart's legend tells apart: how many are faded.
FADED = """(i) => [...document.querySelectorAll(".kws-chart")[i]
  .querySelectorAll(".role-mark :is(path, line)")]
  .filter((mark) => Number(mark.getAttribute("opacity") ?? 1) <= 0.1).length"""


@pytest.mark.parametrize("name", [*BOOK.pages, "search"])
def test_a_page_is_light(open_page, name):
    answers = []
    page = open_page(name, lambda page: page.on("response", lambda answer: answers.append(answer)))
    page.wait_for_load_state("networkidle")
    sizes = {
        answer.url: len(gzip.compress(answer.body()))
        for answer in answers
        if not re.search(r"/vega-[\d.]+", answer.url)
    }
    assert sum(sizes.values()) <= MOST_BYTES, sorted(sizes.items(), key=lambda each: -each[1])[:8]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", [*BOOK.pages, "search"])
def test_axe_finds_nothing_serious(open_page, name, scheme):
    page = open_page(name, color_scheme=scheme, reduced_motion="reduce")
    bring_alive(page)
    page.wait_for_load_state("networkidle")
    found = Axe().run(page).response["violations"]
    grave = {
        each["id"]: [node["html"][:150] for node in each["nodes"][:4]]
        for each in found
        if each["impact"] in ("serious", "critical")
    }
    assert grave == {}


@pytest.mark.parametrize("name", CHARTED)
def test_every_chart_has_its_data_as_a_table_and_a_file(open_page, site, name):
    page = open_page(name)
    charts = page.locator(".kws-chart").evaluate_all("all => all.map((each) => each.id)")
    assert charts
    for chart in charts:
        details = page.locator(f'.kws-data[data-chart="{chart}"]').first
        assert details.locator("td").count() > 0, chart
        assert details.locator(".kws-origin").text_content(), chart
        for link in details.locator("a.kws-csv").all():
            path = (site / name).parent / link.get_attribute("href")
            rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
            assert len(rows) > 1 and len({len(row) for row in rows}) == 1


@pytest.mark.parametrize("name", CHARTED)
def test_the_data_of_a_chapter_can_be_downloaded(open_page, site, name):
    page = open_page(name)
    link = page.locator('a[href$=".zip"]').first.get_attribute("href")
    with zipfile.ZipFile((site / name).parent / link) as archive:
        assert json.loads(archive.read("values.json"))
        charts = [each for each in archive.namelist() if each.endswith(".csv")]
        assert len(charts) >= page.locator(".kws-chart").count()


def test_a_legend_filters_by_mouse_and_keyboard(open_page):
    page = open_page("book/3_training")
    bring_alive(page)
    index = next(
        i
        for i in range(page.locator(".kws-chart").count())
        if page.locator(".kws-chart").nth(i).locator('[role="button"]').count() > 1
    )
    entry = page.locator(".kws-chart").nth(index).locator('[role="button"]').first
    assert page.evaluate(FADED, index) == 0
    entry.click()
    page.wait_for_function(f"(i) => ({FADED})(i) > 0", arg=index)
    entry = page.locator(".kws-chart").nth(index).locator('[role="button"]').first
    entry.focus()
    page.keyboard.press("Enter")
    page.wait_for_function(f"(i) => ({FADED})(i) === 0", arg=index)


def test_the_front_page_leads_to_the_firmware_in_the_browser(open_page):
    page = open_page(BOOK.pages[0])
    link = page.locator("a.kws-preview")
    assert link.bounding_box()["y"] < 900
    link.click()
    page.wait_for_function("document.documentElement.dataset.kwsTry === 'ready'")
    page.locator('[data-kws="clips"] button').first.click()
    page.wait_for_selector('[data-kws="log"] li')
    assert page.inner_text('[data-kws="log"] li').startswith("yes")


def test_a_page_tells_what_it_is_about(open_page):
    seen = set()
    for name in BOOK.pages:
        page = open_page(name, java_script_enabled=False)
        seen.add(page.locator('meta[name="description"]').get_attribute("content"))
        seen.add(page.title())
    assert len(seen) == 2 * len(BOOK.pages) and all(len(each) > 10 for each in seen)
