"""Chapter 5's values, tables and charts, by independent truth."""

import pytest
import torch
from scipy import stats
from specifications import rows_of

from kwslib.records import Record
from kwslib.results import few_bits as results
from kwslib.results.charts import bit_widths as charts

NETWORK = "tiny_conv-yes_no"


def record(method, weights, seed, value, metric="accuracy", activations=None):
    subject = {
        "method": method, "weights": weights, "activations": activations or weights, "seed": seed,
    }  # fmt: skip
    data = {"name": "speech", "split": "testing", "clips": 100}
    interval = (value - 0.01, value + 0.01)
    return Record(metric, value, "fraction", "measured", subject, data, interval=interval)


def sweep():
    floats = [record("float", "float", seed, 0.93 + 0.01 * seed) for seed in range(3)]
    after = [record("ptq", "4", seed, 0.90 + 0.01 * seed) for seed in range(3)]
    within = [record("qat", "4", seed, 0.93 + 0.02 * seed) for seed in range(3)]
    return [*floats, *after, *within]


def test_accuracies_are_means_over_seeds_with_students_interval():
    found = results.accuracy_by_bits(sweep(), "ptq")[4]
    values = [0.90, 0.91, 0.92]
    low, high = stats.t.interval(0.95, 2, loc=0.91, scale=stats.sem(values))
    assert found.value == pytest.approx(0.91) and found.seeds == 3
    assert found.interval == pytest.approx((low, high))
    (alone,) = results.accuracy_by_bits(sweep()[3:4], "ptq").values()
    assert alone.interval == pytest.approx((0.89, 0.91))


def test_changes_are_paired_by_seed_in_points():
    after = results.change_by_bits(sweep(), "ptq")[4]
    assert after.value == pytest.approx(-3.0) and after.interval == pytest.approx((-3, -3))
    lead = results.change_by_bits(sweep(), "qat", reference="ptq")[4]
    assert lead.value == pytest.approx(4.0)
    low, high = stats.t.interval(0.95, 2, loc=4.0, scale=stats.sem([3, 4, 5]))
    assert lead.interval == pytest.approx((low, high))


def test_the_largest_change_by_integers_is_over_settings():
    records = [
        *(record("ptq", "8", seed, 0.93) for seed in range(2)),
        *(record("ptq", "8", seed, 0.93 + 0.002 * seed, "integer_accuracy") for seed in range(2)),
    ]
    assert results.integer_change(records) == pytest.approx(0.1)


def test_widths_of_activations_are_told_apart():
    records = [record("qat", "4", 0, 0.9), record("qat", "4", 0, 0.8, activations="float")]
    assert results.accuracy_by_bits(records, "qat")[4].value == 0.9
    assert results.accuracy_by_bits(records, "qat", "float")[4].value == 0.8


def test_formats_of_a_width_are_ranked():
    records = [record("ptq", name, 0, value, activations="float")
               for name, value in (("E2M1", 0.9), ("E1M2", 0.8), ("E3M4", 0.95))]  # fmt: skip
    found = results.formats_of(4, results.accuracy_by_format(records, "ptq"))
    assert list(found) == ["E2M1", "E1M2"]


def test_a_scale_for_each_output_is_never_worse_by_its_rule():
    torch.manual_seed(0)
    weights = torch.randn(4, 50) * torch.tensor([[0.1], [1], [2], [4]])
    found = results.sqnr_by_rule(weights, 3)
    for rule in ("all weights", "least squared error"):
        assert found["one per output", rule] > found["one scale", rule]
    assert found["one scale", "least squared error"] >= found["one scale", "all weights"]


def test_a_network_without_sweeps_or_files_has_none():
    assert results.load_sweep("widths", "nothing") == ()
    assert results.profile_widths("nothing") == []


def test_figures_draw_the_committed_records_and_say_on_what_they_rest():
    records = results.load_sweep("widths", NETWORK)
    chart = charts.plot_accuracy_by_bits(records)
    rows = [row for row in rows_of(chart.to_dict()) if row.get("bits") == 2]
    drawn = {row["method"]: row["accuracy"] for row in rows}
    for method, name in results.NAMES.items():
        assert drawn[name] == results.accuracy_by_bits(records, method)[2].value
    assert chart.usermeta["kws_fields"]["seeds"] == "5"
    table = results.tabulate_literature(records)
    assert (
        "ethanglaser" in table and "24.1&nbsp;%" in table and "published" in table.fields["method"]
    )


def test_what_others_gained_is_theirs():
    gains = results.published_gains(4)
    assert gains["MaximClouser"] == pytest.approx(0.2)
    assert "kpan02" not in gains


def test_few_bits_save_flash_on_the_board():
    boards = results.profile_widths(NETWORK)
    assert [board.bits for board in boards] == [8, 4, 2]
    assert boards[0].weights > boards[1].weights > boards[2].weights
    assert "17,280" in results.tabulate_boards(boards)
