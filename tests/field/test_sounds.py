"""Sounds have the spectra and rhythms that their names promise."""

import numpy as np
import pytest

from kwslib.field.sounds import SOUNDS

RATE = 16_000


def made(name, seconds=1.0, seed=0):
    return SOUNDS[name](seconds, np.random.default_rng(seed))


def share(sound, low, high):
    power = np.abs(np.fft.rfft(sound)) ** 2
    frequency = np.fft.rfftfreq(len(sound), 1 / RATE)
    return power[(frequency >= low) & (frequency < high)].sum() / power.sum()


@pytest.mark.parametrize("name", SOUNDS)
@pytest.mark.parametrize("seconds", [0.2, 0.5, 1.2])
def test_a_sound_is_as_long_as_asked_and_the_same_each_time(name, seconds):
    sound = made(name, seconds)
    assert len(sound) == round(seconds * RATE)
    assert np.isfinite(sound).all()
    assert sound.std() > 0
    np.testing.assert_array_equal(sound, made(name, seconds))


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("sss", 3500, 8000),
        ("shh", 1800, 6500),
        ("claps", 500, 4500),
        ("hum", 40, 2050),
        ("knocks", 100, 400),
        ("sweep", 180, 4100),
    ],
)
def test_energy_lies_where_the_name_says(name, low, high):
    assert share(made(name), low, high) > 0.9


def test_fricatives_differ_below_what_a_network_hears():
    heard = {name: share(made(name), 0, 4000) for name in ("sss", "shh", "fff", "thh")}
    assert heard["sss"] < 0.2 < heard["fff"] < 0.5 < heard["shh"] + 0.2
    # an s is never quite silent below 4 kHz
    assert heard["sss"] > 0.01


def test_a_voiced_s_has_both_a_voice_and_a_hiss():
    buzz = made("zzz")
    assert share(buzz, 90, 130) > 0.1
    assert share(buzz, 3500, 8000) > 0.1


@pytest.mark.parametrize(("name", "least", "most"), [("claps", 3, 6), ("clicks", 4, 8)])
def test_strokes_are_apart(name, least, most):
    loudness = np.abs(made(name)).reshape(-1, 160).max(axis=1)
    loud = loudness > 0.25 * loudness.max()
    assert least <= np.count_nonzero(loud[1:] & ~loud[:-1]) + loud[0] <= most


def test_pink_noise_falls_by_three_decibels_an_octave_and_white_does_not():
    for name, expected in (("pink", 1.0), ("white", 0.5)):
        noise = made(name, 20.0)
        assert share(noise, 500, 1000) / share(noise, 1000, 2000) == pytest.approx(
            expected, rel=0.1
        )
