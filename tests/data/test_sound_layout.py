"""Pieces of a file that are read as one file."""

import io

import pytest

from kwslib.data.sound_layout import PiecedFile, patched

RAW = bytes(range(100))


def pieced(*pieces):
    return PiecedFile(io.BytesIO(RAW), pieces)


def test_ranges_and_bytes_follow_one_another():
    file = pieced(b"head", range(10, 13), b"", range(50, 50), range(90, 100))
    assert file.read() == b"head" + RAW[10:13] + RAW[90:]
    assert (file.tell(), file.read(5)) == (17, b"")


@pytest.mark.parametrize("start", range(18))
def test_reading_begins_anywhere(start):
    file = pieced(b"head", range(10, 13), range(90, 100))
    whole = file.read()
    file.seek(start)
    assert file.read(6) == whole[start : start + 6]


def test_a_patch_reads_in_the_place_of_what_is_there():
    file = PiecedFile(io.BytesIO(RAW), patched(len(RAW), {40: b"xy", 4: b"abcd"}))
    assert file.read() == RAW[:4] + b"abcd" + RAW[8:40] + b"xy" + RAW[42:]


@pytest.mark.parametrize(
    ("offset", "whence", "at"),
    [(-5, io.SEEK_SET, 0), (99, io.SEEK_SET, 7), (-99, io.SEEK_END, 0), (9, io.SEEK_CUR, 7)],
)
def test_a_place_outside_is_the_nearest_inside(offset, whence, at):
    file = pieced(range(7))
    assert (file.seek(offset, whence), file.tell()) == (at, at)


def test_a_file_that_lost_its_end_meanwhile_ends_earlier():
    assert pieced(range(95, 105)).read() == RAW[95:]
