"""Chapter 2: values against the files that they come from, tables against their own arithmetic."""

import json
import re
from statistics import mean

import numpy as np
import pytest
from torch import nn

from kwslib import models
from kwslib.cost import cost_of
from kwslib.cost.literature import published
from kwslib.cost.original import as_original
from kwslib.records import FOLDER, Record, write_records
from kwslib.results import model_size as results
from kwslib.results.board_profile import load_profile, network_ms
from kwslib.results.charts import size as charts
from kwslib.results.provenance import META
from kwslib.results.values import mean_time


@pytest.fixture(scope="module")
def cost():
    return cost_of(models.create("tiny_conv", 4))


def cells(table):
    """A table's rows as lists of texts, the head first."""
    rows = re.findall(r"<tr>(.*?)</tr>", table)
    return [
        [cell.replace("&nbsp;", " ") for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)]
        for row in rows
    ]


def number(text):
    return int(text.replace(",", ""))


def test_every_network_is_counted_fewest_operations_first():
    costs = results.count_networks(4)
    assert set(costs) == set(models.names())
    flops = [each.flops for each in costs.values()]
    assert flops == sorted(flops)
    assert costs["tiny_conv"].flops == 676_004


def test_operations_multiply_out(cost):
    head, *layers, total = cells(results.tabulate_operations(cost))
    column = {name: at for at, name in enumerate(head)}
    for row in layers:
        outputs = np.prod([int(each) for each in row[column["output"]].split("×")])
        macs = number(row[column["MACs"]])
        assert outputs * number(row[column["MACs per output"]]) == macs
        assert 2 * macs + number(row[column["biases added"]]) == number(row[column["FLOPs"]])
    for name in ("parameters", "MACs", "FLOPs"):
        assert sum(number(row[column[name]]) for row in layers) == number(total[column[name]])


def test_a_row_for_each_network_by_its_short_name():
    rows = cells(results.tabulate_networks(results.count_networks(12)))
    (ds_cnn,) = [row for row in rows if row[0] == "ds cnn"]
    # 22,604 parameters once BatchNorm is folded, 588 of them 32-bit biases
    assert ds_cnn[1] == "22,604"
    assert ds_cnn[3] == "23.8 kB, 2.3 %"


def test_the_originals_rules_give_what_it_printed(cost):
    _, flops, flash, ram = cells(results.tabulate_original(as_original(cost), cost))
    assert (flops[1], flops[3], flops[4]) == ("660,004", "660,004", "676,004")
    assert (flash[1], flash[3]) == ("6.7 %", "6.66 %")
    assert (ram[1], ram[3]) == ("3.1 %", "3.07 %")


def test_literature_is_sorted_and_holds_our_network(cost):
    head, *rows = cells(results.tabulate_literature(published(), "tiny_conv", cost))
    flops = [number(row[head.index("FLOPs")]) for row in rows]
    assert flops == sorted(flops)
    by_name = {row[0]: row for row in rows}
    assert by_name["tiny conv"][1] == "16,652"
    assert by_name["EdgeCRNN-2x"][head.index("FLOPs from")] == "paper, 2 per MAC"
    assert by_name["BC-ResNet-8"][head.index("accuracy")] == "98.0 %"


def test_counts_with_and_without_norms():
    """Keras counts four numbers of BatchNorm for each channel, which folding takes away."""
    network = models.create("ds_cnn", 12)
    channels = sum(m.num_features for m in network.modules() if isinstance(m, nn.BatchNorm2d))
    folded = cost_of(network).parameters
    assert results.load_count("unfolded_parameters", "DS-CNN-S") == folded + 4 * channels
    assert results.load_count("convolution_parameters", "BC-ResNet-1") == 6_816


def test_the_cpu_time_is_the_mean_of_the_records_of_whole_networks():
    sweep = json.loads((FOLDER / "sweeps/pruning-board-tiny_conv-yes_no.json").read_text("utf-8"))
    wanted = [
        entry["value"] for entry in sweep
        if entry["metric"] == "run_time" and entry["subject"]["method"] == "dense"
        and entry["subject"]["bits"] == 8 and "PyTorch" in entry["subject"]["runtime"]
    ]  # fmt: skip
    time = mean_time(results.load_cpu_times("tiny_conv"))
    assert len(wanted) == time.seeds == 3
    assert time.value == pytest.approx(mean(wanted))
    assert time.low < min(wanted) and f"{time}" == "57.7 µs"


def test_no_records_give_no_times(tmp_path):
    assert results.load_cpu_times("ds_cnn", folder=tmp_path) == []
    assert mean_time([]) is None
    assert results.load_gpu_time("ds_cnn", folder=tmp_path) is None
    assert results.load_gpu_time("tiny_conv", batch=7) is None
    for batch in (1, 64):
        assert results.load_gpu_time("tiny_conv", batch).subject["batch"] == batch
    assert network_ms(load_profile("ds_cnn-yes_no", folder=tmp_path)) is None


def test_a_single_cpu_record_has_no_interval(tmp_path):
    facts = {
        "method": "dense",
        "bits": 8,
        "number_type": "float32",
        "batch": 1,
        "runtime": "PyTorch",
        "seed": 0,
    }
    pruned = facts | {"method": "channels"}
    records = [Record("run_time", 80.0, "us", "measured", facts),
               Record("run_time", 20.0, "us", "measured", pruned)]  # fmt: skip
    write_records(tmp_path / "sweeps" / "pruning-board-ds_cnn-yes_no.json", records)
    time = mean_time(results.load_cpu_times("ds_cnn", folder=tmp_path))
    assert (time.value, time.interval) == (80.0, None)


def test_the_board_time_is_that_of_the_network():
    (entry,) = json.loads((FOLDER / "board/tiny_conv-yes_no-emulator.json").read_text("utf-8"))
    cycles, clock = entry["value"]["stages"]["network"]["cycles"], entry["value"]["clock_hz"]
    assert network_ms(load_profile("tiny_conv-yes_no")) == pytest.approx(1000 * cycles / clock)


def places(chart):
    return [row["place"] for row in chart.to_dict()["data"]["values"]]


def test_this_runs_time_is_drawn_only_where_none_is_on_record():
    gpu = [results.load_gpu_time("tiny_conv", batch) for batch in (1, 64)]
    known = charts.plot_run_times(results.load_cpu_times("tiny_conv"), *gpu, 1234.0)
    assert places(known) == ["AMD EPYC, one core", "NVIDIA H200, 1 image", "NVIDIA H200, 64 images",
                             "original report, CPU", "original report, GPU"]  # fmt: skip
    assert "PyTorch" in known.usermeta[META]["place"]
    unknown = charts.plot_run_times([], None, None, 1234.0)
    assert places(unknown)[0] == "CPU of this run, one core"


def test_calls_are_multiples_of_the_median():
    times = np.concatenate([[500.0], np.full(299, 100.0)])
    points = charts.plot_calls(times, 100.0).to_dict()["layer"][1]["data"]["values"]
    assert (points[0]["multiple"], points[1]["multiple"], len(points)) == (5.0, 1.0, 200)


@pytest.mark.parametrize("plot", [charts.plot_memory, charts.plot_live, charts.plot_operations])
def test_figures_say_that_they_are_counted(plot, cost):
    assert plot(cost).usermeta[META] == {"method": "counted"}
