"""Clips from users' files: every format is mended or refused in one line."""

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from kwslib.data import sound_file
from kwslib.data.recording import centred_second, read_clip, read_whole, stream_blocks
from kwslib.data.sound_file import open_sound
from kwslib.errors import InputError

RATE = 16_000


def noise(seconds, rate=RATE, level=3000, seed=0):
    samples = np.random.default_rng(seed).normal(0, level, round(seconds * rate))
    return np.clip(np.round(samples), -32768, 32767).astype(np.int16)


@pytest.fixture
def write(tmp_path):
    def write(samples, rate=RATE, name="word.wav", **options):
        soundfile.write(tmp_path / name, samples, rate, **options)
        return tmp_path / name

    return write


@pytest.mark.parametrize("name", ["word.wav", "word.flac", "word.aiff"])
def test_a_second_comes_back_bit_for_bit(write, name):
    samples = noise(1.0)
    samples[:2] = -32768, 32767
    clip, notes = read_clip(write(samples, name=name, subtype="PCM_16"))
    assert clip.dtype == np.int16
    np.testing.assert_array_equal(clip, samples)
    assert notes == []


@pytest.mark.parametrize("rate", [8000, 11_025, 22_050, 44_100, 48_000, 96_000])
def test_another_rate_is_resampled(write, rate):
    time = np.arange(rate) / rate
    tone = np.round(10_000 * np.sin(2 * np.pi * 1000 * time)).astype(np.int16)
    clip, notes = read_clip(write(tone, rate))
    assert clip.shape == (RATE,)
    assert np.abs(np.fft.rfft(clip)).argmax() == 1000
    middle = clip[2000:-2000].astype(float)
    assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(10_000, rel=0.01)
    assert notes == [f"word.wav: resampled from {rate:,} Hz to 16,000 Hz"]


def test_channels_are_averaged(write):
    left, right = noise(1.0, seed=1), noise(1.0, seed=2)
    clip, notes = read_clip(write(np.stack([left, right], axis=1)))
    np.testing.assert_allclose(clip, (left.astype(float) + right) / 2, atol=0.51)
    assert notes == ["word.wav: 2 channels averaged"]


def test_a_longer_clip_is_cut_to_its_loudest_second(write):
    samples = noise(3.7, level=20)
    word = noise(1.0)
    samples[20_800:36_800] = word
    clip, notes = read_clip(write(samples))
    np.testing.assert_array_equal(clip, word)
    assert notes == ["word.wav: 3.70 s long, cut to the loudest second (from 1.30 s)"]


def test_a_shorter_clip_stands_in_the_middle(write):
    samples = noise(0.5)
    clip, notes = read_clip(write(samples))
    np.testing.assert_array_equal(clip[4000:12_000], samples)
    assert not clip[:4000].any() and not clip[12_000:].any()
    assert notes == ["word.wav: 0.50 s long, put in the middle of a second of silence"]


def test_everything_at_once_has_a_note_each(write):
    samples = noise(2.0, rate=44_100)
    _, notes = read_clip(write(np.stack([samples] * 3, axis=1), 44_100))
    assert [note.split(": ")[1].split()[0] for note in notes] == ["resampled", "3", "2.00"]


def test_a_block_boundary_leaves_no_trace(write, monkeypatch):
    path = write(noise(1.0, rate=44_100), 44_100)
    whole, _ = read_clip(path)
    monkeypatch.setattr(sound_file, "_BLOCK_VALUES", 777)
    np.testing.assert_array_equal(read_clip(path)[0], whole)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_refused_with_its_place(write, bad):
    samples = np.stack([noise(1.0)] * 2, axis=1).astype(np.float32) / 32768
    samples[8_200, 1] = bad
    with pytest.raises(InputError, match=r"word.wav: sample 8,200 \(at 0.512 s\) is no finite"):
        read_clip(write(samples, subtype="FLOAT"))


def test_floats_beyond_full_scale_are_clipped(write):
    samples = np.zeros(RATE)
    samples[5], samples[6] = 1e30, -7.0
    clip, notes = read_clip(write(samples, subtype="FLOAT"))
    assert clip[5] == 32767 and clip[6] == -32768
    assert notes == ["word.wav: 2 samples beyond full scale clipped"]


def test_100_ms_is_enough_and_less_is_not(write):
    assert read_clip(write(noise(0.1)))[0].any()
    with pytest.raises(InputError, match=r"word.wav: holds 100 ms"):
        read_clip(write(noise(0.1)[:-1]))
    with pytest.raises(InputError, match=r"holds 50 ms, must be at least 100 ms"):
        read_clip(write(noise(0.05, rate=48_000), 48_000))


def test_a_file_without_samples(write):
    with pytest.raises(InputError, match="holds no sound"):
        read_clip(write(np.zeros(0, np.int16)))


