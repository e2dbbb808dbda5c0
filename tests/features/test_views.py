"""Each view against the formula, in plain numpy."""

import numpy as np
import pytest
from scipy.fft import dct

from kwslib.errors import InputError
from kwslib.features.logmel import logmel_images, mel_filters
from kwslib.features.views import DEPLOYED_KIND, VIEWS, view_of

CLIPS = np.random.default_rng(0).normal(0, 2000, (3, 16_000)).astype(np.int16)


def power(clips):
    """Frames of 512 samples every 320, the window of 480 in their middle: torchaudio's way."""
    window = np.zeros(512)
    window[16:496] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(480) / 480)
    frames = np.stack([clips[:, 320 * i : 320 * i + 512] for i in range(49)], axis=1)
    return np.abs(np.fft.rfft(frames * window)) ** 2


def test_every_view_has_the_shape_and_type_that_it_states():
    for kind, view in VIEWS.items():
        found = view_of(CLIPS, kind)
        assert found.shape == (3, *view.shape), kind
        assert found.dtype == view.dtype, kind
        assert found[0].nbytes == view.bytes, kind
        assert found[0].size == view.values, kind
        assert view.kind == kind


def test_the_waveform_is_the_clip():
    np.testing.assert_array_equal(view_of(CLIPS, "waveform"), CLIPS)


def test_the_spectrum_is_that_of_the_whole_clip():
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(16_000) / 16_000)
    expected = np.abs(np.fft.rfft(CLIPS * window))
    np.testing.assert_allclose(view_of(CLIPS, "spectrum"), expected, rtol=1e-3, atol=1)


def test_a_tone_stands_at_its_frequency():
    tone = np.round(8000 * np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)).astype(np.int16)
    assert view_of(tone, "spectrum").argmax() == 1000
    assert (view_of(tone, "spectrogram").argmax(axis=1) == 1000 * 512 // 16_000).all()


def test_the_spectrogram_is_power():
    np.testing.assert_allclose(view_of(CLIPS, "spectrogram"), power(CLIPS), rtol=1e-3, atol=50)


def test_mel_logmel_and_mfcc_follow_from_power():
    mel = power(CLIPS) @ mel_filters().numpy()
    np.testing.assert_allclose(view_of(CLIPS, "mel"), mel, rtol=1e-3)
    np.testing.assert_allclose(view_of(CLIPS, "logmel"), 10 * np.log10(mel), atol=0.01)
    expected = dct(np.log(mel), type=2, norm="ortho", axis=-1)[..., :13]
    np.testing.assert_allclose(view_of(CLIPS, "mfcc"), expected, atol=0.01)


def test_silence_has_finite_views():
    for kind in VIEWS:
        assert np.isfinite(view_of(np.zeros(16_000, np.int16), kind)).all(), kind


def test_the_deployed_view_is_the_deployed_image():
    np.testing.assert_array_equal(view_of(CLIPS, DEPLOYED_KIND), logmel_images(CLIPS))
    np.testing.assert_array_equal(view_of(CLIPS), logmel_images(CLIPS))


@pytest.mark.parametrize(
    ("audio", "kind", "words"),
    [
        (CLIPS, "cepstrum", "choose from waveform, spectrum"),
        (CLIPS.astype(np.float32), "mel", "int16"),
        (CLIPS[:, :-1], "mel", "15999"),
    ],
)
def test_mistakes_are_named(audio, kind, words):
    with pytest.raises(InputError, match=words):
        view_of(audio, kind)
