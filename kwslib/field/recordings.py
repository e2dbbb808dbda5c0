"""A folder of recordings as trials: one subfolder a word, played to a network as a stream.

``_none_`` holds sounds and ``_unknown_`` other words at which nothing must be detected; so does
every subfolder that is named as no keyword of the network. One whose word sounds like a keyword is
skipped: no network can tell the two apart. Names match whatever the case of their letters, and a
subfolder may have subfolders of its own, or be a link to a folder. What kind of sound or which word
is told by the file's name up to its first hyphen.

A file ``recordings.json`` beside the subfolders may tell more of each recording, such as where
in it the word lies (:class:`Facts`); without it, the word is found by its energy.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kwslib.config import SAMPLE_RATE
from kwslib.data.homophones import homophones_of
from kwslib.data.recording import read_whole
from kwslib.data.sound_file import SUFFIXES
from kwslib.data.task import UNKNOWN, in_hash_order, spelled_as
from kwslib.errors import InputError
from kwslib.field.trials import NONE, WINDOW_MS, Span
from kwslib.files import read_json, sha256_of_file, sha256_of_text

FACTS = "recordings.json"
_LARGEST_FACTS = 2**26
BEFORE_MS = 1500
"""Sound before a word at the least: the network's second must be full when the word begins."""

_MS = SAMPLE_RATE // 1000
_FRAME = 20 * _MS
_BELOW_PEAK_DB = 25.0
_ABOVE_FLOOR_DB = 6.0


@dataclass(frozen=True)
class Facts:
    """What ``recordings.json`` tells of a recording.

    Attributes:
        start_ms: where the word or sound begins, in milliseconds from the recording's start.
        end_ms: where it ends.
        speaker: who speaks.
        noise: kind of the noise, ``"none"`` for none but a quiet room's.
        snr_db: signal-to-noise ratio.
    """

    start_ms: int | None = None
    end_ms: int | None = None
    speaker: str = ""
    noise: str = ""
    snr_db: float | None = None

    def __post_init__(self) -> None:
        if (self.start_ms is None) != (self.end_ms is None):
            raise ValueError("start_ms and end_ms belong together")
        if self.start_ms is not None and self.end_ms is not None:
            whole = isinstance(self.start_ms, int) and isinstance(self.end_ms, int)
            if not whole or not 0 <= self.start_ms < self.end_ms:
                raise ValueError("start_ms must be before end_ms, both in whole milliseconds")
        if not isinstance(self.snr_db, int | float | None):
            raise ValueError("snr_db must be a number")


