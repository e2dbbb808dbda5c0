"""The small font: the icons of the pages are in it, the other two thousand are not."""

import base64
import io
import re
import shutil
from importlib.resources import files

import pytest
from fontTools.ttLib import TTFont

from kwslib.site import icons

DOWNLOAD, ADDRESS_BOOK = 0xF019, 0xF2B9


@pytest.fixture
def static(tmp_path):
    """The styles and fonts of the themes, as a site has them."""
    for theme in ("pydata_sphinx_theme", "sphinx_book_theme"):
        given = files(theme) / "theme" / theme / "static"
        shutil.copytree(given, tmp_path / "static", dirs_exist_ok=True)
    return tmp_path / "static"


def fonts(sheet):
    for text in re.findall(r"base64,([A-Za-z0-9+/=]+)", sheet):
        yield TTFont(io.BytesIO(base64.b64decode(text)))


def test_the_icons_of_the_pages_are_in_the_font_and_no_others(static, tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<i class="fas fa-download"></i><p>fa-address-book</p>')
    icons.write_icons(static, [page])
    sheet = (static / icons.SHEET).read_text()
    points = [set(font.getBestCmap()) for font in fonts(sheet)]
    assert DOWNLOAD in points[0]
    assert not any(ADDRESS_BOOK in each for each in points)
    assert len(sheet) < 40_000
    page.write_text('<i class="fas fa-download fa-address-book"></i>')
    icons.write_icons(static, [page])
    changed = next(fonts((static / icons.SHEET).read_text()))
    assert {DOWNLOAD, ADDRESS_BOOK} <= set(changed.getBestCmap())


def test_a_sheet_that_is_right_already_is_not_written_again(static, tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<i class="fas fa-download"></i>')
    icons.write_icons(static, [page])
    before = (static / icons.SHEET).stat().st_mtime_ns
    icons.write_icons(static, [page])
    assert (static / icons.SHEET).stat().st_mtime_ns == before
