"""The front page's networks, and the README's table of them."""

import re
from pathlib import Path

import pytest

from kwslib.records import read_records
from kwslib.results import networks as results
from kwslib.results.board_profile import ram_bytes

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def networks():
    four = results.of_task(results.networks(), "yes_no").values()
    return sorted(four, key=lambda each: -each.over_seeds.value)


def test_all_networks_of_the_task_have_three_seeds(networks):
    assert len(networks) == 5
    assert {each.over_seeds.seeds for each in networks} == {3}


def test_memory_and_time_are_those_of_the_record(networks):
    (network,) = (each for each in networks if each.model == "tiny_conv")
    value = read_records("measurements/board/tiny_conv-yes_no-emulator.json")[0].value
    assert network.board.flash == value["flash"]
    assert ram_bytes(network.board) == value["ram"] + value["stack"]
    assert network.milliseconds == value["stages"]["network"]["us"] / 1000


def test_the_picture_has_a_bar_for_each_memory(networks):
    chart = results.plot_memory(networks)
    rows = chart.to_dict()["data"]["values"]
    assert [row["memory"] for row in rows] == ["flash", "RAM"] * len(networks)
    assert all(0 < row["share"] < 1 for row in rows)
    share = rows[1]["kB"] / 256
    assert rows[1]["share"] == pytest.approx(share)
    assert f"{100 * share:.0f}" in rows[1]["label"]


def test_the_readme_has_the_same_table(networks):
    lines = re.findall(r"^\| (.*) \|$", README.read_text(encoding="utf-8"), re.MULTILINE)
    rows = [list(map(str.strip, line.split("|"))) for line in lines]
    table = str(results.tabulate_memory(networks)).replace("&nbsp;", " ")
    table = table.replace("\N{WORD JOINER}", "")
    for row in re.findall(r"<tr>(<td.*?)</tr>", table):
        assert re.findall(r"<td[^>]*>(.*?)</td>", row) in rows


def test_the_readme_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 120
