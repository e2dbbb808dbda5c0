"""The audit's figures, against the records read by other means and sums done by hand."""

import json
import re
from statistics import mean

import pytest

from kwslib.cost import cost_of
from kwslib.data.task import Task
from kwslib.evaluation.accuracy import wilson_interval
from kwslib.field.outcomes import clips_right, published, successes
from kwslib.models import create
from kwslib.records import FOLDER
from kwslib.results import audit, field_test, pruned_accuracy
from kwslib.results.few_bits import ABLATION_NAMES, NAMES, load_sweep
from kwslib.results.model_size import load_cpu_times
from kwslib.results.values import mean_time


def entries(name, metric, **subject):
    return [
        entry
        for entry in json.loads((FOLDER / name).read_text(encoding="utf-8"))
        if entry["metric"] == metric and subject.items() <= entry["subject"].items()
    ]


def on_test_clips(found):
    return [entry["value"] for entry in found if entry["data"]["split"] == "testing"]


def cells(table):
    """The rows of a table as lists of text, its head first."""
    return [
        [re.sub("<[^>]*>|\N{WORD JOINER}", "", cell).replace("&nbsp;", " ")
         for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
        for row in re.findall(r"<tr>.*?</tr>", str(table))
    ]  # fmt: skip


def test_shares_of_silence_by_commas():
    assert (audit.share_by_commas("yes,no"), audit.share_by_commas("yes,no,left")) == (25, 20)
    assert audit.share_by_commas(["yes", "no", "left"]) == 33


def test_accuracies_are_means_over_seeds():
    values = on_test_clips(entries("published/tiny_conv-yes_no.json", "accuracy"))
    assert len(values) == 3
    assert audit.accuracy("tiny_conv-yes_no").value == pytest.approx(mean(values))


def test_the_cpu_time_is_a_mean_over_trainings():
    found = entries("sweeps/pruning-board-tiny_conv-yes_no.json", "run_time", method="dense",
                    bits=8, number_type="float32")  # fmt: skip
    assert len(found) == 3
    assert mean_time(load_cpu_times("tiny_conv")).value == pytest.approx(
        mean(entry["value"] for entry in found)
    )


def test_trials_are_counted():
    (sitting,) = json.loads((FOLDER / f"field/{audit.NETWORK}.json").read_text(encoding="utf-8"))
    said = [trial for trial in sitting["value"] if trial["said"] in ("yes", "no")]
    study = published()
    heard, alone = successes(study.spoken()), clips_right(study.spoken())
    assert heard.trials == alone.trials == len(said)
    assert alone.count == sum(trial["clip"] == trial["said"] for trial in said)
    assert field_test.original_total().interval == wilson_interval(17, 20)
    hissed = [trial for trial in sitting["value"] if trial.get("kind") in ("sss", "spoken s")]
    assert field_test.hisses(study).trials == len(hissed)
    assert field_test.hisses(study).count == sum(trial["detected"] == "yes" for trial in hissed)


@pytest.mark.parametrize(("tuned", "tuning"), [(False, "none"), (True, "gradual")])
def test_pruned_accuracies_are_of_one_criterion_and_tuning(tuned, tuning):
    name = "sweeps/pruning-weights-tiny_conv-yes_no.json"
    found = entries(name, "accuracy", method="weights", criterion="lamp", tuning=tuning, amount=0.8)
    ours = pruned_accuracy.accuracy_by_share(audit.sweep("pruning-weights"), "weights", tuned=tuned)
    assert ours[0.8].value == pytest.approx(mean(on_test_clips(found)))
    assert ours[0.8].seeds == 5


def test_norms_are_compared_where_all_three_were_tried():
    found = audit.accuracy_by_norm()
    # blocks at four amounts with and without fine-tuning, channels at seven without, three with
    assert len(found) == 4 + 4 + 7 + 3
    assert all(set(values) == {"l1", "l2", "linf"} for values in found.values())


def test_leads_of_l1_are_paired_by_seed():
    name, facts = "sweeps/pruning-norms-tiny_conv-yes_no.json", {"amount": 0.9, "tuning": "gradual"}
    l1, l2 = (
        mean(on_test_clips(entries(name, "accuracy", criterion=norm, **facts)))
        for norm in ("l1", "l2")
    )
    blocks = sorted(key[2] for key in audit.accuracy_by_norm() if key[:2] == ("blocks", True))
    lead = audit.leads_of_l1()[blocks.index(0.9)]
    assert lead.value == pytest.approx(100 * (l1 - l2)) and lead.low < lead.value < lead.high


def test_counts_by_channels_are_those_of_smaller_networks():
    """A filter has 80 weights, a bias and 500 x 4 weights behind it; four biases are shared."""
    counts = audit.counts_by_channels()
    assert counts["parameters"] == {n: 2081 * n + 4 for n in range(8, 0, -1)}
    assert counts["macs"] == {n: 42_000 * n for n in range(8, 0, -1)}


def test_sizes_are_printed_recomputed_and_ours():
    rows = cells(audit.tabulate_sizes(cost_of(create("tiny_conv", len(Task().labels)))))
    assert rows[1][1:3] == ["16,552", "16,652"]
    assert rows[2][1:4] == ["6.7 %", "6.66 %", "6.35 %"]
    assert rows[3][1:3] == ["3.1 %", "3.07 %"]
    assert rows[4][1:] == ["660,004", "660,004", "676,004", "676,004"]


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (lambda: audit.tabulate_accuracies("yes_no"),
         ["tiny conv", "ethanglaser/ML-Hardware-Systems", "89.9–90.4 %", ""]),
        (lambda: audit.tabulate_accuracies("ten_words"),
         ["DS-CNN large", "ARM-software/ML-zoo", "", "94.6 %"]),
        (lambda: audit.tabulate_accuracies("ten_words"),
         ["DS-CNN, floor of the benchmark", "MLPerf Tiny", "", "90.0 %"]),
        (audit.tabulate_board_times,
         ["tiny conv", "the original report", "TensorFlow Lite Micro", "published", "109 ms"]),
        (audit.tabulate_board_times,
         ["tiny conv", "Beichen-Ma/ArduinoTinyML", "TensorFlow Lite Micro", "published",
          "86–88 ms"]),
    ],
)  # fmt: skip
def test_figures_of_others_stand_with_their_source(table, told):
    rows = [[cell.replace("\N{NO-BREAK SPACE}", " ") for cell in row] for row in cells(table())]
    assert told in rows


def test_bits_and_amounts_have_a_row_each():
    widths = cells(audit.tabulate_by_bits(load_sweep("widths", audit.NETWORK), NAMES))
    assert [row[0] for row in widths[1:]] == list("8765432")
    ablations = load_sweep("ablations", audit.NETWORK)
    mistakes = cells(audit.tabulate_by_bits(ablations, ABLATION_NAMES, most=4))
    assert [row[0] for row in mistakes[1:]] == list("432")
    weights = {row[0]: row for row in cells(audit.tabulate_pruned_weights())}
    assert weights["80 %"][3] == "71.8 %" and weights["90 %"][3] == "43.9 %"
    channels = {row[0]: row for row in cells(audit.tabulate_channels())}
    assert channels["1"][3:] == ["72.1 %", "2,085", "42,000"]
    times = {row[0]: row for row in cells(audit.tabulate_channel_times())}
    assert times["8"][-1] == "87\N{NO-BREAK SPACE}ms" and times["5"][-1] == ""
    assert len(cells(audit.tabulate_norms())) == 1 + 4 + 3