def test_a_long_file_is_refused_before_it_is_read(write, monkeypatch):
    monkeypatch.setattr(sound_file, "LONGEST_SECONDS", 60)
    path = write(np.zeros(61 * 8000, np.int16), 8000, "lecture.flac")
    with pytest.raises(InputError, match=r"lecture.flac: is longer than 1 minutes?"):
        read_clip(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"This is no sound.", "is no readable sound file"),
        (b"RIFF\xff\xff\xff\xffWAVEfmt ", "is no readable sound file"),
    ],
)
def test_files_that_are_no_sound(tmp_path, content, words):
    path = tmp_path / "word.wav"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as error:
        read_clip(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_truncated_flac_is_refused_or_noted(write):
    path = write(noise(1.0), name="word.flac")
    path.write_bytes(path.read_bytes()[:9000])
    try:
        _, notes = read_clip(path)
    except InputError as error:
        assert "word.flac" in str(error)
    else:
        assert notes


def test_paths_that_are_no_files(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_clip(tmp_path / "absent.wav")
    with pytest.raises(InputError, match="is no file"):
        read_clip(tmp_path)
    with pytest.raises(InputError, match=r"no such file|cannot be read"):
        read_clip("a\0b.wav")
    with pytest.raises(InputError, match=r"cannot be read|no such file"):
        read_clip("x" * 5000)


def test_headerless_samples_are_refused(tmp_path):
    path = tmp_path / "word.raw"
    path.write_bytes(b"\0\1" * RATE)
    with pytest.raises(InputError, match="use WAV"):
        read_clip(path)


def test_a_whole_file_keeps_its_length_and_its_samples(write):
    samples = noise(3.7)
    whole, notes = read_whole(write(samples))
    np.testing.assert_array_equal(whole, samples)
    assert notes == []


def test_a_whole_file_is_resampled_and_averaged_as_a_clip_is(write):
    stereo = np.stack([noise(1.0, 32_000, seed=1), noise(1.0, 32_000, seed=2)], axis=1)
    path = write(stereo, 32_000)
    whole, notes = read_whole(path)
    clip, its_notes = read_clip(path)
    np.testing.assert_array_equal(whole, clip)
    assert notes == its_notes != []


def test_a_whole_file_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_whole(tmp_path / "absent.wav")


@pytest.mark.parametrize("size", [1000, 16_000, 200_000])
def test_a_stream_comes_in_blocks(write, size):
    samples = noise(5.1)
    with open_sound(write(samples)) as sound:
        blocks = list(stream_blocks(sound, size))
        assert sound.frames == sound.promised == len(samples)
    assert {len(block) for block in blocks[:-1]} <= {size}
    np.testing.assert_array_equal(np.concatenate(blocks), samples)


def test_a_stream_is_what_is_read_as_a_whole(write):
    left, right = noise(3.0, 44_100, seed=1), noise(3.0, 44_100, seed=2)
    path = write(np.stack([left, right], axis=1), 44_100)
    whole, notes = read_whole(path)
    with open_sound(path) as sound:
        np.testing.assert_array_equal(np.concatenate(list(stream_blocks(sound, 7_000))), whole)
        assert [f"word.wav: {note}" for note in sound.notes] == notes


def test_a_stream_may_be_longer_than_a_clip(write, monkeypatch):
    monkeypatch.setattr(sound_file, "LONGEST_SECONDS", 1)
    with open_sound(write(noise(2.0))) as sound:
        assert sum(map(len, stream_blocks(sound, 5_000))) == 32_000


def test_no_stream_comes_of_what_is_no_sound(tmp_path):
    (tmp_path / "word.wav").write_bytes(b"no sound at all")
    for name in ("word.wav", "absent.wav"):
        with pytest.raises(InputError, match=name), open_sound(tmp_path / name):
            pass


# ---------------------------------------------------------------- clips of data sets


def nonzero(count, seed=0):
    """Samples without a zero."""
    samples = np.random.default_rng(seed).integers(1, 30_000, count).astype(np.int16)
    samples[::2] *= -1
    return samples


@given(length=st.integers(1, 15_840), seed=st.integers(0, 5))
def test_a_short_clip_stands_in_the_centre_between_zeros(length, seed):
    samples = nonzero(length, seed)
    clip = centred_second(samples)
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
    samples = nonzero(length)
    before = min(before, 16_000 - length)
    after = min(max(total - before - length, 0), 16_000 - before - length)
    np.testing.assert_array_equal(
        centred_second(np.pad(samples, (before, after))), centred_second(samples)
    )


@given(length=st.integers(0, 20_000), seed=st.integers(0, 3))
def test_centring_twice_is_centring_once(length, seed):
    clip = centred_second(nonzero(length, seed))
    np.testing.assert_array_equal(centred_second(clip), clip)


@given(zeros=st.integers(0, 159), at_end=st.booleans())
def test_fewer_than_ten_milliseconds_of_zeros_are_sound(zeros, at_end):
    samples = nonzero(16_000)
    samples[16_000 - zeros if at_end else 0 : 16_000 if at_end else zeros] = 0
    np.testing.assert_array_equal(centred_second(samples), samples)


def test_zeros_inside_a_clip_stay():
    samples = nonzero(16_000)
    samples[4_000:12_000] = 0
    np.testing.assert_array_equal(centred_second(samples), samples)


def test_a_longer_clip_is_cut_at_its_end():
    samples = nonzero(20_000)
    np.testing.assert_array_equal(centred_second(samples), samples[:16_000])


@pytest.mark.parametrize("length", [0, 1, 15_999, 16_000, 30_000])
def test_digital_silence_stays_silence(length):
    clip = centred_second(np.zeros(length, np.int16))
    assert clip.shape == (16_000,)
    assert not clip.any()
