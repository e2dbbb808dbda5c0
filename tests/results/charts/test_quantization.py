"""Charts on few bits: they draw, describe themselves, and show what they are given."""

import pytest
import vl_convert

from kwslib.results.charts import quantization as charts

WIDTHS = [
    {"bits": bits, "method": method, "accuracy": 0.9, "low": 0.88, "high": 0.92}
    for bits in (2, 4, 8)
    for method in charts.METHODS
]
FLOATS = [
    {"exponent": exponent, "mantissa": mantissa, "accuracy": 0.5 + 0.1 * mantissa}
    for exponent in (2, 3)
    for mantissa in (1, 2, 3)
]
COUNTS = [{"from": i / 10, "to": (i + 1) / 10, "weights": 100 - i * i} for i in range(-9, 9)]
LEVELS = [{"bits": bits, "level": i / 2**bits} for bits in (2, 4) for i in range(-2, 3)]
ERRORS = [
    {"layer": layer, "bits": bits, "decibels": 6.0 * bits}
    for layer in ("conv", "classifier")
    for bits in (2, 4, 8)
]
STAIRS = [
    {"x": x / 10, "y": round(x / 10), "gradient": float(abs(x) <= 15)} for x in range(-20, 21)
]
COSTS = [
    {"bits": f"{bits} bits", "accuracy": 0.9, "low": 0.88, "high": 0.92, "kB": 2.0 * bits}
    for bits in (8, 4, 2)
]
CHARTS = {
    "stairs": charts.stairs(STAIRS),
    "against": charts.against(COSTS, "kB", "weights in kB"),
    "widths": charts.by_width(WIDTHS, 0.93, "weights"),
    "floats": charts.minifloat_grid(FLOATS),
    "weights": charts.weights_on_grids(COUNTS, LEVELS),
    "errors": charts.errors_by_layer(ERRORS),
}


@pytest.mark.parametrize("name", CHARTS)
def test_draws_and_describes_itself(name):
    spec = CHARTS[name].to_dict()
    assert vl_convert.vegalite_to_svg(spec).startswith("<svg")
    assert len(spec["description"]) > 40


def test_every_method_and_the_float_network_are_shown():
    svg = vl_convert.vegalite_to_svg(CHARTS["widths"].to_dict())
    assert all(method in svg for method in charts.METHODS)
    assert svg.count('aria-roledescription="point"') == len(WIDTHS)
    assert "stroke-dasharray" in svg


def test_stairs_and_their_gradient_are_two_panels():
    spec = CHARTS["stairs"].to_dict()
    assert len(spec["vconcat"]) == 2
    assert "-2, -1, 0, 1, 2" in spec["description"]


def test_a_point_a_width_with_its_name():
    svg = vl_convert.vegalite_to_svg(CHARTS["against"].to_dict())
    assert all(f">{row['bits']}<" in svg for row in COSTS)
    assert svg.count('aria-roledescription="point"') == len(COSTS)


def test_a_heat_map_has_a_cell_a_format():
    svg = vl_convert.vegalite_to_svg(CHARTS["floats"].to_dict())
    assert all(f"{row['accuracy']:.1%}" in svg for row in FLOATS)


def test_a_histogram_a_width_with_its_levels():
    svg = vl_convert.vegalite_to_svg(CHARTS["weights"].to_dict())
    assert svg.count('aria-label="weight: ') == 2 * len(COUNTS)
    assert svg.count('aria-label="level: ') == len(LEVELS)
