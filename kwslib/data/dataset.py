"""A task drawn from a source: the labelled examples of each split, images cached on disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kwslib.data import speech_commands
from kwslib.data.source import Images, Source, homophones_in
from kwslib.data.task import SPLITS, Split, Task, in_hash_order, speaker_of
from kwslib.errors import InputError
from kwslib.files import kept_array, sha256_of_sources, sha256_of_text
from kwslib.folders import cache_folder


@dataclass(frozen=True)
class Examples:
    """The clips of one split.

    Attributes:
        names: ``word/file`` of each clip.
        labels: index into the task's labels, int64 ``[clips]``.
        images: 8-bit log-mel images at a 10 ms hop, uint8 ``[clips, 98, 40]``.
    """

    names: tuple[str, ...]
    labels: NDArray[np.int64]
    images: Images

    def __len__(self) -> int:
        return len(self.names)

    @property
    def deployed(self) -> NDArray[np.uint8]:
        """The images that the board computes, uint8 ``[clips, 49, 40]``."""
        return np.ascontiguousarray(self.images[:, ::2])


class Dataset:
    """A task's clips in a source. The same source and task give the same clips everywhere.

    Attributes:
        source: what they are drawn from.
        task: keywords and shares.
        homophones: words of the source that are not among the unknown ones since they sound like a
            keyword, each with that; none where the task keeps them.
        names: ``word/file`` of each clip by split.
    """

    def __init__(self, source: Source, task: Task) -> None:
        """Draw ``task`` from ``source``.

        Raises:
            InputError: the source lacks a keyword, or eSpeak, which knows how words sound, is
                missing.
        """
        for word in task.keywords:
            source.check_word(word)
        self.source = source
        self.task = task
        self.homophones = {} if task.keep_homophones else homophones_in(source, task.keywords)
        excluded = (*task.keywords, *self.homophones)
        drawn = {split: _draw(source, task, split, excluded) for split in SPLITS}
        self.names: Mapping[Split, Sequence[str]] = {split: drawn[split][0] for split in SPLITS}
        self._labels = {split: drawn[split][1] for split in SPLITS}
        self._examples = cache(self._load)

    def examples(self, split: Split) -> Examples:
        """The examples of ``split``; their images come from the cache or are made once.

        Raises:
            InputError: a keyword has no clips in ``split``.
        """
        self.check_complete(split)
        return self._examples(split)

    def check_complete(self, *splits: Split) -> None:
        """Make sure that every keyword has clips, in all splits if none are named.

        Raises:
            InputError: one has none; without, there is nothing to learn or to count.
        """
        for split in splits or SPLITS:
            for word in self.task.keywords:
                if self.task.labels.index(word) not in self._labels[split]:
                    raise InputError(
                        f"keyword {word!r}: {self.source.name} has no {split} clips of it; add "
                        "some, or take another word"
                    )

    def labels(self, split: Split) -> NDArray[np.int64]:
        """Label index of each clip in ``split``, without loading a clip."""
        return np.array(self._labels[split], np.int64)

    def identity(self) -> dict[str, Any]:
        """Name and hash of the data, and homophones left out if any, as records state them."""
        left_out = {"homophones": sorted(self.homophones)} if self.homophones else {}
        return {"name": self.source.name, "hash": self.source.identity()[:16], **left_out}

    def _load(self, split: Split) -> Examples:
        names = tuple(self.names[split])
        code = sha256_of_sources("config.py", "data", "features/logmel.py")
        key = sha256_of_text(code, self.source.identity(), *names)[:32]
        path = cache_folder("images") / f"{key}.npy"
        images = kept_array(path, lambda: self.source.images(names))
        return Examples(names, self.labels(split), images)

    def counts(self) -> dict[str, int]:
        """Clips in each split."""
        return {split: len(self.names[split]) for split in SPLITS}

    def keyword_counts(self, split: Split) -> dict[str, int]:
        """Clips of each keyword in a split."""
        clips = self.per_label()[split]
        return {word: clips[word] for word in self.task.keywords}

    def per_label(self) -> dict[str, dict[str, int]]:
        """Clips of each label in each split."""
        return {
            split: {
                label: self._labels[split].count(index)
                for index, label in enumerate(self.task.labels)
            }
            for split in SPLITS
        }

    def speakers(self) -> dict[str, int]:
        """Distinct speakers in each split, silence apart."""
        return {
            split: len(
                {
                    speaker_of(name)
                    for name, label in zip(self.names[split], self._labels[split], strict=True)
                    if label > 0
                }
            )
            for split in SPLITS
        }


def _draw(
    source: Source, task: Task, split: Split, excluded: Sequence[str]
) -> tuple[list[str], list[int]]:
    """Names and label indices of a split: silence, then unknown words, none of which is excluded,
    then keywords.
    """
    keywords = [source.keyword_clips(word, split) for word in task.keywords]
    total = sum(len(clips) for clips in keywords)
    unknown = in_hash_order(source.unknown_clips(excluded, split))[: task.unknown_count(total)]
    silence = source.silence_clips(split, task.silence_count(total))
    groups = [silence, unknown, *keywords]
    names = [name for group in groups for name in group]
    labels = [index for index, group in enumerate(groups) for _ in group]
    return names, labels


def open_source(folder: Path | str | None, download: bool = False) -> Source:
    """The source of speech in ``folder``, or embedded speech where none is given.

    Args:
        folder: holds the three archives, or the official data set as torchaudio lays it out.
        download: fetch the official data set into ``folder`` if it holds neither.

    Raises:
        InputError: there is no such folder, or it holds neither.
    """
    if not folder:
        from kwslib.data.spoken import EmbeddedSpeech

        return EmbeddedSpeech()
    folder = Path(folder)
    if (folder / speech_commands.LAYOUT).is_dir() or download:
        return speech_commands.SpeechCommandsFolder(folder, download)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such data folder; name one with --data or KWS_DATA")
    archives = (
        speech_commands.TEST_ARCHIVE,
        speech_commands.IMAGE_ARCHIVE,
        speech_commands.NOISE_ARCHIVE,
    )
    forms = [folder / form for name in archives for form in (name, Path(name).stem)]
    if not any(form.exists() for form in forms):
        raise InputError(
            f"{folder}: holds neither {', '.join(archives)} nor {speech_commands.LAYOUT}; "
            "name a folder with either, or leave --data out for embedded speech"
        )
    return speech_commands.SpeechCommandsArchives(folder)
