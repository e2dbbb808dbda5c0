"""Chapter 6's accuracies: from made-up records, and against what networks really are."""

import math

import pytest
import torch

from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.errors import InputError
from kwslib.models import create
from kwslib.records import FOLDER, Record, select
from kwslib.results import live_pruning, pruned_accuracy
from kwslib.results.provenance import META
from kwslib.results.values import Estimate

SUBJECT = {
    "model": "tiny_conv", "task": "yes_no", "method": "weights", "amount": 0.5,
    "criterion": "lamp", "tuning": "none", "quantized": "float", "bits": 32, "seed": 0,
}  # fmt: skip
DENSE = {"method": "dense", "criterion": "", "amount": 0.0}


def accuracy(value, split="testing", **subject):
    return Record("accuracy", value, "fraction", "measured", SUBJECT | subject, {"split": split},
                  interval=(value - 0.01, value + 0.01))  # fmt: skip


def setting(value, left, **subject):
    """What a sweep records of a setting, its counts in proportion to the parameters."""
    counts = {"parameters": left, "flops": 40 * left}
    return [
        accuracy(value, **subject),
        accuracy(value - 0.1, "validation", **subject),
        *(Record(name, count, "count", "modelled", SUBJECT | subject)
          for name, count in counts.items()),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def sweeps():
    return pruned_accuracy.load_sweeps("tiny_conv-yes_no")


def test_a_network_without_all_sweeps_has_none(sweeps, tmp_path):
    assert set(sweeps) == set(pruned_accuracy.COMMITTED)
    path = tmp_path / "sweeps" / "pruning-zeros-tiny_conv-yes_no.json"
    path.parent.mkdir()
    path.write_bytes((FOLDER / "sweeps" / path.name).read_bytes())
    assert pruned_accuracy.load_sweeps("tiny_conv-yes_no", tmp_path) == {}


def test_accuracy_is_the_mean_over_seeds_of_the_usual_settings_alone():
    others = [
        accuracy(0.1, "validation"), accuracy(0.1, tuning="iterative"),
        accuracy(0.1, criterion="global"), accuracy(0.1, quantized="ptq", bits=8),
        accuracy(0.1, **DENSE), accuracy(0.1, method="channels", criterion="l2"),
    ]  # fmt: skip
    records = [accuracy(0.90), accuracy(0.92, seed=1), accuracy(0.95, tuning="gradual"), *others]
    as_pruned = pruned_accuracy.accuracy_by_share(records, "weights", tuned=False)
    assert as_pruned[0.5].value == pytest.approx(0.91) and as_pruned[0.5].seeds == 2
    assert pruned_accuracy.accuracy_by_share(records, "weights")[0.5].value == 0.95
    ranked = pruned_accuracy.accuracy_by_share(records, "weights", tuned=False, criterion="global")
    assert ranked[0.5].value == 0.1


def test_changes_are_paired_by_seed():
    records = [
        accuracy(0.90 + 0.01 * seed, **DENSE, seed=seed) for seed in (0, 1)
    ] + [accuracy(0.88 + 0.01 * seed, tuning="gradual", seed=seed) for seed in (1, 0)]  # fmt: skip
    change = pruned_accuracy.change_by_share(records, "weights")[0.5]
    assert change.value == pytest.approx(-2) and change.high == pytest.approx(-2)


def test_a_change_against_networks_trained_small():
    records = [
        accuracy(0.9, method="channels", criterion="l2", tuning="one_shot"),
        accuracy(0.9, method="channels", criterion="l2", tuning="one_shot", amount=0.25),
        accuracy(0.8, method="scratch", criterion=""),
    ]
    changes = pruned_accuracy.change_by_share(records, "channels", reference="scratch")
    assert {share: own.value for share, own in changes.items()} == {0.5: pytest.approx(10)}


def test_the_cliff_lies_on_a_straight_line_over_the_logarithm():
    curve = {0.5: Estimate(0.93, None), 0.95: Estimate(0.83, None)}
    assert pruned_accuracy.cliff(curve, 0.93) == pytest.approx(
        1 - 0.5 / math.sqrt(10)
    )  # half way down
    assert pruned_accuracy.cliff(curve, 0.85) == 1
    # before the first share, the line begins at the unpruned network
    assert pruned_accuracy.cliff({0.5: Estimate(0.83, None)}, 0.93) == pytest.approx(
        1 - math.sqrt(0.5)
    )


def test_criteria_are_compared_at_the_shares_that_both_have():
    records = [
        accuracy(value + (0.02 if criterion == "l1" else 0), method="blocks", criterion=criterion,
                 amount=share, seed=seed)
        for criterion, shares in (("l1", (0.5, 0.9)), ("l2", (0.5, 0.9, 0.95)))
        for share, value in zip(shares, (0.9, 0.6, 0.1), strict=False)
        for seed in (0, 1)
    ]  # fmt: skip
    change = pruned_accuracy.mean_change(records, "blocks", "l1", tuned=False)
    assert change.value == change.low == change.high == pytest.approx(2)


def test_what_a_layer_spares():
    def record(values, seed):
        entries = [{"layer": "conv", "amount": s, "accuracy": a} for s, a in values.items()]
        return Record(
            "weight_sensitivity", entries, "fraction", "measured", SUBJECT | {"seed": seed}
        )

    records = [
        accuracy(0.9, "validation", **DENSE),
        record({0.3: 0.9, 0.5: 0.89, 0.8: 0.5}, 0),
        record({0.3: 0.9, 0.5: 0.83, 0.8: 0.4}, 1),
    ]
    assert pruned_accuracy.sensitivity(records, "weight_sensitivity")["conv"][0.8] == pytest.approx(
        0.45
    )
    assert pruned_accuracy.spared(records, "conv") == 0.5
    spec = pruned_accuracy.plot_sensitivity(records, "weight_sensitivity").to_dict()
    assert [row["share"] for row in spec["data"]["values"]] == [0.3, 0.5, 0.8]
    assert spec["encoding"]["x"]["title"] == "weights of one layer pruned"


def test_a_curve_has_a_point_a_share_and_rests_on_its_data():
    records = [
        *setting(0.93, 100, **DENSE), *setting(0.92, 50), *setting(0.5, 10, amount=0.9),
        *setting(0.93, 50, tuning="gradual"), *setting(0.92, 10, amount=0.9, tuning="gradual"),
    ]  # fmt: skip
    chart = pruned_accuracy.plot_accuracy_by_parameters(records, "weights").to_dict()
    rows = next(iter(chart["datasets"].values())) if "datasets" in chart else []
    rows = rows or chart["layer"][1]["data"]["values"]
    drawn = {(row["series"], row["share"]): row["parameters"] for row in rows}
    assert drawn == {
        ("without fine-tuning", 0.5): 50, ("without fine-tuning", 0.9): 10,
        ("fine-tuned", 0.5): 50, ("fine-tuned", 0.9): 10,
    }  # fmt: skip
    assert chart["usermeta"][META]["method"] == "measured"


def test_schedules_have_a_row_a_way_and_a_column_a_share():
    records = [
        accuracy(value, criterion=criterion, tuning=tuning, amount=0.9, seed=seed)
        for criterion, tuning, value in (
            ("lamp", "one_shot+rewind", 0.9),
            ("global", "gradual", 0.8),
        )
        for seed in (0, 1)
    ]
    table = pruned_accuracy.tabulate_schedules(records)
    head, first, second = table.split("<tr>")[1:]
    assert "90&nbsp;% pruned" in head
    assert all(text in first for text in ("LAMP", "at once", "rewound", "90.0"))
    assert all(text in second for text in ("all layers", "gradually", "a new cycle", "80.0"))


def test_norms_of_a_group():
    table = pruned_accuracy.tabulate_norms({"3, -4": (3.0, -4.0)})
    assert all(f">{value}<" in table for value in ("7.00", "5.00", "4.00"))


def test_published_accuracies_stand_beside_ours_of_that_size(sweeps):
    beside = [
        (r.subject, r.value, own.value) for r, own in pruned_accuracy.beside_literature(sweeps, 8)
    ]
    two_channels = next(each for each in beside if each[0].get("channels") == 2)
    ours = select(sweeps["channels"], "accuracy", split="testing", method="channels", amount=0.75,
                  criterion="l2", tuning="one_shot")  # fmt: skip
    mean = sum(record.value for record in ours) / len(ours)
    assert two_channels[1:] == (0.791, pytest.approx(mean))


@pytest.mark.parametrize("share, text", [(0.5, "50 %"), (0.875, "87.5 %"), (0.995, "99.5 %")])
def test_a_share_in_percent(share, text):
    assert pruned_accuracy.percent_of(share) == text


@pytest.mark.parametrize("model", ["tiny_conv", "funnel_small"])
def test_a_share_that_leaves_no_channel_is_refused_before_training(model):
    live_pruning.check_channels(model, [0, 0.5, 0.875])
    with pytest.raises(InputError, match=r"channels 0.99: removes all \d+ channels of layer"):
        live_pruning.check_channels(model, [0.5, 0.99])


@pytest.fixture(scope="module")
def small(tones):
    return Dataset(open_source(tones), Task())


@pytest.fixture(scope="module")
def pruned(small):
    torch.manual_seed(0)
    network = create("tiny_conv", 4).eval()
    shares = {"weights": [0.9], "channels": [0.75]}
    return live_pruning.prune(network, small, "tiny_conv", shares, seed=0, epochs=2)


def test_networks_pruned_live_have_what_their_settings_say(pruned, small):
    assert [(s.method, s.amount, s.tuning) for s in pruned] == [
        ("dense", 0.0, "none"), ("weights", 0.9, "none"), ("weights", 0.9, "gradual"),
        ("channels", 0.75, "none"), ("channels", 0.75, "one_shot"),
    ]  # fmt: skip
    records = live_pruning.measure(pruned, small, "tiny_conv")
    left = {(r.subject["method"], r.subject["tuning"]): r.value
            for r in records if r.metric == "parameters"}  # fmt: skip
    assert left["weights", "gradual"] == left["weights", "none"] == 12 + 1664
    assert left["channels", "one_shot"] == 2 * 80 + 2 + 4000 + 4
    assert len(select(records, "accuracy", split="testing")) == 5


def test_what_is_pruned_live_costs_less_of_the_board(pruned, small):
    profiles = live_pruning.profile_live(pruned, small)
    whole, weights, channels = profiles.values()
    assert [setting.method for setting in profiles] == ["dense", "weights", "channels"]
    assert weights.flash < whole.flash
    assert channels.stages["network"].cycles < whole.stages["network"].cycles / 2
    table = live_pruning.tabulate_profiles(profiles, "speech")
    assert "unpruned" in table and "75&nbsp;% of channels removed" in table
