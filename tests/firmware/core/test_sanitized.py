"""The kernels neither leave their buffers nor do what C leaves undefined."""

import pytest
from batches import KERNELS, Batch, examples_at_random, often
from random_networks import NETWORKS, SPARSE_NETWORKS, ways


@often(1, 12)
@pytest.mark.parametrize("kernels", KERNELS)
def test_clean_under_the_address_and_undefined_behaviour_sanitizers(kernels, count, tmp_path):
    Batch(examples_at_random(count, NETWORKS, [kernels]), tmp_path).check_sanitized()


@often(2, 24)
def test_kernels_that_skip_zeros_are_clean(count, tmp_path):
    examples = examples_at_random(count, SPARSE_NETWORKS, ["dsp"], ways)
    Batch(examples, tmp_path).check_sanitized()
