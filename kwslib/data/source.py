"""What every source of speech offers, whether its clips are recordings, images or synthesised."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kwslib.config import TRAINING
from kwslib.data.homophones import homophones_of
from kwslib.data.noise import Regions, silence_names
from kwslib.data.task import SPLITS, Split

Audio = NDArray[np.int16]
"""One second at 16 kHz, shape ``[16000]``."""

Images = NDArray[np.uint8]
"""8-bit log-mel images at a 10 ms hop, shape ``[clips, 98, 40]``; the even rows of each are
the deployed image."""


_CLIPS_AT_ONCE = 512


class Source(Protocol):
    """A collection of spoken words from which tasks are drawn.

    A clip is named ``word/<speaker>_nohash_<n>``, without suffix.
    """

    name: str
    """What a figure calls the source, e.g. ``"embedded speech"``."""

    @property
    def regions(self) -> Regions:
        """The part of each noise recording from which a split's silence is cut."""

    def identity(self, verify: bool = False) -> str:
        """Hexadecimal SHA-256 of the content; two sources with the same one give the same clips.

        Args:
            verify: read all of it, and believe no size or time that an earlier call has noted.
        """

    def check_word(self, word: str) -> None:
        """Raise :class:`~kwslib.errors.InputError` if the source cannot say ``word``."""

    def keyword_clips(self, word: str, split: Split) -> list[str]:
        """Names of all clips of ``word`` in ``split``."""

    def unknown_clips(self, keywords: Sequence[str], split: Split) -> list[str]:
        """Names of all clips in ``split`` of words other than ``keywords``."""

    def silence_clips(self, split: Split, count: int) -> list[str]:
        """Names of ``count`` clips of background noise; no clip stands in two splits.

        Crops of the noise recordings, from a part that is the split's, unless there are others.
        """
        lengths = {name: len(samples) for name, samples in self.noise().items()}
        return silence_names(lengths, split, count, self.regions)

    def has_audio(self, split: Split) -> bool:
        """Whether clips of ``split`` exist as sound, not only as images; True unless it is told."""
        return True

    def audio(self, names: Sequence[str]) -> NDArray[np.int16]:
        """Clips as sound, ``[clips, 16000]``."""

    def images(self, names: Sequence[str]) -> Images:
        """Clips as 8-bit log-mel images, ``[clips, 98, 40]``; computed from the sound, a part at a
        time to bound memory, unless there are others.
        """
        # Loads torch, for which those who only want sound need not wait.
        from kwslib.features.logmel import logmel_images

        images = np.empty((len(names), TRAINING.frames, TRAINING.bands), np.uint8)
        for start in range(0, len(names), _CLIPS_AT_ONCE):
            part = slice(start, start + _CLIPS_AT_ONCE)
            images[part] = logmel_images(self.audio(names[part]), TRAINING)
        return images

    def noise(self) -> Mapping[str, NDArray[np.int16]]:
        """Recordings of background noise, each about a minute at 16 kHz."""


def homophones_in(source: Source, keywords: Sequence[str]) -> dict[str, str]:
    """Words of a source that sound like a keyword but are none, each with that keyword.

    Raises:
        InputError: eSpeak, which knows how words sound, is missing.
    """
    names = (name for split in SPLITS for name in source.unknown_clips(keywords, split))
    return homophones_of(keywords, (name.split("/")[0] for name in names))
