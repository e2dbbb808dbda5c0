"""The frames of an MP3 file are counted, whatever it says of them and whatever lies between."""

import io
import struct

import numpy as np
import pytest
import soundfile

from kwslib.data.mp3_frames import mp3_layout
from kwslib.data.sound_file import open_sound

RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


def encoded(seconds=3.0, rate=16_000, channels=1, seed=0):
    """Silence, then noise: the bit rate varies, and with it the length of frames."""
    samples = np.random.default_rng(seed).normal(0, 0.1, (round(seconds * rate), channels))
    samples[: len(samples) // 2] = 0
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format="MP3", subtype="MPEG_LAYER_III")
    return stream.getvalue()


def info_at(data):
    return data.index(b"Xing")


def without_info(data):
    """The frames behind the first, which at 16 kHz is of 64 kbit/s in MPEG 2."""
    return data[data.index(b"\xff\xf3", 4) :]


def with_frames(data, frames):
    at = info_at(data) + 8
    return data[:at] + struct.pack(">I", frames) + data[at + 4 :]


def frames_of(data):
    at = info_at(data) + 8
    return struct.unpack(">I", data[at : at + 4])[0]


def decode(data):
    with open_sound(data, "clip") as sound:
        samples = np.concatenate(list(sound.frame_blocks())).mean(axis=1)
        return samples, sound


def layout_of(data):
    return mp3_layout(io.BytesIO(data), len(data))


ID3V2 = b"ID3\4\0\0\0\0\1\2" + b"\xff\xfb\x90\xc4" * 32 + b"ab"
ID3V1 = b"TAG" + bytes(125)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", RATES)
def test_a_whole_file_is_what_libsndfile_reads(rate, channels):
    data = encoded(1.0, rate, channels)
    expected = soundfile.read(io.BytesIO(data), always_2d=True)[0].mean(axis=1)
    samples, sound = decode(data)
    np.testing.assert_allclose(samples, expected, atol=1e-6)
    assert sound.promised == len(samples) == rate
    assert sound.cut_short == ""


def test_without_a_number_of_frames_all_are_read_and_none_are_promised():
    data = encoded()
    bare = without_info(data)
    samples, sound = decode(bare)
    assert len(layout_of(bare).streams) == 1
    assert sound.promised is None
    # nothing says where the encoder's silence ends, so that it stays
    assert 0 <= len(samples) - 48_000 < 3 * 576
    delay = np.argmax(np.correlate(samples[20_000:40_000], decode(data)[0][20_000:36_000]))
    np.testing.assert_allclose(samples[delay:][:48_000], decode(data)[0], atol=1e-6)


@pytest.mark.parametrize("frames", [1, 20])
def test_all_are_read_where_fewer_are_stated(frames):
    data = encoded()
    samples, sound = decode(with_frames(data, frames))
    np.testing.assert_allclose(samples[:48_000], decode(data)[0], atol=1e-6)
    assert sound.cut_short == ""


def test_what_is_stated_and_does_not_come_is_told():
    data = encoded()
    samples, sound = decode(with_frames(data, 2 * frames_of(data)))
    np.testing.assert_allclose(samples[:48_000], decode(data)[0], atol=1e-6)
    assert sound.cut_short.startswith("ends after 3.0")
    assert sound.cut_short.endswith("s of the 6.10 s that its header promises")


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
def test_a_file_that_was_cut_promises_its_whole_length(share, capfd):
    data = encoded()
    samples, sound = decode(data[: int(share * len(data))])
    np.testing.assert_allclose(samples[:-1152], decode(data)[0][: len(samples) - 1152], atol=1e-6)
    assert sound.promised == 48_000
    assert sound.cut_short == (
        f"ends after {len(samples) / 16_000:.2f} s of the 3.00 s that its header promises"
    )
    assert capfd.readouterr().err == ""


def test_the_silence_behind_the_sound_is_not_cut_off_where_the_end_is_missing():
    data = bytearray(encoded())
    cut = len(data) // 2
    at = data.index(b"LAME") + 22
    lengths = []
    for padding in (0, 2000):
        data[at : at + 2] = struct.pack(">H", (data[at] & 0xF0) << 8 | padding)
        lengths.append(len(decode(bytes(data[:cut]))[0]))
    assert lengths[0] == lengths[1]


@pytest.mark.parametrize("between", [b"", ID3V2, ID3V1, ID3V1 + ID3V2])
def test_files_one_behind_the_other_are_all_read(between):
    one, other = encoded(2.0), encoded(3.0, seed=1)
    samples, sound = decode(ID3V2 + one + between + other + ID3V1)
    np.testing.assert_allclose(
        samples, np.concatenate([decode(one)[0], decode(other)[0]]), atol=1e-6
    )
    assert (sound.promised, sound.notes) == (5 * 16_000, [])


def test_of_two_files_the_second_may_be_cut():
    one, other = encoded(2.0), encoded(3.0)
    samples, sound = decode(one + other[: len(other) // 2])
    assert 3 * 16_000 < len(samples) < 5 * 16_000
    assert sound.cut_short.endswith("of the 5.00 s that its header promises")


def test_frames_that_do_not_state_their_number_count_behind_some_that_do():
    one, other = encoded(2.0), without_info(encoded(3.0))
    samples, _ = decode(one + other)
    assert 5 * 16_000 <= len(samples) < 5 * 16_000 + 4 * 576


@pytest.mark.parametrize(
    "damage", [b"\0" * 700, b"\xff" * 700, b"\xff\xfb\x90\xc4" * 200, b"ab" * 1000]
)
def test_damage_between_frames_is_skipped_and_noted(damage):
    one, other = encoded(1.0), encoded(1.0)
    samples, sound = decode(one + damage + other)
    assert len(samples) == 2 * 16_000
    assert sound.notes == [f"{len(damage):,} bytes that are no frames of sound skipped"]
    samples, sound = decode(one + damage)
    assert (len(samples), sound.notes) == (16_000, [])


@pytest.mark.parametrize("other", [{"rate": 48_000}, {"channels": 2}])
def test_frames_of_another_kind_end_the_sound_with_a_note(other):
    samples, sound = decode(encoded(1.0) + encoded(1.0, **other))
    assert len(samples) == 16_000
    assert sound.goes_on
    assert sound.notes == ["read to 1.00 s only, where its rate or number of channels changes"]


def test_damage_in_the_first_frames_costs_no_more_than_them():
    data = bytearray(encoded(2.0))
    data[4:600] = bytes(596)
    samples, sound = decode(bytes(data))
    frames = 1 + 600 // 36  # of 8 kbit/s, which is what silence takes
    assert 2 * 16_000 - frames * 576 < len(samples) < 2 * 16_000
    assert sound.notes[0].endswith("bytes that are no frames of sound skipped")


def test_a_tag_that_is_longer_than_it_says():
    samples, _ = decode(ID3V2 + encoded(1.0))
    assert len(samples) == 16_000
    streams = layout_of(ID3V2 + b"\0" * 300 + encoded(1.0)).streams
    assert [type(piece) for piece in streams[0]] == [bytes, range]


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff", b"\xff\xfb", b"ID3", ID3V2, b"\xff\xfb\x90\xc4" * 99, b"x" + encoded(1.0),
     b"fLaC" + encoded(1.0), ID3V2 + b"fLaC" + bytes(2**16) + encoded(1.0)],
)  # fmt: skip
def test_what_is_no_mp3_file(data):
    assert layout_of(data) is None
