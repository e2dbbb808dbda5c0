import pytest
import vl_convert

from kwslib.results.charts import training as charts
from kwslib.results.charts.theme import GREEN, GREY

RECALLS = [
    {"label": label, "network": f"{network} left", "recall": 0.9, "clips": 100} | interval
    for label in ("yes", "no")
    for network in ("without", "with")
    for interval in ({"low": 0.8, "high": 0.95}, {})
] + [{"label": "left", "network": "with left", "recall": 0.9, "clips": 9, "low": 0.5, "high": 0.99}]
CHANGES = [
    {"label": label, "change": -1.0, "low": -2.0, "high": 0.1, "clips": 100, "seeds": [-2.0, 0.5]}
    for label in ("yes", "no", "all of them")
]
CHARTS = {"recalls": charts.recalls(RECALLS), "changes": charts.changes(CHANGES)}


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_is_drawn_and_described(name):
    specification = CHARTS[name].to_dict()
    svg = vl_convert.vegalite_to_svg(specification)
    assert svg.startswith("<svg") and specification["description"]
    for label in ("yes", "no"):
        assert f">{label}<" in svg


def test_networks_are_told_apart_by_colour_and_shape():
    svg = vl_convert.vegalite_to_svg(CHARTS["recalls"].to_dict())
    for text in ("without left", "with left", GREY, GREEN):
        assert text in svg
    shapes = CHARTS["recalls"].to_dict()["layer"][2]["encoding"]["shape"]["scale"]["range"]
    assert len(set(shapes)) == 2


def count(svg, description):
    return svg.count(f'aria-roledescription="{description}"')


def test_each_seed_has_a_stroke():
    changes = vl_convert.vegalite_to_svg(CHARTS["changes"].to_dict())
    assert count(changes, "tick") == 6 and count(changes, "point") == 3
    recalls = vl_convert.vegalite_to_svg(CHARTS["recalls"].to_dict())
    assert count(recalls, "tick") == 4 and count(recalls, "point") == 5


def test_a_single_seed_leaves_no_empty_layer_of_strokes():
    chart = charts.recalls([row for row in RECALLS if "low" in row]).to_dict()
    assert [layer["mark"]["type"] for layer in chart["layer"]] == ["rule", "point"]