@dataclass(frozen=True)
class Recording:
    """A sound file and what is said in it.

    Attributes:
        said: the word, :data:`~kwslib.data.task.UNKNOWN` or :data:`~kwslib.field.trials.NONE`.
        name: ``folder/file``.
        path: the file.
        kind: which other word, or what kind of sound; empty for a keyword.
        facts: what is known of it.
    """

    said: str
    name: str
    path: Path
    kind: str = ""
    facts: Facts = field(default_factory=Facts)

    def stream(self) -> tuple[NDArray[np.int16], Span, list[str]]:
        """The recording as a network hears it.

        Where there is too little sound before or after the word, noise as quiet as the
        recording's own quietest tenth is added, so that no edge is heard.

        Returns:
            int16 ``[samples]`` at 16 kHz, where the word lies in them, and notes on changes.

        Raises:
            InputError: the file cannot be read.
        """
        samples, notes = read_whole(self.path)
        start, end = self.facts.start_ms, self.facts.end_ms
        if start is None or end is None:
            start, end = word_span(samples)
        before = max(BEFORE_MS - start, 0)
        after = max(end + WINDOW_MS - len(samples) // _MS, 0)
        room = _quiet_noise(samples, (before + after) * _MS)
        stream = np.concatenate([room[: before * _MS], samples, room[before * _MS :]])
        return stream, Span(start + before, end + before, len(stream) // _MS), notes


def word_span(samples: NDArray[np.int16]) -> tuple[int, int]:
    """Where the loud part of a recording begins and ends, in milliseconds.

    From the first to the last 20 ms that lie less than 25 dB below the loudest and 6 dB or more
    above the floor; all of a recording that is equally loud throughout.
    """
    levels = frame_levels(samples)
    threshold = max(levels.max() - _BELOW_PEAK_DB, np.percentile(levels, 10) + _ABOVE_FLOOR_DB)
    loud = np.flatnonzero(levels >= threshold)
    if not loud.size:
        return 0, len(samples) // _MS
    return int(loud[0]) * _FRAME // _MS, int(loud[-1] + 1) * _FRAME // _MS


def frame_levels(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """Level of each 20 ms in decibels over one int16 step; what is left at the end is dropped."""
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float64)
    return 10 * np.log10(np.maximum(np.mean(frames**2, axis=1), 1.0))


def _quiet_noise(samples: NDArray[np.int16], count: int) -> NDArray[np.int16]:
    """White noise of the quietest tenth's level; the same for the same recording."""
    deviation = 10 ** (np.percentile(frame_levels(samples), 10) / 20)
    draw = np.random.default_rng(len(samples))
    return np.rint(draw.normal(0, deviation, count)).clip(-32768, 32767).astype(np.int16)


def read_folder(
    folder: Path,
    keywords: Sequence[str],
    words: Collection[str] = (),
    most: int | None = None,
    tell: Callable[[str], None] = lambda line: None,
    keep_homophones: bool = False,
) -> list[Recording]:
    """The recordings of a folder, by subfolder.

    Args:
        folder: with a subfolder for each word.
        keywords: words that the network spots.
        words: names of the subfolders to take; all if empty.
        most: recordings of each word; the first by the SHA-1 of their names are taken.
        tell: takes a line on files that are skipped.
        keep_homophones: take subfolders whose word sounds like a keyword.

    Raises:
        InputError: the folder is missing, cannot be read, holds no recordings, or lacks one of
            ``words``; or eSpeak, which knows how words sound, is missing.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; it must hold a subfolder for each word")
    facts = _read_facts(folder / FACTS)
    outside = [path for path in _visible(folder) if not path.is_dir() and path.name != FACTS]
    _tell_skipped(outside, "stand in no word's folder", tell)
    sounds: dict[str, Path] = {}
    subfolders = _subfolders(folder, words)
    alike = set() if keep_homophones else _alike(subfolders, keywords)
    _tell_skipped(alike, "sound like a keyword", tell)
    for subfolder in (each for each in subfolders if each not in alike):
        files = sorted(_files(subfolder, (folder.resolve(), *folder.resolve().parents)))
        heard = [path for path in files if path.suffix.lower() in SUFFIXES and path.is_file()]
        _tell_skipped(set(files).difference(heard), "are no sound", tell)
        sounds |= {path.relative_to(folder).as_posix(): path for path in heard}
    found = [_recording(name, sounds[name], keywords, facts) for name in _first(sounds, most)]
    if not found:
        but = " but of words that sound like a keyword" if alike else ""
        raise InputError(
            f"{folder}: holds no recordings{but}; put sound files into a subfolder for each word, "
            f"such as {folder / 'yes'}"
        )
    return found


def _files(path: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    """All visible files at a path and below it, and links that lead back up.

    Args:
        path: a folder to look through, or a file.
        above: the folders that it is in, links resolved.
    """
    if not path.is_dir() or (real := path.resolve()) in above:
        yield path
        return
    for inner in _visible(path):
        yield from _files(inner, (real, *above))


def _visible(folder: Path) -> list[Path]:
    """What is in a folder, but for hidden files, sorted."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be read ({error.strerror}); make it readable, or move it away"
        ) from error


def _first(names: Iterable[str], most: int | None) -> list[str]:
    """The first of each word by the SHA-1 of their names; words match whatever their case."""
    if most is None:
        return [*names]
    by_word: dict[str, list[str]] = defaultdict(list)
    for name in names:
        by_word[name.split("/")[0].casefold()].append(name)
    return [name for names in by_word.values() for name in sorted(in_hash_order(names)[:most])]


def _tell_skipped(files: Iterable[Path], why: str, tell: Callable[[str], None]) -> None:
    names = sorted(map(str, files))
    if names:
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        tell(f"skipped, since they {why}: {names[0]}{others}")


def _subfolders(folder: Path, words: Collection[str]) -> list[Path]:
    there = [path for path in _visible(folder) if path.is_dir()]
    names = [path.name for path in there]
    for word in words:
        if spelled_as(word, names) not in names:
            raise InputError(
                f"{folder}: has no subfolder {word}; there are {', '.join(names) or 'none'}"
            )
    return [path for path in there if not words or spelled_as(path.name, words) in words]


def _alike(subfolders: Iterable[Path], keywords: Sequence[str]) -> set[Path]:
    """Those whose word sounds like a keyword and is none."""
    by_word = {spelled_as(path.name, (*keywords, NONE, UNKNOWN)): path for path in subfolders}
    words = set(by_word).difference((NONE, UNKNOWN))
    return {by_word[word] for word in homophones_of(keywords, words)}


def _recording(
    name: str, path: Path, keywords: Sequence[str], facts: dict[str, Facts]
) -> Recording:
    folder = spelled_as(name.split("/")[0], (*keywords, NONE, UNKNOWN))
    known = facts.get(name.casefold(), Facts())
    if folder in keywords:
        return Recording(folder, name, path, facts=known)
    kind = path.stem.split("-")[0] if folder in (NONE, UNKNOWN) else folder
    return Recording(NONE if folder == NONE else UNKNOWN, name, path, kind, known)


def _read_facts(path: Path) -> dict[str, Facts]:
    if not path.exists():
        return {}
    entries = read_json(path, _LARGEST_FACTS, "mend it or remove it")
    try:
        return {name.casefold(): Facts(**entry) for name, entry in entries.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: does not tell facts of recordings ({error}); mend it or remove it"
        ) from error


def identity(recordings: Sequence[Recording]) -> str:
    """SHA-256 of the recordings' names and contents."""
    return sha256_of_text(*(f"{each.name} {sha256_of_file(each.path)}" for each in recordings))
