"""Levels against sounds whose level is known."""

import numpy as np
import pytest

from kwslib.data.loudness import (
    LOUD_SAMPLES,
    as_int16,
    from_db,
    loudest,
    root_mean_square,
    speech_level_db,
)

TIME = np.arange(16_000) / 16_000


def test_a_sine_at_full_scale_is_3_db_below_it():
    sine = np.rint(32767 * np.sin(2 * np.pi * 500 * TIME)).astype(np.int16)
    assert speech_level_db(sine) == pytest.approx(-3.01, abs=0.01)
    assert root_mean_square(sine) == pytest.approx(32767 / np.sqrt(2), rel=1e-3)


def test_the_level_is_that_of_the_loudest_300_ms_whatever_surrounds_it():
    sound = np.zeros(16_000)
    sound[5_000 : 5_000 + LOUD_SAMPLES] = 0.5
    sound[:2_000] = 0.1
    assert loudest(sound) == (5_000, pytest.approx(0.5))
    assert loudest(sound[5_100:5_200]) == (0, pytest.approx(0.5))
    assert loudest(sound, span=2)[1] == pytest.approx(0.5)


def test_silence_has_no_level():
    assert speech_level_db(np.zeros(100, np.int16)) == -np.inf


def test_decibels():
    assert from_db(20) == pytest.approx(10)
    assert from_db(-6.0206) == pytest.approx(0.5, rel=1e-4)


@pytest.mark.filterwarnings("error")
def test_floats_of_any_size_become_16_bits():
    sound = np.float32([3e38, -3e38, 1, -1, 0.99999, 0.5, 1 / 32768])
    assert as_int16(sound).tolist() == [32767, -32768, 32767, -32768, 32767, 16384, 1]
