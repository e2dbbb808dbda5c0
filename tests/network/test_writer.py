"""Files written without TensorFlow's converter run, compile and are what they say."""

from dataclasses import replace

import numpy as np
import pytest
from batches import KERNELS, Batch, Example
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from integer_files import reference_activations, with_tensors
from integer_networks import KINDS, images_for, integer_networks, network_at_ties
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from kwslib.board.emulator import Emulator
from kwslib.deploy.codegen import generate
from kwslib.deploy.compile import compile_network
from kwslib.deploy.host import build_host_network
from kwslib.deploy.predictors import predictor, predictor_of
from kwslib.errors import InputError
from kwslib.models.checkpoint import PUBLISHED
from kwslib.network.facts import facts_in
from kwslib.network.flatfile import parse
from kwslib.network.reader import graph_of, read_graph
from kwslib.network.reference import activations, run
from kwslib.network.weighted import Weighted
from kwslib.network.writer import tflite_bytes

TINY_CONV = PUBLISHED / "tiny_conv-yes_no.tflite"


@pytest.fixture(scope="module")
def published():
    return graph_of(TINY_CONV.read_bytes())


def narrowed(network, bits):
    """The network with its weights cut to so many bits, whatever that does to its scores."""

    def cut(layer):
        if not isinstance(layer, Weighted):
            return layer
        shift = 8 - bits
        return replace(layer, weights=layer.weights >> shift, scales=layer.scales * 2**shift,
                       bias=layer.bias >> shift, bits=bits)  # fmt: skip

    return replace(network, operators=tuple(map(cut, network.operators)))


def compiled_at_random(kind):
    """Networks in C, all their layers or fewer, with what inference in integers gives."""
    found = []

    @settings(
        max_examples=12, suppress_health_check=list(HealthCheck), derandomize=True, database=None
    )
    @given(
        network=integer_networks(kind),
        seed=st.integers(0, 2**32 - 1),
        kept=st.sampled_from([-2, -1, None]),  # what softmax and the last layer blur
        kernels=st.sampled_from(KERNELS),
    )
    def draw(network, seed, kept, kernels):
        graph = graph_of(tflite_bytes(network))
        operators = graph.operators[:kept]
        graph = replace(graph, operators=operators, outputs=(operators[-1].output,))
        images = images_for(network, seed)
        expected = activations(network, images)[graph.output.name].reshape(len(images), -1)
        inputs = (images.astype(np.int16) - 128).astype(np.int8).reshape(len(images), -1)
        name = f"{kind}, example {len(found)}, {kernels}, layers to {kept}"
        source = generate(graph, kernels)
        found.append(Example(name, source, inputs, expected.astype(np.int8)))

    draw()
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_compiled_networks_equal_inference_in_integers(kind, tmp_path):
    Batch(compiled_at_random(kind), tmp_path).check_on_the_host()


@pytest.mark.parametrize("kind", ["conv2d", "fully_connected"])
@pytest.mark.parametrize("one_scale", [True, False])
def test_compiled_sums_beside_a_tie_are_rounded_as_the_references(kind, one_scale):
    network = network_at_ties(kind, one_scale)
    data = tflite_bytes(network)
    images = images_for(network, 0)[:1]
    graph = graph_of(data)
    first = graph.operators[0]
    compiled = build_host_network(replace(graph, operators=(first,), outputs=(first.output,)))
    found = compiled.run((images[0].astype(np.int16) - 128).astype(np.int8))
    expected = reference_activations(data, images)[first.output.name]
    np.testing.assert_array_equal(found, expected.ravel())


def test_a_published_file_written_again_gives_the_same_scores(published, tmp_path):
    path = tmp_path / "again.tflite"
    path.write_bytes(tflite_bytes(published))
    images = np.random.default_rng(0).integers(0, 256, (50, 49, 40), np.uint8)
    np.testing.assert_array_equal(predictor(path)(images), predictor(TINY_CONV)(images))


def test_a_file_names_labels_model_and_widths(published, tmp_path):
    path = tmp_path / "narrow.tflite"
    path.write_bytes(tflite_bytes(narrowed(published, 4)))
    facts = facts_in(path.read_bytes())
    assert facts == {**facts_in(TINY_CONV.read_bytes()), "weight_bits": [4, 4]}
    _, info = predictor_of(str(path))
    assert (info.model, info.labels) == ("tiny_conv", published.labels)
    assert read_graph(path).weight_bits == (4, 4)


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_narrow_networks_run_everywhere(published, bits, tmp_path):
    network = narrowed(published, bits)
    path = tmp_path / "narrow.tflite"
    path.write_bytes(tflite_bytes(network))
    images = images_for(network, bits)
    expected = predictor(path)(images)
    np.testing.assert_array_equal(run(network, images), expected)
    compiled = compile_network(read_graph(path), "emulator", tmp_path / "emulator")
    board = Emulator(compiled.program)
    for image, scores in zip(images, expected, strict=True):
        pixels = (image.astype(np.int16) - 128).astype(np.int8)
        board.write(board.call("kws_network_input").value, pixels.tobytes())
        board.call("kws_network_run")
        held = board.read(board.call("kws_network_output").value, len(scores))
        assert np.frombuffer(held, np.int8).tolist() == scores.tolist()


def test_the_same_network_gives_the_same_bytes(published):
    again = graph_of(tflite_bytes(published))
    facts = {key: value for key, value in again.facts.items() if key != "weight_bits"}
    assert tflite_bytes(replace(again, facts=facts)) == tflite_bytes(published)


def test_constants_are_aligned_for_a_board(published):
    data = tflite_bytes(published)
    model = schema.Model.GetRootAs(data)
    found = [model.Buffers(i).DataAsNumpy() for i in range(model.BuffersLength())]
    held = [buffer for buffer in found if not isinstance(buffer, int)]
    assert len(held) == 6  # two layers' weights and biases, a shape, the facts
    start = np.frombuffer(data, np.uint8).__array_interface__["data"][0]
    assert {(b.__array_interface__["data"][0] - start) % 16 for b in held} == {0}


def test_a_bias_has_the_scale_of_input_times_weights(published):
    file = parse(tflite_bytes(published))
    layer = published.operators[0]
    bias = next(t for t in file.tensors if t.type == "INT32" and t.shape == (8,))
    np.testing.assert_allclose(bias.scales, layer.input.scale * layer.scales, rtol=1e-6)


def test_narrow_activations_have_no_file(published):
    hidden = published.operators[0].output.name, published.operators[1].output.name

    def change(tensor):
        return replace(tensor, bits=4, zero_point=-8) if tensor.name in hidden else tensor

    with pytest.raises(InputError, match=r"has 4 bits, and a \.tflite file holds activations of 8"):
        tflite_bytes(with_tensors(published, change))
