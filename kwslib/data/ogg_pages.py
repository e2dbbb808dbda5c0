"""The pages of an Ogg file, by which it falls into the streams that were chained in it.

Ogg files that stand one after the other are one Ogg file, of which libsndfile reads the first.

Source: S. Pfeiffer, "The Ogg Encapsulation Format Version 0", RFC 3533 (2003).
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import BinaryIO

from kwslib.data.sound_layout import Layout

_MAGIC = b"OggS"
_HEADER_BYTES = 27  # before the lengths of the segments
_FIRST_OF_STREAM = 2
_SEARCHED_BYTES = 2**16


def ogg_layout(raw: BinaryIO, length: int) -> Layout | None:
    """The chained streams of an Ogg file of ``length`` bytes; None if it is no Ogg file."""
    raw.seek(0)
    if raw.read(len(_MAGIC)) != _MAGIC:
        return None
    starts = []
    before = False
    # Streams that play at the same time begin with first pages that stand together.
    for at, first in _pages(raw):
        if first and not before:
            starts.append(at)
        before = first
    return Layout([[range(*ends)] for ends in pairwise([*starts, length])] or [[range(length)]])


def _pages(raw: BinaryIO) -> Iterator[tuple[int, bool]]:
    """Where each page lies, and whether it is the first of a stream."""
    at = 0
    while True:
        raw.seek(at)
        header = raw.read(_HEADER_BYTES)
        if len(header) < _HEADER_BYTES:
            return
        if header.startswith(_MAGIC):
            yield at, bool(header[5] & _FIRST_OF_STREAM)
            at += _HEADER_BYTES + header[26] + sum(raw.read(header[26]))
        else:
            at = _next_page(raw, at + 1)


def _next_page(raw: BinaryIO, at: int) -> int:
    """Where the next page may begin behind damage; the end of the file if nowhere."""
    raw.seek(at)
    chunk = raw.read(_SEARCHED_BYTES)
    while (place := chunk.find(_MAGIC)) < 0 and (more := raw.read(_SEARCHED_BYTES)):
        at += len(chunk) - len(_MAGIC) + 1
        chunk = chunk[-len(_MAGIC) + 1 :] + more
    return at + (place if place >= 0 else len(chunk))
