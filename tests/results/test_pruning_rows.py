"""Rows of chapter 6 from made-up records: means, cliffs, comparisons, what is shipped."""

import math

import pytest

from kwslib.measurements import Record
from kwslib.results import pruning_rows as rows
from kwslib.results.charts.front import front

SUBJECT = {
    "model": "tiny_conv", "task": "yes_no", "method": "weights", "amount": 0.5,
    "criterion": "lamp", "tuning": "none", "quantized": "float", "bits": 32, "seed": 0,
}  # fmt: skip


def accuracy(value, split="testing", metric="accuracy", **subject):
    return Record(metric, value, "fraction", "measured", SUBJECT | subject, {"split": split},
                  interval=(value - 0.01, value + 0.01))  # fmt: skip


def count(metric, value, **subject):
    return Record(metric, value, "count", "modelled", SUBJECT | subject)


def setting(value, left, **subject):
    """What a sweep records of a setting, its counts in proportion to the parameters."""
    return [
        accuracy(value, **subject),
        accuracy(value - 0.1, "validation", **subject),
        *(count(name, left * times, **subject)
          for name, times in (("parameters", 1), ("macs", 20), ("flops", 40))),
    ]  # fmt: skip


def test_a_row_is_the_mean_over_seeds_of_the_test_clips():
    records = [*setting(0.90, 100, seed=0), *setting(0.92, 104, seed=1)]
    (row,) = rows.curve_rows(records, rows.weights)
    assert (row["series"], row["amount"], row["seeds"]) == ("as pruned", 0.5, 2)
    assert row["accuracy"] == pytest.approx(0.91)
    assert (row["parameters"], row["flops"]) == (102, 4080)


def test_the_usual_curves_and_no_others():
    records = [
        *setting(0.9, 100),
        *setting(0.9, 100, tuning="gradual"),
        *setting(0.1, 100, tuning="iterative"),
        *setting(0.1, 100, criterion="global"),
        *setting(0.1, 100, quantized="ptq", bits=8),
        *setting(0.1, 100, method="dense", criterion=""),
        *setting(0.8, 100, method="channels", criterion="l2", tuning="one_shot"),
        *setting(0.7, 100, method="scratch", criterion=""),
    ]
    assert [r["series"] for r in rows.curve_rows(records, rows.weights)] == [
        "as pruned", "fine-tuned",
    ]  # fmt: skip
    assert [r["series"] for r in rows.curve_rows(records, rows.channels)] == [
        "fine-tuned", "small from the start",
    ]  # fmt: skip
    assert [r["series"] for r in rows.curve_rows(records, rows.scopes)] == [
        "all layers, without their scale", "all layers together",
    ]  # fmt: skip


def test_the_cliff_lies_on_a_straight_line_over_the_logarithm():
    curve = [
        {"series": "s", "amount": 0.5, "parameters": 8000, "accuracy": 0.93},
        {"series": "s", "amount": 0.95, "parameters": 800, "accuracy": 0.83},
    ]
    found = rows.cliff(curve, "s", 0.93)
    assert found["parameters"] == pytest.approx(8000 / math.sqrt(10))  # half way down
    assert found["amount"] == pytest.approx(1 - 0.5 / math.sqrt(10))
    assert rows.cliff(curve, "s", 0.85) is None
    assert rows.cliff(curve, "s", 0.99)["amount"] == 0.5


def test_criteria_are_compared_seed_by_seed_at_equal_amounts():
    records = [
        accuracy(value + (0.02 if criterion == "l1" else 0), method="blocks", criterion=criterion,
                 amount=amount, seed=seed)
        for criterion in ("l1", "l2")
        for amount, value in ((0.5, 0.9), (0.9, 0.6))
        for seed in (0, 1)
    ]  # fmt: skip
    value, (low, high) = rows.compared(records, "l1", "l2", tuned=False)
    assert value == low == high == pytest.approx(0.02)
    (row,) = [r for r in rows.norm_rows({"norms": [*records, *tuned(records)]})
              if r["network"] == "as pruned"]  # fmt: skip
    assert (row["what"], row["criterion"], row["so"]) == ("blocks", "L1", "better")


def tuned(records):
    return [accuracy(0.9, **{**r.subject, "tuning": "gradual"}) for r in records]


