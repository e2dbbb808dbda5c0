"""Scores come from the reference kernels, and a file that cannot be run is named."""

import numpy as np
import pytest
import torch
from reference import run_reference

from kwslib.deploy.convert import convert_float
from kwslib.deploy.predictors import predictor
from kwslib.errors import InputError
from kwslib.models import create
from kwslib.models.checkpoint import PUBLISHED

TINY_CONV = PUBLISHED / "tiny_conv-yes_no.tflite"
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 49, 40)).astype(np.uint8)


@pytest.fixture(scope="module")
def float_file():
    torch.manual_seed(0)
    return convert_float(create("tiny_conv", 4), {})


def test_an_int8_network_sees_pixels_minus_128_and_gives_int8():
    scores = predictor(TINY_CONV)(IMAGES)
    assert (scores.dtype, scores.shape) == (np.int8, (3, 4))
    inputs = [(image.astype(int) - 128).astype(np.int8).reshape(-1) for image in IMAGES]
    np.testing.assert_array_equal(scores, run_reference(TINY_CONV.read_bytes(), inputs))
    sums = (scores.astype(int) + 128).sum(axis=1)  # probabilities times 256
    assert (abs(sums - 256) <= 4).all()


def test_a_float_network_gives_probabilities(float_file, tmp_path):
    (tmp_path / "float.tflite").write_bytes(float_file)
    scores = predictor(tmp_path / "float.tflite")(IMAGES)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)


def test_calls_do_not_share_memory():
    predict = predictor(TINY_CONV)
    first = predict(IMAGES[:1])
    kept = first.copy()
    predict(IMAGES[1:])
    np.testing.assert_array_equal(first, kept)


def test_a_damaged_file_is_refused_or_run(float_file, tmp_path):
    rng = np.random.default_rng(3)
    path = tmp_path / "damaged.tflite"
    refused = 0
    for position in rng.integers(0, 1200, 60):
        data = bytearray(float_file)
        data[position] ^= 0xFF
        path.write_bytes(data)
        try:
            predictor(path)(IMAGES[:1])
        except InputError as error:
            refused += 1
            assert "damaged.tflite" in str(error)
    assert refused


@pytest.mark.parametrize("data", [b"", b"rubbish", TINY_CONV.read_bytes()[:5000]])
def test_what_is_no_network_is_refused(data, tmp_path):
    (tmp_path / "x.tflite").write_bytes(data)
    with pytest.raises(InputError, match=r"x\.tflite"):
        predictor(tmp_path / "x.tflite")
