"""Chapter 6: what it shows in each profile, and that its text asks for nothing that is missing."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from kwslib.errors import InputError
from kwslib.results import pruning, pruning_figures
from kwslib.results import pruning_prose as prose
from kwslib.training import findings as training_findings

CHAPTER = Path(__file__).parents[2] / "book" / "6_pruning.md"

FIGURES = {
    "weights": pruning_figures.weights,
    "scopes": pruning_figures.scopes,
    "schedules": pruning_figures.schedules,
    "encodings": pruning_figures.encodings,
    "cycles": pruning_figures.cycles,
    "faster": pruning_figures.faster,
    "block norms": lambda found: pruning_figures.norms(found, "blocks", tuned=False),
    "channel criteria": lambda found: pruning_figures.norms(found, "channels", tuned=True),
    "norm table": pruning_figures.norm_table,
    "parameters": lambda found: pruning_figures.channels(found, "parameters"),
    "ms": lambda found: pruning_figures.channels(found, "ms"),
    "channel times": pruning_figures.channel_times,
    "pareto": lambda found: pruning_figures.pareto(found, "flash_kB", "flash in kB"),
    "ship": pruning_figures.ship,
    "together": pruning_figures.together,
}
LIVE = {
    "live weights": pruning_figures.live_weights,
    "live channels": pruning_figures.live_channels,
    "live boards": pruning_figures.live_boards,
}


@pytest.fixture(scope="module")
def without_data():
    return pruning.pruning("full", "", "tiny_conv", "yes,no", 0, 0, "0.9", "0.5", 0)


@pytest.fixture(scope="module")
def demo():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_findings, "DEMO_EPOCHS", 1)
        patch.setattr(pruning, "DEMO_EPOCHS", 2)
        yield pruning.pruning("demo", "", "tiny_conv", "yes,no", 0, 0, "0.9,0.5", "0.75", 0)


@pytest.fixture(params=["without_data", "demo"])
def found(request):
    return request.getfixturevalue(request.param)


def test_the_text_asks_for_nothing_that_is_missing(found):
    asked = set(re.findall(r"\{glue:text\}`([^`]+)`", CHAPTER.read_text(encoding="utf-8")))
    published = prose.numbers(found)
    assert asked <= set(published)
    empty = {name for name in asked if not published[name]}
    live = {"live_weights_sentence", "live_channels_sentence"}
    assert empty <= (live if not found.live else set())


def test_what_is_measured_live(demo, without_data):
    settings = [
        (record.subject["method"], record.subject["amount"], record.subject["tuning"])
        for record in demo.live
        if record.metric == "accuracy" and record.data["split"] == "testing"
    ]
    assert settings == [
        ("dense", 0.0, "none"),
        *(("weights", amount, tuning) for amount in (0.5, 0.9) for tuning in ("none", "gradual")),
        ("channels", 0.75, "none"),
        ("channels", 0.75, "one_shot"),
    ]
    left = {(r.subject["method"], r.subject["amount"]): r.value
            for r in demo.live if r.metric == "parameters"}  # fmt: skip
    assert left["weights", 0.9] == 12 + 1664 and left["channels", 0.75] == 2 * 80 + 2 + 4000 + 4
    assert demo.live_data == "embedded speech"
    assert not without_data.live and not without_data.boards


def test_what_is_pruned_live_takes_less_of_the_board(demo):
    whole, weights, channels = demo.boards
    assert [each.name for each in demo.boards] == [
        "whole", "90 % of weights gone", "75 % of channels gone",
    ]  # fmt: skip
    assert weights.profile.flash < whole.profile.flash
    assert channels.profile.stages["network"].cycles < whole.profile.stages["network"].cycles / 2


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_drawn_or_say_how_to_fill_their_place(name, without_data):
    figure = FIGURES[name]
    assert "kws prune" in str(figure(replace(without_data, committed={})))
    drawn = figure(without_data)
    assert hasattr(drawn, "to_dict") or "<table" in str(drawn)


@pytest.mark.parametrize("name", LIVE)
def test_figures_of_this_run(name, demo, without_data):
    assert "kws report --chapter 6" in str(LIVE[name](without_data))
    drawn = LIVE[name](demo)
    assert hasattr(drawn, "to_dict") or "<table" in str(drawn)


def test_without_sweeps_the_prose_says_so(without_data):
    numbers = prose.numbers(replace(without_data, committed={}))
    assert "No sweep" in numbers["weights_sentence"]
    assert "No sweep" in numbers["channels_sentence"]


def test_the_committed_networks_gave_the_integers_scores_to_the_bit(without_data):
    records = without_data.committed["board"]
    checked = [record.value for record in records if record.metric == "exact_clips"]
    assert {each["host"] for each in checked} == {1368}
    assert {each["emulator"] for each in checked} == {64}


@pytest.mark.parametrize(
    "text, words",
    [("0.5,x", "must be numbers"), ("", "must be numbers"), ("1", "amount 1: must be a share")],
)
def test_shares_that_are_none(text, words):
    with pytest.raises(InputError, match=words):
        pruning.shares_of("amounts", text)


def test_full_without_data_needs_a_published_network():
    with pytest.raises(InputError, match="no published run of tiny_conv on up,down"):
        pruning.pruning("full", "", "tiny_conv", "up,down", 0, 0, "0.9", "0.5", 0)
