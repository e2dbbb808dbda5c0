"""Distances between images, by hand."""

import io

import numpy as np
import pytest
from PIL import Image

from kwslib.features.agreement import ARCHIVE_QUALITY, distances, histogram, jpeg

THEIRS = np.full((3, 98, 40), 100, np.uint8)


def test_distance_of_each_pair():
    ours = THEIRS.copy()
    ours[1] += 4
    ours[2, ::2] -= 10
    np.testing.assert_allclose(distances(ours, THEIRS), [0.0, 4.0, np.sqrt(50.0)])


def test_bytes_do_not_wrap():
    assert distances(np.zeros((1, 2, 2), np.uint8), np.full((1, 2, 2), 255, np.uint8)) == [255]


def test_the_histogram_drops_no_pair():
    ours = THEIRS.copy()
    ours[1] += 3
    ours[2] += 90
    counts = histogram(distances(ours, THEIRS), np.array([2.0, 4.0, 8.0]))
    assert counts.tolist() == [2, 1]


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="alike"):
        distances(THEIRS, THEIRS[:2])


def test_jpeg_changes_little_and_keeps_the_shape():
    noise = np.random.default_rng(0).integers(0, 256, (2, 98, 40), dtype=np.uint8)
    assert jpeg(noise).shape == noise.shape
    np.testing.assert_array_equal(jpeg(THEIRS), THEIRS)
    assert 0 < np.median(distances(jpeg(noise), noise)) < 40


@pytest.mark.real_speech
def test_the_archive_was_compressed_with_that_quality(speech_commands):
    import zipfile

    with zipfile.ZipFile(speech_commands / "logmel_v0.02.zip") as archive:
        name = next(name for name in archive.namelist() if name.endswith(".jpg"))
        theirs = Image.open(io.BytesIO(archive.read(name))).quantization
    stream = io.BytesIO()
    Image.new("L", (40, 98)).save(stream, "JPEG", quality=ARCHIVE_QUALITY)
    assert Image.open(stream).quantization == theirs
