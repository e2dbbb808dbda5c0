"""What zeros buy: what is measured of each build, and where the sparse ones overtake."""

import dataclasses

import numpy as np
import pytest
from devices import TINY_CONV
from sparse_layers import fully_connected_network

from kwslib.cost.compression import NAMES
from kwslib.errors import InputError
from kwslib.records import Record, select
from kwslib.studies import sparsity
from kwslib.studies.sparsity import (
    BUILDS,
    Setting,
    break_even,
    built,
    measure,
    measure_graph,
    settings,
    study,
)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(sparsity, "_ROUNDS", 3)
    monkeypatch.setattr(sparsity, "_RUNS_A_ROUND", 5)


def value(records, metric, **wanted):
    (record,) = select(records, metric, **wanted)
    return record.value


def test_settings():
    found = settings(["global", "blocks"], [0.5, 0.9])
    assert [(each.pattern, each.zeros) for each in found] == [
        ("global", 0.5), ("global", 0.9), ("blocks", 0.5), ("blocks", 0.9),
    ]  # fmt: skip


def test_every_build_of_a_network(quick):
    graph = fully_connected_network(1000, 4, zeros=0.9)
    records = measure_graph(graph, {"network": "one layer"})
    for build in BUILDS:
        assert value(records, "cycles", build=build) > value(records, "instructions", build=build)
        (layer,) = select(records, "layer_cycles", build=build)
        assert layer.method == "modelled"
        assert 0 < value(records, "cycles", build=build) - layer.value < 40
        assert value(records, "run_time", build=build) > 0
    assert value(records, "speed", build="dense") == 1
    kernels = {r.subject["build"]: r.subject["kernel"] for r in select(records, "layer_cycles")}
    assert kernels["sparse"] == kernels["lists"] == "fully_connected_single"
    assert (kernels["dense"], kernels["blocks"]) == (
        "fully_connected_dsp",
        "fully_connected_blocks",
    )
    for metric in ("cycles", "cycles_with_flash_waits", "flash"):
        assert value(records, metric, build="sparse") < value(records, metric, build="dense")
    assert {r.subject["encoding"] for r in select(records, "weight_bytes")} == set(NAMES)
    assert value(records, "weight_bytes", encoding="dense") == 4000
    assert all(record.subject["network"] == "one layer" for record in records)


def test_builds_that_differ_are_an_error(monkeypatch):
    def wrong(graph, sparse):
        found = built(graph, sparse)
        return found if sparse == "never" else dataclasses.replace(found, outputs=~found.outputs)

    monkeypatch.setattr(sparsity, "built", wrong)
    graph = fully_connected_network(40, 4, zeros=0.9)
    with pytest.raises(ValueError, match="dense and sparse give different bytes"):
        measure_graph(graph, {}, ("dense", "sparse"))


def test_a_setting(quick):
    records = measure(Setting("uniform", 0.9), model=str(TINY_CONV), builds=("dense", "sparse"))
    subject = records[0].subject
    assert (subject["network"], subject["pattern"]) == ("tiny_conv-yes_no", "uniform")
    assert subject["zeros"] == 0.9
    for metric in ("instructions", "cycles"):
        dense, sparse = (value(records, metric, build=build) for build in ("dense", "sparse"))
        assert dense > 2.5 * sparse
    sizes = {r.subject["encoding"]: r.value for r in select(records, "weight_bytes")}
    assert sizes["dense"] == 16_640
    assert sizes["bitmap"] == 16_640 // 8 + 1664


def test_a_study_keeps_what_it_measured(quick, tmp_path):
    given = {"builds": ("dense", "sparse"), "folder": tmp_path}
    first = study("tiny_conv-yes_no", ["uniform"], [0.9], **given)
    again = study("tiny_conv-yes_no", ["uniform"], [0.9], **given)
    assert first == again  # with their times, so nothing was measured twice


def cycles(build, values):
    return [
        Record("cycles", each, "count", "modelled",
               {"pattern": "uniform", "zeros": zeros, "build": build})
        for zeros, each in values.items()
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sparse", "share"),
    [
        ({0: 300, 0.5: 150, 0.9: 20}, pytest.approx(0.5 + 0.4 * 50 / 130)),
        ({0: 90, 0.5: 50, 0.9: 10}, 0.0),
        ({0: 300, 0.5: 250, 0.9: 101}, None),
    ],
)
def test_break_even(sparse, share):
    records = cycles("dense", {0: 100, 0.5: 100, 0.9: 100}) + cycles("sparse", sparse)
    assert break_even(records, "uniform", "sparse") == share


def test_no_break_even_without_records():
    with pytest.raises(InputError, match="no records of cycles"):
        break_even(cycles("dense", {0: 1}), "uniform", "sparse")


def test_times_of_this_machine_come_in_turn(quick):
    graph = fully_connected_network(40, 4, zeros=0.9)
    times = sparsity.host_times(graph, ["dense", "blocks"])
    assert {name: len(each) for name, each in times.items()} == {"dense": 3, "blocks": 3}
    assert np.all(np.array(list(times.values())) > 0)
