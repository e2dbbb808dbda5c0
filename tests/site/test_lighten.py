"""Pages made lighter, without anything missing afterwards."""

import base64
import re

import pytest

from kwslib.site.lighten import lighten, remove_old_pages

SOUND, PICTURE = (bytes([i]) * 3000 for i in (1, 2))


def data(kind, content):
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


@pytest.fixture
def site(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "_data").mkdir()
    small = data("image/png", b"small")
    (tmp_path / "book" / "page.html").write_text(
        f'<script defer src="../_static/scripts/fontawesome.js?digest=1"></script>\n'
        '<script src="../_static/searchtools.js"></script>\n'
        '<script src="../searchindex.js"></script>'
        f'<audio controls preload="metadata" src="{data("audio/flac", SOUND)}"></audio>'
        f'<img src="{data("image/png", PICTURE)}"><img src="{small}">'
        '<code><span class="pre">kws</span> <span class="pre">train</span></code>'
    )
    (tmp_path / "index.html").write_text(f'<audio src="{data("audio/flac", SOUND)}"></audio>')
    return tmp_path


def test_large_sounds_and_pictures_become_files(site):
    lighten(site)
    text = (site / "book" / "page.html").read_text()
    assert "search" not in text and 'preload="none"' in text
    sources = re.findall(r'src="([^"]*)"', text)
    assert sources[2].startswith("data:image/png")
    files = [(site / "book" / source).resolve() for source in sources[:2]]
    assert [path.read_bytes() for path in files] == [SOUND, PICTURE]
    assert f'src="_data/{files[0].name}"' in (site / "index.html").read_text()


def test_the_script_of_all_icons_and_empty_wrappers_go(site):
    lighten(site)
    text = (site / "book" / "page.html").read_text()
    assert "fontawesome.js" not in text
    assert "<code>kws train</code>" in text


def test_the_page_of_the_search_keeps_its_index(site):
    page = site / "search.html"
    page.write_text('<script src="searchindex.js"></script><div id="search-results"></div>')
    lighten(site)
    assert "searchindex.js" in page.read_text()


def test_a_second_time_changes_nothing_and_old_files_go(site):
    lighten(site)
    pages = {path: path.read_text() for path in site.rglob("*.html")}
    old = site / "_data" / f"{'0' * 16}.flac"
    old.write_bytes(b"old")
    (site / "_data" / "table.csv").write_text("kept")
    lighten(site)
    assert pages == {path: path.read_text() for path in site.rglob("*.html")}
    assert not old.exists() and (site / "_data" / "table.csv").exists()


def test_pages_of_an_earlier_build_go_with_their_sources(site):
    made = ["book/page.html", "book/old.html", "genindex.html"]
    sources = ["book/page.md", "book/old.md", "book/old.ipynb", "older.md"]
    (site / "_sources" / "book").mkdir(parents=True)
    for name in (*made[1:], *(f"_sources/{source}" for source in sources)):
        (site / name).touch()
    remove_old_pages(site, {"book/page"})
    assert [name for name in made if (site / name).exists()] == ["book/page.html", "genindex.html"]
    left = [path for path in (site / "_sources").rglob("*") if path.is_file()]
    assert left == [site / "_sources" / "book" / "page.md"]
