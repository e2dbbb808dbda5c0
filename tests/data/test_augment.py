from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sound_augmenter import SoundAugmenter

from kwslib.config import TRAINING
from kwslib.data.augment import (
    Augmentation,
    ImageAugmenter,
    noise_recordings,
)
from kwslib.features.logmel import logmel_images

QUIET = Augmentation(shift_ms=0, noise_probability=0.0)


def white(count, level, seed=0):
    return np.random.default_rng(seed).normal(0, level, count).round().astype(np.int16)


@pytest.fixture(scope="module")
def noise():
    return {"one": white(48_000, 800, 1), "two": white(32_000, 300, 2)}


@pytest.fixture(scope="module")
def clips():
    """Sixteen seconds of noise with a louder middle."""
    sound = np.stack([white(16_000, 400, seed) for seed in range(16)])
    sound[:, 6_000:10_000] *= 8
    return sound


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def augmented_images(augmentation, noise, images, seed=0):
    return ImageAugmenter(noise, augmentation)(torch.from_numpy(images), generator(seed)).numpy()


def augmented_audio(augmentation, noise, clips, seed=0):
    return SoundAugmenter(noise, augmentation)(torch.from_numpy(clips), generator(seed)).numpy()


# ---------------------------------------------------------------- images


def test_without_shift_and_noise_an_image_is_its_deployed_rows(noise):
    images = np.random.default_rng(0).integers(0, 256, (5, 98, 40)).astype(np.uint8)
    images[0, 0, :] = np.arange(40)
    result = augmented_images(QUIET, noise, images)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, images[:, ::2])


@pytest.mark.parametrize("pixel", [0, 1, 128, 255])
def test_every_pixel_value_survives_the_way_through_power(noise, pixel):
    images = np.full((1, 98, 40), pixel, np.uint8)
    assert (augmented_images(QUIET, noise, images) == pixel).all()


def test_a_shift_moves_rows_by_whole_frames_and_zeros_move_in(noise):
    images = np.random.default_rng(0).integers(1, 256, (400, 98, 40)).astype(np.uint8)
    result = augmented_images(Augmentation(shift_ms=100, noise_probability=0), noise, images)
    seen = []
    for before, after in zip(images, result, strict=True):
        fits = []
        for shift in range(-15, 16):
            moved = np.zeros_like(before)
            if shift >= 0:
                moved[shift:] = before[: 98 - shift]
            else:
                moved[:shift] = before[-shift:]
            if (moved[::2] == after).all():
                fits.append(shift)
        assert len(fits) == 1
        seen += fits
    assert set(seen) == set(range(-10, 11)), "each of 21 shifts, and none beyond 100 ms"


def test_noise_never_lowers_a_pixel_and_raises_most(noise):
    images = np.full((50, 98, 40), 60, np.uint8)
    result = augmented_images(Augmentation(0, 1.0, noise_volume=1.0), noise, images)
    assert (result >= 60).all()
    assert (result > 60).mean() > 0.9


def test_the_share_of_noisy_clips_is_the_probability(noise):
    images = np.full((2_000, 98, 40), 40, np.uint8)
    result = augmented_images(Augmentation(0, 0.3, noise_volume=1.0), noise, images)
    noisy = (result != 40).any(axis=(1, 2)).mean()
    assert noisy == pytest.approx(0.3, abs=0.04)


def test_image_signal_to_noise_ratio_is_reached(noise):
    level = 120
    images = np.full((64, 98, 40), level, np.uint8)
    power = np.exp((level + 60.31) / 9.925)
    for snr in (0.0, 6.0):
        augmentation = Augmentation(0, 1.0, noise_snr_db=(snr, snr))
        result = augmented_images(augmentation, noise, images).astype(float)
        added = np.exp((result + 60.31) / 9.925) - power
        reached = 10 * np.log10(power / added.mean(axis=(1, 2)))
        assert reached == pytest.approx(snr, abs=0.3)


def test_a_silent_image_takes_no_noise_by_ratio(noise):
    images = np.zeros((8, 98, 40), np.uint8)
    augmentation = Augmentation(0, 1.0, noise_snr_db=(0.0, 0.0))
    assert not augmented_images(augmentation, noise, images).any()


