"""Speech Commands v0.02 as three archives: test audio, log-mel images, background noise.

P. Warden, "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition",
arXiv:1804.03209, CC BY 4.0.

Training and validation clips exist as 8-bit log-mel images alone, the official test set as
sound; features of the latter are computed by :mod:`kwslib.features.logmel`.
"""

import io
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from typing_extensions import override

from kwslib.config import CLIP_SAMPLES, TRAINING
from kwslib.data.archive import Archive
from kwslib.data.noise import Regions, silence_batch, silence_names
from kwslib.data.source import Images, Source
from kwslib.data.task import SILENCE, Split, in_hash_order, speaker_of, split_of
from kwslib.data.waveform import decode, one_second
from kwslib.errors import InputError
from kwslib.features.logmel import logmel_images
from kwslib.files import sha256_of_text

TEST_ARCHIVE = "test_v0.02.zip"
IMAGE_ARCHIVE = "logmel_v0.02.zip"
NOISE_ARCHIVE = "background_noise.zip"

_READER_VERSION = "1"


class SpeechCommandsArchives(Source):
    """The three archives, read in place."""

    name = "Speech Commands v0.02"
    regions: ClassVar[Regions] = {"training": (0.0, 0.8), "validation": (0.8, 1.0)}

    def __init__(self, folder: Path) -> None:
        """Open the archives of ``folder``.

        Raises:
            InputError: one is missing, truncated or no zip archive.
        """
        self._test = Archive(folder / TEST_ARCHIVE, ".flac", largest_member=2**20)
        self._images = Archive(folder / IMAGE_ARCHIVE, ".jpg", largest_member=2**16)
        self._noise = Archive(folder / NOISE_ARCHIVE, ".flac", largest_member=2**23)

    @override
    def fingerprint(self) -> str:
        archives = (self._test, self._images, self._noise)
        return sha256_of_text(_READER_VERSION, *(archive.fingerprint() for archive in archives))

    @cached_property
    def _by_split(self) -> Mapping[Split, Mapping[str, list[str]]]:
        """Clip names by split and word."""
        clips: dict[Split, dict[str, list[str]]] = {
            "training": {},
            "validation": {},
            "testing": {},
        }
        for name in self._images.members:
            split = split_of(speaker_of(name))
            if split != "testing":
                clips[split].setdefault(name.split("/")[0], []).append(name)
        for name in self._test.members:
            clips["testing"].setdefault(name.split("/")[0], []).append(name)
        return clips

    @override
    def check_word(self, word: str) -> None:
        words = sorted(self._by_split["training"])
        if word not in words:
            raise InputError(
                f"keyword {word!r}: Speech Commands has no such word; choose from {' '.join(words)}"
            )

    @override
    def keyword_clips(self, word: str, split: Split) -> list[str]:
        self.check_word(word)
        return in_hash_order(self._by_split[split].get(word, []))

    @override
    def unknown_clips(self, keywords: Sequence[str], split: Split) -> list[str]:
        words = self._by_split[split].items()
        excluded = {*keywords, SILENCE}
        return [name for word, names in words if word not in excluded for name in names]

    @override
    def silence_clips(self, split: Split, count: int) -> list[str]:
        """Official clips in testing, crops of the noise recordings otherwise."""
        if split == "testing":
            return in_hash_order(self._by_split[split].get(SILENCE, []))[:count]
        lengths = {name: len(samples) for name, samples in self.noise().items()}
        return silence_names(lengths, split, count, self.regions)

    @override
    def has_audio(self, split: Split) -> bool:
        return split == "testing"

    @override
    def audio(self, names: Sequence[str]) -> NDArray[np.int16]:
        clips = [self._audio(name) for name in names]
        return np.stack(clips) if clips else np.empty((0, CLIP_SAMPLES), np.int16)

    def _audio(self, name: str) -> NDArray[np.int16]:
        if name in self._test.members:
            return one_second(decode(self._test.read(name), name))
        if name.startswith(SILENCE):
            return silence_batch(self.noise(), [name])[0]
        raise InputError(f"{name}: Speech Commands is here as an image alone, not as sound")

    @override
    def images(self, names: Sequence[str]) -> Images:
        """Features of clips with sound; the archive's images of all others."""
        images = np.empty((len(names), TRAINING.frames, TRAINING.bands), np.uint8)
        sounding = [i for i, name in enumerate(names) if self._sounds(name)]
        images[sounding] = logmel_images(self.audio([names[i] for i in sounding]), TRAINING)
        for i in sorted(set(range(len(names))) - set(sounding)):
            images[i] = self.archived_image(names[i])
        return images

    def _sounds(self, name: str) -> bool:
        return name in self._test.members or name.startswith(SILENCE)

    def archived_image(self, name: str) -> NDArray[np.uint8]:
        """The archive's own image of a clip of any split, uint8 ``[98, 40]``."""
        try:
            with Image.open(io.BytesIO(self._images.read(name)), formats=["JPEG"]) as image:
                pixels = np.asarray(image.convert("L"))
        except (OSError, SyntaxError, Image.DecompressionBombError) as error:
            raise InputError(f"{self._images.path}: {name} is no readable JPEG image") from error
        if pixels.shape != (TRAINING.frames, TRAINING.bands):
            raise InputError(
                f"{self._images.path}: {name} is {pixels.shape[0]} x {pixels.shape[1]} pixels, "
                f"not {TRAINING.frames} x {TRAINING.bands}"
            )
        return pixels

    def has_archived_image(self, name: str) -> bool:
        """Whether the archive holds an image of the clip."""
        return name in self._images.members

    @override
    def noise(self) -> Mapping[str, NDArray[np.int16]]:
        return self._noise_recordings

    @cached_property
    def _noise_recordings(self) -> dict[str, NDArray[np.int16]]:
        names = sorted(self._noise.members)
        return {name: decode(self._noise.read(name), name) for name in names}
