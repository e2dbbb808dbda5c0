"""Disturbed clips: by as much as is stated, and the same each time."""

import numpy as np
import pytest

from kwslib.data.disturb import Disturbance, disturbed
from kwslib.data.loudness import speech_level_db
from kwslib.errors import InputError

NAMES = ("yes/1", "no/2", "_silence_/3")
NOISE = np.random.default_rng(0).normal(0, 500, 48_000).astype(np.int16)


def level_db(sound):
    return 20 * np.log10(np.sqrt(np.mean(np.square(sound, dtype=np.float64))) / 32768)


@pytest.fixture(scope="module")
def clips():
    """A loud word, a quiet one, and silence."""
    time = np.arange(16_000) / 16_000
    tone = np.sin(2 * np.pi * 440 * time) * (np.abs(time - 0.5) < 0.2)
    return np.rint(np.stack([8_000 * tone, 500 * tone, 0 * tone])).astype(np.int16)


def test_nothing_is_done_where_nothing_is_asked(clips):
    np.testing.assert_array_equal(disturbed(clips, NAMES, Disturbance()), clips)


@pytest.mark.parametrize("shift", [-300, -1, 0, 7, 999])
def test_a_shift_moves_samples_and_silence_moves_in(clips, shift):
    moved = disturbed(clips, NAMES, Disturbance(shift_ms=shift))
    samples = 16 * abs(shift)
    for before, after in zip(clips, moved, strict=True):
        padded = np.pad(before, samples)
        start = samples - 16 * shift
        np.testing.assert_array_equal(after, padded[start : start + 16_000])


def test_noise_is_as_far_below_each_word_as_stated(clips):
    noisy = disturbed(clips, NAMES, Disturbance(noise="hiss", snr_db=10.0), NOISE)
    added = noisy.astype(np.int64) - clips
    for noise, clip in zip(added[:2], clips[:2], strict=True):
        assert speech_level_db(clip) - level_db(noise) == pytest.approx(10, abs=0.3)
    levels = [speech_level_db(clip) for clip in clips[:2]]
    assert np.median(levels) - level_db(added[2]) == pytest.approx(10, abs=0.3)


def test_each_clip_has_its_own_part_of_the_noise_each_time_the_same(clips):
    twice = np.stack([clips[0]] * 2)
    names = ("yes/1", "yes/2")
    one, other = disturbed(twice, names, Disturbance(noise="hiss", snr_db=0.0), NOISE)
    assert not np.array_equal(one, other)
    again = disturbed(twice, names, Disturbance(noise="hiss", snr_db=0.0), NOISE)
    np.testing.assert_array_equal(again[0], one)
    other_noise = disturbed(twice, names, Disturbance(noise="hum", snr_db=0.0), NOISE)
    assert not np.array_equal(other_noise[0], one)


def test_a_level_is_a_factor_and_full_scale_clips(clips):
    half = disturbed(clips, NAMES, Disturbance(level_db=-6.0206))
    np.testing.assert_allclose(half, clips / 2, atol=0.51)
    loud = disturbed(clips, NAMES, Disturbance(level_db=40.0))
    assert (loud[0].min(), loud[0].max()) == (-32768, 32767)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shift_ms": 1000}, "shift 1000 ms"),
        ({"noise": "hiss"}, "a noise needs its ratio"),
        ({"snr_db": 3.0}, "a ratio its noise"),
        ({"level_db": float("nan")}, "from -100 to 100 dB"),
        ({"noise": "hiss", "snr_db": 200.0}, "from -100 to 100 dB"),
    ],
)
def test_what_is_no_disturbance(arguments, message):
    with pytest.raises(InputError, match=message):
        Disturbance(**arguments)
