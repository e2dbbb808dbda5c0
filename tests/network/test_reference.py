"""Inference in integers equals TensorFlow Lite Micro's, tensor by tensor."""

from dataclasses import replace

import numpy as np
import pytest
from accepted import graph_or_reject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from integer_files import part_of, reference_activations, with_tensors
from integer_networks import IMAGE, KINDS, images_for, integer_networks, network_at_ties, with_head
from random_networks import NETWORKS
from reference import run_reference

from kwslib.deploy.predictors import predictor
from kwslib.errors import InputError
from kwslib.models.checkpoint import PUBLISHED
from kwslib.network.reader import graph_of
from kwslib.network.reference import activations, run
from kwslib.network.tensors import Tensor
from kwslib.network.weighted import FullyConnected
from kwslib.network.writer import tflite_bytes

PUBLISHED_FILES = sorted(PUBLISHED.glob("*.tflite"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_tensor_equals_the_reference_interpreters(kind):
    @settings(max_examples=60, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(network=integer_networks(kind), seed=st.integers(0, 2**32 - 1))
    def check(network, seed):
        images = images_for(network, seed)
        expected = reference_activations(tflite_bytes(network), images)
        found = activations(network, images)
        assert set(found) == set(expected)
        for name in found:
            np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
        np.testing.assert_array_equal(run(network, images), expected[network.output.name])

    check()


@pytest.mark.parametrize("kind", NETWORKS)
def test_files_at_random_run_as_in_the_reference_interpreter(kind):
    @settings(max_examples=20, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(data=NETWORKS[kind], seed=st.integers(0, 2**32 - 1))
    def check(data, seed):
        network = graph_or_reject(data)
        rng = np.random.default_rng(seed)
        inputs = rng.integers(-128, 128, (4, *network.input.shape[1:])).astype(np.int8)
        found = activations(network, inputs)[network.output.name]
        expected = run_reference(data, inputs)
        np.testing.assert_array_equal(found.reshape(expected.shape), expected)
        again = graph_of(tflite_bytes(network))
        held = activations(again, inputs)[network.output.name]
        np.testing.assert_array_equal(held, found)

    check()


@pytest.mark.parametrize("kind", ["conv2d", "fully_connected"])
@pytest.mark.parametrize("one_scale", [True, False])
def test_sums_beside_a_tie_are_rounded_as_the_references(kind, one_scale):
    """There the last bits of a multiplier decide; sums are large, so that the bits matter."""
    network = network_at_ties(kind, one_scale)
    images = images_for(network, 0)[:1]
    expected = reference_activations(tflite_bytes(network), images)
    found = activations(network, images)
    for name in found:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


@pytest.mark.parametrize("scale", [1e-4, 0.004, 0.02, 0.05, 0.11, 0.5, 3.0])
@pytest.mark.parametrize("outputs", [2, 3, 20])
def test_a_softmax_of_any_logits_equals_the_references(scale, outputs):
    """Weights of one in the diagonal make the first pixels the logits."""
    logits = Tensor("logits", (1, outputs), scale, 0)
    weights = np.eye(outputs, IMAGE.size, dtype=int)
    bias = np.full(outputs, -128)
    layer = FullyConnected((IMAGE,), logits, weights, np.array([scale * 255]), bias)
    network = with_head((layer,))
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (1000, 4, 5)).astype(np.uint8)
    images[::2] >>= 2  # greatest values side by side
    expected = reference_activations(tflite_bytes(network), images)
    found = activations(network, images)
    assert len(np.unique(found["logits"])) > 250
    np.testing.assert_array_equal(found["scores"], expected["scores"])


@pytest.mark.parametrize("path", PUBLISHED_FILES, ids=lambda path: path.stem)
def test_published_networks_score_as_their_files(path):
    network = graph_of(path.read_bytes())
    images = images_for(network, 0)
    np.testing.assert_array_equal(run(network, images), predictor(path)(images))


@pytest.mark.real_speech
def test_every_test_clip_scores_as_in_the_reference_interpreter(official_task):
    path = PUBLISHED / "tiny_conv-yes_no.tflite"
    clips = official_task.examples("testing")
    scores = run(graph_of(path.read_bytes()), clips.deployed)
    assert scores.shape == (1368, 4)
    np.testing.assert_array_equal(scores, predictor(path)(clips.deployed))


@pytest.mark.parametrize("bits", [2, 4, 7])
@pytest.mark.parametrize("zero_point", [-2, 0, 1])
def test_a_narrow_activation_is_clamped_to_its_width(bits, zero_point):
    """The reference runs what stands before and after it, and is clamped in between."""
    network = graph_of((PUBLISHED / "tiny_conv-yes_no.tflite").read_bytes())
    stored = {network.operators[0].output.name, network.operators[1].output.name}

    def hidden(width):
        def change(tensor):
            if tensor.name not in stored:
                return tensor
            scale = tensor.scale * 2 ** (8 - width)
            return replace(tensor, bits=width, scale=scale, zero_point=zero_point)

        return change

    narrow = with_tensors(network, hidden(bits))
    widened = with_tensors(narrow, lambda tensor: replace(tensor, bits=8))
    data = tflite_bytes(widened)
    images = images_for(network, 0)
    inputs = (images.astype(np.int16) - 128).astype(np.int8)
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    kept = run_reference(part_of(data, 0, 1), inputs).clip(low, high)
    held = activations(narrow, images)[narrow.operators[0].output.name]
    np.testing.assert_array_equal(held.reshape(kept.shape), kept)
    assert kept.max() == high
    np.testing.assert_array_equal(run(narrow, images), run_reference(part_of(data, 1, 4), kept))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 49, 40)), "images are float64"),
        (np.zeros((2, 40, 40), np.uint8), r"the network takes uint8 \(2, 49, 40, 1\)"),
    ],
)
def test_images_of_another_kind_are_refused(images, message):
    network = graph_of(PUBLISHED_FILES[0].read_bytes())
    with pytest.raises(InputError, match=message):
        run(network, images)


def test_no_image_gives_no_scores():
    network = graph_of((PUBLISHED / "tiny_conv-yes_no.tflite").read_bytes())
    assert run(network, np.zeros((0, 49, 40), np.uint8)).shape == (0, 4)