def test_schedules_have_a_line_a_way_and_a_column_an_amount():
    records = [
        accuracy(value, criterion=criterion, tuning=tuning, amount=0.9, seed=seed)
        for criterion, tuning, value in (
            ("lamp", "one_shot+rewind", 0.9),
            ("global", "gradual", 0.8),
        )
        for seed in (0, 1)
    ]
    assert rows.schedule_rows(records) == [
        {"ranked": "all layers, without their scale", "trained": "at once, rates rewound",
         "90 % gone": "90.0 % ± 0.0"},
        {"ranked": "all layers together", "trained": "while training", "90 % gone": "80.0 % ± 0.0"},
    ]  # fmt: skip


def test_sensitivity_is_the_mean_over_seeds():
    records = [
        count(
            "weight_sensitivity", [{"layer": "conv", "amount": 0.5, "accuracy": value}], seed=seed
        )
        for seed, value in ((0, 0.8), (1, 0.6))
    ]
    assert rows.sensitivity_rows(records, "weight_sensitivity") == [
        {"layer": "conv", "amount": 0.5, "accuracy": pytest.approx(0.7)}
    ]


def test_pruned_networks_in_few_bits():
    records = [
        accuracy(value + 0.01 * seed, quantized=quantized, bits=bits, seed=seed)
        for quantized, bits, value in (("ptq", 8, 0.93), ("qat", 8, 0.94), ("ptq", 4, 0.5),
                                       ("qat", 4, 0.9))
        for seed in (0, 2)
    ]  # fmt: skip
    assert rows.together_rows(records) == [
        {"network": "50 % of weights gone", "8 bits after training": "94.0 %",
         "8 bits within": "95.0 %", "4 bits after training": "51.0 %", "4 bits within": "91.0 %"}
    ]  # fmt: skip


def deployed(value, flash, cycles, **subject):
    subject = {"quantized": "ptq", "bits": 8, **subject}
    facts = {"flash": flash, "ram": 20_000, "stack": 480, "weights": 1000, "cycles": cycles,
             "instructions": cycles, "flash_reads": cycles // 10}  # fmt: skip
    return [
        accuracy(value, metric="integer_accuracy", **subject),
        accuracy(value - 0.02, "validation", "integer_accuracy", **subject),
        *(count(name, each, **subject) for name, each in facts.items()),
        count("run_time", 10.0, runtime="compiled core", **subject),
        count("run_time", 90.0, runtime="PyTorch", **subject),
    ]


@pytest.fixture
def board():
    return rows.board_rows([
        *deployed(0.93, 38 * 1024, 320_000, method="dense", amount=0.0, criterion=""),
        *deployed(0.92, 30 * 1024, 160_000, method="channels", amount=0.5, criterion="l2"),
        *deployed(0.80, 31 * 1024, 100_000, amount=0.9),
    ])  # fmt: skip


def test_what_a_deployed_network_takes(board):
    whole, half, _ = board
    assert (whole["name"], half["name"]) == ("whole, 8 bits", "50 % of channels gone, 8 bits")
    assert (half["ms"], half["ram_kB"], half["flash_kB"]) == (2.5, 20, 30)
    assert half["ms_with_waits"] > half["ms"]
    assert (half["host_us"], half["eager_us"]) == (10, 90)


def test_the_front_has_the_networks_that_no_other_beats(board):
    def methods(cost):
        return [row["method"] for row in front(board, cost, "validation")]

    assert methods("flash_kB") == ["channels", "dense"]
    assert methods("ms") == ["weights", "channels", "dense"]


def test_what_is_shipped_fits_and_is_best_on_validation(board):
    by_flash = {row["flash"]: row for row in rows.ship_rows(board)}
    assert by_flash["24 kB"]["in 5 ms"] == "none"
    assert by_flash["32 kB"]["in 2 ms"] == "90 % of weights gone, 8 bits: 80.0 %"
    assert by_flash["32 kB"]["in 5 ms"] == "50 % of channels gone, 8 bits: 92.0 %"
    assert by_flash["40 kB"]["in 5 ms"] == "whole, 8 bits: 93.0 %"


def test_times_by_channels_stand_beside_published_ones(board):
    found = rows.channel_time_rows(board, 8)
    ours = {row["channels"]: row["ms"] for row in found if row["series"] == "ours, modelled"}
    assert ours == {8: 5.0, 4: 2.5}
    others = {row["channels"]: row["ms"] for row in found if row["series"] == rows.OTHERS}
    assert others == {8: 87, 7: 83, 6: 79, 4: 71, 2: 63, 1: 59}  # as their author wrote
