"""Chapter 5: what it shows in each profile, and that its text asks for nothing that is missing."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from kwslib.errors import InputError
from kwslib.quantize import methods
from kwslib.records import Record
from kwslib.results import quantization, quantization_figures
from kwslib.results import quantization_prose as prose
from kwslib.training import findings as training_findings

CHAPTER = Path(__file__).parents[2] / "book" / "5_quantization.md"


@pytest.fixture(scope="module")
def without_data():
    return quantization.quantization("full", "", "tiny_conv", "yes,no", 0, 0, "8")


@pytest.fixture(scope="module")
def demo(without_data):
    """Trained now, for a pass; what does not depend on it is taken from the other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_findings, "DEMO_EPOCHS", 1)
        patch.setattr(methods, "AWARE_EPOCHS", 1)
        patch.setattr(quantization, "INSIDE_BITS", (4, 8))
        patch.setattr(quantization, "_boards", lambda *_: without_data.boards)
        yield quantization.quantization("demo", "", "tiny_conv", "yes,no", 0, 0, "8,3")


@pytest.fixture(params=["without_data", "demo"])
def found(request):
    return request.getfixturevalue(request.param)


def test_the_text_asks_for_nothing_that_is_missing(found):
    asked = set(re.findall(r"\{glue:text\}`([^`]+)`", CHAPTER.read_text(encoding="utf-8")))
    published = prose.numbers(found)
    assert asked <= set(published)
    empty = {name for name in asked if not published[name]}
    assert empty <= ({"live_sentence"} if not found.live else set())


def test_what_is_measured_live(demo, without_data):
    settings = [(r.subject["method"], r.subject["weights"]) for r in demo.live
                if r.metric == "accuracy" and r.data["split"] == "testing"]  # fmt: skip
    assert settings == [("float", "float"), ("ptq", "8"), ("qat", "8"), ("ptq", "3"), ("qat", "3")]
    assert demo.live_data == "embedded speech"
    assert not without_data.live
    assert "embedded speech" in prose.numbers(demo)["live_sentence"]


def test_figures_are_charts_or_say_how_to_fill_their_place(found):
    bare = replace(found, committed={}, live=[])
    for figure in (
        quantization_figures.committed_widths, quantization_figures.committed_weights,
        quantization_figures.live_widths, quantization_figures.ablations,
        lambda found: quantization_figures.minifloats(found, "qat"),
        quantization_figures.formats,
    ):  # fmt: skip
        assert "kws" in str(figure(bare))
    assert "No sweep" in prose.numbers(bare)["widths_sentence"]
    for figure in (quantization_figures.committed_widths, quantization_figures.ablations):
        assert figure(found).to_dict()["description"].startswith("Accuracy by bits")


def test_the_example_can_be_followed_by_hand():
    symmetric = prose.example_rows(symmetric=True)
    assert [row["integer"] for row in symmetric] == ["−1", "0", "1", "2", "3"]
    assert [row["stands for"] for row in symmetric] == ["−0.5", "0", "0.5", "1", "1.5"]
    assert [row["gradient"] for row in symmetric] == ["1", "1", "1", "1", "0"]
    asymmetric = prose.example_rows(symmetric=False)
    assert [row["stands for"] for row in asymmetric] == ["−0.5", "0", "0.75", "0.75", "1.25"]
    assert [row["gradient"] for row in asymmetric] == ["0", "1", "1", "1", "0"]


def record(method, weights, seed, value):
    subject = {"method": method, "weights": weights, "activations": weights, "seed": seed}
    data = {"name": "speech", "split": "testing"}
    interval = (value - 0.01, value + 0.01)
    return Record("accuracy", value, "fraction", "measured", subject, data, interval=interval)


def test_rows_are_means_over_seeds_with_students_interval():
    records = [record("ptq", "4", seed, 0.90 + 0.01 * seed) for seed in range(5)]
    (row,) = prose.width_rows(records, prose.NAMES)
    assert row["accuracy"] == pytest.approx(0.92)
    assert row["high"] - row["low"] == pytest.approx(2 * 2.776 * 0.0158114 / 5**0.5, rel=1e-3)
    assert (row["bits"], row["method"], row["seeds"]) == (4, "after training", 5)
    (alone,) = prose.width_rows(records[:1], prose.NAMES)
    assert (alone["low"], alone["high"]) == pytest.approx((0.89, 0.91))


def test_the_fewest_bits_within_a_point():
    rows = [{"method": "m", "bits": bits, "accuracy": value}
            for bits, value in ((8, 0.93), (6, 0.93), (5, 0.90), (4, 0.93))]  # fmt: skip
    assert prose._least_within(rows, "m", 0.92) == 6


def test_the_board_has_less_to_keep(without_data):
    rows = prose.board_rows(without_data.boards)
    assert [row["bits"] for row in rows] == ["8 bits", "4 bits", "2 bits"]
    weights = [board.weights for board in without_data.boards]
    assert weights == sorted(weights, reverse=True)
    assert "less flash for weights" in prose.numbers(without_data)["board_sentence"]


@pytest.mark.parametrize("bits", ["1", "17", "4,x", ""])
def test_widths_that_are_none(bits):
    with pytest.raises(InputError, match="bits"):
        quantization.widths_of(bits)


def test_full_without_data_needs_a_published_network():
    with pytest.raises(InputError, match="no published run of tiny_conv on up,down"):
        quantization.quantization("full", "", "tiny_conv", "up,down", 0, 0, "8")
