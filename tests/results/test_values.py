"""The committed sweeps, as the chapters load them."""

import doctest

import pytest

from kwslib.errors import InputError
from kwslib.records import FOLDER, read_records
from kwslib.results import few_bits, values
from kwslib.results.pruned_accuracy import COMMITTED, load_sweeps
from kwslib.results.values import author_of, repository_of
from kwslib.studies.quantization import KINDS

NETWORK = "tiny_conv-yes_no"


@pytest.mark.parametrize("kind", COMMITTED)
def test_a_sweep_of_pruning_is_the_file_of_its_kind_and_network(kind):
    records = read_records(FOLDER / f"sweeps/pruning-{kind}-{NETWORK}.json")
    assert records and list(load_sweeps(NETWORK)[kind]) == records


@pytest.mark.parametrize("kind", KINDS)
def test_a_sweep_of_quantization_is_the_file_of_its_kind_and_network(kind):
    records = read_records(FOLDER / f"sweeps/quantization-{kind}-{NETWORK}.json")
    assert records and list(few_bits.load_sweep(kind, NETWORK)) == records


def test_a_network_without_sweeps():
    assert load_sweeps("nothing") == {}


def test_a_file_without_records(tmp_path):
    (tmp_path / "nothing.json").write_text("{")
    with pytest.raises(InputError, match=r"nothing\.json"):
        values.load("nothing.json", tmp_path)


SOURCES = sorted(
    {record.source for path in FOLDER.glob("literature*.json") for record in read_records(path)}
)


def test_the_examples_hold():
    assert doctest.testmod(values).failed == 0


@pytest.mark.parametrize("source", SOURCES)
def test_of_code_the_author_owns_the_repository(source):
    if source.startswith("github.com/"):
        owner, _, name = repository_of(source).partition("/")
        assert author_of(source) == owner and name
    else:
        assert author_of(source) == source
        assert source.startswith(repository_of(source))
