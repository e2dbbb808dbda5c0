"""The published networks side by side: those that exist, and any that may be published."""

import re
from pathlib import Path

import pytest
from made_up_networks import publish

from kwslib import models
from kwslib.evaluation.accuracy import mean_interval, wilson_interval
from kwslib.records import read_records
from kwslib.results import networks as results
from kwslib.results.board_profile import ram_bytes
from kwslib.results.networks import MORE_LITERATURE, ahead_of, literature, networks, of_task
from kwslib.results.values import load

BOOK = Path(__file__).parents[2] / "book"


@pytest.fixture(scope="module")
def committed():
    return networks()


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measurements")
    publish(folder, "tiny_conv", "yes,no", [0.92, 0.93, 0.94], 0.915, 5.0)
    publish(folder, "funnel_small", "yes,no", [0.97, 0.975, 0.98], 0.97, 8.0)
    publish(folder, "funnel_medium", "yes,no", [0.98, 0.98, 0.986], 0.979, 21.0)
    publish(folder, "ds_cnn", "yes,no", [0.96], None, 50.0)
    publish(folder, "funnel_large", "ten", [0.968], 0.967, 60.5, 4890)
    publish(folder, "tc_resnet8", "ten", [0.94], None, None, 4890)
    publish(folder, "tiny_conv", "yes,no,left", [0.9, 0.9, 0.9])
    (folder / "published" / "tiny_conv-yes_no-pruned.safetensors").touch()
    return networks(folder)


def test_every_published_network_is_read_with_its_costs(many):
    assert [each.name for each in many] == [
        "funnel_small-yes_no", "tiny_conv-yes_no", "tiny_conv-yes_no_left", "tc_resnet8-ten_words",
        "funnel_medium-yes_no", "ds_cnn-yes_no", "funnel_large-ten_words",
    ]  # fmt: skip
    tiny = many[1]
    assert (tiny.parameters, tiny.macs, tiny.milliseconds) == (16_652, 336_000, 5.0)
    assert tiny.accuracy.value == tiny.over_seeds.value == pytest.approx(0.93)
    assert tiny.accuracy.interval == wilson_interval(930, 1000)
    assert tiny.over_seeds.interval == mean_interval([0.92, 0.93, 0.94])
    assert tiny.int8_change == pytest.approx(0.915 - 0.92)  # of the seed that was converted
    assert many[3].int8_change is None and many[3].milliseconds is None
    assert many[-1].studies[0].counts["testing"] == 4890 and len(many[-1].studies[0].labels) == 12


def test_the_committed_ones_are_there(committed):
    assert {"tiny_conv-yes_no", "tiny_conv-yes_no_left"} <= {each.name for each in committed}
    assert all(each.model in models.names() for each in committed)
    assert all(each.int8 and each.milliseconds for each in committed)


def test_others_figures_are_sourced_and_costed():
    known = literature()
    assert {"BC-ResNet-1", "SparkNet-16", "DS-CNN-S", "TC-ResNet8"} <= {each.name for each in known}
    for each in known:
        assert 0.9 <= each.accuracy.value < 1
        assert 1000 < each.parameters < each.macs
        assert each.accuracy.data["name"].startswith(("Speech Commands", "MLPerf"))
    for record in load(MORE_LITERATURE):
        assert record.source and record.method == "published"
    bibliography = (BOOK / "references.bib").read_text(encoding="utf-8")
    keys = set(re.findall(r"^@\w+\{([^,]+),", bibliography, re.MULTILINE))
    cited = {str(record.subject["cite"]) for record in load(MORE_LITERATURE)}
    assert cited - {""} <= keys


def test_times_of_others_are_brought_to_the_clock_of_the_board():
    (plumerai,) = [each for each in literature() if each.run_time
                   and each.run_time.subject["runtime"] == "Plumerai"]  # fmt: skip
    assert plumerai.milliseconds == pytest.approx(73.5 * 120 / 64)
    assert plumerai.accuracy.value == 0.902


