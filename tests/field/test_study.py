"""Field tests as they lie in the repository."""

import pytest

from kwslib.field.outcomes import original, published
from kwslib.files import sha256_of_file
from kwslib.models.checkpoint import PUBLISHED as NETWORKS


def test_the_originals_counts_are_those_of_its_report():
    assert (original("yes").count, original("yes").trials) == (8, 10)
    assert (original("no").count, original("no").trials) == (9, 10)


@pytest.mark.parametrize("network", ["tiny_conv-yes_no", "tiny_conv-yes_no_left"])
def test_published_tests_are_of_the_published_networks_and_large_enough(network):
    found = published(network)
    (record,) = found.records
    assert found.network == network
    assert record.subject["sha256"] == sha256_of_file(NETWORKS / f"{network}.tflite")
    assert record.method == "emulated"
    assert set(found.by_keyword()) == set(found.keywords)
    assert all(len(trials) >= 40 for trials in found.by_keyword().values())
