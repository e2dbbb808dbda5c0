"""The sweeps of quantization: what they measure, and that each measures it."""

import pytest

from kwslib.errors import InputError
from kwslib.quantize.minifloat import Minifloat
from kwslib.studies import quantization as studies
from kwslib.studies.base import Base
from kwslib.studies.quantization import Setting, measure, settings, study


def test_widths():
    found = settings("widths", [0, 1])
    assert len(found) == len(set(found))
    for seed in (0, 1):
        own = [each for each in found if each.seed == seed]
        assert own[0] == Setting("float", "float", "float", seed)
        for method in ("ptq", "qat"):
            pairs = {(each.weights, each.activations) for each in own if each.method == method}
            assert {(str(bits), "float") for bits in range(2, 9)} <= pairs
            assert {(str(bits), str(bits)) for bits in range(2, 9)} <= pairs
            assert ("2", "8") in pairs


def test_small_floats_have_8_bits_at_most():
    weights = [each.widths.weights for each in settings("minifloat", [0])[1:]]
    assert all(isinstance(each, Minifloat) and 3 <= each.bits <= 8 for each in weights)
    assert {(each.exponent_bits, each.mantissa_bits) for each in weights} >= {
        (4, 3),
        (5, 2),
        (2, 1),
    }


def test_the_ablations_have_every_width():
    found = settings("ablations", [3])
    for method in ("uncorrected", "observed", "overwriting", "unclipped", "both"):
        widths = [each.weights for each in found if each.method == method]
        assert widths == [str(bits) for bits in range(2, 9)]
    assert len(found) == 1 + 5 * 7


@pytest.fixture
def quick(monkeypatch, tones, own_cache):
    """One epoch of everything, on tones."""
    monkeypatch.setattr("kwslib.quantize.qat.AWARE_EPOCHS", 1)
    return Base(str(tones), epochs=1)


@pytest.mark.parametrize(
    "setting, metrics",
    [
        (Setting("float", "float", "float", 0), {"accuracy"}),
        (Setting("ptq", "4", "8", 0), {"accuracy", "integer_accuracy"}),
        (Setting("qat", "3", "float", 0), {"accuracy"}),
        (Setting("overwriting", "2", "2", 0), {"accuracy", "integer_accuracy"}),
        (Setting("unclipped", "3", "3", 0), {"accuracy", "integer_accuracy"}),
        (Setting("uncorrected", "3", "3", 0), {"accuracy", "integer_accuracy"}),
        (Setting("ptq", "E2M1", "float", 0), {"accuracy"}),
    ],
)
def test_a_setting_is_scored_on_validation_and_testing(quick, setting, metrics):
    records = measure(setting, base=quick)
    assert {record.metric for record in records} == metrics
    assert len(records) == 2 * len(metrics)
    for record in records:
        assert record.subject["weights"] == setting.weights
        assert record.interval[0] <= record.value <= record.interval[1]
        assert record.data["split"] in ("validation", "testing")


def test_a_study_keeps_what_it_measured(quick, monkeypatch, tmp_path):
    few = [Setting("float", "float", "float", 0), Setting("ptq", "8", "8", 0)]
    monkeypatch.setattr(studies, "settings", lambda kind, seeds: few)
    first = study("widths", [0], quick, jobs=1, folder=tmp_path / "kept")
    again = study("widths", [0], quick, jobs=1, folder=tmp_path / "kept")
    assert first == again  # with their times, so nothing was measured twice
    assert len(first) == 6


def test_what_is_no_study(quick):
    with pytest.raises(InputError, match="sweep 'depths'"):
        study("depths", [0], quick)
    with pytest.raises(InputError, match="seeds: none given"):
        study("widths", [], quick)
