"""Charts on pruned networks: they draw, describe themselves, and show what they are given."""

import pytest
import vl_convert

from kwslib.results.charts import pruning_curves as charts

CURVES = [
    {
        "series": series, "share": amount, "parameters": 16_652 * (1 - amount),
        "accuracy": 0.93 - amount / divisor, "low": 0.9 - amount / divisor,
        "high": 0.94 - amount / divisor,
    }
    for series, divisor in (("without fine-tuning", 2), ("fine-tuned", 10))
    for amount in (0.5, 0.8, 0.9)
]  # fmt: skip
ZEROS = [
    {"series": series, "zeros": zeros, "value": 300_000 * (1 - zeros)}
    for series in ("all layers together", "each layer alike")
    for zeros in (0.0, 0.5, 0.9)
]
CHANNELS = [
    {"series": series, "channels": channels, "ms": 50.0 + channels}
    for series in ("here, modelled", "published, measured")
    for channels in (1, 4, 8)
]
BOARD = [
    {
        "series": series, "bits": bits, "name": f"{series}, {bits} bits", "flash_kB": 30.0 + bits,
        "accuracy": 0.9, "low": 0.88, "high": 0.92,
    }
    for series in ("unpruned", "channels removed")
    for bits in (8, 4)
]  # fmt: skip
CHARTS = {
    "curves": charts.curves(
        CURVES, "parameters", "parameters", 0.93, logarithmic=True,
        cliffs={"without fine-tuning": 4000.0, "fine-tuned": 2000.0},
    ),
    "shares": charts.curves(CURVES, "share", "weights pruned", 0.93, share=True),
    "panels": charts.panels(CURVES, {"parameters": "parameters", "share": "share"}, 0.93),
    "schedule": charts.plot_schedule([0.0, 0.5, 0.9]),
    "zeros": charts.by_zeros(ZEROS, "value", "cycles", 310_000.0),
    "channels": charts.by_channels(CHANNELS),
    "pareto": charts.pareto(BOARD, BOARD[::2], "flash_kB", "flash in kB"),
}  # fmt: skip


def svg(name):
    return vl_convert.vegalite_to_svg(CHARTS[name].to_dict())


@pytest.mark.parametrize("name", CHARTS)
def test_draws_and_describes_itself(name):
    assert svg(name).startswith("<svg")
    assert len(CHARTS[name].to_dict()["description"]) > 40


@pytest.mark.parametrize("name, rows", [("curves", CURVES), ("zeros", ZEROS), ("pareto", BOARD)])
def test_a_point_a_row_and_every_series_in_the_legend(name, rows):
    drawn = svg(name)
    assert drawn.count('aria-roledescription="point"') == len(rows)
    assert all(f">{row['series']}<" in drawn for row in rows)


def test_cliffs_and_the_unpruned_network_are_dashed():
    assert svg("curves").count("stroke-dasharray") == svg("shares").count("stroke-dasharray") + 2
    assert svg("zeros").count("stroke-dasharray") == 1


def test_networks_of_four_bits_are_hollow():
    assert svg("pareto").count('fill-opacity="0"') == sum(row["bits"] == 4 for row in BOARD)


def test_time_by_channels_begins_at_none():
    (encoding,) = {str(layer["encoding"]["x"]["scale"]["domain"])
                   for layer in CHARTS["channels"].to_dict()["layer"]}  # fmt: skip
    assert encoding == "[0, 8]"
