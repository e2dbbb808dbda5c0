"""The kernels give the same bits as TensorFlow Lite Micro's interpreter, wherever they run."""

import shutil

import numpy as np
import pytest
from accepted import graph_or_reject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_networks import NETWORKS
from reference import run_reference

from kwslib.board.emulator import Emulator
from kwslib.deploy.compile import compile_network
from kwslib.deploy.host import build_host_network

KERNELS = ("portable", "dsp")


def inputs_for(size, seed):
    """Random ones, the extremes, and a constant."""
    rng = np.random.default_rng(seed)
    random = rng.integers(-128, 128, (3, size))
    edges = np.stack([np.full(size, -128), np.full(size, 127), rng.choice([-128, 127], size)])
    return np.concatenate([random, edges]).astype(np.int8)


@pytest.mark.parametrize("name", NETWORKS)
def test_host_equals_the_reference_interpreter(name):
    @settings(max_examples=20, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(data=NETWORKS[name], seed=st.integers(0, 2**32 - 1))
    def check(data, seed):
        graph = graph_or_reject(data)
        inputs = inputs_for(graph.input.size, seed)
        expected = run_reference(data, inputs)
        for kernels in KERNELS:
            network = build_host_network(graph, kernels)
            found = np.stack([network.run(values) for values in inputs])
            np.testing.assert_array_equal(found, expected, err_msg=kernels)

    check()


def run_emulated(graph, kernels, folder, inputs):
    board = Emulator(compile_network(graph, "emulator", folder, kernels).program)
    outputs = []
    for values in inputs:
        board.write(board.call("kws_network_input").value, values.tobytes())
        board.call("kws_network_run")
        address = board.call("kws_network_output").value
        outputs.append(np.frombuffer(board.read(address, graph.output.size), np.int8))
    return np.stack(outputs)


@pytest.mark.parametrize("name", NETWORKS)
def test_cortex_m4_equals_the_reference_interpreter(name, tmp_path):
    @settings(max_examples=6, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(data=NETWORKS[name], seed=st.integers(0, 2**32 - 1))
    def check(data, seed):
        graph = graph_or_reject(data)
        inputs = inputs_for(graph.input.size, seed)
        expected = run_reference(data, inputs)
        for kernels in KERNELS:
            found = run_emulated(graph, kernels, tmp_path / kernels, inputs)
            np.testing.assert_array_equal(found, expected, err_msg=kernels)
            shutil.rmtree(tmp_path / kernels)

    check()
