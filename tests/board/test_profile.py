"""Profiles: exact where they are counted, and what the bars of the board ask."""

import struct
from dataclasses import replace

import pytest
from devices import at_a_socket, host_board, tiny_conv

from kwslib.board.emulator import Emulator
from kwslib.board.profile import RECORDS, STAGES, Cost, profile, profile_of, record_path
from kwslib.board.transport import BoardError, Frame, FrameReader
from kwslib.config import NANO33BLE
from kwslib.deploy.compile import compile_network
from kwslib.models.checkpoint import PUBLISHED
from kwslib.network.reader import read_graph
from kwslib.records import read_records, write_records


@pytest.fixture(scope="module")
def emulated():
    return profile(tiny_conv(), "emulator", "tiny_conv")


def test_counts_repeat_exactly(emulated):
    assert profile(tiny_conv(), "emulator", "tiny_conv") == emulated


def test_the_network_is_its_layers(emulated):
    layers = list(emulated.layers.values())
    for count in ("instructions", "cycles"):
        whole = getattr(emulated.stages["network"], count)
        assert 0 < whole - sum(getattr(layer, count) for layer in layers) < 40
    assert list(emulated.layers) == [
        "layer_0_conv2d", "layer_2_fully_connected", "layer_3_softmax",
    ]  # fmt: skip


def test_the_stages_are_what_the_firmware_does(emulated, tmp_path):
    """Counted apart from the protocol, in a program that nobody has spoken to."""
    board = Emulator(compile_network(tiny_conv(), "emulator", tmp_path).program)
    assert board.call("kws_network_run").instructions == pytest.approx(
        emulated.stages["network"].instructions, rel=1e-3
    )


def test_time_is_cycles_at_the_clock(emulated):
    for cost in [*emulated.stages.values(), *emulated.layers.values(), emulated.per_second]:
        assert cost.us == pytest.approx(cost.cycles / 64)
        assert cost.cycles >= cost.instructions


def test_sums_over_a_second_and_over_a_hop(emulated):
    once = sum(emulated.stages[name].instructions for name in ("image", "network", "postprocess"))
    frame = emulated.stages["features"].instructions
    assert emulated.per_second.instructions == 49 * frame + once
    assert emulated.per_hop.instructions == frame + once


@pytest.mark.parametrize(
    ("frame_us", "network_us", "least"),
    [(400, 4_900, 1), (400, 19_600, 1), (400, 19_601, 2), (434, 76_600, 4), (20_000, 1, None)],
)
def test_the_board_keeps_up_with_as_many_hops(emulated, frame_us, network_us, least):
    nothing = Cost(us=0.0)
    stages = {
        "features": Cost(us=frame_us), "image": nothing,
        "network": Cost(us=network_us), "postprocess": nothing,
    }  # fmt: skip
    found = replace(emulated, stages=stages).least_hops
    assert found == least
    if found:
        assert found * frame_us + network_us <= found * 20_000
        assert found == 1 or (found - 1) * frame_us + network_us > (found - 1) * 20_000


def test_the_bars_of_the_board(emulated):
    assert emulated.stages["network"].cycles <= 330_000
    assert emulated.stages["features"].cycles <= 35_000
    assert emulated.flash <= 48 * 1024
    assert emulated.ram + emulated.stack <= 24 * 1024
    assert emulated.per_hop.us < 20_000  # it keeps up with an inference every hop


def test_this_machine_has_times_alone():
    found = profile(tiny_conv(), "host", "tiny_conv")
    assert (found.method, found.clock_hz, found.flash) == ("measured", None, None)
    for cost in found.stages.values():
        assert cost.instructions is None
        assert cost.cycles is None
        assert cost.us >= 0
    layers = sum(layer.us for layer in found.layers.values())
    assert layers == pytest.approx(found.stages["network"].us, rel=0.5)


def with_a_counter(board, counts, ticks):
    """Makes a device on this machine answer like one whose counter counts."""
    link, asked = board.link, board.link._deliver

    def deliver(data):
        taken, answer = asked(data)
        frames = FrameReader().push(answer)
        if frames and frames[0].kind == 0x85:
            return taken, Frame(0x85, frames[0].sequence, struct.pack("<8I", *ticks)).encode()
        if frames and frames[0].kind == 0x81:
            at = frames[0].payload.index(b"\0") + 1 + 4 + 1
            numbers = struct.pack("<BHHI", counts, 5, 32, NANO33BLE.clock_hz)
            payload = frames[0].payload[:at] + numbers + frames[0].payload[at + 9 :]
            return taken, Frame(0x81, frames[0].sequence, payload).encode()
        return taken, answer

    link._deliver = deliver
    return board


TICKS = [64, 6464, 128, 64064, 96, 32064, 16064, 64]


@pytest.mark.parametrize(
    ("counts", "network"), [(1, Cost(cycles=10_000, us=156.25)), (2, Cost(instructions=10_001))]
)
def test_a_board_that_counts_for_itself(counts, network, tmp_path):
    with host_board(tmp_path) as device:
        with_a_counter(device, counts, TICKS)
        with at_a_socket(device) as address:
            found = profile(tiny_conv(), address, "tiny_conv")
    assert found.stages["network"] == network
    assert list(found.stages) == list(STAGES)
    assert found.method == ("measured" if counts == 1 else "emulated")
    assert found.repetitions > 1
    assert (found.flash, found.ram, found.stack) == (None, None, None)


def test_a_board_without_a_counter(tmp_path):
    with (
        host_board(tmp_path) as device,
        at_a_socket(device) as address,
        pytest.raises(BoardError, match="no counter"),
    ):
        profile(tiny_conv(), address, "tiny_conv")


def test_a_record_holds_it_all(emulated, tmp_path):
    path = record_path(tmp_path, "tiny_conv-yes_no", "serial:/dev/ttyACM0")
    assert path.name == "tiny_conv-yes_no-serial.json"
    write_records(path, [emulated.record({"network": "tiny_conv-yes_no"})])
    (record,) = read_records(path)
    assert profile_of(record) == emulated
    assert (record.method, record.target) == ("modelled", "emulator")


def test_what_is_not_known_stays_unknown():
    assert Cost(1, 2, None) + Cost(3, None, 4) == Cost(4, None, None)
    assert Cost(1, None, 2).times(49) == Cost(49, None, 98)


@pytest.mark.parametrize("path", sorted(RECORDS.glob("*-emulator.json")), ids=lambda p: p.stem)
def test_the_committed_records_are_what_the_code_gives_now(path):
    (record,) = read_records(path)
    name = record.subject["network"]
    graph = read_graph(PUBLISHED / f"{name}.tflite")
    assert record.subject["tflite"] == graph.sha256
    assert profile_of(record) == profile(graph, "emulator", name)
