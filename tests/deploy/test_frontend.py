"""The generated tables against their definitions."""

import re

import numpy as np
import pytest
from front_end import HostFrontEnd

from kwslib.config import CLIP_SAMPLES, DEPLOYED, TRAINING, LogMelConfig
from kwslib.deploy.frontend import digit_reversed, frontend_tables, level_polynomial, twiddles
from kwslib.errors import InputError
from kwslib.features.logmel import logmel_images, mel_filters

TABLES = frontend_tables()


def table(name, kind=np.float32):
    body = re.search(rf"{name}\[\d+\] = \{{(.*?)\}};", TABLES, re.S).group(1)
    return np.array(re.sub(r"[{}f\s]", "", body).split(","), kind)


def macro(name):
    return re.search(rf"#define KWS_{name} (\S+)", TABLES).group(1)


def test_sizes_are_those_of_the_configuration():
    sizes = [int(macro(name)) for name in ("WINDOW", "HOP", "FFT", "FRAMES", "BANDS")]
    assert sizes == [480, 320, 512, 49, 40]


def test_the_window_is_a_periodic_hann():
    window = np.sin(np.pi * np.arange(480) / 480) ** 2
    np.testing.assert_allclose(table("kws_window"), window, rtol=1e-7, atol=1e-16)


def test_the_order_reverses_digits():
    order = table("kws_fft_order", int) // 2
    digits = np.array([[i >> s & 3 for s in (0, 2, 4, 6)] for i in range(256)])
    np.testing.assert_array_equal(order, digits @ [64, 16, 4, 1])
    np.testing.assert_array_equal(digit_reversed(256)[order], np.arange(256))


def test_twiddles_turn_by_multiples():
    factors = twiddles(256)
    assert factors.shape == (3 + 15 + 63, 3, 2)
    numbers = factors[..., 0] + 1j * factors[..., 1]
    np.testing.assert_allclose(numbers[:, 1], numbers[:, 0] ** 2, atol=1e-12)
    np.testing.assert_allclose(numbers[:, 2], numbers[:, 0] ** 3, atol=1e-12)
    np.testing.assert_allclose(numbers[-63:, 0] ** 256, np.exp(-2j * np.pi * np.arange(1, 64)))
    assert len(table("kws_twiddles")) == factors.size


def test_the_sparse_triangles_are_the_filters():
    counts, rows = table("kws_mel_counts", int), table("kws_mel_bins").reshape(-1, 4)
    found = np.zeros((257, 40))
    k = int(macro("FIRST_BIN"))
    for band, count in enumerate(counts):
        for _ in range(count):
            turn = np.exp(-2j * np.pi * k / 512)
            row = rows[k - int(macro("FIRST_BIN"))]
            assert row[0] == pytest.approx(turn.real, abs=1e-7)
            assert row[1] == pytest.approx(-turn.imag, abs=1e-7)
            found[k, band] = 4 * row[2]
            if band:
                found[k, band - 1] = 4 * row[3]
            k += 1
    np.testing.assert_allclose(found, mel_filters().numpy(), rtol=1e-7, atol=1e-12)


def test_the_polynomial_is_the_logarithm():
    f = np.linspace(np.sqrt(0.5) - 1.0, np.sqrt(2.0) - 1.0, 10_001)
    level = DEPLOYED.gain * np.log1p(f) + DEPLOYED.offset
    found = np.polynomial.Polynomial(level_polynomial())(f)
    assert np.abs(found - level).max() < 5e-6


@pytest.mark.parametrize(
    "config",
    [TRAINING, LogMelConfig(bands=20), LogMelConfig(window=512, low_hz=100.0, high_hz=8000.0)],
)
def test_other_configurations_give_their_feature(config, tmp_path):
    clip = np.random.default_rng(0).normal(0.0, 500.0, CLIP_SAMPLES).astype(np.int16)
    found = HostFrontEnd(tmp_path, config).image_of(clip).astype(int)
    off = np.abs(found - logmel_images(clip, config))
    assert off.max() <= 1
    assert (off == 0).mean() >= 0.995


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (LogMelConfig(fft=1024), "fft 1024"),
        (LogMelConfig(window=481), "window 481"),
        (LogMelConfig(window=600), "window 600"),
        (LogMelConfig(hop=0), "hop 0"),
        (LogMelConfig(hop=481), "hop 481"),
        (LogMelConfig(high_hz=8001.0), "8001.0 Hz"),
        (LogMelConfig(low_hz=4000.0), "4000.0 to 4000.0 Hz"),
        (LogMelConfig(low_hz=32.0, high_hz=62.0), "32.0 to 62.0 Hz"),
    ],
)
@pytest.mark.filterwarnings("ignore:At least one mel filterbank")
def test_a_feature_that_c_cannot_compute_is_refused(config, message):
    with pytest.raises(InputError, match=message):
        frontend_tables(config)
