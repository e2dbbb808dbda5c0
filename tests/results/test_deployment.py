"""Chapter 4: conversion, the C of a layer and the profile, against independent truth."""

import re
from dataclasses import replace

import numpy as np
import pytest
import vl_convert
from specifications import rows_of

from kwslib.board.profile import Cost
from kwslib.models.checkpoint import PUBLISHED
from kwslib.network.reader import graph_of
from kwslib.records import write_records
from kwslib.results import board_profile, deployment
from kwslib.results.subject import load_subject

NAME = "tiny_conv-yes_no"


@pytest.fixture(scope="module")
def subject():
    return load_subject("full", "", "tiny_conv", "yes,no", 0, 0)


@pytest.fixture(scope="module")
def file(subject):
    return deployment.deployed_file(subject, b"")


@pytest.fixture(scope="module")
def board(file):
    found = board_profile.load_profile(NAME, tflite=graph_of(file).sha256)
    assert found is not None
    return found


def test_what_was_not_trained_now_keeps_its_published_file(subject, file):
    assert file == (PUBLISHED / f"{NAME}.tflite").read_bytes()
    trained = replace(subject, run=replace(subject.run, origin="trained"))
    assert deployment.deployed_file(trained, b"converted") == b"converted"


def test_the_first_layers_weights_are_the_files_integers_times_their_scales(subject, file):
    images = subject.dataset.examples("testing").deployed[:5]
    weights, biases, outputs = deployment.first_layer(subject.network, images)
    layer = graph_of(file).operators[0]
    scales = np.abs(weights).reshape(len(weights), -1).max(1) / 127
    assert np.abs(weights / scales[:, None, None, None] - layer.weights).max() <= 0.5001
    assert biases.shape == (8,)
    assert outputs.shape[:2] == (5, 8) and outputs.min() == 0  # behind the ReLU


def test_the_int8_files_change_is_that_of_the_records(subject, file):
    assert deployment.int8_change(subject, file).value == pytest.approx(-100 / 1368, abs=1e-6)


def test_the_c_of_the_last_layer_computes_what_its_scales_say(file):
    layer, scales = deployment.last_layer(file)
    assert layer.weights.shape == (4, 4000) and scales.shape == (4,)
    inputs = np.random.default_rng(1).integers(-128, -120, (20, 4000), np.int8)
    found = deployment.run_in_c(layer, inputs)
    real = layer.input.scale * (inputs.astype(float) - layer.input.zero_point)
    sums = real @ (layer.weights * scales[:, None]).T + layer.bias * layer.input.scale * scales
    expected = np.clip(sums / layer.output.scale + layer.output.zero_point, -128, 127)
    assert np.abs(found - expected).max() <= 0.51
    assert len(np.unique(found)) > 10


def test_the_listing_holds_the_layer_and_the_kernels_it_calls(file):
    shown = deployment.show_c(deployment.last_layer(file)[0])
    code = re.sub("<[^>]+>", "", shown)
    for word in ("kws_fully_connected(1, 4000, 4,", "void kws_fully_connected(", "kws_requantize("):
        assert word in code
    assert "..." in code and max(map(len, code.splitlines())) <= 90
    assert "None" not in shown


def test_no_profile_is_that_of_another_file(board, tmp_path):
    assert board_profile.load_profile(NAME, tflite="0" * 64) is None
    assert board_profile.load_profile(NAME, "serial", tflite=graph_sha()) is None
    measured = replace(
        board, target="serial:/dev/ttyACM0", method="measured",
        stages={name: Cost(cycles=cost.cycles, us=2 * cost.us)
                for name, cost in board.stages.items()},
    )  # fmt: skip
    write_records(
        tmp_path / f"board/{NAME}-serial.json", [measured.record({"tflite": graph_sha()})]
    )
    found = board_profile.load_profile(NAME, "serial", tmp_path, tflite=graph_sha())
    assert found == measured
    assert "physical board" in board_profile.tabulate_stages(board, found)
    assert "physical board" not in board_profile.tabulate_stages(board)


def graph_sha():
    return graph_of((PUBLISHED / f"{NAME}.tflite").read_bytes()).sha256


def test_memory_adds_up(board):
    charts = [board_profile.plot_memory(board, memory).to_dict() for memory in ("flash", "RAM")]
    flash, ram = (sum(row["bytes"] for row in rows_of(spec)) for spec in charts)
    assert flash == board.flash
    assert ram == board_profile.ram_bytes(board) == board.ram + board.stack
    for spec in charts:
        assert vl_convert.vegalite_to_svg(spec).startswith("<svg")
        assert len(spec["description"]) > 40


def test_layers_share_the_networks_time(board):
    kind, share = board_profile.busiest_layer(board)
    assert kind == "conv2d"
    whole = sum(cost.us for cost in board.layers.values())
    assert share == pytest.approx(board.layers["layer_0_conv2d"].us / whole)


def test_the_breakdown_adds_up_to_a_second(board):
    spec = board_profile.plot_breakdown(board).to_dict()
    rows = spec["layer"][0]["data"]["values"]
    second = sum(row["ms"] for row in rows if row["stretch"].startswith("1 s"))
    assert second == pytest.approx(board.per_second.us / 1000)
    assert f">{second:,.2f}<" in vl_convert.vegalite_to_svg(spec)


def test_messages_are_shown_by_their_first_bytes():
    table = deployment.tabulate_messages({"request": bytes(range(40)), "answer": b"\xff"})
    assert "00 01 02" in table and "…" in table and "40" in table
    assert table.count("…") == 1
