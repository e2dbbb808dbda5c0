"""One reader of sound: every format, every way to write a sample, every lie of a header."""

import io
import struct
from contextlib import suppress

import numpy as np
import pytest
import soundfile

from kwslib.data.sound_file import SUFFIXES, DamagedSoundError, open_sound
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


def decode(data, name="clip"):
    with open_sound(data, name) as sound:
        return sound.read_all()


def notes_of(data):
    with open_sound(data, "clip") as sound:
        sound.read_all()
        return sound.notes


# ---------------------------------------------------------------- ways to write a sample

EXACT = [
    (form, subtype)
    for form in ("WAV", "WAVEX", "FLAC", "AIFF", "AU", "CAF", "W64", "RF64")
    for subtype in ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")
    if soundfile.check_format(form, subtype)
]


@pytest.mark.parametrize(("form", "subtype"), EXACT)
def test_sixteen_bits_come_back_from_every_format_that_holds_them(form, subtype):
    samples = noise(12_345)
    samples[:2] = -32_768, 32_767
    written = samples if subtype == "PCM_16" else samples / 32768
    read = decode(encoded(written, form=form, subtype=subtype))
    assert read.dtype == np.int16
    np.testing.assert_array_equal(read, samples)


@pytest.mark.parametrize(
    ("form", "subtype", "decibels"),
    [
        ("WAV", "PCM_U8", 30),
        ("WAV", "ULAW", 30),
        ("WAV", "ALAW", 30),
        ("WAV", "IMA_ADPCM", 15),
        ("WAV", "MS_ADPCM", 15),
        ("OGG", "VORBIS", 15),
        ("OGG", "OPUS", 10),
        ("MP3", "MPEG_LAYER_III", 10),
    ],
)
def test_lossy_formats_come_close(form, subtype, decibels):
    time = np.arange(16_000) / 16_000
    tone = 0.4 * np.sin(2 * np.pi * 440 * time)
    read = decode(encoded(tone, form=form, subtype=subtype)) / 32768
    assert abs(len(read) - len(tone)) < 2_000
    spectrum = np.abs(np.fft.rfft(read[:16_000]))
    near = spectrum[435:446]
    assert spectrum.argmax() == pytest.approx(440, abs=2)
    rest = np.sum(spectrum**2) - np.sum(near**2)
    assert 10 * np.log10(np.sum(near**2) / rest) > decibels


@pytest.mark.parametrize(("bits", "scale"), [(16, 2**15), (24, 2**23), (32, 2**31)])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_floats_in_the_units_of_integers_are_scaled(bits, scale, subtype):
    samples = noise(3_000)
    units = samples.astype(np.float64) * (scale / 2**15)
    data = encoded(units, subtype=subtype)
    np.testing.assert_array_equal(decode(data), samples)
    assert notes_of(data) == [f"floats in the units of {bits}-bit integers, scaled"]


def test_floats_in_integer_units_that_were_processed_are_scaled():
    samples = noise(3_000)
    read = decode(encoded(0.7 * samples, subtype="FLOAT"))
    np.testing.assert_allclose(read, 0.7 * samples, atol=0.51)


@pytest.mark.parametrize(("bits", "scale"), [(16, 2**15), (24, 2**23), (32, 2**31)])
@pytest.mark.parametrize("peak", [1.001, 3.0, 15.9])
@pytest.mark.parametrize("whole", [True, False])
def test_floats_in_integer_units_may_overshoot_them_a_little(bits, scale, peak, whole):
    levels = noise(3_000) / 32768
    levels[::20] = peak
    units = levels * scale if whole else levels * scale + 0.25
    data = encoded(units, subtype="DOUBLE")
    expected = np.where(levels == peak, 32767, noise(3_000))
    np.testing.assert_allclose(decode(data), expected, atol=1)
    assert notes_of(data) == [
        f"floats in the units of {bits}-bit integers, scaled",
        "150 samples beyond full scale clipped",
    ]


def test_floats_of_which_more_overshoot_are_of_more_bits():
    levels = noise(3_000) / 32768
    levels[::9] = 3.0
    assert notes_of(encoded(levels * 2**15, subtype="DOUBLE")) == [
        "floats in the units of 24-bit integers, scaled"
    ]


def test_quiet_floats_in_integer_units_are_quiet():
    samples = np.random.default_rng(0).integers(-5, 6, 3_000)
    np.testing.assert_array_equal(decode(encoded(samples * 1.0, subtype="FLOAT")), samples)


