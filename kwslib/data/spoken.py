"""Embedded speech: a source of spoken words that needs no download.

eSpeak NG says any word; :mod:`kwslib.data.spoken_clip` says how. Audio is not kept on disk:
clips are made about as fast as they would be read from a slow disk, and the images of a task,
a sixteenth of the size, are cached by :mod:`kwslib.data.dataset`.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from itertools import cycle
from typing import ClassVar

import numpy as np
from loky import cpu_count
from numpy.typing import NDArray
from tqdm import tqdm
from typing_extensions import override

from kwslib.config import CLIP_SAMPLES, TRAINING
from kwslib.data import spoken_clip, synthesiser, synthetic_noise
from kwslib.data.noise import Regions, silence_audio
from kwslib.data.source import Images, Source
from kwslib.data.spoken_clip import (
    CLIPS_PER_VOICE,
    RECIPE,
    SpokenName,
    check_sayable,
    clip_audio,
    voices,
)
from kwslib.data.synthesiser import synthesiser_version
from kwslib.data.task import SILENCE, SPLITS, Split, speaker_of, split_of
from kwslib.errors import InputError
from kwslib.files import sha256_of_text
from kwslib.interrupt import started

WORDS = (
    "backward",
    "bed",
    "bird",
    "cat",
    "dog",
    "down",
    "eight",
    "five",
    "follow",
    "forward",
    "four",
    "go",
    "happy",
    "house",
    "learn",
    "left",
    "marvin",
    "nine",
    "no",
    "off",
    "on",
    "one",
    "right",
    "seven",
    "sheila",
    "six",
    "stop",
    "three",
    "tree",
    "two",
    "up",
    "visual",
    "wow",
    "yes",
    "zero",
)
"""The 35 words of Speech Commands v0.02, from which unknown words are drawn."""

_CLIPS_WORTH_A_WORKER = 100  # a worker starts in the time of about as many clips
_CLIPS_AT_ONCE = 4_096  # 128 MB of audio on the way to images


class EmbeddedSpeech(Source):
    """Words said by eSpeak NG in some seventy voices and eight accents of English.

    A speaker is a voice, in all its accents; training, validation and testing have different
    voices.
    """

    name = "embedded speech"
    regions: ClassVar[Regions] = {
        "training": (0.0, 0.8),
        "validation": (0.8, 0.9),
        "testing": (0.9, 1.0),
    }

    def identity(self, verify: bool = False) -> str:
        """Hash of the recipe, the synthesiser's version and the names of all clips.

        Reading their bytes would mean to say each of them; the recipe's version stands for those.
        """
        names = (name for word in WORDS for split in SPLITS for name in _names(word, split))
        return sha256_of_text(f"recipe {RECIPE}", synthesiser_version(), *names)

    @override
    def check_word(self, word: str) -> None:
        check_sayable(word)

    @override
    def keyword_clips(self, word: str, split: Split) -> list[str]:
        return _names(word, split)

    @override
    def unknown_clips(self, keywords: Sequence[str], split: Split) -> list[str]:
        return [name for word in WORDS if word not in keywords for name in _names(word, split)]

    def audio(self, names: Sequence[str]) -> NDArray[np.int16]:
        """Clips as sound, int16 ``[clips, 16000]``; large batches by several processes.

        Raises:
            InputError: a name is no clip of this source.
        """
        with _progress(len(names)) as progress:
            return self._audio(names, progress)

    def images(self, names: Sequence[str]) -> Images:
        """Clips as 8-bit log-mel images, uint8 ``[clips, 98, 40]``.

        Raises:
            InputError: a name is no clip of this source.
        """
        # Loads torch, which workers and callers who only want sound need not wait for.
        from kwslib.features.logmel import logmel_images

        images = np.empty((len(names), TRAINING.frames, TRAINING.bands), np.uint8)
        with _progress(len(names)) as progress:
            for start in range(0, len(names), _CLIPS_AT_ONCE):
                part = slice(start, start + _CLIPS_AT_ONCE)
                images[part] = logmel_images(self._audio(names[part], progress), TRAINING)
        return images

    def noise(self) -> Mapping[str, NDArray[np.int16]]:
        """Six recordings of a minute, int16 at 16 kHz; see :mod:`synthetic_noise`."""
        return synthetic_noise.synthetic_noise()

    def _audio(self, names: Sequence[str], progress: "tqdm[None]") -> NDArray[np.int16]:
        clips = np.empty((len(names), CLIP_SAMPLES), np.int16)
        spoken = []
        for index, name in enumerate(names):
            if name.startswith(f"{SILENCE}/"):
                clips[index] = silence_audio(self.noise(), name)
                progress.update()
            else:
                SpokenName.parse(name)
                spoken.append(index)
        workers = min(cpu_count(), len(spoken) // _CLIPS_WORTH_A_WORKER)
        if workers < 2:
            for index in spoken:
                clips[index] = clip_audio(names[index])
                progress.update()
        else:
            _speak_in_parallel(names, spoken, clips, workers, progress)
        return clips


@cache
def _voices_of(split: Split) -> tuple[str, ...]:
    speakers = {voice: speaker_of(str(SpokenName("word", voice, 0))) for voice in voices()}
    return tuple(voice for voice, speaker in speakers.items() if split_of(speaker) == split)


def _names(word: str, split: Split) -> list[str]:
    return [
        str(SpokenName(word, voice, number))
        for voice in _voices_of(split)
        for number in range(CLIPS_PER_VOICE)
    ]


def _progress(clips: int) -> "tqdm[None]":
    few = clips < 2 * _CLIPS_WORTH_A_WORKER
    return tqdm(
        total=clips, desc="speaking", unit="clip", file=sys.stderr, mininterval=0.5, disable=few
    )


def _speak_in_parallel(
    names: Sequence[str],
    spoken: Sequence[int],
    clips: NDArray[np.int16],
    workers: int,
    progress: "tqdm[None]",
) -> None:
    """Fill ``clips`` at the indices ``spoken`` by ``workers`` processes.

    eSpeak's state is global, so threads will not do. A forked process would inherit torch's
    threads and locks, and multiprocessing's other ways import the caller's main module again,
    which a script without a guard does not survive: hence plain subprocesses. The clips are dealt
    to them in turn, and read in turn.
    """
    synthesiser.accents()  # a missing eSpeak is reported here and not by every worker
    with ExitStack() as stack:
        processes = [
            stack.enter_context(_worker([names[index] for index in spoken[k::workers]]))
            for k in range(workers)
        ]
        for index, process in zip(spoken, cycle(processes), strict=False):
            clips[index] = _next_clip(process)
            progress.update()


@contextmanager
def _worker(names: Sequence[str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Another process that makes clips in the order of ``names``; it ends with the body."""
    command = [sys.executable, "-m", spoken_clip.__name__]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with started(command, env=environment, **pipes) as process:
        assert process.stdin
        process.stdin.write("\n".join(names).encode())
        process.stdin.close()
        yield process


def _next_clip(process: "subprocess.Popen[bytes]") -> NDArray[np.int16]:
    """A worker's next clip, as soon as it is made."""
    assert process.stdout and process.stderr
    samples = process.stdout.read(2 * CLIP_SAMPLES)
    if len(samples) < 2 * CLIP_SAMPLES:
        raise _failure(process.wait(), process.stderr.read().decode())
    return np.frombuffer(samples, np.int16)


def _failure(code: int, message: str) -> Exception:
    if code == 2:  # as mistakes_in_a_line ends it, with a line for the user
        return InputError(message)
    return RuntimeError(f"a speech worker ended with code {code}: {message}")
