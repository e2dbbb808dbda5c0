"""The kernels neither leave their buffers nor do what C leaves undefined."""

import subprocess

import numpy as np
import pytest
from accepted import graph_or_reject
from hypothesis import HealthCheck, given, settings
from random_networks import NETWORKS
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


@pytest.mark.parametrize("kernels", ["portable", "dsp"])
@pytest.mark.parametrize("name", NETWORKS)
def test_clean_under_the_address_and_undefined_behaviour_sanitizers(name, kernels, tmp_path):
    @settings(max_examples=2, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(data=NETWORKS[name])
    def check(data):
        graph = graph_or_reject(data)
        source = generate(graph, kernels)
        (tmp_path / "network.h").write_text(source.header)
        (tmp_path / "network.c").write_text(source.source)
        (tmp_path / "main.c").write_text(MAIN)
        sources = [tmp_path / "network.c", tmp_path / "main.c"]
        program = sanitized_program(sources, tmp_path / "network", include=[tmp_path])
        values = np.random.default_rng(0).integers(-128, 128, graph.input.size).astype(np.int8)
        run = subprocess.run(
            [program], input=values.tobytes(), capture_output=True, timeout=60, check=False
        )
        assert run.returncode == 0, run.stderr[:2000].decode()
        found = np.frombuffer(run.stdout, np.int8)
        np.testing.assert_array_equal(found, run_reference(data, [values])[0])

    check()
