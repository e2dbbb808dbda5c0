"""Chapter 4: what it shows in each profile, and that its text asks for nothing that is missing."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from kwslib.board.profile import Cost
from kwslib.data.task import SPLITS
from kwslib.errors import InputError
from kwslib.evaluation import wilson_interval
from kwslib.field import summary as field_summary
from kwslib.measurements import read_records, write_records
from kwslib.results import deployment, deployment_prose, networks, networks_prose
from kwslib.results.deployment import Accuracy, measured_profile
from kwslib.training import findings as training_findings

CHAPTER = Path(__file__).parents[2] / "book" / "4_deployment.md"


@pytest.fixture(scope="module")
def without_data():
    return deployment.deployment("full", "", "tiny_conv", "yes,no", 0, 0, 20)


@pytest.fixture(scope="module")
def demo():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_findings, "DEMO_EPOCHS", 1)
        yield deployment.deployment("demo", "", "tiny_conv", "yes,no", 0, 0, 20)


@pytest.fixture(params=["without_data", "demo"])
def found(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def study():
    return deployment.field_study("tiny_conv")


def test_the_board_gives_the_interpreters_bytes(found):
    assert found.equal_clips == found.clips >= 100


def test_every_split_is_known_in_float_and_int8(found):
    assert set(found.accuracies) == set(found.float_accuracies) == set(SPLITS)
    for accuracy in found.accuracies.values():
        assert accuracy.interval[0] <= accuracy.value <= accuracy.interval[1]


def test_int8_loses_little(without_data):
    for split in SPLITS:
        lost = without_data.float_accuracies[split].value - without_data.accuracies[split].value
        assert abs(lost) < 0.005


def test_what_was_trained_now_is_another_network_than_the_published(demo, without_data):
    assert demo.graph.sha256 != without_data.graph.sha256
    assert "trained on embedded speech in this run" in deployment_prose.numbers(demo)["origin"]
    assert "the published tiny_conv-yes_no" in deployment_prose.numbers(without_data)["origin"]


def test_the_text_asks_for_nothing_that_is_missing(found, study):
    from kwslib.training import extra, extra_summary

    text = CHAPTER.read_text(encoding="utf-8")
    published = (
        deployment_prose.numbers(found)
        | field_summary.numbers(study)
        | deployment_prose.field_numbers(study)
        | deployment_prose.larger_field_numbers(deployment.larger_field_study("tiny_conv"))
        | extra_summary.numbers(
            extra.extra_keyword("full", "", "tiny_conv", "yes,no", "left", 0, 0)
        )
        | networks_prose.numbers(networks.networks(), networks.literature())
    )
    asked = set(re.findall(r"\{glue:text\}`([^`]+)`", text))
    assert asked <= set(published)
    assert all(published[name] for name in asked)


def test_steps_get_smaller_and_keep_their_accuracy(without_data):
    rows = deployment_prose.step_rows(without_data)
    assert [row["bytes"] for row in rows[:3]] == [66_608, without_data.float_bytes, 19_072]
    assert rows[0]["test"] == rows[1]["test"] == "92.84 %"
    assert rows[2]["test"] == rows[3]["test"] == "92.76 %"


def test_no_emulated_figure_stands_for_a_physical_board(without_data):
    assert without_data.measured is None
    for row in deployment_prose.stage_rows(without_data):
        assert row["physical board"] == "not measured"
    for rows in (
        deployment_prose.place_rows(without_data),
        deployment_prose.board_rows(without_data),
    ):
        (place,) = [row for row in rows if "physical board" in row["place"]]
        assert place["time"] is None
        assert place["words"] == "not measured yet"


def test_a_measured_board_fills_the_places(without_data, tmp_path):
    profile = replace(
        without_data.emulated,
        target="serial:/dev/ttyACM0",
        method="measured",
        stages={
            name: Cost(cycles=cost.cycles, us=2 * cost.us)
            for name, cost in without_data.emulated.stages.items()
        },
    )
    record = profile.record({"tflite": without_data.graph.sha256})
    write_records(tmp_path / "tiny_conv-yes_no-serial.json", [record])
    measured = measured_profile("tiny_conv-yes_no", without_data.graph, tmp_path)
    assert measured == profile
    other = replace(without_data.graph, sha256="0" * 64)
    assert measured_profile("tiny_conv-yes_no", other, tmp_path) is None
    with_board = replace(without_data, measured=measured)
    (place,) = [
        row for row in deployment_prose.place_rows(with_board) if "physical" in row["place"]
    ]
    assert place["time"] == measured.stages["network"].us
    sentence = deployment_prose.numbers(with_board)["measured_sentence"]
    assert "2.00 times what is modelled" in sentence


def test_errors_of_the_model_are_those_of_the_records():
    rows = deployment_prose.error_rows()
    records = read_records(deployment._KNOWN_TIMES)
    timed = {r.subject["network"]: r.value for r in records
             if r.metric == "cycles" and r.method == "published"}  # fmt: skip
    assert len(rows) == 2 * len(timed) == 10
    first = next(row for row in rows if row["program"] == "fully connected 32-16-4, CMSIS-NN")
    assert first["ratio"] == pytest.approx(3786 / 3276)
    assert all(1 < row["ratio"] < 1.25 for row in rows[::2])


def test_published_times_lie_on_the_line_that_the_text_states():
    assert "a line of 55 ms and 4.0 ms a channel" in deployment_prose._channels_sentence()


def test_memory_adds_up(without_data):
    rows = deployment_prose.memory_rows(without_data.emulated)
    flash = sum(row["bytes"] for row in rows if row["memory"] == "flash")
    ram = sum(row["bytes"] for row in rows if row["memory"] == "RAM")
    emulated = without_data.emulated
    assert flash == emulated.flash
    assert ram == emulated.ram + emulated.stack


def test_everywhere_counts_keywords_in_the_field_as_in_the_test(without_data, study):
    rows = deployment_prose.everywhere_rows(without_data, study)
    table = without_data.training.study.value("confusion", split="testing")
    right, clips = table[2][2] + table[3][3], sum(table[2]) + sum(table[3])
    (keywords,) = [row for row in rows if row["where"] == "test clips, keywords alone"]
    assert keywords["accuracy"] == right / clips
    assert (keywords["low"], keywords["high"]) == wilson_interval(right, clips)
    assert rows[-1]["where"] == "field, keywords"
    assert rows[-1]["numbers"] == "int8"


def test_a_field_test_of_another_network_is_named(demo, study):
    rows = deployment_prose.everywhere_rows(demo, study)
    assert rows[-1]["where"] == "field, published network"


@pytest.mark.parametrize(
    "before, after, words",
    [
        (0.90, 0.90, "the same as"),
        (0.90, 0.89, "1.00 points below"),
        (0.90, 0.95, "more than what chance"),
    ],
)
def test_what_int8_changes_is_put_in_words(without_data, before, after, words):
    def at(value):
        return {"testing": Accuracy(value, (value - 0.02, value + 0.02))}

    class Changed:
        float_accuracies, accuracies = at(before), at(after)

    assert words in deployment_prose._change_sentence(Changed)


def test_numbers_read_well():
    assert deployment_prose._scientific(4.8e-06) == "4.8·10⁻⁶"
    assert deployment_prose._time(434.4) == "434.4 µs"
    assert deployment_prose._time(6292.0) == "6.29 ms"


def test_full_without_data_needs_a_published_network():
    with pytest.raises(InputError, match="no published run of tiny_conv on up,down"):
        deployment.deployment("full", "", "tiny_conv", "up,down", 0, 0, 20)
