"""Run times on record: each from its own record, modelled and measured ones apart."""

import pytest
import vl_convert

from kwslib.results import board_times
from kwslib.results.charts.theme import round_numbers
from kwslib.results.model_size import load_cpu_times
from kwslib.results.networks import networks
from kwslib.results.values import load_original, mean_time


@pytest.fixture(scope="module")
def profiled():
    return [each for each in networks() if each.profile]


@pytest.fixture(scope="module")
def tiny(profiled):
    return next(each for each in profiled if each.name == "tiny_conv-yes_no")


def test_errors_of_the_model_are_those_of_the_records():
    found = board_times.model_errors()
    records = board_times.known_times()
    timed = {r.subject["network"]: r.value for r in records
             if r.metric == "cycles" and r.method == "published"}  # fmt: skip
    assert {len(each) for each in found.values()} == {len(timed)} == {5}
    assert found[board_times.NO_WAITS]["fully connected 32-16-4, CMSIS-NN"] == pytest.approx(
        3786 / 3276
    )


def test_published_times_of_pruned_networks_lie_on_a_line():
    assert board_times.line_through_channels() == pytest.approx((55, 4))


def test_a_time_is_the_mean_over_trainings_of_its_own_runtime():
    torch, c = (load_cpu_times("tiny_conv", each) for each in ("PyTorch", "compiled core"))
    assert {each.subject["seed"] for each in torch} == {0, 1, 2}
    found = mean_time(torch)
    assert found.value == pytest.approx(sum(each.value for each in torch) / 3)
    assert f"{found}".endswith(" µs")
    assert max(each.value for each in c) < min(each.value for each in torch)


def test_the_originals_times_are_those_of_its_report():
    found = [load_original("run_time", each).value for each in ("cpu", "cuda", "serial")]
    assert found == [209, 43, 109_000]


def test_no_modelled_time_is_drawn_as_a_measured_one(tiny):
    for chart in (board_times.plot_boards(tiny), board_times.plot_processors(tiny)):
        spec = chart.to_dict()
        assert vl_convert.vegalite_to_svg(spec).startswith("<svg")
        for row in spec["data"]["values"]:
            ours_on_board = row["place"].startswith(("generated C, board", "CMSIS-NN")) or (
                row["place"].startswith("generated C") and "CPU" not in row["place"]
            )
            assert (row["kind"] == "modelled") == ours_on_board


def test_flash_waits_make_our_network_slower(tiny):
    assert tiny.milliseconds == pytest.approx(315_144 / 64e3)
    assert board_times._waiting_ms(tiny) == pytest.approx((315_144 + 2 * 5528) / 64e3)


def test_every_profiled_network_stands_in_the_table(profiled):
    table = str(board_times.tabulate_networks(profiled))
    assert table.count("<tr>") == 1 + len(profiled)
    assert "4.92" in table and "yes, no, left" in table and "ten words" in table


def test_networks_have_their_own_colours(profiled):
    four = [each for each in profiled if each.task == "yes_no"]
    spec = board_times.plot_networks(four).to_dict()
    scale = spec["layer"][0]["encoding"]["color"]["scale"]
    assert len(set(scale["range"])) == len(scale["domain"]) == len(four)


def test_layers_without_multiplications_have_no_price_per_mac(tiny):
    found = board_times.instructions_per_mac_by_layer(tiny)
    assert found == pytest.approx(
        {"layer_0_conv2d": 249_049 / 320_000, "layer_2_fully_connected": 22_053 / 16_000}
    )


def test_every_time_has_a_mark_and_its_value():
    times = [
        {"place": "here", "kind": "measured", "time": 20.0},
        {"place": "board", "kind": "modelled", "time": 5400.0},
        {"place": "theirs", "kind": "literature", "time": 87e3, "low": 86e3, "high": 88e3},
    ]
    svg = vl_convert.vegalite_to_svg(board_times.run_times(times, "one call", "µs").to_dict())
    assert svg.count('aria-roledescription="point"') == 3
    assert "5,400 µs" in svg and "None" not in svg and "NaN" not in svg


@pytest.mark.parametrize("low, high", [(0.02, 200_000.0), (3.0, 400.0), (1.0, 1.0001)])
def test_ticks_are_round_and_within_the_axis(low, high):
    ticks = round_numbers(low, high)
    assert all(low <= tick <= high for tick in ticks)
    assert {str(f"{tick:.0e}")[0] for tick in ticks} <= {"1", "2", "5"}


def test_even_times_are_marked_where_cycles_are_compared():
    spec = board_times.plot_model_errors().to_dict()
    assert vl_convert.vegalite_to_svg(spec).startswith("<svg") and len(spec["description"]) > 40
    assert spec["layer"][0]["data"]["values"] == [{"ratio": 1}]
    low, high = spec["layer"][1]["encoding"]["x"]["scale"]["domain"]
    ratios = [row["ratio"] for row in spec["layer"][1]["data"]["values"]]
    assert low < min(1, *ratios) and max(ratios) < high
