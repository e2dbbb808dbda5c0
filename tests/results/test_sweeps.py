"""The committed sweeps, as the chapters load them."""

import pytest

from kwslib.records import read_records
from kwslib.results.pruning import COMMITTED
from kwslib.results.sweeps import SWEEPS, committed
from kwslib.studies.quantization import KINDS

NETWORK = "tiny_conv-yes_no"
ALL = [*(("quantization", kind) for kind in KINDS), *(("pruning", kind) for kind in COMMITTED)]


@pytest.mark.parametrize("study, kind", ALL)
def test_a_sweep_is_the_file_of_its_study_kind_and_network(study, kind):
    records = read_records(SWEEPS / f"{study}-{kind}-{NETWORK}.json")
    assert records and committed(study, [kind], NETWORK)[kind] == records


def test_a_network_without_sweeps():
    assert committed("pruning", COMMITTED, "nothing") == {}
