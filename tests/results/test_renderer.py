"""How a chart stands on a page, and that its legend filters, fading marks by Vega's reckoning."""

import json
import re

import altair as alt
import pytest
import vl_convert

from kwslib.results import renderer
from kwslib.results.charts import theme
from kwslib.results.renderer import with_filters


def chart(**properties):
    data = alt.Data(values=[{"x": 1, "y": 2, "text": "</script>"}])
    mark = alt.Chart(data).mark_line(clip=True)
    return mark.encode(x="x:Q", y="y:Q").properties(**properties).to_dict()


def test_a_chart_is_drawn_and_carries_its_specification():
    spec = chart(description="Two & more")
    markup = renderer.drawn(spec)["text/html"]
    assert 'role="img" aria-label="Two &amp; more"' in markup
    assert re.search(r'viewBox="0 0 \d+ \d+"', markup)
    data = re.search(r'<script type="application/json">(.*?)</script>', markup).group(1)
    assert json.loads(data)["data"] == spec["data"]


def test_charts_on_one_page_share_no_id():
    drawings = [renderer.drawn(chart(description=text))["text/html"] for text in ("one", "two")]
    ids = [re.findall(r'\bid="([^"]+)"', drawing) for drawing in drawings]
    assert all(len(each) > 1 for each in ids)
    assert not set(ids[0]) & set(ids[1])
    for own, drawing in zip(ids, drawings, strict=True):
        assert set(re.findall(r"url\(#([^)]+)\)", drawing)) <= set(own)


def test_text_takes_the_colour_of_the_page():
    assert theme.WIDTH
    assert "currentColor" in renderer.drawn(chart(description="text"))["text/html"]


def test_a_title_stands_in_for_a_description():
    assert 'aria-label="A title"' in renderer.drawn(chart(title="A title"))["text/html"]


def test_a_chart_without_words_is_refused():
    with pytest.raises(ValueError, match="description"):
        renderer.drawn(chart())


ROWS = [{"x": i, "run": run, "size": i} for i in range(3) for run in ("this run", "other")]


def base(**channels):
    return alt.Chart(alt.Data(values=ROWS)).encode(x="x:Q", **channels)


def selections(part):
    if isinstance(part, list):
        return [found for each in part for found in selections(each)]
    if not isinstance(part, dict):
        return []
    own = [each for each in part.get("params", ()) if each.get("bind") == "legend"]
    return own + selections([each for name, each in part.items() if name != "params"])


def test_a_legend_of_names_filters_its_layers():
    points = base(color="run:N", y="size:Q").mark_point(opacity=0.5)
    rules = base(detail="run:N").mark_rule()
    line = alt.Chart(alt.Data(values=[{"x": 1}])).mark_rule().encode(x="x:Q")
    spec = with_filters((line + rules + points).to_dict())
    (selection,) = selections(spec)
    assert selection["select"]["fields"] == ["run"]
    told = [each["encoding"].get("opacity") for each in spec["layer"]]
    assert told[0] is None
    assert [each["condition"]["value"] for each in told[1:]] == [1, 0.5]


def test_the_specification_that_was_given_stays_and_the_new_one_draws():
    spec = base(color="run:N", y="size:Q").mark_point().to_dict()
    before = str(spec)
    filtered = with_filters(spec)
    assert str(spec) == before
    assert vl_convert.vegalite_to_svg(filtered).count("<path") >= len(ROWS)


def test_views_side_by_side_filter_each_by_its_own_legend():
    part = base(color="run:N", y="size:Q").mark_point()
    names = [each["name"] for each in selections(with_filters((part | part).to_dict()))]
    assert len(set(names)) == 2


def test_numbers_hidden_legends_facets_and_own_opacities_are_left_alone():
    for chart in (
        base(color="size:Q").mark_point(),
        base(color=alt.Color("run:N", legend=None)).mark_point(),
        base(color="run:N", row="run:N").mark_point(),
    ):
        assert with_filters(chart.to_dict()) == chart.to_dict()
    own = base(color="run:N", opacity=alt.value(0.3)).mark_point().to_dict()
    assert with_filters(own)["encoding"]["opacity"] == {"value": 0.3}
