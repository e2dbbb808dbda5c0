"""What the reader takes and what it names when it refuses."""

import random
from contextlib import suppress

import numpy as np
import pytest
from alterations import altered
from batches import KERNELS, Batch, Example
from small_networks import Builder, options, window_options

from kwslib.deploy.codegen import generate
from kwslib.errors import InputError
from kwslib.models.checkpoint import PUBLISHED
from kwslib.network.facts import with_facts
from kwslib.network.reader import graph_of, read_graph
from kwslib.network.reference import activations
from kwslib.network.writer import tflite_bytes

TINY_CONV = (PUBLISHED / "tiny_conv-yes_no.tflite").read_bytes()


def network(name="RELU", given_options=None):
    build = Builder()
    x = build.tensor([1, 4, 4, 1], 0.1, 0, name="source")
    y = build.tensor([1, 4, 4, 1], 0.1, 0, name="result")
    build.operator(name, [x], y, given_options)
    return build.finish([x], [y])


def test_an_operator_that_cannot_be_compiled_is_named():
    with pytest.raises(InputError, match=r"operator 0 LOGISTIC \(output 'result'\): cannot be"):
        graph_of(network("LOGISTIC"))


def test_a_float_network_is_told_what_it_needs():
    build = Builder()
    x = build.tensor([1, 4], name="source")
    build.subgraph.tensors[x].type = 0
    with pytest.raises(InputError, match="'source' is FLOAT32, not INT8; 'kws convert'"):
        graph_of(build.finish([x], [x]))


def test_missing_and_foreign_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.tflite: no such file"):
        read_graph(tmp_path / "none.tflite")
    path = tmp_path / "text.tflite"
    path.write_text("this is no network at all")
    with pytest.raises(InputError, match="is no TFLite file"):
        read_graph(path)


def narrow_network(claimed, weights=(-8, 7)):
    build = Builder()
    x = build.tensor([1, 2], 0.1, 0)
    for step in range(2):
        w = build.tensor([2, 2], 0.1, 0, np.array([weights, weights], np.int8))
        y = build.tensor([1, 2], 0.1 + step, 0)
        x = build.operator("FULLY_CONNECTED", [x, w, -1], y, options("FullyConnectedOptions"))
    return with_facts(build.finish([0], [x]), {"weight_bits": claimed})


def test_the_bits_of_weights_are_read():
    assert graph_of(narrow_network([4, 5])).weight_bits == (4, 5)
    assert graph_of(TINY_CONV).weight_bits == (8, 8)
    assert graph_of(narrow_network([2, 8], (-2, 1))).weight_bits == (2, 8)


@pytest.mark.parametrize(
    "claimed",
    [[4], [4, 4, 4], [], 4, None, "44", {"0": 4}, [4, "4"], [4, 4.0], [4, True], [4, None],
     [4, 1], [4, 9], [4, -4], [4, 10**30], [4, [4]], list(range(1000))],
)  # fmt: skip
def test_damaged_bits_of_weights_are_refused(claimed):
    with pytest.raises(InputError, match="'weight_bits' in its metadata must list an") as caught:
        graph_of(narrow_network(claimed))
    assert len(str(caught.value).splitlines()) == 1
    assert "from 2 to 8 for each of its 2 operators with weights; write it anew" in str(
        caught.value
    )


@pytest.mark.parametrize(("bits", "weights"), [(4, (-9, 7)), (4, (-8, 8)), (2, (-2, 2))])
def test_weights_beyond_their_bits_are_refused(bits, weights):
    with pytest.raises(InputError, match=r"weights reach -?\d, outside of .*state the bits"):
        graph_of(narrow_network([8, bits], weights))
    assert graph_of(narrow_network([8, bits + 1], weights)).weight_bits == (8, bits + 1)


