"""Pictures for the README: which chart is taken, and what is said where there is none."""

import pytest

from kwslib.errors import InputError
from kwslib.results.renderer import drawn
from kwslib.site import pictures


@pytest.fixture
def site(tmp_path):
    (tmp_path / "book").mkdir()
    spec = {
        "data": {"values": [{"x": 1, "text": "</script>"}]},
        "mark": "point",
        "encoding": {"x": {"field": "x", "type": "quantitative"}},
        "config": {"axis": {"labelColor": "currentColor"}},
    }
    charts = [drawn(spec | {"description": text})["text/html"] for text in ("First", "Second one")]
    (tmp_path / "book" / "page.html").write_text("".join(charts))
    return tmp_path


def test_a_chart_is_found_by_its_description_and_drawn_dark_on_white(site):
    spec = pictures.chart_of(site, "book/page", "Second")
    assert spec["description"] == "Second one"
    assert spec["data"]["values"][0]["text"] == "</script>"
    assert spec["config"]["background"] == "white"
    assert spec["config"]["axis"]["labelColor"] != "currentColor"


def test_a_missing_chart_or_site_is_told(site):
    with pytest.raises(InputError, match="has 2 charts, none on 'Third'"):
        pictures.chart_of(site, "book/page", "Third")
    with pytest.raises(InputError, match="make report"):
        pictures.main(site, site)
