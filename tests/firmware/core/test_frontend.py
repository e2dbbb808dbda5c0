"""The front end in C against the float64 feature, and against itself wherever it runs."""

import ctypes
import subprocess

import numpy as np
import pytest
import torch
from front_end import BoardFrontEnd, HostFrontEnd
from hypothesis import given
from hypothesis import strategies as st
from installed import needs
from sanitizers import sanitized_program

from kwslib.config import CLIP_SAMPLES, DEPLOYED, SAMPLE_RATE
from kwslib.deploy.frontend import HEADER, SOURCES, digit_reversed, frontend_tables
from kwslib.features.logmel import LogMelImage, logmel_images, quantize_power

EQUAL = 0.995
"""The share of pixels that must equal the reference; no other is off by more than 1."""

MOST_INSTRUCTIONS = 30_000
"""For 20 ms of sound on the Cortex-M4."""

TIME = np.arange(CLIP_SAMPLES)
FULL = 32767


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    return HostFrontEnd(tmp_path_factory.mktemp("host"))


def clipped(audio):
    return np.clip(np.round(audio), -FULL - 1, FULL).astype(np.int16)


def sine(hertz, amplitude, phase=0.0):
    return amplitude * np.sin(2 * np.pi * hertz * TIME / SAMPLE_RATE + phase)


def difference(host, clips):
    found = np.stack([host.image_of(clip) for clip in clips])
    return np.abs(found.astype(int) - logmel_images(clips))


def check(host, clips):
    off = difference(host, clips)
    assert off.max() <= 1
    assert (off == 0).mean() >= EQUAL


@pytest.mark.real_speech
def test_official_test_clips(host, official_task):
    names = official_task.names["testing"]
    assert len(names) == 1368
    check(host, official_task.source.audio(names))


