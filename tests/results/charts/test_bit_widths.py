"""Charts on few bits: they draw, describe themselves, and show what they are given."""

import pytest
import torch
import vl_convert
from specifications import rows_of

from kwslib.quantize.inside import grid_levels
from kwslib.records import Record
from kwslib.results import few_bits as results
from kwslib.results.charts import bit_widths as charts

NETWORK = "tiny_conv-yes_no"
X = torch.arange(-20, 21) / 10
WEIGHTS = torch.linspace(-1, 1, 20 * charts._BINS)
BOARDS = [
    results.OnBoard(bits, "ptq", 2000 * bits, None, Record(
        "accuracy", 0.9, "fraction", "measured", interval=(0.88, 0.92)))
    for bits in (8, 4, 2)
]  # fmt: skip
NOISE = {bits: {"conv": 6.0 * bits, "classifier": 7.0 * bits} for bits in (2, 4, 8)}
CHARTS = {
    "stairs": charts.plot_staircase(X, X.round() + 0.0, (X.abs() <= 1.5).float()),
    "boards": charts.plot_boards(BOARDS),
    "widths": charts.plot_accuracy_by_bits(
        results.load_sweep("ablations", NETWORK), results.ABLATION_NAMES
    ),
    "floats": charts.plot_minifloats(results.load_sweep("minifloat", NETWORK), "ptq"),
    "weights": charts.plot_weights(WEIGHTS, "made up"),
    "errors": charts.plot_noise(NOISE, "made up"),
}


@pytest.mark.parametrize("name", CHARTS)
def test_draws_and_describes_itself(name):
    spec = CHARTS[name].to_dict()
    assert vl_convert.vegalite_to_svg(spec).startswith("<svg")
    assert len(spec["description"]) > 40


def test_every_method_and_the_float_network_are_shown():
    svg = vl_convert.vegalite_to_svg(CHARTS["widths"].to_dict())
    assert all(f">{method}<" in svg for method in results.ABLATION_NAMES.values())
    rows = CHARTS["widths"].to_dict()["layer"][2]["data"]["values"]
    assert svg.count('aria-roledescription="point"') == len(rows) >= 5 * 3
    assert "stroke-dasharray" in svg


def test_stairs_and_their_gradient_are_two_panels():
    spec = CHARTS["stairs"].to_dict()
    assert len(spec["vconcat"]) == 2
    assert "-2, -1, 0, 1, 2" in spec["description"]


def test_a_point_a_width_with_its_name():
    svg = vl_convert.vegalite_to_svg(CHARTS["boards"].to_dict())
    assert all(f">{board.bits} bits<" in svg for board in BOARDS)
    assert svg.count('aria-roledescription="point"') == len(BOARDS)


def test_a_heat_map_has_a_cell_a_format():
    svg = vl_convert.vegalite_to_svg(CHARTS["floats"].to_dict())
    rows = [row for row in rows_of(CHARTS["floats"].to_dict()) if "mantissa" in row]
    assert rows and all(f"{row['accuracy']:.1%}" in svg for row in rows)


def test_a_histogram_a_width_with_its_levels():
    svg = vl_convert.vegalite_to_svg(CHARTS["weights"].to_dict())
    assert svg.count('aria-label="weight: ') == len(results.GRID_BITS) * charts._BINS
    assert svg.count('aria-label="level: ') == sum(
        len(grid_levels(WEIGHTS, bits)) for bits in results.GRID_BITS
    )