def test_the_same_generator_gives_the_same_images_and_another_gives_others(noise):
    images = np.random.default_rng(0).integers(0, 256, (20, 98, 40)).astype(np.uint8)
    one = augmented_images(Augmentation(), noise, images, seed=1)
    torch.manual_seed(99)  # the global generator has no part in it
    np.testing.assert_array_equal(augmented_images(Augmentation(), noise, images, seed=1), one)
    assert (augmented_images(Augmentation(), noise, images, seed=2) != one).any()


def test_the_order_in_which_recordings_are_given_does_not_matter(noise):
    images = np.random.default_rng(0).integers(0, 256, (20, 98, 40)).astype(np.uint8)
    backwards = dict(reversed(noise.items()))
    np.testing.assert_array_equal(
        augmented_images(Augmentation(), noise, images),
        augmented_images(Augmentation(), backwards, images),
    )


def test_the_batch_given_is_left_as_it_was(noise, clips):
    images = logmel_images(clips, TRAINING)
    before, sound = images.copy(), clips.copy()
    augmented_images(Augmentation(), noise, images)
    augmented_audio(Augmentation(), noise, clips)
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(clips, sound)


# ---------------------------------------------------------------- sound


def test_without_shift_and_noise_sound_is_unchanged(noise, clips):
    result = augmented_audio(QUIET, noise, clips)
    assert result.dtype == np.int16
    np.testing.assert_array_equal(result, clips)


@settings(max_examples=20, deadline=None)
@given(shift_ms=st.integers(0, 300), seed=st.integers(0, 1_000))
def test_a_shift_of_sound_moves_samples_and_zeros_move_in(shift_ms, seed):
    clip = np.arange(1, 16_001, dtype=np.int16)[None]
    silence = {"none": np.zeros(16_000, np.int16)}
    moved = augmented_audio(Augmentation(shift_ms, 0.0), silence, clip, seed)[0]
    position = int(np.flatnonzero(moved)[0])
    shift = position - int(moved[position]) + 1
    assert abs(shift) <= shift_ms * 16
    expected = np.zeros(16_000, np.int16)
    expected[max(shift, 0) : 16_000 + min(shift, 0)] = clip[
        0, max(-shift, 0) : 16_000 - max(shift, 0)
    ]
    np.testing.assert_array_equal(moved, expected)


@pytest.mark.parametrize("snr", [-5.0, 0.0, 10.0, 20.0])
def test_signal_to_noise_ratio_of_sound_is_reached(noise, clips, snr):
    result = augmented_audio(Augmentation(0, 1.0, noise_snr_db=(snr, snr)), noise, clips)
    added = result.astype(float) - clips
    reached = 10 * np.log10((clips.astype(float) ** 2).mean(axis=1) / (added**2).mean(axis=1))
    assert reached == pytest.approx(snr, abs=0.05)  # rounding to integers is all that is lost


def test_a_range_of_ratios_is_used_evenly_in_decibels(noise):
    clips = np.tile(white(16_000, 1_000), (600, 1))
    result = augmented_audio(Augmentation(0, 1.0, noise_snr_db=(0.0, 20.0)), noise, clips)
    added = result.astype(float) - clips
    reached = 10 * np.log10((clips.astype(float) ** 2).mean(axis=1) / (added**2).mean(axis=1))
    assert -0.1 < reached.min() < 1
    assert 19 < reached.max() < 20.1
    assert reached.mean() == pytest.approx(10, abs=1)
    assert reached.std() == pytest.approx(20 / 12**0.5, abs=0.5)


def test_the_volume_bounds_the_noise_and_crops_never_span_two_recordings():
    noise = {"low": np.full(20_000, 1_000, np.int16), "high": np.full(20_000, 3_000, np.int16)}
    clips = np.zeros((300, 16_000), np.int16)
    result = augmented_audio(Augmentation(0, 1.0, noise_volume=0.5), noise, clips)
    assert (result == result[:, :1]).all(), "each crop is of one recording"
    assert result.min() >= 0
    assert 1_300 < result.max() <= 1_500


def test_loud_sound_saturates_and_does_not_wrap():
    noise = {"loud": np.full(16_000, 32_767, np.int16)}
    clips = np.full((20, 16_000), 32_000, np.int16)
    result = augmented_audio(Augmentation(0, 1.0, noise_volume=1.0), noise, clips)
    assert result.min() >= 32_000
    assert result.max() == 32_767