def test_networks_of_a_task_fewest_operations_first(many):
    assert list(of_task(many, "yes_no")) == [
        "funnel_small", "tiny_conv", "funnel_medium", "ds_cnn",
    ]  # fmt: skip
    tiny = of_task(many, "yes_no")["tiny_conv"]
    assert (tiny.accuracy.value, tiny.accuracy.seeds) == (pytest.approx(0.93), 3)


def test_who_is_ahead_with_no_more_operations(many):
    large = of_task(many, "ten_words")["funnel_large"]
    # Of those on v0.02 with at most 2,229,720 operations: 95.4, 95.7 and 97.0 %.
    (ahead,) = ahead_of(large, literature(), "Speech Commands v0.02")
    assert (ahead.name, ahead.accuracy.value) == ("SparkNet-32", 0.97)
    assert ahead_of(large, literature(), "Speech Commands v0.01") == []


def test_the_table_has_what_is_on_record(many):
    table = results.tabulate_networks(list(of_task(many, "yes_no").values()))
    rows = re.findall(r"<tr>(.*?)</tr>", table)
    assert "tiny conv" in rows[2] and "16,652" in rows[2] and "93.0&nbsp;% (" in rows[2]
    assert "91.5&nbsp;%" in rows[2] and ">5 ms<" in rows[2]
    assert rows[4].count("<td></td>") + rows[4].count('kws-number"></td>') == 1  # no integers


def test_costs_are_drawn_with_others_beside(many):
    found = list(of_task(many, "ten_words").values())
    spec = results.plot_pareto(found, ["macs", "ms"], "ten words", literature()).to_dict()
    assert len(spec["vconcat"]) == 2 and "SparkNet-32" in spec["description"]
    alone = results.plot_pareto(found, ["macs"], "ten words").to_dict()
    assert "SparkNet" not in str(alone) and "funnel large" in alone["description"]
    assert alone["usermeta"]["kws_fields"]["method"] in spec["usermeta"]["kws_fields"]["method"]


def test_a_network_without_records_is_left_out(tmp_path):
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "tiny_conv-yes_no.safetensors").touch()
    assert networks(tmp_path) == []


README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def yes_no():
    found = results.of_task(networks(task="yes_no"), "yes_no").values()
    return sorted(found, key=lambda each: -each.over_seeds.value)


def test_all_networks_of_the_task_have_three_seeds(yes_no):
    assert len(yes_no) == 5
    assert {each.over_seeds.seeds for each in yes_no} == {3}


def test_memory_and_time_are_those_of_the_record(yes_no):
    (network,) = (each for each in yes_no if each.model == "tiny_conv")
    value = read_records("measurements/board/tiny_conv-yes_no-emulator.json")[0].value
    assert network.board.flash == value["flash"]
    assert ram_bytes(network.board) == value["ram"] + value["stack"]
    assert network.milliseconds == value["stages"]["network"]["us"] / 1000


def test_the_picture_has_a_bar_for_each_memory(yes_no):
    chart = results.plot_memory(yes_no)
    rows = chart.to_dict()["data"]["values"]
    assert [row["memory"] for row in rows] == ["flash", "RAM"] * len(yes_no)
    assert all(0 < row["share"] < 1 for row in rows)
    share = rows[1]["kB"] / 256
    assert rows[1]["share"] == pytest.approx(share)
    assert f"{100 * share:.0f}" in rows[1]["label"]


def test_the_readme_has_the_same_table(yes_no):
    lines = re.findall(r"^\| (.*) \|$", README.read_text(encoding="utf-8"), re.MULTILINE)
    rows = [list(map(str.strip, line.split("|"))) for line in lines]
    table = str(results.tabulate_memory(yes_no)).replace("&nbsp;", " ")
    table = table.replace("\N{WORD JOINER}", "")
    for row in re.findall(r"<tr>(<td.*?)</tr>", table):
        assert re.findall(r"<td[^>]*>(.*?)</td>", row) in rows


def test_the_readme_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 120
