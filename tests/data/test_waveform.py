import io
import struct
from contextlib import suppress

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from kwslib.data.waveform import decode, one_second
from kwslib.errors import InputError


def encoded(samples, rate=16_000, form="WAV", subtype="PCM_16"):
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format=form, subtype=subtype)
    return stream.getvalue()


def noise(count, seed=0):
    """Samples without a zero."""
    samples = np.random.default_rng(seed).integers(1, 30_000, count).astype(np.int16)
    samples[::2] *= -1
    return samples


@pytest.mark.parametrize("form", ["WAV", "FLAC"])
def test_samples_come_back_unchanged(form):
    samples = noise(12_345)
    samples[:2] = -32_768, 32_767
    read = decode(encoded(samples, form=form), "clip")
    assert read.dtype == np.int16
    np.testing.assert_array_equal(read, samples)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not sound at all",
        b"RIFF\x10\0\0\0WAVE",
        b"fLaC" + b"\0" * 40,
        encoded(noise(1600), rate=8_000),
        encoded(noise(1600), rate=44_100),
        encoded(noise(1600).reshape(-1, 2)),
    ],
)
def test_what_is_no_mono_sound_at_16_khz_is_an_input_error_that_names_it(data):
    with pytest.raises(InputError, match="yes/a_nohash_0") as error:
        decode(data, "yes/a_nohash_0")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("form", ["WAV", "FLAC"])
def test_a_cut_file_gives_an_input_error_or_the_samples_before_the_cut(form):
    samples = noise(6_000)
    whole = encoded(samples, form=form)
    for length in range(0, len(whole), 499):
        try:
            read = decode(whole[:length], "clip")
        except InputError:
            continue
        np.testing.assert_array_equal(read, samples[: len(read)])


def test_a_wav_header_that_claims_more_than_the_file_holds_does_no_harm():
    whole = bytearray(encoded(noise(1600)))
    at = whole.index(b"data") + 4
    whole[at : at + 4] = struct.pack("<I", 2**31)
    assert len(decode(bytes(whole), "clip")) <= 1600


def test_a_flac_header_that_claims_an_hour_of_hours_does_no_harm():
    whole = bytearray(encoded(noise(1600), form="FLAC"))
    assert whole[21] & 0x0F == 0  # the 36 bits of the number of samples start here
    whole[21] |= 0x0F
    whole[22:26] = b"\xff" * 4
    with suppress(InputError):
        assert len(decode(bytes(whole), "clip")) <= 1600


@given(length=st.integers(1, 15_840), seed=st.integers(0, 5))
def test_a_short_clip_stands_in_the_centre_between_zeros(length, seed):
    samples = noise(length, seed)
    clip = one_second(samples)
    assert clip.shape == (16_000,)
    assert clip.dtype == np.int16
    sounding = np.flatnonzero(clip)
    before, after = sounding[0], 16_000 - 1 - sounding[-1]
    assert 0 <= after - before <= 1
    np.testing.assert_array_equal(clip[before : before + length], samples)


@given(
    length=st.integers(1, 15_000),
    before=st.integers(0, 16_000),
    total=st.integers(0, 16_000),
)
def test_it_does_not_matter_where_the_zeros_of_a_short_clip_stand(length, before, total):
    samples = noise(length)
    before = min(before, 16_000 - length)
    after = min(max(total - before - length, 0), 16_000 - before - length)
    np.testing.assert_array_equal(one_second(np.pad(samples, (before, after))), one_second(samples))


@given(length=st.integers(0, 20_000), seed=st.integers(0, 3))
def test_centring_twice_is_centring_once(length, seed):
    clip = one_second(noise(length, seed))
    np.testing.assert_array_equal(one_second(clip), clip)


@given(zeros=st.integers(0, 159), at_end=st.booleans())
def test_fewer_than_ten_milliseconds_of_zeros_are_sound(zeros, at_end):
    samples = noise(16_000)
    samples[16_000 - zeros if at_end else 0 : 16_000 if at_end else zeros] = 0
    np.testing.assert_array_equal(one_second(samples), samples)


def test_zeros_inside_a_clip_stay():
    samples = noise(16_000)
    samples[4_000:12_000] = 0
    np.testing.assert_array_equal(one_second(samples), samples)


def test_a_longer_clip_is_cut_at_its_end():
    samples = noise(20_000)
    np.testing.assert_array_equal(one_second(samples), samples[:16_000])


@pytest.mark.parametrize("length", [0, 1, 15_999, 16_000, 30_000])
def test_digital_silence_stays_silence(length):
    clip = one_second(np.zeros(length, np.int16))
    assert clip.shape == (16_000,)
    assert not clip.any()
