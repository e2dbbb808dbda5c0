"""The committed sweeps, as the chapters load them."""

import pytest

from kwslib.errors import InputError
from kwslib.records import FOLDER, read_records
from kwslib.results import committed, quantization
from kwslib.results.pruning import COMMITTED, load_sweeps
from kwslib.studies.quantization import KINDS

NETWORK = "tiny_conv-yes_no"


@pytest.mark.parametrize("kind", COMMITTED)
def test_a_sweep_of_pruning_is_the_file_of_its_kind_and_network(kind):
    records = read_records(FOLDER / f"sweeps/pruning-{kind}-{NETWORK}.json")
    assert records and list(load_sweeps(NETWORK)[kind]) == records


@pytest.mark.parametrize("kind", KINDS)
def test_a_sweep_of_quantization_is_the_file_of_its_kind_and_network(kind):
    records = read_records(FOLDER / f"sweeps/quantization-{kind}-{NETWORK}.json")
    assert records and list(quantization.load_sweep(kind, NETWORK)) == records


def test_a_network_without_sweeps():
    assert load_sweeps("nothing") == {}


def test_a_file_without_records(tmp_path):
    (tmp_path / "nothing.json").write_text("{")
    with pytest.raises(InputError, match=r"nothing\.json"):
        committed.load("nothing.json", tmp_path)
