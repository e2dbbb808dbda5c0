"""Published files in integers: whose they are, and what they cost."""

import shutil

import pytest

from kwslib.deploy import publish as module
from kwslib.deploy.compressed import quantize_checkpoint
from kwslib.files import sha256_of_file
from kwslib.models.checkpoint import PUBLISHED
from kwslib.quantize.network import Widths
from kwslib.records import read_records, select

NAME = "tiny_conv-yes_no"


@pytest.fixture
def folder(tmp_path):
    shutil.copy(PUBLISHED / f"{NAME}.safetensors", tmp_path)
    return tmp_path


@pytest.mark.parametrize("tolerated, method", [(1.0, None), (-1.0, "ptq")])
def test_a_conversion_that_costs_too_much_gives_way_to_our_own(
    folder, tones, monkeypatch, tolerated, method
):
    monkeypatch.setattr(module, "LOST", tolerated)
    records = read_records(module.publish(NAME, str(tones), folder))
    made = sha256_of_file(folder / f"{NAME}.tflite")
    assert all(record.subject["tflite"] == made for record in records)
    assert all(record.subject.get("method") == method for record in records)
    if method == "ptq":
        checkpoint, own = str(folder / f"{NAME}.safetensors"), folder / "own.tflite"
        _, found = quantize_checkpoint(checkpoint, "ptq", Widths(8, 8), str(tones), out=own)
        (accuracy,) = select(records, "accuracy", split="validation")
        assert sha256_of_file(own) == made
        assert accuracy.value == found["integer_accuracy"]


def test_no_published_file_costs_more_than_it_may():
    costs = {}
    for path in sorted(PUBLISHED.glob("*-int8.json")):
        floats = read_records(path.with_name(path.name.replace("-int8", "")))
        (whole,) = select(floats, "accuracy", split="validation", seed=0)
        (integers,) = select(read_records(path), "accuracy", split="validation")
        costs[path.name] = whole.value - integers.value
    assert len(costs) >= 10
    assert {name: cost for name, cost in costs.items() if cost > module.LOST} == {}
