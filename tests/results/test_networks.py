"""The published networks side by side: those that exist, and any that may be published."""

import re
from pathlib import Path

import pytest
from made_up_networks import publish

from kwslib import models
from kwslib.cost.literature import PATH
from kwslib.evaluation import wilson_interval
from kwslib.measurements import FOLDER, read_records
from kwslib.results import networks as found_networks
from kwslib.results import networks_figures as figures
from kwslib.results import networks_prose as prose
from kwslib.results.networks import MORE_LITERATURE, literature, networks

BOOK = Path(__file__).parents[2] / "book"


@pytest.fixture(scope="module")
def committed():
    return networks()


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    publish(folder, "tiny_conv", "yes,no", [0.92, 0.93, 0.94], 0.915, 5.0)
    publish(folder, "funnel_small", "yes,no", [0.97, 0.975, 0.98], 0.97, 8.0)
    publish(folder, "funnel_medium", "yes,no", [0.98, 0.98, 0.986], 0.979, 21.0)
    publish(folder, "ds_cnn", "yes,no", [0.96], None, 50.0)
    publish(folder, "funnel_large", "ten", [0.968], 0.967, 60.5, 4890)
    publish(folder, "tc_resnet8", "ten", [0.94], None, None, 4890)
    publish(folder, "tiny_conv", "yes,no,left", [0.9, 0.9, 0.9])
    (folder / "tiny_conv-yes_no-pruned.safetensors").touch()
    return networks(folder, folder / "board")


def test_every_published_network_is_read_with_its_costs(many):
    assert [each.name for each in many] == [
        "funnel_small-yes_no", "tiny_conv-yes_no", "tiny_conv-yes_no_left", "tc_resnet8-ten_words",
        "funnel_medium-yes_no", "ds_cnn-yes_no", "funnel_large-ten_words",
    ]  # fmt: skip
    tiny = many[1]
    assert (tiny.parameters, tiny.macs, tiny.milliseconds) == (16_652, 336_000, 5.0)
    assert tiny.accuracy == pytest.approx(0.93)
    assert tiny.interval == wilson_interval(930, 1000)
    assert tiny.int8_change == pytest.approx(0.915 - 0.92)  # of the seed that was converted
    assert many[3].int8_change is None and many[3].milliseconds is None
    assert many[-1].clips == 4890 and len(many[-1].labels) == 12


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
        assert each.data.startswith(("Speech Commands", "MLPerf"))
    for record in read_records(MORE_LITERATURE):
        assert record.source and record.method == "published"
    bibliography = (BOOK / "references.bib").read_text(encoding="utf-8")
    keys = set(re.findall(r"^@\w+\{([^,]+),", bibliography, re.MULTILINE))
    cited = {str(record.subject["cite"]) for record in read_records(MORE_LITERATURE)}
    assert cited - {""} <= keys
    assert FOLDER == PATH.parent == MORE_LITERATURE.parent


def test_times_of_others_are_brought_to_the_clock_of_the_board():
    (plumerai,) = [each for each in literature() if each.run_time
                   and each.run_time.subject["runtime"] == "Plumerai"]  # fmt: skip
    assert plumerai.milliseconds == pytest.approx(73.5 * 120 / 64)
    assert plumerai.accuracy.value == 0.902


def test_the_front_page_tells_of_the_best_network_of_no_more_parameters(many):
    said = prose.numbers(many, [])
    assert said["networks_headline"] == "98.2 % with as few parameters"
    assert "funnel_medium (16,268 parameters" in said["networks_headline_sentence"]
    assert said["networks_headline_sentence"].endswith("5.2 points more than tiny_conv.")
    assert prose.numbers([], [])["networks_headline"] == "No better network yet"


def test_what_the_budget_buys(many):
    said = prose.numbers(many, literature())
    budget = said["networks_budget_sentence"]
    assert "tiny_conv, with 16,652 parameters and 336,000 multiply-accumulates, 5.0 ms" in budget
    assert "no more of either, funnel_small (11,200 parameters and 314,196" in budget
    assert "97.5 % of 1,000 test clips right" in budget and "4.5 points more" in budget
    assert "a million operations, funnel_medium (16,268 parameters" in budget
    assert "5.2 points more" in budget and "ds_cnn" not in budget
    assert "mean of 3 seeds" in said["networks_seeds_sentence"]
    assert "tiny_conv-yes_no, 0.50 points below" in said["networks_int8_sentence"]


def test_what_a_million_operations_do_not_buy(tmp_path):
    publish(tmp_path, "tiny_conv", "yes,no", [0.93], 0.93, 5.0)
    publish(tmp_path, "funnel_small", "yes,no", [0.976], 0.97, 8.0)
    publish(tmp_path, "funnel_medium", "yes,no", [0.974], 0.98, 21.0)
    budget = prose.numbers(networks(tmp_path), [])["networks_budget_sentence"]
    assert "With no more of either, funnel_small (11,200" in budget
    assert "A million operations buy no more: funnel_medium (16,268" in budget
    assert budget.endswith("4.4 points more.")


def test_ten_words_beside_others(many):
    said = prose.numbers(many, literature())
    assert "funnel_large" in said["networks_ten_sentence"]
    assert "96.8 % of 4,890 test clips" in said["networks_ten_sentence"]
    assert "96.7 % in 8-bit integers" in said["networks_ten_sentence"]
    # Of those on v0.02 with at most 2,229,720 operations: 95.4, 95.7 and 97.0 %.
    assert said["networks_others_sentence"].endswith(
        "on the same test clips, SparkNet-32 (97.0 %) did better."
    )


def test_the_board_is_told_in_order(many):
    said = prose.numbers(many, [])["networks_board_sentence"]
    assert "tiny_conv-yes_no is the fastest, with 5.0 ms" in said
    assert "funnel_large-ten_words the slowest, with 60.5 ms" in said
    rows = prose.board_rows(many)
    assert [row["time"] for row in rows] == ["8.0 ms", "5.0 ms", "21.0 ms", "50.0 ms", "60.5 ms"]
    assert rows[1]["instructions"] == 250_000 and rows[1]["instructions a MAC"] == "0.74"
    assert rows[1]["flash"] == "40.0 kB"


@pytest.mark.parametrize("which", ["committed", "many", "none"])
def test_every_figure_is_drawn_or_says_what_fills_its_place(which, request):
    shown = [] if which == "none" else request.getfixturevalue(which)
    drawn = [
        figures.table(shown, prose.FOUR, "In numbers"), figures.four_labels(shown),
        figures.table(shown, prose.TEN, "In numbers"), figures.twelve_labels(shown, literature()),
        figures.ten_words_by_label(shown), figures.board(shown), figures.board_table(shown),
    ]  # fmt: skip
    for each in drawn:
        html = each if isinstance(each, str) else each.to_json()
        assert "python -m kwslib.studies" in html or "description" in html or "<caption>" in html
    assert all(prose.numbers(shown, literature()).values())


@pytest.mark.parametrize("chapter", ["3_training", "4_deployment"])
def test_chapters_ask_for_nothing_that_is_missing(chapter, committed):
    text = (BOOK / f"{chapter}.md").read_text(encoding="utf-8")
    asked = set(re.findall(r"\{glue:text\}`(networks_[^`]+)`", text))
    assert asked and asked <= set(prose.numbers(committed, literature()))


def test_a_network_without_records_is_left_out(tmp_path):
    (tmp_path / "tiny_conv-yes_no.safetensors").touch()
    assert found_networks.networks(tmp_path, tmp_path) == []