@pytest.mark.parametrize("gain", [1.0, 1.5, 8.0])
def test_floats_that_overshoot_are_clipped_and_not_scaled(gain):
    samples = noise(3_000) / 32768
    read = decode(encoded(gain * samples, subtype="FLOAT"))
    expected = np.clip(np.rint(gain * samples * 32768), -32768, 32767)
    np.testing.assert_allclose(read, expected, atol=1)


def test_one_click_does_not_make_a_file_of_integers():
    samples = noise(3_000) / 32768
    samples[100] = 900.5
    read = decode(encoded(samples, subtype="FLOAT"))
    np.testing.assert_array_equal(np.delete(read, 100), np.delete(noise(3_000), 100))
    assert read[100] == 32767


# ---------------------------------------------------------------- lengths that headers tell


def with_data_size(size, data=None, order="<"):
    whole = bytearray(encoded(noise(1600)) if data is None else data)
    at = whole.index(b"data") + 4
    whole[at : at + 4] = struct.pack(f"{order}I", size)
    return bytes(whole)


@pytest.mark.parametrize("size", [0, 2**31 - 1, 2**31, 2**32 - 1, 2**32 - 36])
def test_a_wav_file_that_tells_no_length_is_read_to_its_end(size):
    np.testing.assert_array_equal(decode(with_data_size(size)), noise(1600))


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("form", ["WAV", "WAVEX"])
def test_so_is_one_of_any_way_to_write_a_sample(form, subtype):
    data = encoded(noise(1600) / 32768, form=form, subtype=subtype)
    np.testing.assert_array_equal(decode(with_data_size(0, data)), noise(1600))


def test_so_are_its_relatives_of_other_byte_orders_and_sizes():
    stream = io.BytesIO()
    soundfile.write(stream, noise(1600), 16_000, format="WAV", subtype="PCM_16", endian="BIG")
    rifx = stream.getvalue()
    assert rifx[:4] == b"RIFX"
    np.testing.assert_array_equal(decode(with_data_size(0, rifx, ">")), noise(1600))


@pytest.mark.parametrize("size", [0, 2**32 - 1])
@pytest.mark.parametrize("wide_size", [0, 2**64 - 1])
def test_so_is_an_rf64_file(size, wide_size):
    rf64 = bytearray(with_data_size(size, encoded(noise(1600), form="RF64")))
    at = rf64.index(b"ds64") + 8
    rf64[at : at + 24] = struct.pack("<QQQ", wide_size, wide_size, wide_size)
    np.testing.assert_array_equal(decode(bytes(rf64)), noise(1600))


def test_an_rf64_file_with_its_length_in_one_place_only():
    rf64 = with_data_size(0, encoded(noise(1600), form="RF64"))
    np.testing.assert_array_equal(decode(rf64 + b"LIST\4\0\0\0INFO"), noise(1600))


@pytest.mark.parametrize("size", [0, 2**32 - 1])
@pytest.mark.parametrize(("endian", "order"), [("BIG", ">"), ("LITTLE", "<")])
def test_so_is_an_au_file(endian, order, size):
    stream = io.BytesIO()
    soundfile.write(stream, noise(1600), 16_000, format="AU", subtype="PCM_16", endian=endian)
    au = stream.getvalue()
    au = au[:8] + struct.pack(f"{order}I", size) + au[12:]
    np.testing.assert_array_equal(decode(au), noise(1600))


@pytest.mark.parametrize("size", [0, -1])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_so_is_a_caf_file(subtype, size):
    caf = encoded(noise(1600) / 32768, form="CAF", subtype=subtype)
    at = caf.index(b"data") + 4
    caf = caf[:at] + struct.pack(">q", size) + caf[at + 8 :]
    np.testing.assert_array_equal(decode(caf), noise(1600))


def test_a_killed_recorder_whose_sizes_are_all_zero():
    data = bytearray(with_data_size(0))
    data[4:8] = bytes(4)
    np.testing.assert_array_equal(decode(bytes(data)), noise(1600))


@pytest.mark.parametrize("form", ["WAV", "WAVEX", "AIFF", "AU", "FLAC", "W64", "RF64", "CAF"])
def test_a_header_without_samples_is_no_clip(form):
    data = encoded(np.zeros(0, np.int16), form=form)
    with pytest.raises(InputError, match=r"yes/a: (holds no sound|is empty|is no readable)"):
        decode(data, "yes/a")


def test_chunks_behind_no_sound_are_no_sound():
    chunk = b"LIST" + struct.pack("<I", 10) + b"INFOISFT12"
    data = encoded(np.zeros(0, np.int16)) + chunk
    with pytest.raises(InputError, match="holds no sound"):
        decode(data)
    data = encoded(noise(1600)) + chunk
    np.testing.assert_array_equal(decode(data), noise(1600))


