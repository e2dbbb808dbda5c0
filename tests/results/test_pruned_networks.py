"""Chapter 6's costs: from made-up records, and the committed networks against their integers."""

import pytest

from kwslib.records import Record, select
from kwslib.results import pruned_networks
from kwslib.results.pruned_accuracy import load_sweeps

SUBJECT = {
    "model": "tiny_conv", "task": "yes_no", "method": "weights", "amount": 0.9,
    "criterion": "lamp", "tuning": "gradual", "quantized": "ptq", "bits": 8, "seed": 0,
}  # fmt: skip


def deployed(value, flash, cycles, **subject):
    subject = SUBJECT | subject
    facts = {"flash": flash, "ram": 20_000, "stack": 480, "weights": 1000, "cycles": cycles,
             "instructions": cycles, "flash_reads": cycles // 10}  # fmt: skip
    return [
        *(Record("integer_accuracy", own, "fraction", "measured", subject, {"split": split},
                 interval=(own - 0.01, own + 0.01))
          for split, own in (("testing", value), ("validation", value - 0.02))),
        *(Record(name, own, "count", "modelled", subject) for name, own in facts.items()),
        Record("run_time", 10.0, "us", "measured", {**subject, "runtime": "compiled core"}),
        Record("run_time", 90.0, "us", "measured", {**subject, "runtime": "PyTorch"}),
        Record("exact_clips", {"host": 99, "emulator": 7}, "clips", "measured", subject),
    ]  # fmt: skip


RECORDS = [
    *deployed(0.93, 38 * 1024, 320_000, method="dense", amount=0.0, criterion=""),
    *deployed(0.92, 30 * 1024, 160_000, method="channels", amount=0.5, criterion="l2"),
    *deployed(0.80, 31 * 1024, 100_000),
    *deployed(0.82, 31 * 1024, 120_000, seed=1),
]


@pytest.fixture(scope="module")
def networks():
    return pruned_networks.load_deployed(RECORDS)


def test_costs_are_means_over_seeds(networks):
    sparse = pruned_networks.pick(networks, "weights", 0.9)
    assert (sparse.accuracy.value, sparse.accuracy.seeds) == (pytest.approx(0.81), 2)
    assert (sparse.cycles, sparse.validation) == (110_000, pytest.approx(0.79))


def test_what_a_network_costs(networks):
    half = pruned_networks.pick(networks, "channels", 0.5)
    assert (half.name, half.ms) == ("50 % of channels removed, 8 bits", 2.5)
    assert (half.ram, half.compiled_us, half.pytorch_us) == (20_480, 10, 90)
    assert [own.method for own in pruned_networks.of_method(networks, "channels")] == [
        "dense", "channels",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "flash, ms, name",
    [
        (24, 5, None),
        (32, 2, "90 % of weights pruned, 8 bits"),
        (32, 5, "50 % of channels removed, 8 bits"),
        (40, 5, "unpruned, 8 bits"),
    ],
)
def test_what_is_deployed_fits_and_is_best_on_validation(networks, flash, ms, name):
    best = pruned_networks.best_within(networks, flash, ms)
    assert (best and best.name) == name


def test_the_line_joins_networks_that_no_other_beats(networks):
    chart = pruned_networks.plot_networks(networks, "flash", RECORDS).to_dict()
    line, points = chart["layer"]
    assert [row["series"] for row in line["data"]["values"]] == ["channels removed", "unpruned"]
    assert {row["flash"] for row in points["data"]["values"]} == {38, 30, 31}


def test_speedups_of_zeros(networks):
    table = pruned_networks.tabulate_sparse(networks, RECORDS)
    assert ">2.91<" in table and "50&nbsp;% of channels" not in table


def test_times_that_another_author_published():
    assert pruned_networks.published_times() == {8: 87, 7: 83, 6: 79, 4: 71, 2: 63, 1: 59}


def test_pruned_networks_in_few_bits():
    records = [
        Record("accuracy", value + 0.01 * seed, "fraction", "measured",
               SUBJECT | {"quantized": how, "bits": bits, "seed": seed}, {"split": "testing"})
        for how, bits, value in (("ptq", 8, 0.93), ("qat", 8, 0.94), ("ptq", 4, 0.5),
                                 ("qat", 4, 0.9))
        for seed in (0, 2)
    ]  # fmt: skip
    own = pruned_networks.quantized_accuracy(records, "weights", 0.9, "qat", 4)
    assert own.value == pytest.approx(0.91)
    table = pruned_networks.tabulate_quantized(records)
    assert table.count("<tr>") == 2 and all(text in table for text in ("94.0", "95.0", "51.0"))


def zeros(pattern, share, cycles, build="sparse"):
    subject = {"pattern": pattern, "zeros": share, "build": build}
    return Record("cycles", cycles, "count", "modelled", subject)


def test_cycles_by_zeros():
    records = [
        zeros("uniform", 0.0, 100), zeros("uniform", 0.9, 40), zeros("global", 0.9, 90),
        *(zeros(pattern, 0.9, 100, "dense") for pattern in ("uniform", "global")),
    ]  # fmt: skip
    assert pruned_networks.cycles_by_zeros(records, "uniform") == {0.0: 100, 0.9: 40}
    assert pruned_networks.dense_cycles(records) == 100


@pytest.fixture(scope="module")
def sweeps():
    return load_sweeps("tiny_conv-yes_no")


def test_the_bytes_of_a_bitmap_follow_from_the_zeros(sweeps):
    sizes = pruned_networks.bytes_by_encoding(sweeps["zeros"], 0.9)
    assert sizes["dense"] == 16_640
    assert sizes["bitmap"] == 16_640 // 8 + 16_640 // 10


def test_the_committed_networks_gave_the_integers_scores_to_the_bit(sweeps):
    found = [record.value for record in select(sweeps["board"], "exact_clips")]
    assert found == [{"host": 1368, "emulator": 64}] * len(found)


def test_parameters_of_fewer_channels_are_those_of_the_layers(sweeps):
    own = pruned_networks.remaining_by_share(sweeps["channels"], "parameters")
    assert own == {
        1 - n / 8: n * 80 + n + 2000 * n + 4 for n in range(8, 0, -1)
    }  # fmt: skip


def test_every_figure_and_table_of_the_committed_sweeps_is_drawn(sweeps):
    networks = pruned_networks.load_deployed(sweeps["board"])
    panels = pruned_networks.plot_costs(sweeps, networks).to_dict()["concat"]
    fields = [panel["layer"][1]["encoding"]["x"]["field"] for panel in panels]
    assert fields == ["parameters", "flops", "us", "ms"]
    table = pruned_networks.tabulate_channels(sweeps, networks, 8)
    assert table.count("<tr>") == 9 and "676,004" in table
    times = pruned_networks.plot_times(networks, 8, sweeps["board"]).to_dict()
    assert times["layer"][0]["encoding"]["x"]["scale"]["domain"] == [0, 8]
    assert pruned_networks.tabulate_choices(networks, sweeps["board"]).count("<tr>") == 5
    for chart in (pruned_networks.plot_bytes, pruned_networks.plot_cycles):
        assert chart(sweeps["zeros"]).to_dict()["description"]
