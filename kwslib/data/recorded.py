"""What recorded collections of words have in common, however their clips are stored.

A collection's identity is a hash over its members' names and bytes, the same on every machine.

Reading gigabytes at every call would cost more than the calls. The hash is therefore kept in this
machine's cache under the sizes and times of the files that it was computed from; whoever does not
trust those has it computed anew.
"""

import sys
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from typing_extensions import override

from kwslib.config import CLIP_SAMPLES
from kwslib.data.members import Members, digests
from kwslib.data.noise import Regions, silence_audio
from kwslib.data.recording import centred_second
from kwslib.data.sound_file import open_sound
from kwslib.data.source import Source
from kwslib.data.task import SILENCE, SPLITS, Split, in_hash_order
from kwslib.errors import InputError
from kwslib.files import sha256_of_text, write_text
from kwslib.folders import cache_folder, keep_newest

LARGEST_CLIP, LARGEST_NOISE = 2**20, 2**23
"""Bytes of a file."""


class RecordedSpeech(Source):
    """Clips that people spoke, by split and word, and recordings of background noise."""

    def __init__(self, place: Path, kind: str, parts: Sequence[Members], noise: Members) -> None:
        """Take what a subclass has opened.

        Args:
            place: what messages call the collection.
            kind: how its members are read, with a version, and all else that it consists of.
            parts: of which it consists, but for the noise.
            noise: recordings.
        """
        self.place = place
        self._kind, self._parts, self._noise = kind, (*parts, noise), noise
        self._identity = ""
        self._told: set[str] = set()
        skipped = [path for part in self._parts for path in part.skipped]
        if skipped:
            more = f" and {len(skipped) - 1} more" if len(skipped) > 1 else ""
            self.tell(
                "skipped, since they are no clips or lie where none are looked for: "
                f"{skipped[0]}{more}"
            )

    @property
    @override
    def regions(self) -> Regions:
        """The last part of each recording serves as test silence."""
        return {"training": (0.0, 0.7), "validation": (0.7, 0.85), "testing": (0.85, 1.0)}

    @abstractmethod
    def all_clips(self) -> Iterable[tuple[Split, str]]:
        """Split and name of every clip; ``_silence_`` may be a word."""

    @cached_property
    def by_split(self) -> Mapping[Split, Mapping[str, Sequence[str]]]:
        """Names of all clips by split and word."""
        clips: dict[Split, dict[str, list[str]]] = {split: {} for split in SPLITS}
        for split, name in self.all_clips():
            clips[split].setdefault(name.split("/")[0], []).append(name)
        return clips

    @override
    def identity(self, verify: bool = False) -> str:
        if verify or not self._identity:
            self._identity = identity_of(self._kind, self._parts, verify)
        return self._identity

    @property
    def words(self) -> list[str]:
        """All words with clips in any split."""
        return sorted(set().union(*self.by_split.values()) - {SILENCE})

    @override
    def check_word(self, word: str) -> None:
        if not self.words:
            raise InputError(
                f"keyword {word!r}: {self.place} has no clips of any word; they are read from "
                "folders that are called as their words"
            )
        if word not in self.words:
            raise InputError(
                f"keyword {word!r}: {self.place} has no such word; "
                f"choose from {' '.join(self.words)}"
            )

    @override
    def keyword_clips(self, word: str, split: Split) -> list[str]:
        self.check_word(word)
        return in_hash_order(self.by_split[split].get(word, []))

    @override
    def unknown_clips(self, keywords: Sequence[str], split: Split) -> list[str]:
        excluded = {*keywords, SILENCE}
        words = self.by_split[split].items()
        return [name for word, names in words if word not in excluded for name in names]

    @override
    def silence_clips(self, split: Split, count: int) -> list[str]:
        """Recorded silence where the split has some, crops of the noises otherwise."""
        recorded = self.by_split[split].get(SILENCE)
        if recorded:
            return in_hash_order(recorded)[:count]
        return super().silence_clips(split, count)

    @override
    def audio(self, names: Sequence[str]) -> NDArray[np.int16]:
        clips = [self._audio(name) for name in names]
        return np.stack(clips) if clips else np.empty((0, CLIP_SAMPLES), np.int16)

    @override
    def noise(self) -> Mapping[str, NDArray[np.int16]]:
        return self._noise_recordings

    @cached_property
    def _noise_recordings(self) -> dict[str, NDArray[np.int16]]:
        recordings = {name: self.decode(self._noise, name) for name in sorted(self._noise.paths)}
        if not recordings:
            raise InputError(f"{self._noise.place}: has no recordings of noise; fetch it again")
        return recordings

    def decode(self, members: Members, name: str) -> NDArray[np.int16]:
        """The samples of a member; what had to be changed is told once for each kind of change.

        Raises:
            InputError: there is no such member, or it is no sound.
        """
        with open_sound(members.read(name), f"{members.place}: {members.paths[name]}") as sound:
            samples = sound.read_all()
            for note in sound.notes:
                kind = note.split()[0]
                if kind not in self._told:
                    self._told.add(kind)
                    self.tell(f"{members.paths[name]} {note}; others alike are not named")
            return samples

    def tell(self, line: str) -> None:
        """Say something about the collection on standard error."""
        print(f"{self.place}: {line}", file=sys.stderr)

    def _audio(self, name: str) -> NDArray[np.int16]:
        recorded = self.recorded(name)
        if recorded is not None:
            return centred_second(self.decode(*recorded))
        if name.startswith(f"{SILENCE}/"):
            return silence_audio(self.noise(), name)
        raise InputError(f"{name}: {self.place} has no such clip as sound")

    @abstractmethod
    def recorded(self, name: str) -> tuple[Members, str] | None:
        """Where the sound of a clip lies; None where there is none, and for crops of noises."""


_KEPT = 100
_MANY = 2_000  # members, whose hashing takes long enough to show how far it is


def identity_of(kind: str, parts: Sequence[Members], verify: bool = False) -> str:
    """Hexadecimal SHA-256 over the paths and bytes of all members.

    Args:
        kind: of the data set: how its members are read, and all else that it consists of.
        parts: of the data set, in an order that belongs to its kind.
        verify: compute it anew, whatever sizes and times say.

    Raises:
        ChangedError: a file is no longer what it was when its members were listed.
    """
    kept = cache_folder("identities") / sha256_of_text(kind, *_states(parts))
    if not verify:
        with suppress(FileNotFoundError):
            return kept.read_text(encoding="utf-8")
    identity = sha256_of_text(kind, *_lines(parts))
    write_text(kept, identity)
    keep_newest(kept.parent, _KEPT)
    return identity


def _lines(parts: Sequence[Members]) -> Iterator[str]:
    total = sum(len(part.paths) for part in parts)
    with tqdm(
        total=total, desc="hashing the data", unit="clip", file=sys.stderr, leave=False,
        disable=total < _MANY,
    ) as bar:  # fmt: skip
        for number, part in enumerate(parts):
            for path, digest in digests(part):
                yield f"{number} {digest} {path}"
                bar.update()


def _states(parts: Sequence[Members]) -> Iterator[str]:
    for part in parts:
        yield str(part.place.resolve())
        yield from (f"{path} {state}" for path, state in part.states.items())
