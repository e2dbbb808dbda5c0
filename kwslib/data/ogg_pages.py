"""The pages of an Ogg file, by which it falls into the streams that were chained in it.

Ogg files that stand one after the other are one Ogg file, of which libsndfile reads the first.

Source: S. Pfeiffer, "The Ogg Encapsulation Format Version 0", RFC 3533 (2003).
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import BinaryIO

from kwslib.data.sound_layout import Layout, read_at

_MAGIC = b"OggS"
_HEADER_BYTES = 27  # before the lengths of the segments
_FIRST_OF_STREAM = 2
_SEARCHED_BYTES = 2**16


def ogg_layout(raw: BinaryIO, length: int) -> Layout | None:
    """The chained streams of an Ogg file of ``length`` bytes; None if it is no Ogg file."""
    if read_at(raw, 0, len(_MAGIC)) != _MAGIC:
        return None
    # Streams that play at the same time begin with first pages that stand together.
    pages = pairwise([(0, False), *_pages(raw)])
    starts = [at for (_, before), (at, first) in pages if first and not before]
    return Layout([[range(*ends)] for ends in pairwise([*starts, length])] or [[range(length)]])


def _pages(raw: BinaryIO) -> Iterator[tuple[int, bool]]:
    """Where each page lies, and whether it is the first of a stream."""
    at = 0
    while len(header := read_at(raw, at, _HEADER_BYTES)) == _HEADER_BYTES:
        if header.startswith(_MAGIC):
            yield at, bool(header[5] & _FIRST_OF_STREAM)
            at += _HEADER_BYTES + header[26] + sum(raw.read(header[26]))
        else:
            at = _next_page(raw, at + 1)


def _next_page(raw: BinaryIO, at: int) -> int:
    """Where the next page may begin behind damage; the end of the file if nowhere."""
    chunk = read_at(raw, at, _SEARCHED_BYTES)
    while (place := chunk.find(_MAGIC)) < 0 and (more := raw.read(_SEARCHED_BYTES)):
        at += len(chunk) - len(_MAGIC) + 1
        chunk = chunk[-len(_MAGIC) + 1 :] + more
    return at + (place if place >= 0 else len(chunk))
