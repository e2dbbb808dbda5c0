"""Speech Commands v0.02 as ``torchaudio.datasets.SPEECHCOMMANDS`` downloads it: all as sound.

A folder ``SpeechCommands/speech_commands_v0.02`` with one folder of WAV files a word,
``_background_noise_`` and the lists of validation and test clips.
"""

import hashlib
import http.client
import shutil
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from kwslib.config import CLIP_SAMPLES, TRAINING
from kwslib.data.noise import Regions, silence_batch, silence_names
from kwslib.data.source import Images, Source
from kwslib.data.task import SILENCE, Split, in_hash_order
from kwslib.data.waveform import decode, one_second
from kwslib.errors import InputError
from kwslib.features.logmel import logmel_images
from kwslib.files import sha256_of_text

RELEASE = "speech_commands_v0.02"
LAYOUT = Path("SpeechCommands") / RELEASE
TEST_SET = Path("SpeechCommands") / "speech_commands_test_set_v0.02"
"""Where the official test set's own ``_silence_`` clips are looked for; a separate download."""

_NOISE = "_background_noise_"
_READER_VERSION = "1"
_LARGEST_CLIP = 2**20
_LARGEST_NOISE = 2**23
_IMAGES_AT_ONCE = 512


class SpeechCommandsFolder(Source):
    """The official data set on disk."""

    name = "Speech Commands v0.02 (official)"
    # The last part of each recording serves as test silence where the official clips are absent.
    regions: ClassVar[Regions] = {
        "training": (0.0, 0.7),
        "validation": (0.7, 0.85),
        "testing": (0.85, 1.0),
    }

    def __init__(self, root: Path, download: bool = False) -> None:
        """List the clips below ``root``.

        Args:
            root: the folder that holds ``SpeechCommands``.
            download: fetch the data set (2.3 GB) into ``root`` first if it is absent; its
                checksum is verified and progress goes to standard error.

        Raises:
            InputError: the data set is absent or cannot be downloaded.
        """
        self._folder = root / LAYOUT
        self._test_silence = root / TEST_SET / SILENCE
        if download and not self._folder.is_dir():
            self._fetch(root)
        self._by_split: dict[Split, list[str]] = {
            "training": self._listed(root, "training"),
            "validation": self._listed(root, "validation"),
            "testing": self._listed(root, "testing"),
        }

    def _fetch(self, root: Path) -> None:
        """Download and unpack; whatever stops it, no part of the data set is left to be read."""
        from kwslib.torchaudio_cpu import torchaudio

        try:
            root.mkdir(parents=True, exist_ok=True)
            torchaudio.datasets.SPEECHCOMMANDS(root, url=RELEASE, download=True)
        except BaseException as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            archive = root / f"{RELEASE}.tar.gz"
            if isinstance(error, EOFError | tarfile.TarError | zlib.error):
                raise InputError(
                    f"{archive}: is truncated or damaged ({error}); remove it and fetch it again"
                ) from error
            if isinstance(error, OSError | RuntimeError | http.client.HTTPException):
                raise InputError(f"{archive}: cannot be fetched ({error})") from error
            raise

    def _listed(self, root: Path, split: Split) -> list[str]:
        """Names ``word/file`` of a split, by torchaudio's reading of the official lists."""
        from kwslib.torchaudio_cpu import torchaudio

        try:
            listing = torchaudio.datasets.SPEECHCOMMANDS(root, url=RELEASE, subset=split)
            paths = [listing.get_metadata(i)[0] for i in range(len(listing))]
        except (OSError, RuntimeError, ValueError) as error:
            raise InputError(
                f"{self._folder}: the data set cannot be read ({error}); "
                "'kws data --data DIR --download' fetches it"
            ) from error
        return [Path(*Path(path).parts[-2:]).with_suffix("").as_posix() for path in paths]

    @override
    def fingerprint(self) -> str:
        digest = hashlib.sha256()
        for split, names in sorted(self._by_split.items()):
            digest.update("\n".join([split, *sorted(names)]).encode())
        digest.update("\n".join(path.stem for path in self._silence_files()).encode())
        noises = [f"{path.name} {path.stat().st_size}" for path in self._noise_files()]
        return sha256_of_text(_READER_VERSION, digest.hexdigest(), *noises)

    @cached_property
    def words(self) -> list[str]:
        """All words with training clips."""
        return sorted({name.split("/")[0] for name in self._by_split["training"]})

    @override
    def check_word(self, word: str) -> None:
        if word not in self.words:
            raise InputError(
                f"keyword {word!r}: {self._folder} has no such word; "
                f"choose from {' '.join(self.words)}"
            )

    @override
    def keyword_clips(self, word: str, split: Split) -> list[str]:
        self.check_word(word)
        return in_hash_order(n for n in self._by_split[split] if n.split("/")[0] == word)

    @override
    def unknown_clips(self, keywords: Sequence[str], split: Split) -> list[str]:
        return [name for name in self._by_split[split] if name.split("/")[0] not in keywords]

    @override
    def silence_clips(self, split: Split, count: int) -> list[str]:
        """The official test clips where their folder is present, else crops of the noises."""
        official = self._silence_files()
        if split == "testing" and official:
            return in_hash_order(f"{SILENCE}/{path.stem}" for path in official)[:count]
        lengths = {name: len(samples) for name, samples in self.noise().items()}
        return silence_names(lengths, split, count, self.regions)

    @override
    def has_audio(self, split: Split) -> bool:
        return True

    @override
    def audio(self, names: Sequence[str]) -> NDArray[np.int16]:
        clips = [self._audio(name) for name in names]
        return np.stack(clips) if clips else np.empty((0, CLIP_SAMPLES), np.int16)

    def _audio(self, name: str) -> NDArray[np.int16]:
        if not name.startswith(SILENCE):
            return one_second(_read(self._folder / f"{name}.wav", _LARGEST_CLIP))
        path = self._test_silence / f"{name.split('/')[1]}.wav"
        if path.exists():
            return one_second(_read(path, _LARGEST_CLIP))
        return silence_batch(self.noise(), [name])[0]

    @override
    def images(self, names: Sequence[str]) -> Images:
        """Features computed from the sound, a part at a time to bound memory."""
        parts = [
            logmel_images(self.audio(names[i : i + _IMAGES_AT_ONCE]), TRAINING)
            for i in range(0, len(names), _IMAGES_AT_ONCE)
        ]
        empty = np.empty((0, TRAINING.frames, TRAINING.bands), np.uint8)
        return np.concatenate(parts) if parts else empty

    def _silence_files(self) -> list[Path]:
        return sorted(self._test_silence.glob("*.wav"))

    def _noise_files(self) -> list[Path]:
        return sorted((self._folder / _NOISE).glob("*.wav"))

    @override
    def noise(self) -> Mapping[str, NDArray[np.int16]]:
        return self._noise_recordings

    @cached_property
    def _noise_recordings(self) -> dict[str, NDArray[np.int16]]:
        recordings = {path.stem: _read(path, _LARGEST_NOISE) for path in self._noise_files()}
        if not recordings:
            raise InputError(f"{self._folder / _NOISE}: has no WAV files; fetch the data set again")
        return recordings


def _read(path: Path, largest: int) -> NDArray[np.int16]:
    try:
        if path.stat().st_size > largest:
            raise InputError(f"{path}: is larger than the {largest:,} bytes that a clip can have")
        return decode(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
