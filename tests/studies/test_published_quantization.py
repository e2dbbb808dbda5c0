"""The committed sweeps of quantization: complete, and what they were meant to reach."""

from statistics import mean

import pytest

from kwslib.records import FOLDER, read_records, select
from kwslib.studies.quantization import KINDS, settings

SWEEPS = {
    kind: read_records(FOLDER / "sweeps" / f"quantization-{kind}-tiny_conv-yes_no.json")
    for kind in KINDS
}
RECORDS = SWEEPS["widths"]
SEEDS = [0, 1, 2, 3, 4]
SEEDS_OF = {"widths": SEEDS, "ablations": SEEDS, "minifloat": SEEDS[:3]}


def accuracy(method, weights, activations, metric="accuracy", records=RECORDS):
    found = select(
        records, metric, method=method, weights=weights, activations=activations, split="testing"
    )
    assert sorted(record.subject["seed"] for record in found) == SEEDS
    return mean(record.value for record in found)


@pytest.fixture(scope="module")
def unquantized():
    return accuracy("float", "float", "float")


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_is_there_on_the_official_clips(kind):
    for setting in settings(kind, SEEDS_OF[kind]):
        wanted = {"method": setting.method, "weights": setting.weights,
                  "activations": setting.activations, "seed": setting.seed}  # fmt: skip
        found = select(SWEEPS[kind], "accuracy", **wanted)
        assert {record.data["split"] for record in found} == {"validation", "testing"}
    assert {record.data["clips"] for record in SWEEPS[kind]} == {1333, 1368}


@pytest.mark.parametrize(
    "method, bits, lost",
    [("ptq", "8", 0.003), ("qat", "8", 0.003), ("qat", "4", 0.01), ("qat", "3", 0.025)],
)
def test_what_a_width_may_cost(unquantized, method, bits, lost):
    assert accuracy(method, bits, bits) >= unquantized - lost


def test_two_bits_for_weights():
    assert accuracy("qat", "2", "8") >= 0.86


def test_integers_say_what_the_quantized_networks_say():
    for bits in ("2", "3", "4", "8"):
        for method in ("ptq", "qat"):
            told = accuracy(method, bits, bits)
            assert accuracy(method, bits, bits, "integer_accuracy") == pytest.approx(
                told, abs=0.005
            )


def test_the_mistakes_cost_what_training_within_gains():
    """At four bits and fewer, which is where the original report saw no gain."""
    records = SWEEPS["ablations"]
    for bits in ("2", "3", "4"):
        right = accuracy("observed", bits, bits, records=records)
        assert accuracy("overwriting", bits, bits, records=records) < right - 0.01