def test_sums_beyond_32_bits_are_refused():
    build = Builder()
    x = build.tensor([1, 4], 0.1, 0)
    w = build.tensor([1, 4], 0.1, 0, np.full((1, 4), 127, np.int8))
    b = build.tensor([1], 0.01, 0, np.array([2**31 - 1], np.int32))
    y = build.tensor([1, 1], 0.1, 0)
    build.operator("FULLY_CONNECTED", [x, w, b], y, options("FullyConnectedOptions"))
    with pytest.raises(InputError, match="sums of channel 0 can exceed 32 bits"):
        graph_of(build.finish([x], [y]))


def test_several_inputs_and_outputs_run_but_are_not_compiled():
    build = Builder()
    x, y = (build.tensor([1, 4], 0.1, 0, name=name) for name in "xy")
    total = build.operator("ADD", [x, y], build.tensor([1, 4], 0.1, 0), options("AddOptions"))
    twice = build.operator("ADD", [total, y], build.tensor([1, 4], 0.1, 0), options("AddOptions"))
    graph = graph_of(build.finish([x, y], [total, twice]))
    assert [tensor.name for tensor in graph.inputs] == ["x", "y"]
    ones = np.ones((2, 4), np.int8)
    found = activations(graph, ones, 3 * ones)
    assert [found[tensor.name].max() for tensor in graph.outputs] == [4, 7]
    again = graph_of(tflite_bytes(graph))
    assert (again.inputs, again.outputs) == (graph.inputs, graph.outputs)
    with pytest.raises(InputError, match="the network has 2 inputs; one can be compiled"):
        generate(graph)


def test_tensors_of_one_name_are_told_apart():
    build = Builder()
    x = build.tensor([1, 4], 0.1, 0, name="same")
    y = build.operator("RESHAPE", [x], build.tensor([1, 2, 2], 0.1, 0, name="same"))
    assert [tensor.name for tensor in graph_of(build.finish([x], [y])).outputs] == ["same:1"]


def test_a_wrong_output_shape_is_refused():
    build = Builder()
    x = build.tensor([1, 5, 5, 1], 0.1, 0)
    y = build.tensor([1, 5, 5, 1], 0.1, 0)
    given_options = window_options(
        "Pool2DOptions", (2, 2), "SAME", "NONE", filterHeight=2, filterWidth=2
    )
    build.operator("MAX_POOL_2D", [x], y, given_options)
    with pytest.raises(InputError, match=r"gives \(3, 3\) places, but its output has \(5, 5\)"):
        graph_of(build.finish([x], [y]))


@pytest.mark.parametrize("kernels", KERNELS)
def test_altered_networks_that_compile_run_within_their_buffers(kernels, tmp_path):
    """Some that are read, under the address and undefined-behaviour sanitizers."""
    rng = random.Random(7)
    graphs = [graph_of(TINY_CONV)]
    while len(graphs) < 6:
        with suppress(InputError):
            graph = graph_of(altered(TINY_CONV, rng, TINY_CONV))
            if graph not in graphs and graph.input and graph.output:
                graphs.append(graph)
    examples = [
        Example(
            "altered",
            generate(graph, kernels),
            (np.arange(graph.input.size) * 37).astype(np.int8)[None],
            np.empty((1, graph.output.size), np.int8),
        )
        for graph in graphs
    ]
    Batch(examples, tmp_path).run_sanitized()


def test_a_valid_file_with_more_than_can_be_read_is_not_called_damaged():
    build = Builder()
    build.tensor((1, 4))
    many = [build.tensor((1, 4)) for _ in range(17)]
    build.operator("CONCATENATION", many, build.tensor((1, 68)), None)
    two = Builder()
    two.tensor((1, 4))
    two.model.subgraphs = [two.subgraph, two.subgraph]
    for made, what in ((build, "17 operands"), (two, "2 subgraphs")):
        with pytest.raises(InputError, match=f"has {what}.*'kws convert'") as caught:
            graph_of(made.finish([0], [0]), "model")
        assert "damaged" not in str(caught.value)
