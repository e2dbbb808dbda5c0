"""The numbers that the chapter on size fills into its text."""

import pytest

from kwslib import models
from kwslib.config import Board
from kwslib.cost import cost_of, prose, run_time
from kwslib.cost.literature import published
from kwslib.cost.original import as_original
from kwslib.data.task import Task

LABELS = Task().labels


@pytest.fixture(scope="module")
def cost():
    return cost_of(models.create("tiny_conv", 4))


def test_numbers_of_the_default_network(cost):
    numbers = prose.numbers("tiny_conv", LABELS, cost)

    assert numbers["verdict"] == "It fits"
    assert numbers["flash_float32"] == "66,608 bytes"
    assert numbers["flash_float32_share"] == "6.35 %"
    assert numbers["ram_int8_share"] == "2.27 %"
    # 336,000 MACs, two a cycle, 64 cycles a microsecond
    assert numbers["bound"] == "2.62 ms"
    # 320,000 * 2 + 4,000 of 676,004
    assert (numbers["busiest"], numbers["busiest_share"]) == ("conv", "95.3 %")
    assert (numbers["heaviest"], numbers["heaviest_share"]) == ("classifier", "96.1 %")


@pytest.mark.parametrize(
    ("flash", "verdict"),
    [(100_000, "It fits"), (20_000, "It fits in int8 only"), (10_000, "It does not fit")],
)
def test_verdict_follows_the_board(flash, verdict):
    board = Board("a", "b", flash, 2**18, 1)
    cost = cost_of(models.create("tiny_conv", 4), board)

    assert prose.numbers("tiny_conv", LABELS, cost)["verdict"] == verdict


def test_layer_rows_multiply_out(cost):
    *layers, total = prose.layer_rows(cost)

    for row in layers:
        assert row["outputs"] * row["products per output"] == row["MACs"]
        assert 2 * row["MACs"] + row["biases added"] == row["FLOPs"]
    assert sum(row["FLOPs"] for row in layers) == total["FLOPs"] == 676_004


def test_the_originals_figures_are_recomputed_as_printed(cost):
    flops, flash, ram = prose.original_rows(as_original(cost), cost)

    assert flops["original"] == flops["recomputed"] == "660,004"
    assert (flash["original"], flash["recomputed"]) == ("6.7 %", "6.66 %")
    assert (ram["original"], ram["recomputed"]) == ("3.1 %", "3.07 %")
    # the slip in the printed number of parameters would round to another share
    numbers = prose.original_numbers(as_original(cost), cost)
    assert numbers["original_slip_flash"] == "6.62 %"


def test_literature_rows_are_sorted_and_hold_this_run(cost):
    rows = prose.literature_rows(published(), "tiny_conv", cost)

    assert [row["FLOPs"] for row in rows] == sorted(row["FLOPs"] for row in rows)
    assert any(row["network"] == "tiny_conv, this run" for row in rows)


def test_run_time_in_words():
    network = models.create("tiny_conv", 4)
    timing = run_time(network, subject={}, repetitions=10, warm_up=1)
    batched = run_time(network, subject={}, batch=4, repetitions=10, warm_up=1)
    numbers = prose.run_time_numbers({"cpu": timing}, batched)

    assert numbers["batch"] == "4"
    assert numbers["batched"] == f"{batched.median.value / 4:,.0f} µs"
    assert (numbers["cpu_claim"], numbers["gpu_claim"]) == ("209 µs", "43 µs")
    assert numbers["gpu_sentence"].startswith("No GPU")
    assert "measured" in numbers["cpu_provenance"]
    with_gpu = prose.run_time_numbers({"cpu": timing, "cuda": timing}, batched)
    assert f"{timing.median.value:,.0f} µs" in with_gpu["gpu_sentence"]
