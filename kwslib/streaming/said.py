"""What is said in a stream, and when: known of a stream that was built, read from a file for one
that was recorded.

The file is what Audacity exports as labels: a line a word, with start and end in seconds and the
word, separated by tabs.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kwslib.config import SAMPLE_RATE
from kwslib.data.loudness import LOUD_SAMPLES, loudest
from kwslib.errors import InputError
from kwslib.field.recordings import word_span
from kwslib.files import read_bounded, write_text

_MS = SAMPLE_RATE // 1000
_LARGEST_FILE = 2**26


@dataclass(frozen=True)
class Said:
    """A word in a stream.

    Attributes:
        word: which; a keyword of the network, or another word.
        start_ms: its onset, in milliseconds since the stream's start.
        end_ms: its offset.
        snr_db: signal-to-noise ratio; None where no noise was added, or it is unknown.
        noise: name of the noise, empty likewise.
        clip: name of the clip, empty where it comes from none.
    """

    word: str
    start_ms: int
    end_ms: int
    snr_db: float | None = None
    noise: str = ""
    clip: str = ""


def span_of(clip: NDArray[np.int16]) -> tuple[int, int]:
    """Onset and offset of the word in a clip, in milliseconds.

    By energy (:func:`kwslib.field.recordings.word_span`), and wide enough for the loudest 300 ms:
    a knock at the microphone may be louder than the word, but it is not louder for so long.
    """
    start, end = word_span(clip)
    loud = loudest(clip.astype(np.float64))[0] // _MS
    return min(start, loud), max(end, min(loud + LOUD_SAMPLES // _MS, len(clip) // _MS))


def write_labels(path: Path | str, said: Iterable[Said]) -> None:
    """Write what is said as labels that Audacity reads."""
    lines = [f"{w.start_ms / 1000:.3f}\t{w.end_ms / 1000:.3f}\t{w.word}\n" for w in said]
    write_text(path, "".join(lines))


def read_labels(path: Path | str) -> list[Said]:
    """What is said in a recording, by onset.

    Raises:
        InputError: the file cannot be read, or a line is no label.
    """
    content = read_bounded(path, _LARGEST_FILE)
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: cannot be read (it is no text)") from error
    # Audacity writes the frequencies of a spectral selection in lines that begin with a backslash.
    wanted = [(n, line) for n, line in enumerate(lines, 1) if line.strip() and line[0] != "\\"]
    return sorted((_label(f"{path}:{n}", line) for n, line in wanted), key=lambda w: w.start_ms)


def _label(where: str, line: str) -> Said:
    try:
        start, end, word = line.split("\t")
        start_s, end_s = float(start.replace(",", ".")), float(end.replace(",", "."))
    except ValueError:
        raise InputError(
            f"{where}: must be start and end in seconds and a word, separated by tabs, "
            f"as Audacity exports labels; it is {line!r}"
        ) from None
    if not (0 <= start_s <= end_s < math.inf) or not word.strip():
        raise InputError(f"{where}: a word must end after it starts, and be named; it is {line!r}")
    return Said(word.strip(), round(1000 * start_s), round(1000 * end_s))


def check_words(said: Sequence[Said], keywords: Sequence[str]) -> None:
    """Make sure that a keyword is said at all.

    Raises:
        InputError: none is.
    """
    if not any(each.word in keywords for each in said):
        raise InputError(
            f"none of the keywords {', '.join(keywords)} is said in this stream; "
            "without any there is nothing to miss"
        )
