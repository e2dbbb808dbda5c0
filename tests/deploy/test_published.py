"""The published int8 network, from the file to the board."""

import numpy as np
import pytest
from reference import run_reference

from kwslib.board.emulator import Emulator
from kwslib.deploy.compile import compile_network
from kwslib.deploy.host import build_host_network
from kwslib.models.checkpoint import PUBLISHED
from kwslib.network.reader import read_graph
from kwslib.records import read_records, select

TINY_CONV = PUBLISHED / "tiny_conv-yes_no.tflite"


@pytest.fixture(scope="module")
def graph():
    return read_graph(TINY_CONV)


@pytest.fixture(scope="module")
def board(graph, tmp_path_factory):
    folder = tmp_path_factory.mktemp("board")
    return Emulator(compile_network(graph, "emulator", folder).program)


def on_board(board, values):
    board.write(board.call("kws_network_input").value, values.tobytes())
    call = board.call("kws_network_run")
    scores = board.read(board.call("kws_network_output").value, 4)
    return np.frombuffer(scores, np.int8), call


def test_the_file_is_small_and_takes_pixels_minus_128(graph):
    assert TINY_CONV.stat().st_size <= 20 * 1024
    assert (np.float32(graph.input.scale), graph.input.zero_point) == (np.float32(1 / 255), -128)
    names = [operator.kind for operator in graph.operators]
    assert names == ["conv2d", "reshape", "fully_connected", "softmax"]
    assert graph.macs == 336_000
    assert graph.facts["labels"] == ["_silence_", "_unknown_", "yes", "no"]


def test_the_board_executes_few_instructions_and_always_as_many(graph, board):
    rng = np.random.default_rng(0)
    counts = set()
    for _ in range(3):
        values = rng.integers(-128, 128, graph.input.size).astype(np.int8)
        scores, call = on_board(board, values)
        np.testing.assert_array_equal(scores, run_reference(TINY_CONV.read_bytes(), [values])[0])
        counts.add(call.instructions // 1000)
        again, repeated = on_board(board, values)
        np.testing.assert_array_equal(again, scores)
        assert repeated.instructions == call.instructions
    assert max(counts) < 280


@pytest.mark.real_speech
@pytest.mark.parametrize("bits", [8, 4, 2])
def test_official_test_clips_in_few_bits(bits, official_task, tmp_path):
    """The record is over all of them; the board, which hears all in 8 bits below, hears a third."""
    tflite = PUBLISHED / f"tiny_conv-yes_no-w{bits}.tflite"
    graph = read_graph(tflite)
    assert graph.weight_bits == (bits, bits)
    clips = official_task.examples("testing")
    inputs = (clips.deployed.astype(np.int16) - 128).astype(np.int8).reshape(len(clips), -1)
    expected = run_reference(tflite.read_bytes(), inputs)
    board = Emulator(compile_network(graph, "emulator", tmp_path).program)
    found = np.stack([on_board(board, values)[0] for values in inputs[::3]])
    np.testing.assert_array_equal(found, expected[::3])
    (record,) = select(
        read_records(PUBLISHED / f"tiny_conv-yes_no-w{bits}.json"), "accuracy", split="testing"
    )
    assert record.value == (expected.argmax(axis=1) == clips.labels).mean()


@pytest.mark.parametrize("bits, least", [(8, 0.92), (4, 0.9284 - 0.01), (2, 0.86)])
def test_few_bits_stay_accurate(bits, least):
    records = read_records(PUBLISHED / f"tiny_conv-yes_no-w{bits}.json")
    (record,) = select(records, "accuracy", split="testing")
    assert record.value >= least


def test_weights_of_four_bits_take_half_the_flash(tmp_path):
    sizes = {}
    for bits in (8, 4, 2):
        graph = read_graph(PUBLISHED / f"tiny_conv-yes_no-w{bits}.tflite")
        sizes[bits] = compile_network(graph, "emulator", tmp_path / str(bits)).source.weights
    assert sizes[4] <= 0.6 * sizes[8]
    assert sizes[2] <= 0.3 * sizes[8]


@pytest.mark.real_speech
def test_all_official_test_clips_give_the_reference_bits(graph, board, official_task):
    clips = official_task.examples("testing")
    inputs = (clips.deployed.astype(np.int16) - 128).astype(np.int8).reshape(len(clips), -1)
    assert len(inputs) == 1368
    expected = run_reference(TINY_CONV.read_bytes(), inputs)
    for kernels in ("portable", "dsp"):
        network = build_host_network(graph, kernels)
        found = np.stack([network.run(values) for values in inputs])
        np.testing.assert_array_equal(found, expected)
    found = np.stack([on_board(board, values)[0] for values in inputs])
    np.testing.assert_array_equal(found, expected)
    accuracy = (expected.argmax(axis=1) == clips.labels).mean()
    assert accuracy > 0.9284 - 0.005  # the float network's accuracy on these clips
