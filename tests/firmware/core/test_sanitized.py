"""The kernels neither leave their buffers nor do what C leaves undefined."""

import subprocess

import numpy as np
import pytest
from accepted import graph_or_reject
from hypothesis import HealthCheck, given, settings
from random_networks import NETWORKS, SPARSE_NETWORKS, ways
from reference import run_reference

from kwslib.deploy.codegen import generate
from kwslib.deploy.toolchain import sanitized_program

MAIN = """
#include "network.h"
#include <stdio.h>
int main(void)
{
    for (int i = 0; i < KWS_NETWORK_INPUT_SIZE; ++i)
        kws_network_input()[i] = (int8_t)getchar();
    kws_network_run();
    for (int i = 0; i < KWS_NETWORK_OUTPUT_SIZE; ++i)
        putchar(kws_network_output()[i] & 0xFF);
    return 0;
}
"""


def run_sanitized(source, folder, values):
    """What a network gives under the sanitizers, which find nothing."""
    (folder / "network.h").write_text(source.header)
    (folder / "network.c").write_text(source.source)
    (folder / "main.c").write_text(MAIN)
    sources = [folder / "network.c", folder / "main.c"]
    program = sanitized_program(sources, folder / "network", include=[folder])
    run = subprocess.run(
        [program], input=values.tobytes(), capture_output=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr[:2000].decode()
    return np.frombuffer(run.stdout, np.int8)


@pytest.mark.parametrize("kernels", ["portable", "dsp"])
@pytest.mark.parametrize("name", NETWORKS)
def test_clean_under_the_address_and_undefined_behaviour_sanitizers(name, kernels, tmp_path):
    @settings(max_examples=2, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(data=NETWORKS[name])
    def check(data):
        graph = graph_or_reject(data)
        values = np.random.default_rng(0).integers(-128, 128, graph.input.size).astype(np.int8)
        found = run_sanitized(generate(graph, kernels), tmp_path, values)
        np.testing.assert_array_equal(found, run_reference(data, [values])[0])

    check()


@pytest.mark.parametrize("name", SPARSE_NETWORKS)
def test_kernels_that_skip_zeros_are_clean(name, tmp_path):
    @settings(max_examples=4, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(data=SPARSE_NETWORKS[name], sparse=ways)
    def check(data, sparse):
        graph = graph_or_reject(data)
        values = np.random.default_rng(0).integers(-128, 128, graph.input.size).astype(np.int8)
        found = run_sanitized(generate(graph, sparse=sparse), tmp_path, values)
        np.testing.assert_array_equal(found, run_reference(data, [values])[0])

    check()