HERTZ = np.random.default_rng(0).uniform(0, 8000, 30)
PATHOLOGICAL = {
    "silence": np.zeros((1, CLIP_SAMPLES)),
    "square waves": [np.where(TIME // half % 2, FULL, -FULL - 1) for half in range(1, 41)],
    "impulses": [(at == TIME) * height for at in (0, 240, 8123) for height in (1, -FULL - 1, FULL)],
    "direct current": [np.full(CLIP_SAMPLES, level) for level in (-FULL - 1, -1, 1, 100, FULL)],
    "noise of one bit": np.random.default_rng(1).integers(-1, 2, (10, CLIP_SAMPLES)),
    "full-scale noise": np.random.default_rng(2).choice([-FULL - 1, FULL], (5, CLIP_SAMPLES)),
    "full-scale sines": [sine(hertz, FULL, phase) for phase, hertz in enumerate(HERTZ)],
    "sines at bins": [sine(SAMPLE_RATE / 512 * k, FULL) for k in range(0, 256, 5)],
    "faint sines": [sine(hertz, 2.0) for hertz in HERTZ],
}


@pytest.mark.parametrize("kind", PATHOLOGICAL)
def test_pathological_sound(host, kind):
    check(host, clipped(PATHOLOGICAL[kind]))


def test_silence_and_one_quiet_sample_are_0(host):
    assert not host.image_of(np.zeros(CLIP_SAMPLES, np.int16)).any()
    assert not host.image_of((TIME == 8000).astype(np.int16)).any()


@given(
    seed=st.integers(0, 2**32 - 1),
    level=st.floats(-1.0, 16.0),
    tone=st.floats(0.0, 15.0),
    hertz=st.floats(0.0, 8000.0),
)
def test_sound_of_any_level(host, seed, level, tone, hertz):
    # Beside a tone at full scale a band near the threshold of hearing may be one off: single
    # precision has 24 bits, of which the tone takes most. The pixels of a steady tone are those
    # of one frame, so that no share of them is asked for.
    noise = np.random.default_rng(seed).normal(0.0, 2.0**level, CLIP_SAMPLES)
    clip = clipped(noise + sine(hertz, 2.0**tone))
    assert difference(host, clip[None]).max() <= 1


def test_the_level_beside_a_loud_tone_is_less_than_half_a_pixel_off(host):
    # Before rounding; hence no pixel can be off by more than 1.
    rng = np.random.default_rng(8)
    reference = LogMelImage()
    for _ in range(500):
        tone = sine(rng.uniform(0, 8000), 2.0 ** rng.uniform(10, 15), rng.uniform(0, 6))
        noise = rng.normal(0.0, 2.0 ** rng.uniform(-3, 3), DEPLOYED.window)
        frame = clipped(tone[: DEPLOYED.window] + noise)
        expected = level_of(reference.power(torch.from_numpy(frame))[0].numpy())
        assert np.abs(level_of(host.power_of(frame)) - expected).max() < 0.5


def level_of(power):
    """Where no pixel is 0."""
    visible = np.exp(-DEPLOYED.offset / DEPLOYED.gain)
    return DEPLOYED.gain * np.log(np.maximum(power.astype(float), visible))


@given(st.lists(st.integers(0, 1500), min_size=1, max_size=40), st.integers(0, 2**32 - 1))
def test_chunks_do_not_matter(host, chunks, seed):
    stream = np.random.default_rng(seed).integers(-3000, 3000, sum(chunks)).astype(np.int16)
    host.reset()
    start = frames = 0
    for chunk in chunks:
        frames += host.push(stream[start : start + chunk])
        start += chunk
        assert frames == max(0, (start - DEPLOYED.window) // DEPLOYED.hop + 1)
    image = host.image
    np.testing.assert_array_equal(image, host.image_of(stream))


def test_the_image_is_the_last_second_oldest_frame_first(host):
    stream = np.random.default_rng(3).integers(-3000, 3000, 3 * CLIP_SAMPLES).astype(np.int16)
    rows = logmel_images(stream).astype(int)
    host.reset()
    for frame in range(140):
        start = 0 if frame == 0 else DEPLOYED.window + (frame - 1) * DEPLOYED.hop
        assert host.push(stream[start : DEPLOYED.window + frame * DEPLOYED.hop]) == 1
        heard = rows[: frame + 1][-DEPLOYED.frames :]
        expected = np.zeros((DEPLOYED.frames, DEPLOYED.bands), int)
        expected[-len(heard) :] = heard
        assert np.abs(host.image - expected).max() <= 1


def test_the_network_input_is_the_image_minus_128(host):
    host.image_of(np.random.default_rng(4).integers(-9000, 9000, CLIP_SAMPLES).astype(np.int16))
    np.testing.assert_array_equal(host.input, host.image.astype(int) - 128)


def test_reset_forgets(host):
    clip = np.random.default_rng(5).integers(-9000, 9000, CLIP_SAMPLES).astype(np.int16)
    fresh = host.image_of(clip)
    host.push(clip[:333])
    host.reset()
    assert not host.image.any()
    np.testing.assert_array_equal(host.image_of(clip), fresh)


def test_fft_equals_numpy(host):
    values = np.random.default_rng(6).normal(0.0, 1.0, (256, 2))
    expected = np.fft.fft(values[:, 0] + 1j * values[:, 1])
    buffer = values[digit_reversed(256)].astype(np.float32)
    host.library.kws_fft(buffer.ctypes.data_as(ctypes.c_void_p))
    found = buffer[:, 0].astype(float) + 1j * buffer[:, 1]
    assert np.abs(found - expected).max() < 1e-6 * np.abs(expected).max()


def test_pixels_are_the_rounded_logarithm(host):
    powers = np.exp(np.linspace(-80.0, 88.0, 100_000)).astype(np.float32)
    found = np.array([host.library.kws_frontend_pixel(float(power)) for power in powers])
    level = DEPLOYED.gain * np.log(powers.astype(float)) + DEPLOYED.offset
    expected = quantize_power(torch.from_numpy(powers.astype(float))).numpy()
    sure = np.abs(level % 1.0 - 0.5) > 1e-4
    assert (found[sure] == expected[sure]).all()
    assert (np.diff(found) >= 0).all()
    assert found[0] == 0 and found[-1] == 255
    assert host.library.kws_frontend_pixel(0.0) == 0


def golden_clips():
    """Noise under a sweep, full-scale noise, quiet and loud tones."""
    rng = np.random.default_rng(7)
    sweep = 9000 * np.sin(2 * np.pi * 0.12 * TIME**2 / SAMPLE_RATE)
    return clipped(
        [
            sweep + rng.normal(0.0, 40.0, CLIP_SAMPLES),
            rng.choice([-FULL - 1, FULL], CLIP_SAMPLES),
            sine(123.4, FULL),
            np.where(TIME // 21 % 2, FULL, -FULL - 1),
            rng.normal(0.0, 2.0, CLIP_SAMPLES),
        ]
    )


# Contraction is off in the source: compilers may be told to contract, as they are by default.
CONTRACTING = {
    "zig": ("-O3", "-ffp-contract=on"),
    "gcc": ("-Os", "-ffp-contract=fast", "-std=gnu11"),
}


@pytest.mark.parametrize("compiler", CONTRACTING)
def test_cortex_m4_gives_the_same_bits(host, compiler, tmp_path):
    board = BoardFrontEnd(tmp_path, compiler, CONTRACTING[compiler])
    for clip in golden_clips():
        np.testing.assert_array_equal(board.image_of(clip), host.image_of(clip))
        assert board.spectrum == host.spectrum
        np.testing.assert_array_equal(board.input, host.input)


@pytest.mark.real_speech
def test_cortex_m4_gives_the_same_bits_on_speech(host, official_task, tmp_path):
    names = official_task.names["testing"][::171]
    board = BoardFrontEnd(tmp_path, "zig")
    for clip in official_task.source.audio(names):
        np.testing.assert_array_equal(board.image_of(clip), host.image_of(clip))


@pytest.mark.parametrize("compiler", ["zig", "gcc"])
def test_a_frame_on_the_cortex_m4_stays_in_its_budget(compiler, tmp_path):
    board = BoardFrontEnd(tmp_path, compiler)
    clip = golden_clips()[0]
    counts = []
    for start in range(0, 3200, DEPLOYED.hop):
        board.push(clip[start : start + DEPLOYED.hop])
        counts.append(board.call.instructions)
    assert max(counts) <= MOST_INSTRUCTIONS
    assert counts[-1] == counts[-2], "the count depends on the sound"
    assert board.input.any()
    assert board.call.instructions <= 5_000


MAIN = """
#include <stdio.h>
#include "frontend.h"

/* Chunks of a length of their own: samples on standard input, the image on standard output. */
int main(void)
{
    static struct kws_frontend frontend;
    static uint8_t image[KWS_IMAGE_SIZE];
    static int8_t input[KWS_IMAGE_SIZE];
    int16_t samples[777];
    size_t n;
    kws_frontend_reset(&frontend);
    while ((n = fread(samples, sizeof *samples, 777, stdin)) > 0)
        kws_frontend_push(&frontend, samples, n);
    kws_frontend_image(&frontend, image);
    kws_frontend_input(&frontend, input);
    fwrite(image, 1, sizeof image, stdout);
    fwrite(input, 1, sizeof input, stdout);
    return 0;
}
"""


def test_sanitizers_find_nothing(host, tmp_path):
    needs("gcc")
    (tmp_path / HEADER).write_text(frontend_tables())
    (tmp_path / "main.c").write_text(MAIN)
    program = sanitized_program(
        [*SOURCES, tmp_path / "main.c"], tmp_path / "sanitized", include=[tmp_path]
    )
    for clip in [*golden_clips(), np.zeros(0, np.int16)]:
        run = subprocess.run([program], input=clip.tobytes(), capture_output=True, check=False)
        assert run.returncode == 0, run.stderr.decode()
        host.image_of(clip)
        assert run.stdout == host.image.tobytes() + host.input.tobytes()
