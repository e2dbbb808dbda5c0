import pytest

import kwslib
from kwslib.site import api_page
from kwslib.site.book import Book
from kwslib.site.build import find_root


def test_every_module_of_the_library_stands_on_one_page():
    names = api_page.module_names(kwslib)
    assert {"kwslib.config", "kwslib.features.logmel", "kwslib.results.page"} <= set(names)
    assert not [name for name in names if name.startswith("kwslib.cli")]
    parts = ["", *api_page.PARTS]
    shown = [name for part in parts for name in api_page.names_of(part)]
    assert sorted(shown) == sorted(["kwslib", *names])
    assert ".. automodule:: kwslib.features.logmel" in api_page.markdown("sound")
    assert "kwslib.features" not in api_page.markdown()


def test_every_part_has_a_page():
    assert {f"book/api_{part}" for part in api_page.PARTS} < set(Book.open(find_root()).pages)


def test_an_unknown_part_is_refused():
    with pytest.raises(ValueError, match="no 'noise'"):
        api_page.markdown("noise")