def test_the_same_generator_gives_the_same_sound(noise, clips):
    one = augmented_audio(Augmentation(), noise, clips, seed=5)
    np.testing.assert_array_equal(augmented_audio(Augmentation(), noise, clips, seed=5), one)
    assert (augmented_audio(Augmentation(), noise, clips, seed=6) != one).any()


# ---------------------------------------------------------------- both forms agree


@pytest.mark.parametrize("rows", [-9, -1, 2, 10])
def test_sound_moved_by_tens_of_milliseconds_is_rows_moved(clips, rows):
    moved = np.roll(clips, rows * 160, axis=1)
    if rows > 0:
        moved[:, : rows * 160] = 0
    else:
        moved[:, rows * 160 :] = 0
    of_sound, original = logmel_images(moved, TRAINING), logmel_images(clips, TRAINING)
    if rows > 0:
        np.testing.assert_array_equal(of_sound[:, rows:], original[:, :-rows])
    else:
        # The last frames lie across the edge at which zeros moved in.
        np.testing.assert_array_equal(of_sound[:, : 96 + rows], original[:, -rows:96])


def test_noise_on_images_agrees_with_noise_on_sound(clips):
    """Cross terms average out: the means agree, single pixels scatter.

    A recording of exactly a second leaves one crop, and both augmenters draw alike, so both mix
    the same noise at the same volume.
    """
    noise = {"crop": white(16_000, 4_000, 7)}
    augmentation = Augmentation(shift_ms=0, noise_probability=1.0, noise_volume=1.0)
    images = augmented_images(augmentation, noise, logmel_images(clips, TRAINING), seed=3)
    sound = augmented_audio(augmentation, noise, clips, seed=3)
    exact = logmel_images(sound)
    clean = logmel_images(clips)
    difference = images.astype(float) - exact
    assert (images.astype(float) - clean).mean() > 10, "the noise is heard"
    assert abs(difference.mean()) < 0.6
    assert np.sqrt((difference**2).mean()) < 5.0
    # Averaged over the frames of a clip, each band agrees.
    louder = np.exp((images + 60.31) / 9.925).mean(axis=1)
    heard = np.exp((exact + 60.31) / 9.925).mean(axis=1)
    assert np.abs(10 * np.log10(louder / heard)).mean() < 0.5


def test_recordings_are_cut_to_the_part_of_the_split(tones):
    from kwslib.data.dataset import open_source

    source = open_source(tones)
    whole = source.noise()["hiss"]
    training = noise_recordings(source)["hiss"]
    validation = noise_recordings(source, "validation")["hiss"]
    np.testing.assert_array_equal(training, whole[:112_000])
    np.testing.assert_array_equal(validation, whole[112_000:136_000])


# ---------------------------------------------------------------- images alone


def varied(images, seed=0, **settings):
    augmentation = Augmentation(**{"shift_ms": 0, "noise_probability": 0.0, **settings})
    return augmented_images(augmentation, {"none": np.zeros(16_000, np.int16)}, images, seed)


def decibels_of(images):
    """Of pixels, above those of 120 that they were."""
    return (images.astype(float) - 120) / 9.925 * 10 / np.log(10)


def test_gain_raises_or_lowers_all_of_a_clip_by_up_to_its_decibels():
    images = np.full((500, 98, 40), 120, np.uint8)
    result = varied(images, gain_db=6.0).astype(float)
    assert (result == result[:, :1, :1]).all(), "a clip has one gain"
    decibels = decibels_of(result[:, 0, 0])
    assert decibels.min() == pytest.approx(-6, abs=0.3)
    assert decibels.max() == pytest.approx(6, abs=0.3)
    assert decibels.std() == pytest.approx(12 / 12**0.5, abs=0.3)


def test_silence_has_no_power_to_raise():
    assert not varied(np.zeros((4, 98, 40), np.uint8), gain_db=6.0).any()


def test_an_equalizer_turns_bands_up_or_down_smoothly_and_alike_at_all_times():
    found = decibels_of(varied(np.full((500, 98, 40), 120, np.uint8), equalizer_db=8.0))
    assert (found == found[:, :1]).all()
    found = found[:, 0]  # [clips, bands]
    assert found.min() == pytest.approx(-8, abs=0.3) and found.max() == pytest.approx(8, abs=0.3)
    steps = np.abs(np.diff(found, axis=1))
    assert steps.max() < 16 / 39 * 4 + 0.9, "a line over a quarter of the bands, and rounding"
    ends = np.corrcoef(found[:, 0], found[:, -1])[0, 1]
    assert abs(ends) < 0.15, "the lowest and the highest band are drawn apart"


