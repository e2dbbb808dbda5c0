"""Post-training quantization."""

import numpy as np
import pytest
import torch

from kwslib.errors import InputError
from kwslib.models.checkpoint import PUBLISHED, load
from kwslib.network.reader import read_graph
from kwslib.network.weighted import Weighted
from kwslib.quantize.minifloat import E4M3, E5M2
from kwslib.quantize.network import Widths
from kwslib.quantize.ptq import calibration_clips, quantize_after_training
from kwslib.training.predict import predictor


def random_images(count=60, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 49, 40), np.uint8)


@pytest.fixture(scope="module")
def network():
    return load("tiny_conv-yes_no")[0]


def test_more_bits_are_nearer_to_the_floats(network):
    images = 100 + random_images() // 4  # on which the network is not sure of anything
    expected = predictor(network)(images)

    def errors(*widths):
        return [
            float(np.abs(predictor(quantize_after_training(network, Widths(w, a), images))(images)
                         - expected).mean())
            for w, a in widths
        ]  # fmt: skip

    both = errors((2, 2), (4, 4), (6, 6), (8, 8))
    alone = errors((2, None), (4, None), (6, None), (8, None), (None, None))
    assert both == sorted(both, reverse=True)
    assert alone == sorted(alone, reverse=True)
    assert alone[-1] < 1e-6


@pytest.mark.parametrize("bits", [2, 4])
def test_corrected_biases_give_the_outputs_the_means_of_the_floats(network, bits):
    images = random_images()
    quantized = quantize_after_training(network, Widths(bits, None), images)
    means = {}
    for name, each in (("floats", network), ("quantized", quantized.traced)):

        def look(_, __, output, name=name):
            means.setdefault(name, []).append(output.mean((0, *range(2, output.ndim))))

        hooks = [
            each.get_submodule(layer).register_forward_hook(look)
            for layer in ("conv", "classifier")
        ]
        with torch.no_grad():
            each(torch.from_numpy(images)[:, None] / 255)
        for hook in hooks:
            hook.remove()
    for ours, theirs in zip(means["quantized"], means["floats"], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


@pytest.mark.real_speech
def test_corrected_biases_save_four_bits(network, official_task):
    clips, validation = (
        calibration_clips(official_task.examples("training").deployed),
        official_task.examples("validation"),
    )  # fmt: skip
    plain, corrected = (
        predictor(quantize_after_training(network, Widths(4, 4), clips, correct_bias=correct))(
            validation.deployed
        ).argmax(1)
        for correct in (False, True)
    )
    assert (corrected == validation.labels).mean() > (plain == validation.labels).mean() + 0.01


def test_small_floats_of_8_bits_are_near_to_the_floats(network):
    images = random_images()
    expected = predictor(network)(images)
    for number in (E4M3, E5M2):
        quantized = quantize_after_training(network, Widths(number, number), images)
        found = predictor(quantized)(images)
        assert np.abs(found - expected).mean() < 0.05
        assert (found.argmax(1) == expected.argmax(1)).mean() > 0.9


def test_it_is_the_same_every_time_and_does_not_change_any_more(network):
    images = random_images()
    first, second = (quantize_after_training(network, Widths(3, 5), images) for _ in range(2))
    others = random_images(seed=1)
    found = predictor(first)(others)
    np.testing.assert_array_equal(found, predictor(second)(others))
    predictor(first)(255 - images)
    np.testing.assert_array_equal(found, predictor(first)(others))


def test_stored_numbers_have_few_values(network):
    quantized = quantize_after_training(network, Widths(None, 3), random_images())
    seen = {}
    for number, quantizer in enumerate(quantized.activations()):
        quantizer.register_forward_hook(lambda _, __, out, n=number: seen.__setitem__(n, out))
    predictor(quantized)(random_images(seed=2))
    *inside, logits = (len(values.unique()) for values in seen.values())
    assert max(inside) <= 8 < logits <= 256


def test_calibration_takes_the_same_clips_evenly_spread():
    images = random_images(1200)
    chosen = calibration_clips(images)
    assert len(chosen) == 500
    np.testing.assert_array_equal(chosen[0], images[0])
    np.testing.assert_array_equal(chosen[-1], images[-1])
    assert len(calibration_clips(images[:7])) == 7


def test_nothing_to_calibrate_on(network):
    with pytest.raises(InputError, match="no clip to calibrate on"):
        quantize_after_training(network, Widths(), random_images(0))


@pytest.mark.real_speech
def test_grids_in_8_bits_are_those_of_the_published_file(network, official_task):
    """Calibrated on the same clips by min-max, and on the float network, as TensorFlow Lite does;
    otherwise calibration sees the weights as they will be.
    """
    clips = official_task.examples("training").deployed
    quantized = quantize_after_training(
        network, Widths(None, 8), calibration_clips(clips), activation_method="minmax",
    )  # fmt: skip
    graph = read_graph(PUBLISHED / "tiny_conv-yes_no.tflite")
    outputs = [each.output for each in graph.operators if isinstance(each, Weighted)]
    for quantizer, output in zip(quantized.activations(), outputs, strict=True):
        grid = quantizer.qparams()
        assert float(grid.scale) == pytest.approx(output.scale, rel=1e-3)
        assert abs(int(grid.zero_point) - output.zero_point) <= 1
