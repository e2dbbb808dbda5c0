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
from contrast import CONTRAST

from kwslib.site.book import Book

BOOK = Book.open(Path(__file__).resolve().parents[2])
AUDIT = "book/audit"
CHARTED = [chapter.page for chapter in BOOK.chapters if chapter.page != AUDIT]
MOST_BYTES = 300_000
"""Of a page with all that it loads, compressed, without the bundle of Vega."""

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 375, "height": 800}
AXIS_TEXT = ".kws-chart svg .role-axis text"
# A heading's own link shows when the mouse is over it.
LIBRARY_TEXT = "article :is(p, li, dt, dd, span, a, code, em, h1, h2, h3, td, th):not(.headerlink)"

DRAWINGS = """() => [...document.querySelectorAll(".kws-chart svg")].map((svg) => {
  const box = svg.getBoundingClientRect();
  return [box.width, box.height];
})"""
# Of the marks that a chart's legend tells apart: how many are faded.
FADED = """(i) => [...document.querySelectorAll(".kws-chart")[i]
  .querySelectorAll(".role-mark :is(path, line)")]
  .filter((mark) => Number(mark.getAttribute("opacity") ?? 1) <= 0.1).length"""


class Traffic:
    """What a page asks for and complains of while it is open."""

    def __init__(self, address):
        self._address = address
        self.outside, self.errors, self._answers = [], [], []

    def watch(self, page):
        page.on("request", self._asked)
        page.on("requestfailed", lambda request: self.errors.append(f"{request.url} failed"))
        page.on("response", self._answered)
        page.on("console", lambda line: line.type == "error" and self.errors.append(line.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _asked(self, request):
        if not request.url.startswith((self._address, "data:", "blob:")):
            self.outside.append(request.url)

    def _answered(self, answer):
        self._answers.append(answer)
        if answer.status >= 400:
            self.errors.append(f"{answer.url}: {answer.status}")

    def sizes(self):
        """Compressed bytes of all that was loaded, largest first, without Vega's bundle."""
        found = {
            answer.url: len(gzip.compress(answer.body()))
            for answer in self._answers
            if not re.search(r"/vega-[\d.]+", answer.url)
        }
        return sorted(((size, url) for url, size in found.items()), reverse=True)


def grave_violations(page, **chosen):
    """What axe calls serious or critical, by the rules that are chosen."""
    return {
        each["id"]: [node["html"][:150] for node in each["nodes"][:4]]
        for each in Axe().run(page, options=chosen).response["violations"]
        if each["impact"] in ("serious", "critical")
    }


def check_accessibility(page, name, scheme):
    """A scheme changes colours alone: the other rules are asked once, with the light one.

    The pages of the library have ten thousand pieces of text, in the colours of a few classes:
    their contrast is computed here, as axe takes a minute for it.
    """
    of_library = name.startswith("book/api")
    if scheme == "light":
        # where a page's regions begin is a moderate matter, and takes long to find out
        slow = ["region", *(["color-contrast"] if of_library else [])]
        assert grave_violations(page, rules={rule: {"enabled": False} for rule in slow}) == {}
    elif not of_library:
        assert grave_violations(page, runOnly=["color-contrast"]) == {}
    if of_library:
        assert min(page.evaluate(CONTRAST, LIBRARY_TEXT)) > 4.5


# A page is opened once in each scheme, in the dark on a phone first, and everything that holds of
# all pages is looked at.
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", [*BOOK.pages, "search"])
def test_a_page_is_light_readable_and_needs_no_network(open_page, address, name, scheme):
    traffic = Traffic(address)
    viewport = WIDE if scheme == "light" else PHONE
    page = open_page(
        name, traffic.watch, color_scheme=scheme, reduced_motion="reduce", viewport=viewport
    )
    bring_alive(page)
    page.wait_for_load_state("networkidle")
    assert traffic.outside == []
    assert traffic.errors == []
    assert sum(size for size, _ in traffic.sizes()) <= MOST_BYTES, traffic.sizes()[:8]
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    if viewport == PHONE:
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.set_viewport_size(WIDE)
    if name in CHARTED:
        check_charts(page)
    check_accessibility(page, name, scheme)


def check_charts(page):
    """Their text reads on what is behind it, and they have a size."""
    contrasts = page.evaluate(CONTRAST, AXIS_TEXT)
    assert contrasts and min(contrasts) > 4.5
    assert all(width > 100 and height > 40 for width, height in page.evaluate(DRAWINGS))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", CHARTED)
def test_charts_read_in_light_and_dark_before_vega_comes(open_page, name, scheme):
    def no_vega(page):
        page.route(re.compile(r"/vega-[\d.]+"), lambda route: route.abort())

    page = open_page(name, no_vega, color_scheme=scheme)
    assert page.locator(".kws-chart .kws-view").count() == 0
    check_charts(page)


@pytest.mark.parametrize("name", CHARTED)
def test_every_chart_has_its_data_as_a_table_and_a_file(read_page, site, name):
    page = read_page(name)
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
def test_the_data_of_a_chapter_can_be_downloaded(read_page, site, name):
    page = read_page(name)
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


def test_a_page_tells_what_it_is_about(site):
    seen = set()
    for name in BOOK.pages:
        page = (site / f"{name}.html").read_text("utf-8")
        seen.add(re.search(r"<title>([^<]*)</title>", page)[1])
        seen.add(re.search(r'<meta name="description" content="([^"]*)"', page)[1])
    assert len(seen) == 2 * len(BOOK.pages) and all(len(each) > 10 for each in seen)
