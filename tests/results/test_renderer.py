import json
import re

import altair as alt
import pytest

from kwslib.results import renderer
from kwslib.results.charts import theme


def chart(**properties):
    data = alt.Data(values=[{"x": 1, "y": 2, "text": "</script>"}])
    mark = alt.Chart(data).mark_line(clip=True)
    return mark.encode(x="x:Q", y="y:Q").properties(**properties).to_dict()


def test_a_chart_is_drawn_and_carries_its_specification():
    spec = chart(description="Two & more")
    markup = renderer.drawn(spec).html
    assert 'role="img" aria-label="Two &amp; more"' in markup
    assert re.search(r'viewBox="0 0 \d+ \d+"', markup)
    data = re.search(r'<script type="application/json">(.*?)</script>', markup).group(1)
    assert json.loads(data)["data"] == spec["data"]


def test_charts_on_one_page_share_no_id():
    drawings = [renderer.drawn(chart(description=text)).html for text in ("one", "two")]
    ids = [re.findall(r'\bid="([^"]+)"', drawing) for drawing in drawings]
    assert all(len(each) > 1 for each in ids)
    assert not set(ids[0]) & set(ids[1])
    for own, drawing in zip(ids, drawings, strict=True):
        assert set(re.findall(r"url\(#([^)]+)\)", drawing)) <= set(own)


def test_text_takes_the_colour_of_the_page():
    assert theme.WIDTH
    assert "currentColor" in renderer.drawn(chart(description="text")).html


def test_a_title_stands_in_for_a_description():
    assert 'aria-label="A title"' in renderer.drawn(chart(title="A title")).html


def test_a_chart_without_words_is_refused():
    with pytest.raises(ValueError, match="description"):
        renderer.drawn(chart())
