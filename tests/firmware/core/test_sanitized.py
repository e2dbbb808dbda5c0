"""The kernels neither leave their buffers nor do what C leaves undefined."""

import pytest
from batches import KERNELS, Batch, examples_at_random
from random_networks import NETWORKS, SPARSE_NETWORKS, ways


@pytest.mark.parametrize("kernels", KERNELS)
def test_clean_under_the_address_and_undefined_behaviour_sanitizers(kernels, tmp_path):
    Batch(examples_at_random(2, NETWORKS, [kernels]), tmp_path).check_sanitized()


def test_kernels_that_skip_zeros_are_clean(tmp_path):
    examples = examples_at_random(4, SPARSE_NETWORKS, ["dsp"], ways)
    Batch(examples, tmp_path).check_sanitized()
