"""The report as one PDF file, of small pages printed by Chromium."""

import os

import pytest
from pypdf import PdfReader

from kwslib.errors import InputError
from kwslib.site import chromium, pdf

PAGES = {"book/one": "Page one", "book/two": "Page two"}


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    try:
        chromium.chromium()
    except InputError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    site = tmp_path_factory.mktemp("site")
    (site / "book").mkdir()
    links = '<a href="two.html#end">two</a> <a href="../_data/x.csv">data</a>'
    for page, title in PAGES.items():
        text = f"<!doctype html><title>{title}</title><h1>{title}</h1><p>{links}</p>"
        (site / f"{page}.html").write_text(f'{text}<a href="https://example.org/">away</a>')
    lines = []
    pdf.print_report(site, PAGES, site / pdf.NAME, lines.append)
    return PdfReader(site / pdf.NAME), lines


def targets(page):
    return [link.get_object()["/A"] for link in page["/Annots"]]


def test_pages_stand_one_after_the_other_and_in_the_outline(printed):
    reader, lines = printed
    assert [page.extract_text().splitlines()[0] for page in reader.pages] == list(PAGES.values())
    assert [each.title for each in reader.outline] == list(PAGES.values())
    assert reader.metadata.title == "Page one"
    assert lines == ["printing one", "printing two"]


def test_links_between_pages_stay_in_the_file_and_none_leads_to_this_machine(printed):
    reader, _ = printed
    inside, away = targets(reader.pages[0])
    assert inside["/D"][0].get_object() == reader.pages[1]
    assert away["/URI"] == "https://example.org/"


def test_without_a_browser_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(chromium.shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="install one of chromium"):
        chromium.chromium()


def test_a_browser_that_makes_nothing_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(chromium, "chromium", lambda: "false")
    with pytest.raises(RuntimeError, match=r"page\.html: the browser made nothing"):
        chromium.print_page(tmp_path / "page.html", tmp_path / "page.pdf")
