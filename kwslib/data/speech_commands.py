"""Speech Commands v0.02 as three archives: test audio, log-mel images, background noise.

P. Warden, "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition",
arXiv:1804.03209, CC BY 4.0.

Training and validation clips exist as 8-bit log-mel images alone, the official test set as
sound; features of the latter are computed by :mod:`kwslib.features.logmel`. An archive may be
unpacked, to a folder of its name without ``.zip``.
"""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from typing_extensions import override

from kwslib.config import TRAINING
from kwslib.data.members import Members, open_members
from kwslib.data.noise import Regions
from kwslib.data.recorded import LARGEST_CLIP, LARGEST_NOISE, RecordedSpeech
from kwslib.data.sound_file import SUFFIXES
from kwslib.data.source import Images
from kwslib.data.task import SILENCE, Split, speaker_of, split_of
from kwslib.errors import InputError
from kwslib.features.logmel import logmel_images

TEST_ARCHIVE = "test_v0.02.zip"
IMAGE_ARCHIVE = "logmel_v0.02.zip"
NOISE_ARCHIVE = "background_noise.zip"

_KIND = "three archives, version 2"


class SpeechCommandsArchives(RecordedSpeech):
    """The three archives, read in place."""

    name = "Speech Commands v0.02"

    def __init__(self, folder: Path) -> None:
        """Open the archives of ``folder``.

        Raises:
            InputError: one is missing, truncated or no zip archive.
        """
        self._test = open_members(folder / TEST_ARCHIVE, SUFFIXES, LARGEST_CLIP)
        self._images = open_members(folder / IMAGE_ARCHIVE, (".jpg",), 2**16)
        noise = open_members(folder / NOISE_ARCHIVE, SUFFIXES, LARGEST_NOISE, depth=0)
        super().__init__(folder, _KIND, (self._test, self._images), noise)
        if not self._has_test_silence:
            self.tell(f"{TEST_ARCHIVE} has no {SILENCE}; test silence is cut from the noises")

    @property
    def _has_test_silence(self) -> bool:
        return SILENCE in self.by_split["testing"]

    @property
    @override
    def regions(self) -> Regions:
        """No part of a recording is kept for the test where that has silence of its own."""
        if self._has_test_silence:
            return {"training": (0.0, 0.8), "validation": (0.8, 1.0)}
        return super().regions

    @override
    def all_clips(self) -> Iterator[tuple[Split, str]]:
        pictured = ((split_of(speaker_of(name)), name) for name in self._images.paths)
        yield from (each for each in pictured if each[0] != "testing")
        yield from (("testing", name) for name in self._test.paths)

    @override
    def has_audio(self, split: Split) -> bool:
        return split == "testing"

    @override
    def recorded(self, name: str) -> tuple[Members, str] | None:
        if name in self._test.paths:
            return self._test, name
        if name in self._images.paths:
            raise InputError(f"{name}: Speech Commands is here as an image alone, not as sound")
        return None

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
        return name in self._test.paths or name not in self._images.paths

    def archived_image(self, name: str) -> NDArray[np.uint8]:
        """The archive's own image of a clip of any split, uint8 ``[98, 40]``."""
        try:
            with Image.open(io.BytesIO(self._images.read(name)), formats=["JPEG"]) as image:
                width, height = image.size  # before it is unpacked, which may take a gigabyte
                if (height, width) == (TRAINING.frames, TRAINING.bands):
                    return np.asarray(image.convert("L"))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise InputError(f"{self._images.place}: {name} is no readable JPEG image") from error
        raise InputError(
            f"{self._images.place}: {name} is {height} x {width} pixels, "
            f"not {TRAINING.frames} x {TRAINING.bands}"
        )

    def has_archived_image(self, name: str) -> bool:
        """Whether the archive holds an image of the clip."""
        return name in self._images.paths