@pytest.mark.parametrize("form", ["WAV", "WAVEX", "MP3"])
def test_less_than_the_header_promises_is_noted(form):
    subtype = "MPEG_LAYER_III" if form == "MP3" else "PCM_16"
    data = encoded(noise(48_000), form=form, subtype=subtype)
    assert notes_of(data) == []
    (note,) = notes_of(data[: len(data) // 2])
    assert note.startswith("ends after 1.") and note.endswith(
        "of the 3.00 s that its header promises"
    )


def test_a_wav_header_that_claims_more_than_the_file_holds_does_no_harm():
    assert len(decode(with_data_size(2**31))) == 1600
    assert len(decode(with_data_size(2**30))) == 1600


def claiming(frames):
    """A FLAC file of 1,600 samples whose header claims others; 0 stands for unknown."""
    whole = bytearray(encoded(noise(1600), form="FLAC"))
    whole[21] = whole[21] & 0xF0 | frames >> 32
    whole[22:26] = struct.pack(">I", frames & 0xFFFFFFFF)
    return bytes(whole)


def test_a_flac_file_of_unknown_length_is_read_to_its_end():
    with open_sound(claiming(0), "clip") as sound:
        assert sound.promised is None
        np.testing.assert_array_equal(sound.read_all(), noise(1600))
        assert sound.notes == []


@pytest.mark.parametrize("frames", [2**36 - 1, 2**30, 16_000])
def test_a_flac_header_that_claims_an_hour_of_hours_does_no_harm(frames):
    with suppress(InputError):
        assert len(decode(claiming(frames))) <= 1600


@pytest.mark.parametrize("form", ["WAV", "FLAC", "AIFF", "AU", "CAF", "W64", "RF64"])
@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_cut_file_gives_an_input_error_or_the_samples_before_the_cut(form):
    samples = noise(6_000)
    whole = encoded(samples, form=form)
    for length in (*range(100), *range(100, len(whole), 499)):
        try:
            read = decode(whole[:length])
        except InputError:
            continue
        np.testing.assert_array_equal(read, samples[: len(read)])


def test_what_comes_before_a_damage_is_good():
    samples = noise(100_000)
    whole = encoded(samples, form="FLAC")
    blocks = []
    with (
        pytest.raises(DamagedSoundError, match="clip: is damaged after"),
        open_sound(whole[: len(whole) // 2], "clip") as sound,
    ):
        blocks += sound.blocks()
    read = np.concatenate(blocks) * 32768
    assert 20_000 < len(read) < 60_000
    np.testing.assert_array_equal(read, samples[: len(read)])


@pytest.mark.parametrize(
    "data", [b"", b"not sound at all", b"RIFF\x10\0\0\0WAVE", b"fLaC" + b"\0" * 40, b".snd"]
)
def test_what_is_no_sound_is_an_input_error_that_names_it(data):
    with pytest.raises(InputError, match="yes/a_nohash_0") as error:
        decode(data, "yes/a_nohash_0")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_any_rate_and_number_of_channels_becomes_mono_at_16_khz(rate, channels):
    time = np.arange(rate) / rate
    tone = 0.3 * np.sin(2 * np.pi * 1000 * time)
    read = decode(encoded(np.stack([tone] * channels, axis=1), rate=rate))
    assert len(read) == pytest.approx(16_000, abs=1)
    assert np.abs(np.fft.rfft(read)).argmax() == 1000


@pytest.mark.parametrize("name", ["a.au", "a.snd", "a.vox", "a.raw", "a.mp3"])
def test_no_name_makes_sound_of_what_is_none(tmp_path, name):
    (tmp_path / name).write_bytes(bytes(range(256)) * 100)
    with pytest.raises(InputError, match="is no readable sound file"), open_sound(tmp_path / name):
        pass


def test_what_is_resampled_to_nothing_is_no_sound():
    with pytest.raises(InputError, match="clip: holds no sound"):
        decode(encoded(noise(1), rate=48_000))


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 32_000, 44_100, 48_000, 96_000])
def test_how_many_samples_come_is_known_from_the_frames(rate):
    for frames in (1, 2, 3, 7, 100, 12_345, 33_333):
        with open_sound(encoded(noise(frames), rate=rate)) as sound:
            assert sum(map(len, sound.blocks())) == sound.samples


def test_suffixes_are_those_of_formats_with_a_header():
    assert {".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif"} <= SUFFIXES
    assert not {".raw", ".txt", ".json"} & SUFFIXES
