"""Charts of size: they draw, describe themselves, and hold the numbers they claim."""

import pytest
import vl_convert

from kwslib import models
from kwslib.cost import Timing, cost_of
from kwslib.cost.literature import original_claim, published
from kwslib.measurements import Record
from kwslib.results.charts import size

COST = cost_of(models.create("tiny_conv", 4))
QUANTILES = {"0.05": 180.0, "0.25": 190.0, "0.5": 200.0, "0.75": 220.0, "0.95": 900.0}
TIMING = Timing(
    Record("run_time", 200.0, "us", "measured"),
    Record("run_time_quantiles", QUANTILES, "us", "measured"),
)
CHARTS = {
    "budget": size.budget(COST),
    "operations": size.operations(COST.layers),
    "literature": size.literature(published(), "tiny_conv", COST),
    "run_times": size.run_times({"this run, CPU": TIMING}, {"original": original_claim("flops")}),
}


@pytest.mark.parametrize("name", CHARTS)
def test_draws_and_describes_itself(name):
    spec = CHARTS[name].to_dict()

    assert vl_convert.vegalite_to_svg(spec).startswith("<svg")
    assert len(spec["description"]) > 40


def layer_values(chart, layer):
    spec = chart.to_dict()
    return spec["layer"][layer]["data"]["values"]


def test_budget_adds_up_to_the_cost():
    rows = layer_values(CHARTS["budget"], 1)

    for memory, size_in_bytes in (
        ("flash, float32", 66_608),
        ("flash, int8", 16_688),
        ("RAM, float32", 23_840),
        ("RAM, int8", 5_960),
    ):
        assert sum(r["bytes"] for r in rows if r["memory"] == memory) == size_in_bytes


def test_budget_of_many_layers_keeps_the_largest_and_sums_the_rest():
    from torch import nn

    cost = cost_of(nn.Sequential(*(nn.Linear(4, 4) for _ in range(9))), image_shape=(4,))
    rows = [r for r in layer_values(size.budget(cost), 1) if r["memory"] == "flash, float32"]

    assert len(rows) == 6
    assert rows[-1]["part"] == "parameters of other layers"
    assert sum(r["bytes"] for r in rows) == 9 * 4 * 20


def test_operations_add_up_to_the_flops():
    assert sum(row["flops"] for row in layer_values(CHARTS["operations"], 0)) == 676_004


def test_literature_tells_this_run_the_original_and_others_apart():
    rows = CHARTS["literature"].to_dict()["data"]["values"]
    kinds = {row["network"]: row["kind"] for row in rows}

    assert kinds["tiny_conv, this run"] == "this run"
    assert kinds["original report"] == "original report"
    assert kinds["DS-CNN-S"] == "literature"


def test_a_name_moves_to_the_left_of_a_point_with_a_neighbour_on_its_right():
    left = {"parameters": 10_000, "flops": 1_000_000}
    right = {"parameters": 20_000, "flops": 1_100_000}
    far = {"parameters": 500_000, "flops": 1_000_000}

    assert size._crowded(left, [left, right, far])
    assert not size._crowded(right, [left, right, far])


@pytest.mark.parametrize(
    ("values", "steps", "ticks"),
    [
        ([43, 700], (1, 2, 5), [20, 50, 100, 200, 500, 1000]),
        ([16_652, 171_838_656], (1,), [1e4, 1e5, 1e6, 1e7, 1e8, 1e9]),
        ([100, 100], (1,), [100]),
    ],
)
def test_logarithmic_ticks_enclose_the_values(values, steps, ticks):
    assert size._log_ticks(values, steps) == pytest.approx(ticks)
