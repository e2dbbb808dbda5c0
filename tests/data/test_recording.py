"""Clips from users' files: every format is mended or refused in one line."""

import numpy as np
import pytest
import soundfile

from kwslib.data import recording
from kwslib.data.recording import open_stream, read_clip, read_whole
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
    monkeypatch.setattr(recording, "_BLOCK_VALUES", 777)
    np.testing.assert_array_equal(read_clip(path)[0], whole)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_become_zero(write, bad):
    samples = noise(1.0).astype(np.float32) / 32768
    samples[100:103] = bad
    clip, notes = read_clip(write(samples, subtype="FLOAT"))
    assert not clip[100:103].any()
    assert notes == ["word.wav: 3 values that are no finite numbers set to 0"]


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
    monkeypatch.setattr(recording, "LONGEST_SECONDS", 60)
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
    with open_stream(write(samples)) as stream:
        blocks = list(stream.blocks(size))
        assert stream.samples == len(samples)
    assert {len(block) for block in blocks[:-1]} <= {size}
    np.testing.assert_array_equal(np.concatenate(blocks), samples)


def test_a_stream_is_what_is_read_as_a_whole(write):
    left, right = noise(3.0, 44_100, seed=1), noise(3.0, 44_100, seed=2)
    path = write(np.stack([left, right], axis=1), 44_100)
    whole, notes = read_whole(path)
    with open_stream(path) as stream:
        np.testing.assert_array_equal(np.concatenate(list(stream.blocks(7_000))), whole)
        assert [f"word.wav: {note}" for note in stream.notes] == notes
        assert abs(stream.samples - len(whole)) <= 1


def test_a_stream_may_be_longer_than_a_clip(write, monkeypatch):
    monkeypatch.setattr(recording, "LONGEST_SECONDS", 1)
    with open_stream(write(noise(2.0))) as stream:
        assert sum(map(len, stream.blocks(5_000))) == 32_000


def test_no_stream_comes_of_what_is_no_sound(tmp_path):
    (tmp_path / "word.wav").write_bytes(b"no sound at all")
    for name in ("word.wav", "absent.wav"):
        with pytest.raises(InputError, match=name), open_stream(tmp_path / name):
            pass
