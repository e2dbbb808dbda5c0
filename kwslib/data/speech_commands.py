"""Speech Commands v0.02, as three archives and as the official folder of sound.

P. Warden, "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition",
arXiv:1804.03209, CC BY 4.0.

Training and validation clips exist as 8-bit log-mel images alone, the official test set as
sound; features of the latter are computed by :mod:`kwslib.features.logmel`. An archive may be
unpacked, to a folder of its name without ``.zip``.

The official form is what ``torchaudio.datasets.SPEECHCOMMANDS`` downloads: all as sound, in a
folder ``SpeechCommands/speech_commands_v0.02`` with one folder of WAV files a word,
``_background_noise_`` and the lists of validation and test clips; all clips that are in neither
list are for training. Words of one's own, of which no clip is in a list, are split by the rule that
made the lists.
"""

import http.client
import io
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from typing_extensions import override

from kwslib.config import TRAINING
from kwslib.data.members import FolderMembers, Members, name_of, open_members
from kwslib.data.noise import Regions
from kwslib.data.recorded import LARGEST_CLIP, LARGEST_NOISE, RecordedSpeech
from kwslib.data.sound_file import SUFFIXES
from kwslib.data.source import Images
from kwslib.data.task import SILENCE, Split, speaker_of, split_of
from kwslib.errors import InputError, check
from kwslib.features.logmel import logmel_images
from kwslib.files import read_bounded, sha256_of_file, sha256_of_text
from kwslib.folders import lock_folder

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


RELEASE = "speech_commands_v0.02"
LAYOUT = Path("SpeechCommands") / RELEASE
TEST_SET = Path("SpeechCommands") / "speech_commands_test_set_v0.02"
"""Where the official test set's own ``_silence_`` clips are looked for; a separate download."""

_SHA256 = "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58"  # of its archive
_NOISE = "_background_noise_"
_FOLDERS = "folders of sound, version 2"
_LARGEST_LIST = 2**24
_FETCH = "'kws data --data DIR --download' fetches the data set"


class SpeechCommandsFolder(RecordedSpeech):
    """The official data set on disk."""

    name = "Speech Commands v0.02 (official)"

    def __init__(self, root: Path, download: bool = False) -> None:
        """List the clips below ``root``.

        Args:
            root: the folder that holds ``SpeechCommands``.
            download: fetch the data set (2.3 GB) into ``root`` first if it is absent; its
                checksum is verified and progress goes to standard error.

        Raises:
            InputError: the data set is absent or cannot be downloaded.
        """
        folder = root / LAYOUT
        if download and not folder.is_dir():
            with lock_folder(root):
                _fetch(root)
        self._lists: dict[Split, set[str]] = {
            "validation": _listed(folder / "validation_list.txt"),
            "testing": _listed(folder / "testing_list.txt"),
        }
        lists = (f"{split} {name}" for split in self._lists for name in sorted(self._lists[split]))
        self._clips = FolderMembers(folder, SUFFIXES, LARGEST_CLIP, pattern="[!_]*")
        self._silence = FolderMembers(root / TEST_SET / SILENCE, SUFFIXES, LARGEST_CLIP, depth=0)
        noise = FolderMembers(folder / _NOISE, SUFFIXES, LARGEST_NOISE, depth=0)
        kind = sha256_of_text(_FOLDERS, *lists)
        super().__init__(folder, kind, (self._clips, self._silence), noise)
        for split, names in self._lists.items():
            absent = sorted(names.difference(self._clips.paths))
            if absent:
                self.tell(
                    f"{len(absent):,} of the {len(names):,} {split} clips that are listed are not "
                    f"there, such as {absent[0]}"
                )

    @override
    def all_clips(self) -> Iterator[tuple[Split, str]]:
        listed = {name.split("/")[0] for names in self._lists.values() for name in names}
        for name in self._clips.paths:
            splits = (split for split, names in self._lists.items() if name in names)
            known = name.split("/")[0] in listed
            yield next(splits, "training" if known else split_of(speaker_of(name))), name
        yield from (("testing", f"{SILENCE}/{name}") for name in self._silence.paths)

    @override
    def recorded(self, name: str) -> tuple[Members, str] | None:
        word, _, rest = name.partition("/")
        if word != SILENCE:
            return self._clips, name
        return (self._silence, rest) if rest in self._silence.paths else None


def _fetch(root: Path) -> None:
    """Download and unpack; whatever stops it, no part of the data set is left to be read."""
    from kwslib.features.torchaudio_cpu import torchaudio

    archive = root / f"{RELEASE}.tar.gz"
    if archive.exists() and sha256_of_file(archive) != _SHA256:  # torchaudio would unpack it
        raise InputError(f"{archive}: is truncated or damaged; remove it and fetch it again")
    try:
        torchaudio.datasets.SPEECHCOMMANDS(root, url=RELEASE, download=True)
    except BaseException as error:
        shutil.rmtree(root / LAYOUT, ignore_errors=True)
        if isinstance(error, OSError | RuntimeError | http.client.HTTPException):
            raise InputError(f"{archive}: cannot be fetched ({error})") from error
        raise


def _listed(path: Path) -> set[str]:
    """Names of the clips in a list, a line each, such as ``yes/004ae714_nohash_0.wav``."""
    content = read_bounded(path, _LARGEST_LIST, _FETCH)
    try:
        lines = [line.strip() for line in content.decode("utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is no text; {_FETCH}") from error
    for number, line in enumerate(lines, 1):
        must = f"a word and a file, such as yes/a.wav; it is {line!r}"
        check(f"{path}:{number}", not line or line.count("/") == 1, must)
    return {name_of(line) for line in lines if line}