def test_noise_has_an_equalizer_of_its_own():
    """On silence nothing is seen but the noise, which is as even as the recording without one."""
    noise, silence = {"one": white(64_000, 3000, 1)}, np.zeros((300, 98, 40), np.uint8)
    loud = Augmentation(shift_ms=0, noise_probability=1.0, noise_volume=1.0)
    tilts = [
        np.ptp(augmented_images(settings, noise, silence).mean(axis=1), axis=1)
        for settings in (loud, replace(loud, equalizer_db=8.0))
    ]
    assert np.median(tilts[1]) > np.median(tilts[0]) + 8


def test_a_stretch_moves_rows_away_from_the_middle_and_zeros_move_in():
    """Rows that tell their own number: row r of the result was row 48.5 + (2 r - 48.5) * rate."""
    images = np.repeat(np.arange(1, 99, dtype=np.uint8)[None, :, None], 300, 0).repeat(40, 2)
    result = varied(images, time_stretch=0.2)
    rates = []
    for clip in result:
        assert (clip == clip[:, :1]).all()
        rows = np.flatnonzero(clip[:, 0])
        source = clip[rows, 0] - 1.0
        rate = np.polyfit(2 * rows, source, 1)[0]
        np.testing.assert_allclose(source, 48.5 + (2 * rows - 48.5) * rate, atol=1.01)
        rates.append(rate)
    assert 0.8 <= min(rates) < 0.85 and 1.15 < max(rates) <= 1.2


def test_a_stretched_clip_is_shifted_too():
    images = np.zeros((200, 98, 40), np.uint8)
    images[:, 47:51] = 200
    result = varied(images, shift_ms=100, time_stretch=0.01)
    places = [np.flatnonzero(clip[:, 0]).mean() * 2 - 48.5 for clip in result]
    assert -11 <= min(places) < -8 and 8 < max(places) <= 11


def test_a_warp_moves_a_band_in_proportion_to_its_number():
    images = np.zeros((300, 98, 40), np.uint8)
    images[:, :, 20] = 200
    images[:, :, 21] = 200
    result = varied(images, mel_warp=0.1)
    power = np.where(result > 0, np.exp((result + 60.31) / 9.925), 0)[:, 0]
    places = (power * np.arange(40)).sum(1) / power.sum(1)
    assert places.min() == pytest.approx(20.5 / 1.1, abs=0.4)
    assert places.max() == pytest.approx(20.5 / 0.9, abs=0.4)


def test_a_warp_leaves_an_even_spectrum_even():
    images = np.full((50, 98, 40), 77, np.uint8)
    assert (varied(images, mel_warp=0.1) == 77).all()


def test_masks_put_the_mean_on_whole_rows_and_bands_up_to_their_widths():
    images = np.random.default_rng(0).integers(100, 256, (400, 98, 40)).astype(np.uint8)
    result = varied(images, time_mask_ms=120, band_mask=5)
    widths = []
    for before, after in zip(images[:, ::2], result, strict=True):
        changed = before != after
        rows = np.flatnonzero(changed.mean(1) > 0.9)
        bands = np.flatnonzero(changed.mean(0) > 0.9)
        widths.append((len(rows), len(bands)))
        for places in (rows, bands):
            assert len(places) == 0 or places[-1] - places[0] + 1 == len(places)
        rest = np.delete(np.delete(changed, rows, 0), bands, 1)
        assert not rest.any()
        for row in rows:
            assert after[row].astype(float) == pytest.approx(before.mean(), abs=3)
    assert {rows for rows, _ in widths} == set(range(7))
    assert {bands for _, bands in widths} == set(range(6))


@pytest.mark.parametrize(
    "settings",
    [{"gain_db": 6.0}, {"equalizer_db": 6.0}, {"time_stretch": 0.1}, {"mel_warp": 0.1},
     {"time_mask_ms": 100}, {"band_mask": 4}],
)  # fmt: skip
def test_every_variation_repeats_with_its_generator(settings):
    images = np.random.default_rng(0).integers(0, 256, (20, 98, 40)).astype(np.uint8)
    one = varied(images, seed=1, **settings)
    np.testing.assert_array_equal(varied(images, seed=1, **settings), one)
    assert (varied(images, seed=2, **settings) != one).any()
