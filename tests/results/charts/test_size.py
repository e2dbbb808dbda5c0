"""Charts of size: they draw, describe themselves, and hold the numbers they claim."""

import pytest
import vl_convert

from kwslib import models
from kwslib.cost import cost_of
from kwslib.cost.literature import published
from kwslib.results.charts import size

COST = cost_of(models.create("tiny_conv", 4))
DEEP = cost_of(models.create("funnel_small", 4))
TIMES = [
    size._run_time("here", "this run", 57.7),
    size._run_time("theirs", "original report", 209.0),
]
CHARTS = {
    "budget": size.plot_memory(COST),
    "live": size.plot_live(COST),
    "operations": size.plot_operations(COST),
    "literature": size.plot_literature(published(), "tiny_conv", COST),
    "calls": size.plot_calls([4.0, 1.5, 1.0, 0.9], 1.0),
    "run_times": size.run_times(TIMES),
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
    rows = [r for r in layer_values(size.plot_memory(cost), 1) if r["memory"] == "flash, float32"]

    assert len(rows) == 5
    assert rows[-1]["part"] == "parameters of other layers"
    assert sum(r["bytes"] for r in rows) == 9 * 4 * 20


def test_operations_add_up_to_the_flops():
    assert sum(row["flops"] for row in layer_values(CHARTS["operations"], 0)) == 676_004


def test_live_activations_are_kept_or_written_and_one_step_is_the_peak():
    for cost in (COST, DEEP):
        chart = size.plot_live(cost)
        rows = layer_values(chart, 0)
        sums = {r["step"]: 0 for r in rows}
        for each in rows:
            sums[each["step"]] += each["activations"]
        assert max(sums.values()) == cost.memory.peak
        labels = [r["label"] for r in layer_values(chart, 1)]
        assert f"{cost.memory.peak:,}, peak" in labels


def test_calls_are_drawn_in_their_order_around_the_median():
    spec = CHARTS["calls"].to_dict()
    assert spec["layer"][0]["data"]["values"] == [{"multiple": 1}]
    points = spec["layer"][1]["data"]["values"]
    assert [point["call"] for point in points] == [1, 2, 3, 4]
    low, high = spec["layer"][1]["encoding"]["y"]["scale"]["domain"]
    assert low <= 0.9 and high >= 4


def test_run_times_keep_their_order_and_name_their_unit():
    rows = CHARTS["run_times"].to_dict()["data"]["values"]
    assert [row["label"] for row in rows] == ["57.7 µs", "209 µs"]


def test_literature_tells_this_network_the_original_and_others_apart():
    rows = CHARTS["literature"].to_dict()["data"]["values"]
    kinds = {row["network"]: row["kind"] for row in rows}

    assert kinds["tiny conv"] == "this run"
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
    assert size._ticks(values, steps) == pytest.approx(ticks)
