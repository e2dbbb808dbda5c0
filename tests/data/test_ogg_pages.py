"""Chained Ogg streams, told apart by their pages."""

import io

import numpy as np
import pytest
import soundfile

from kwslib.data.sound_file import open_sound
from kwslib.data.sound_layout import ogg_layout


def encoded(seconds, rate=16_000, subtype="VORBIS", seed=0):
    samples = np.random.default_rng(seed).normal(0, 0.1, round(seconds * rate))
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format="OGG", subtype=subtype)
    return stream.getvalue()


def streams_of(data):
    return [list(pieces) for pieces in ogg_layout(io.BytesIO(data), len(data)).streams]


def decode(data):
    with open_sound(data, "clip") as sound:
        samples = np.concatenate(list(sound.blocks()))
        return samples, sound


def page(flags, payload=b"\5sound"):
    return b"OggS\0" + bytes([flags]) + bytes(20) + b"\1" + bytes([len(payload)]) + payload


def test_each_first_page_begins_a_stream():
    one, other = page(2) + page(0) + page(4), page(2) + page(4)
    assert streams_of(one + other) == [
        [range(len(one))],
        [range(len(one), len(one) + len(other))],
    ]


def test_first_pages_that_stand_together_are_of_one_stream():
    data = page(2) + page(2) + page(0) + page(4)
    assert streams_of(data) == [[range(len(data))]]


@pytest.mark.parametrize("size", [1, 3, 1000, 2**16 - 2, 2**17])
def test_damage_between_pages_is_skipped(size):
    one, other = page(2) + page(4), page(2) + page(4)
    _, second = streams_of(one + b"O" * size + other)
    assert second == [range(len(one) + size, len(one) + size + len(other))]


def test_what_is_no_ogg_file():
    assert ogg_layout(io.BytesIO(b"RIFF" + page(2)), 4 + len(page(2))) is None


@pytest.mark.parametrize("data", [b"OggS", page(2)[:20], page(2)[:-3]])
def test_a_file_that_ends_within_a_page_is_one_stream(data):
    assert streams_of(data) == [[range(len(data))]]


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_all_streams_of_a_chain_are_read(subtype):
    parts = [encoded(seconds, subtype=subtype, seed=seconds) for seconds in (2, 1, 3)]
    samples, sound = decode(b"".join(parts))
    np.testing.assert_array_equal(samples, np.concatenate([decode(part)[0] for part in parts]))
    assert (len(samples), sound.notes, sound.cut_short) == (6 * 16_000, [], "")


def test_a_stream_of_another_rate_ends_the_sound_with_a_note():
    samples, sound = decode(encoded(2) + encoded(1, 44_100) + encoded(1))
    assert len(samples) == 2 * 16_000
    assert sound.goes_on
    assert sound.notes == ["read to 2.00 s only, where its rate or number of channels changes"]
