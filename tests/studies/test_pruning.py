"""The sweeps of pruning: what they measure, and that each measures it."""

from dataclasses import replace

import pytest
import torch

from kwslib.errors import InputError
from kwslib.models import create
from kwslib.models.checkpoint import load
from kwslib.prune.masks import zeros_of
from kwslib.prune.methods import CRITERIA_OF, METHODS
from kwslib.records import select
from kwslib.studies import pruned_boards
from kwslib.studies import pruning as studies
from kwslib.studies.pruned_boards import COMPILED, measure_on_board, study_on_board
from kwslib.studies.pruning import (
    KINDS,
    Base,
    Setting,
    deployed,
    measure,
    pruned_network,
    settings,
    study,
)


@pytest.mark.parametrize("kind", KINDS)
def test_settings_come_seed_by_seed_and_begin_with_the_dense_network(kind):
    found = settings(kind, [4, 5])
    assert len(found) == len(set(found))
    assert found[0] == Setting(seed=4)
    assert [replace(each, seed=5) for each in found if each.seed == 4] == [
        each for each in found if each.seed == 5
    ]
    for each in found:
        assert 0 <= each.amount < 1
        if each.method in METHODS:
            assert each.criterion in CRITERIA_OF[each.method]


def test_weights_at_eleven_amounts_with_training_and_without():
    found = settings("weights", [0])
    for tuning in ("none", "gradual"):
        amounts = {each.amount for each in found if each.tuning == tuning and each.amount}
        assert len(amounts) == 11 and max(amounts) == 0.995
    untuned = {each.criterion for each in found if each.tuning == "none" and each.amount == 0.8}
    assert untuned == {"global", "layer", "lamp"}


def test_schedules_share_the_setting_with_the_weights():
    common = set(settings("schedules", [0])) & set(settings("weights", [0]))
    assert {each.amount for each in common if each.tuning == "gradual"} == {0.9, 0.98}
    tunings = {each.tuning for each in settings("schedules", [0])}
    assert {"one_shot", "iterative", "gradual", "one_shot+rewind", "iterative+rewind"} <= tunings


def test_blocks_by_every_norm_at_equal_amounts():
    for amount in studies.BLOCK_AMOUNTS:
        own = [each for each in settings("norms", [0]) if each.amount == amount]
        assert {(each.criterion, each.tuning) for each in own} == {
            (kind, tuning) for kind in ("l1", "l2", "linf") for tuning in ("none", "gradual")
        }


def test_every_number_of_channels_by_every_criterion_and_from_scratch():
    found = settings("channels", [0])
    for gone in range(1, 8):
        own = {(each.criterion, each.tuning) for each in found
               if (each.method, each.amount) == ("channels", gone / 8)}  # fmt: skip
        tuned = {criterion for criterion, tuning in own if tuning == "one_shot"}
        assert {criterion for criterion, tuning in own if tuning == "none"} == {
            *CRITERIA_OF["channels"]
        }
        assert tuned == ({*CRITERIA_OF["channels"]} if gone in (2, 4, 6) else {"l2"})
    scratch = [each for each in found if each.method == "scratch"]
    assert {(each.criterion, each.tuning) for each in scratch} == {("", "none")}
    assert [8 * (1 - each.amount) for each in scratch] == [6, 4, 2, 1]


def test_what_is_quantized_is_pruned_as_in_the_other_sweeps():
    elsewhere = {each for kind in ("weights", "channels") for each in settings(kind, [0])}
    for each in [*settings("together", [0]), *deployed([0])]:
        assert each.method == "blocks" or replace(each, quantized="float", bits=32) in elsewhere
    assert {(each.quantized, each.bits) for each in settings("together", [0])} == {
        ("float", 32), ("ptq", 8), ("ptq", 4), ("qat", 8), ("qat", 4),
    }  # fmt: skip
    assert all(each.bits in (4, 8) for each in deployed([0]))


@pytest.fixture
def base(monkeypatch, tones, own_cache):
    """One epoch of everything, on tones."""
    monkeypatch.setattr("kwslib.prune.methods.EPOCHS", dict.fromkeys(METHODS, 1))
    monkeypatch.setattr("kwslib.quantize.qat.AWARE_EPOCHS", 1)
    return Base(str(tones), epochs=1)


def value(records, metric, **wanted):
    (record,) = select(records, metric, **wanted)
    return record.value


@pytest.mark.parametrize(
    "setting",
    [
        Setting("weights", 0.9, "global"),
        Setting("weights", 0.9, "lamp", "gradual"),
        Setting("weights", 0.9, "lamp", "iterative+rewind"),
        Setting("weights", 0.9, "lamp", "gradual", "qat", 4),
    ],
)
def test_weights_are_scored_and_counted(base, setting):
    records = measure(setting, base=base)
    metrics = ["accuracy"] + ["integer_accuracy"] * (setting.quantized != "float")
    for metric in metrics:
        for split, clips in (("validation", 28), ("testing", 28)):
            (record,) = select(records, metric, split=split)
            assert record.interval[0] <= record.value <= record.interval[1]
            assert record.data["clips"] == clips
    assert value(records, "sparsity") == pytest.approx(0.9)
    assert value(records, "parameters") == 1664 + 12
    assert value(records, "flops") < 676_004
    bits = setting.bits
    assert value(records, "size") == 16_640 * bits // 8 + 48
    for record in records:
        assert record.subject["amount"] == 0.9 and record.subject["tuning"] == setting.tuning


