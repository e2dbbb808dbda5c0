"""The sweeps of robustness: what they measure, and that each measures it."""

import pytest

from kwslib.data.dataset import Dataset, open_source
from kwslib.data.disturb import Disturbance
from kwslib.data.synthetic_noise import noises_of
from kwslib.data.task import Task
from kwslib.errors import InputError
from kwslib.evaluation.accuracy import evaluate_split
from kwslib.models.checkpoint import PUBLISHED
from kwslib.records import select
from kwslib.studies import robustness as studies
from kwslib.studies.robustness import SNR_DB, Transfer, measure, settings, study

NETWORK = "tiny_conv-yes_no"


def test_every_noise_comes_at_every_ratio(tones):
    found = settings("snr", str(tones))
    assert found[0] == Disturbance()
    noises = noises_of(open_source(tones))
    assert set(found[1:]) == {Disturbance(0, name, snr) for name in noises for snr in SNR_DB}


def test_the_undisturbed_is_among_shifts_and_levels():
    for kind in ("shift", "level"):
        assert Disturbance() in settings(kind)
        assert len(set(settings(kind))) == len(settings(kind))


def test_both_kinds_of_speech_by_both():
    found = settings("transfer", seeds=[0, 1])
    assert len(found) == len(set(found)) == 8
    assert Transfer("embedded", "real", 1) in found


def test_a_disturbed_network_has_the_accuracy_of_its_evaluation(tones):
    setting = Disturbance(noise="hiss", snr_db=0.0)
    accuracy, recall = measure(setting, model=NETWORK, data=str(tones))
    predict, _ = studies._predictor(NETWORK)
    dataset = Dataset(open_source(tones), Task())
    expected = evaluate_split(predict, dataset, "testing", setting)
    assert (accuracy.metric, accuracy.value) == ("accuracy", expected.accuracy)
    assert accuracy.interval == expected.interval
    assert set(recall.value) == set(dataset.task.labels)
    assert {**accuracy.subject}.items() >= {"noise": "hiss", "snr_db": 0.0, "shift_ms": 0}.items()
    assert accuracy.data["clips"] == 28


def test_a_study_keeps_what_it_measured(own_cache, tones, tmp_path):
    call = {"data": str(tones), "jobs": 1, "folder": tmp_path / "kept"}
    first = study("level", NETWORK, **call)
    assert study("level", NETWORK, **call) == first  # with their times: nothing was measured twice
    assert len(select(first, "accuracy")) == len(settings("level"))
    assert {record.subject["network"] for record in first} == {NETWORK}


def test_transfer_trains_on_one_and_hears_the_other(own_cache, tones, monkeypatch, tmp_path):
    """Tones stand for both kinds of speech: they are quick to learn."""
    monkeypatch.setattr("kwslib.studies.base.open_source", lambda folder: open_source(tones))
    call = {"data": str(tones), "epochs": 1, "jobs": 1, "folder": tmp_path / "kept"}
    records = select(study("transfer", NETWORK, seeds=[3], **call), "accuracy")
    pairs = [(each.subject["trained_on"], each.subject["tested_on"]) for each in records]
    assert pairs == [(a, b) for a in ("real", "embedded") for b in ("real", "embedded")]
    assert {each.subject["seed"] for each in records} == {3}
    assert {each.subject["model"] for each in records} == {"tiny_conv"}


def test_a_file_in_integers_is_studied_too(tones):
    path = str(PUBLISHED / f"{NETWORK}.tflite")
    accuracy, _ = measure(Disturbance(shift_ms=50), model=path, data=str(tones))
    assert 0 <= accuracy.value <= 1


@pytest.mark.real_speech
def test_more_noise_is_harder(speech_commands):
    ratios = {
        snr: measure(
            Disturbance(noise="synthetic_pink_noise", snr_db=snr),
            model=NETWORK, data=str(speech_commands),
        )[0].value
        for snr in (20.0, -5.0)
    }  # fmt: skip
    assert ratios[20.0] > ratios[-5.0] + 0.05


def test_what_is_no_study(tones):
    with pytest.raises(InputError, match="sweep 'weather': must be one of snr, shift"):
        study("weather", NETWORK, data=str(tones))
    with pytest.raises(InputError, match="sweep transfer: needs real speech"):
        study("transfer", NETWORK, data="")
    with pytest.raises(InputError, match="absent"):
        study("shift", "absent", data=str(tones))


def test_images_cannot_be_disturbed(tones, monkeypatch):
    dataset = Dataset(open_source(tones), Task())
    monkeypatch.setattr(type(dataset.source), "has_audio", lambda self, split: split == "testing")
    with pytest.raises(InputError, match="images alone, and only sound can be disturbed"):
        evaluate_split(lambda images: images, dataset, "validation", Disturbance(shift_ms=1))
