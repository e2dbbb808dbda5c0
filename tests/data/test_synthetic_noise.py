import numpy as np
import pytest
from scipy.signal import find_peaks, welch
from scipy.stats import kurtosis

from kwslib.data import synthetic_noise as module
from kwslib.data.synthetic_noise import synthetic_noise

NAMES = ["white_noise", "pink_noise", "brown_noise", "mains_hum", "babble", "clatter"]


@pytest.fixture(scope="module")
def noise():
    return synthetic_noise()


def spectrum(recording):
    return welch(recording.astype(float), 16_000, nperseg=16_000)


def test_six_recordings_of_a_minute(noise):
    assert list(noise) == NAMES
    for recording in noise.values():
        assert recording.dtype == np.int16
        assert recording.shape == (960_000,)


def test_all_are_equally_loud_and_hardly_clip(noise):
    for recording in noise.values():
        level = 20 * np.log10(np.std(recording.astype(float)) / 32768)
        assert level == pytest.approx(-20, abs=0.2)
        assert np.mean(np.abs(recording.astype(int)) >= 32767) < 2e-3


@pytest.mark.parametrize(("name", "slope"), [("white_noise", 0), ("pink_noise", -1)])
def test_the_power_of_coloured_noise_falls_as_its_colour_says(noise, name, slope):
    frequency, power = spectrum(noise[name])
    band = (frequency > 50) & (frequency < 7000)
    fitted, _ = np.polyfit(np.log(frequency[band]), np.log(power[band]), 1)
    assert fitted == pytest.approx(slope, abs=0.03)


def test_brown_noise_falls_by_twelve_decibels_in_two_octaves_and_swells(noise):
    frequency, power = spectrum(noise["brown_noise"])
    band = (frequency > 50) & (frequency < 1000)  # above, rounding to int16 is a floor
    fitted, _ = np.polyfit(np.log(frequency[band]), np.log(power[band]), 1)
    assert fitted == pytest.approx(-2, abs=0.1)
    loudness = noise["brown_noise"].astype(float).reshape(60, -1).std(1)
    assert loudness.max() > 2 * loudness.min()


def test_hum_is_harmonics_of_the_mains(noise):
    frequency, power = spectrum(noise["mains_hum"])
    peaks, _ = find_peaks(10 * np.log10(power[:500]), prominence=15)
    assert len(peaks) >= 7
    assert all(min(f % 50, -f % 50) <= 1 for f in frequency[peaks])


def test_babble_has_the_spectrum_of_speech_and_no_pauses(noise):
    frequency, power = spectrum(noise["babble"])
    speech = (frequency > 80) & (frequency < 4000)
    assert power[speech].sum() > 0.9 * power.sum()
    loudness = noise["babble"].astype(float).reshape(-1, 1600).std(1)
    assert loudness.min() > 0.1 * loudness.mean()


def test_clatter_is_impulsive(noise):
    assert kurtosis(noise["clatter"].astype(float)) > 5
    assert abs(kurtosis(noise["white_noise"].astype(float))) < 0.1


def test_every_second_differs(noise):
    for recording in noise.values():
        assert len({second.tobytes() for second in recording.reshape(60, 16_000)}) == 60


@pytest.mark.parametrize("name", ["white_noise", "mains_hum", "clatter"])
def test_made_again_they_are_the_same(noise, name):
    again = module._finish(module._NOISES[name](module._generator(name)))
    np.testing.assert_array_equal(again, noise[name])


def test_they_are_made_once(noise, monkeypatch):
    def never(draw):
        raise AssertionError("made again")

    monkeypatch.setattr(module, "_NOISES", dict.fromkeys(NAMES, never))
    again = synthetic_noise.__wrapped__()
    np.testing.assert_array_equal(again["babble"][:100], noise["babble"][:100])


def test_another_synthesiser_makes_other_babble(monkeypatch):
    before = module._recipe_hash()
    monkeypatch.setattr(module, "synthesiser_version", lambda: "espeakng-loader 99")
    assert module._recipe_hash() != before