@pytest.mark.parametrize(
    "setting",
    [
        Setting("channels", 0.75, "taylor"),
        Setting("channels", 0.75, "activation", "one_shot"),
        Setting("scratch", 0.75),
        Setting("channels", 0.75, "l2", "one_shot", "ptq", 8),
    ],
)
def test_channels_are_scored_and_counted(base, setting):
    records = measure(setting, base=base)
    assert value(records, "parameters") == 2 * 81 + 4 * 1001
    assert value(records, "macs") == 336_000 // 4
    assert value(records, "sparsity") == 0


def test_of_the_dense_network_each_layer_is_looked_at(base):
    records = measure(Setting(), base=base)
    assert value(records, "flops") == 676_004
    weights = value(records, "weight_sensitivity")
    assert {each["layer"] for each in weights} == {"conv", "classifier"}
    channels = value(records, "channel_sensitivity")
    assert [each["amount"] for each in channels] == [gone / 8 for gone in range(8)]
    quantized = measure(Setting(quantized="ptq", bits=8), base=base)
    assert select(quantized, "weight_sensitivity") == []


def test_a_pruned_network_is_made_once_and_says_what_it_is(base, monkeypatch):
    setting = Setting("channels", 0.5, "l1", "one_shot", seed=1)
    network, info = pruned_network(setting, base)
    assert info.widths == {"conv": 4}
    assert info.training["pruning"]["criterion"] == "l1"
    monkeypatch.setattr(studies, "_pruned", lambda *_: pytest.fail("pruned again"))
    again, _ = pruned_network(replace(setting, quantized="qat", bits=4), base)
    for name, tensor in network.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)


def test_a_network_from_scratch_is_none_of_the_large_ones_channels(base):
    network, _ = pruned_network(Setting("scratch", 0.5), base)
    dense, _ = pruned_network(Setting(), base)
    assert len(network.conv.weight) == 4
    assert (
        not torch.isclose(network.conv.weight[:, None], dense.conv.weight[None])
        .all((2, 3, 4))
        .any()
    )


def test_zeros_stay_through_quantization_aware_training(base):
    setting = Setting("weights", 0.8, "lamp", "gradual", "qat", 4)
    network, _ = pruned_network(setting, base)
    quantized = studies.quantized(setting, network, base.dataset)
    for name, layer in quantized.layers():
        zero = ~zeros_of(network).remaining[name]
        assert not layer.layer.weight[zero].any()


def test_a_study_keeps_what_it_measured(base, monkeypatch, tmp_path):
    few = [Setting(), Setting("weights", 0.8, "layer")]
    monkeypatch.setattr(studies, "settings", lambda kind, seeds: few)
    kept = tmp_path / "kept"
    first, again = (study("weights", [0], base, jobs=1, folder=kept) for _ in range(2))
    assert first == again  # with their times, so nothing was measured twice


def test_what_is_no_study(base):
    with pytest.raises(InputError, match="sweep 'depths': must be one of weights"):
        study("depths", [0], base)
    with pytest.raises(InputError, match="seeds: none given"):
        study("weights", [], base)
    with pytest.raises(InputError, match="name its scheduler"):
        study("weights", [0], base, backend="dask")


@pytest.mark.parametrize(
    "setting",
    [Setting("channels", 0.75, "l2", "one_shot", "ptq", 8),
     Setting("weights", 0.9, "lamp", "gradual", "qat", 4)],
)  # fmt: skip
def test_a_pruned_network_on_the_board(base, setting, monkeypatch, tmp_path):
    monkeypatch.setattr(pruned_boards, "EMULATED_CLIPS", 3)
    monkeypatch.setattr(pruned_boards, "deployed", lambda seeds: [setting])
    records = study_on_board([0], base, tmp_path / "kept")
    assert value(records, "exact_clips") == {"host": 28, "emulator": 3}
    assert value(records, "cycles") >= value(records, "instructions") > 10_000
    for metric in ("flash", "ram", "stack", "weights", "flash_reads"):
        assert value(records, metric) > 0
    times = {record.subject["runtime"][:7]: record for record in select(records, "run_time")}
    assert set(times) == {COMPILED[:7], "PyTorch"}
    assert all(record.method == "measured" and record.value > 0 for record in times.values())
    assert len(select(records, "integer_accuracy")) == 2
    assert select(records, "cycles")[0].target == "emulator"


def test_other_scores_than_the_integers_are_an_error(base, monkeypatch):
    setting = Setting("channels", 0.75, "l2", "none", "ptq", 8)
    whole = pruned_boards.run_integers
    monkeypatch.setattr(
        pruned_boards, "run_integers", lambda network, images: whole(network, images) ^ 1
    )
    with pytest.raises(RuntimeError, match="the network on host gives other scores"):
        measure_on_board(setting, base=base)


def test_a_network_of_the_registry_is_rebuilt_from_the_cache(base, tmp_path):
    pruned_network(Setting("channels", 0.25, "linf"), base)
    (path,) = (tmp_path / "cache" / "pruned" / "tiny_conv").glob("*.safetensors")
    assert len(load(path)[0].conv.weight) == 6 == len(create("tiny_conv", 4).conv.weight) - 2
