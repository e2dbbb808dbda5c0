"""The figures of the audit, against the records read by other means and sums done by hand."""

import json
from statistics import mean

import pytest

from kwslib.measurements import FOLDER, Record
from kwslib.results.audit import pruning, quantization
from kwslib.results.audit.evidence import cited, over_seeds, shares
from kwslib.results.audit.training import share_by_commas
from kwslib.results.literature import repository_of


def entries(name):
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def test_the_originals_sums_come_out(point):
    assert "6.66 %" in point("size", "Flash").reasons[0].text
    assert "3.07 %" in point("size", "RAM").reasons[0].text
    assert "660,004 exactly" in point("size", "Operations of a d").reasons[0].text
    assert point("size", "Parameters").original.startswith("16,552")
    assert point("size", "Parameters").ours.startswith("16,652")


def test_a_cold_call_beside_warm_ones(point):
    reason = point("size", "Run time").reasons[0]
    assert "6,000 µs, 100 times the median" in reason.text and reason.standing == "shown"


def test_shares_of_silence_by_commas(point):
    assert (share_by_commas("yes,no"), share_by_commas("yes,no,left")) == (25, 20)
    assert share_by_commas(["yes", "no", "left"]) == 33
    line = point("training", "Clips")
    assert line.original == line.ours == "10,556 / 1,333 / 1,368"
    assert line.reasons[0].standing == "counted" and "would be 9,538" in line.reasons[0].text


def test_training_accuracy_as_it_was_met(point):
    met = [e["value"][-1]["training_accuracy"] for e in entries("published/tiny_conv-yes_no.json")
           if e["metric"] == "history"]  # fmt: skip
    reason = point("training", "Accuracy in").reasons[0]
    assert f"ours is {100 * mean(met):.1f} %" in reason.text and reason.standing == "shown"


def test_shifts_as_far_as_in_training(point):
    """The made-up sweep: (0.91 + 0.93 + 0.92) / 3 is a point below 0.93."""
    reason = point("training", "Accuracy in").reasons[1]
    assert "−1.0 points" in reason.text and reason.standing == "shown"
    assert point("training", "Accuracy in", "bare").reasons[1].standing == "open"


def test_networks_that_are_there(point):
    assert "ds_cnn 96.0 % (mean of 2 seeds" in point("training", "Other small").ours
    assert "ds_cnn 94.5 %" in point("training", "Ten keywords").ours
    assert "94.6 % (ARM-software/ML-zoo)" in point("training", "Ten keywords").others


def test_the_extra_keyword(point):
    line = point("training", "The extra keyword left")
    assert line.original == "−1.0 points" and "clips of the other labels" in line.ours


def test_boards_of_others(point):
    line = point("board", "Run time")
    assert line.original == "109 ms on average"
    for told in ("94 ms (ethanglaser/", "86 to 88 ms (Beichen-Ma/", "43.4 ms for 2.66 M"):
        assert told in line.others
    assert "7 left" not in line.others
    assert "55 ms + 4 ms a channel" in point("pruning", "Channels: run time on the board").others


def test_trials_have_intervals(point):
    line = point("board", "Trials")
    assert "yes 8/10 and no 9/10" in line.original
    assert "49.0 to 94.3 %" in line.reasons[0].text


def test_bits_are_means_over_seeds(point):
    values = [
        e["value"]
        for e in entries("sweeps/quantization-widths-tiny_conv-yes_no.json")
        if e["metric"] == "accuracy" and e["data"]["split"] == "testing"
        and (e["subject"]["method"], e["subject"]["weights"], e["subject"]["activations"])
        == ("qat", "2", "2")
    ]  # fmt: skip
    line = point("quantization", "Accuracy by bits")
    assert f"{100 * mean(values):.1f} % within" in line.ours.split(";")[0]
    assert [reason.standing for reason in line.reasons] == ["shown", "not borne out", "shown"]


def ablations(overwriting):
    values = {"observed": 0.9, "uncorrected": 0.5, "overwriting": overwriting}
    return [
        Record("accuracy", value, "fraction", "measured",
               {"method": method, "weights": str(bits), "activations": str(bits)})
        for method, value in values.items() for bits in (2, 3, 4)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("accuracy", "standing", "share"),
    [(0.6, "shown", "75 %"), (0.8, "not borne out", "25 %"), (0.95, "not borne out", "0 %")],
)
def test_a_mistake_explains_where_it_takes_half(accuracy, standing, share):
    reason = quantization._cause(ablations(accuracy), "overwriting", "Overwriting")
    assert reason.standing == standing and f"takes away {share}" in reason.text


def test_before_and_after_fine_tuning(point):
    """Made up: 0.8 (or 0.2, tuned) of every share above a half is lost."""
    line = point("pruning", "Single weights")
    assert "80 % gone 69.0 % before, 87.0 % after" in line.ours
    assert "80 % gone 71.8 % (kpan02/tinyml-keyword-spotting)" in line.others
    reason, other = line.reasons
    assert "global 69.0 %, layer 69.0 % and lamp 69.0 %" in other.text
    assert other.standing == "not borne out"
    assert "with 50 % gone and less" in reason.text and reason.standing == "shown"


def test_where_every_amount_regains_nothing_is_explained():
    reason = pruning._below_the_cliff({0.5: 0.7, 0.9: 0.4}, {0.5: 0.9, 0.9: 0.8}, (0.5, 0.9))
    assert reason.standing == "not borne out" and "+40.0 points at 90 %" in reason.text


def test_the_best_norm(point):
    line = point("pruning", "Which norm")
    assert [reason.standing for reason in line.reasons] == ["counted", "not borne out"]
    # Blocks at four amounts, channels at seven, and these tuned at three.
    assert "of 18 comparisons l1 0, l2 0 and linf 18 are won; the three lie up to 1.0 points" in (
        line.reasons[1].text
    )
    assert "50 % of blocks gone l1 93.0 %, l2 93.5 %, linf 94.0 %" in line.ours
    assert "L1 is best" in line.original


def test_time_of_channels_on_the_board(point):
    """Made up: 0.5 ms, and 4 ms for all of eight channels."""
    line = point("pruning", "Channels: run time on the board")
    assert "4 left 2.5 ms" in line.ours and "0.5 ms + 0.5 ms a channel" in line.ours
    assert "7 left 44 µs" in point("pruning", "Channels: run time on a CPU").ours
    assert "4 left 168,000" in point("pruning", "Channels really").ours


def test_channels_of_others_from_all_files_of_literature(point):
    others = point("pruning", "Channels: accuracy").others
    assert others.startswith("8 left 91.4 %, 7 left 89.8 %, 6 left 87.9 %, 5 left 88.6 %, 4 left")
    assert "1 left 72.1 %, fine-tuned (ethanglaser/ML-Hardware-Systems)" in others


def test_zeros_save_time_where_code_skips_them(point):
    line = point("pruning", "How zeros")
    assert line.ours.startswith("Dense 4.5 ms; 30 % gone 3.3 ms")
    assert line.reasons[0].standing == "shown"


def test_how_figures_are_told():
    record = Record("accuracy", [0.899, 0.904], "fraction", "published", source="github.com/a/b, 6")
    assert cited([record], shares) == "89.9 to 90.4 % (a/b)"
    assert repository_of("MLPerf Tiny, keyword spotting") == "MLPerf Tiny"
    alone = Record("accuracy", 0.9, "fraction", "measured", interval=(0.88, 0.92))
    assert over_seeds([alone]) == "90.0 % (95 % interval 88.0 to 92.0 %)"
