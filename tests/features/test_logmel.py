"""The deployed image against the contract, written out here in plain float64 numpy."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kwslib.config import DEPLOYED, TRAINING
from kwslib.data.task import in_hash_order
from kwslib.errors import InputError
from kwslib.features.logmel import (
    LogMelImage,
    logmel_images,
    mel_filters,
    mfcc,
    power_of,
    quantize_power,
)

RATE, WINDOW, FFT, BANDS = 16_000, 480, 512, 40


def mel_of(hertz):
    return 2595.0 * math.log10(1.0 + hertz / 700.0)


def triangles():
    """Forty HTK triangles, 0 to 4000 Hz, ``[bins][bands]``."""
    top = mel_of(4000.0)
    corners = [700.0 * (10 ** (i * top / 41 / 2595.0) - 1.0) for i in range(42)]
    weights = np.zeros((FFT // 2 + 1, BANDS))
    for k in range(FFT // 2 + 1):
        hertz = k * RATE / FFT
        for b in range(BANDS):
            left, middle, right = corners[b : b + 3]
            rising = (hertz - left) / (middle - left)
            falling = (right - hertz) / (right - middle)
            weights[k, b] = max(0.0, min(rising, falling))
    return weights


TRIANGLES = triangles()
HANN = np.array([0.5 - 0.5 * math.cos(2 * math.pi * n / WINDOW) for n in range(WINDOW)])


def image_of(clip, hop=320):
    """One clip's image, frame by frame and pixel by pixel."""
    frames = (len(clip) - WINDOW) // hop + 1
    image = np.zeros((frames, BANDS), np.uint8)
    for i in range(frames):
        frame = np.zeros(FFT)
        frame[:WINDOW] = clip[hop * i : hop * i + WINDOW].astype(np.float64) * HANN
        power = np.abs(np.fft.fft(frame)[: FFT // 2 + 1]) ** 2 @ TRIANGLES
        for b in range(BANDS):
            if power[b] > 0.0:
                level = 19.85 * 0.5 * math.log(power[b]) - 60.31
                image[i, b] = min(max(round(level), 0), 255)
    return image


def check(clips):
    ours = logmel_images(clips).astype(int)
    plain = np.stack([image_of(clip) for clip in clips]).astype(int)
    difference = np.abs(ours - plain)
    assert ours.shape[1:] == (49, 40)
    assert difference.max() <= 1
    assert (difference > 0).mean() <= 0.005


def tone(hertz, amplitude):
    return np.round(amplitude * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)).astype(np.int16)


def test_noise_of_every_level():
    random = np.random.default_rng(0)
    check(
        np.stack(
            [np.round(random.normal(0, s, RATE)).astype(np.int16) for s in (0.3, 3, 300, 6000)]
        )
    )


@pytest.mark.parametrize("hertz", [0.0, 31.25, 440.0, 1000.0, 3999.0, 4000.0, 5000.0, 8000.0])
def test_tones(hertz):
    check(np.stack([tone(hertz, amplitude) for amplitude in (1.0, 100.0, 32767.0)]))


def test_full_scale():
    random = np.random.default_rng(1)
    square = np.where(np.arange(RATE) // 40 % 2, 32767, -32768).astype(np.int16)
    check(
        np.stack(
            [
                random.choice(np.array([-32768, 32767], np.int16), RATE),
                square,
                np.full(RATE, -32768, np.int16),
            ]
        )
    )


def test_silence_is_zero():
    assert not logmel_images(np.zeros((2, RATE), np.int16)).any()


def test_one_sample_alone():
    clips = np.zeros((3, RATE), np.int16)
    clips[0, 240], clips[1, 8000], clips[2, -1] = 1, 32767, -32768
    check(clips)


@settings(deadline=None, max_examples=25)
@given(
    arrays(np.int16, 200, elements=st.integers(-32768, 32767)),
    st.integers(0, RATE - 200),
    st.integers(1, 80),
)
def test_any_clip(piece, start, repeats):
    clip = np.zeros(RATE, np.int16)
    filled = np.tile(piece, repeats)[: RATE - start]
    clip[start : start + len(filled)] = filled
    check(clip[None])


def test_even_rows_of_the_training_image_are_the_deployed_one():
    clips = np.random.default_rng(2).normal(0, 2000, (5, RATE)).astype(np.int16)
    fine = logmel_images(clips, TRAINING)
    assert fine.shape == (5, 98, 40)
    np.testing.assert_array_equal(fine[:, ::2], logmel_images(clips, DEPLOYED))
    np.testing.assert_array_equal(fine[0], image_of(clips[0], hop=160))


@pytest.mark.real_speech
def test_official_clips(official):
    names = in_hash_order(official.unknown_clips([], "testing"))[:40]
    check(official.audio(names + official.silence_clips("testing", 4)))


@given(st.integers(0, 9), st.integers(0, 9))
@settings(deadline=None, max_examples=10)
def test_an_image_does_not_depend_on_its_batch(first, second):
    clips = np.random.default_rng(3).normal(0, 500, (10, RATE)).astype(np.int16)
    together = logmel_images(clips)
    np.testing.assert_array_equal(logmel_images(clips[first]), together[first])
    np.testing.assert_array_equal(logmel_images(clips[[second, first]]), together[[second, first]])


def test_leading_axes_are_kept():
    clips = np.zeros((2, 3, RATE), np.int16)
    assert logmel_images(clips).shape == (2, 3, 49, 40)
    assert logmel_images(clips[:0]).shape == (0, 3, 49, 40)
    assert logmel_images(clips[0, 0, :480]).shape == (1, 40)


def test_threads_are_given_back():
    before = torch.get_num_threads()
    logmel_images(np.zeros(RATE, np.int16))
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    "audio", [np.zeros(RATE), np.zeros(RATE, np.int32), np.zeros(479, np.int16)]
)
def test_bad_audio_is_refused(audio):
    with pytest.raises(InputError):
        logmel_images(audio)


def test_filters_are_htk_triangles():
    np.testing.assert_allclose(mel_filters().numpy(), TRIANGLES, atol=1e-12)


def test_module_and_function_agree():
    clip = torch.from_numpy(np.random.default_rng(4).normal(0, 900, RATE).astype(np.int16))
    np.testing.assert_array_equal(LogMelImage()(clip).numpy(), logmel_images(clip.numpy()))


def test_power_of_inverts_the_byte():
    levels = torch.arange(256, dtype=torch.uint8)
    np.testing.assert_array_equal(quantize_power(power_of(levels).double()).numpy(), levels.numpy())
    assert power_of(torch.tensor([0], dtype=torch.uint8)).item() == 0.0


def test_mfcc_is_an_orthonormal_dct():
    from scipy.fft import dct

    power = np.random.default_rng(5).uniform(0, 1e6, (49, 40))
    expected = dct(np.log(np.maximum(power, 1.0)), type=2, norm="ortho", axis=-1)[:, :13]
    # torchaudio makes its matrix in float32
    np.testing.assert_allclose(mfcc(torch.from_numpy(power)).numpy(), expected, atol=2e-4)
