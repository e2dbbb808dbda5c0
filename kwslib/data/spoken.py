"""Embedded speech: a source of spoken words that needs no download.

eSpeak NG says any word; :mod:`kwslib.data.spoken_clip` says how. Audio is not kept on disk:
clips are made about as fast as they would be read from a slow disk, and the images of a task,
a sixteenth of the size, are cached by :mod:`kwslib.data.dataset`.
"""

import os
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing
from functools import cache
from threading import Event
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from kwslib.config import CLIP_SAMPLES, TRAINING
from kwslib.data import spoken_clip, synthesiser, synthetic_noise
from kwslib.data.noise import Regions, silence_audio, silence_names
from kwslib.data.source import Images
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
from kwslib.interrupt import CHECK_S, deferred_interrupt

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


class EmbeddedSpeech:
    """Words said by eSpeak NG in some seventy voices and eight accents of English.

    A speaker is a voice, in all its accents; training, validation and testing have different
    voices. Implements :class:`kwslib.data.source.Source`.
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

    def check_word(self, word: str) -> None:
        """Raise :class:`InputError` unless eSpeak can say ``word`` within a second."""
        check_sayable(word)

    def keyword_clips(self, word: str, split: Split) -> list[str]:
        """Names of all clips of ``word`` in ``split``."""
        return _names(word, split)

    def unknown_clips(self, keywords: Sequence[str], split: Split) -> list[str]:
        """Names of all clips in ``split`` of those of the 35 words that are no keywords."""
        return [name for word in WORDS if word not in keywords for name in _names(word, split)]

    def silence_clips(self, split: Split, count: int) -> list[str]:
        """Names of ``count`` crops of the noise recordings, from a part that is the split's."""
        lengths = {name: len(recording) for name, recording in self.noise().items()}
        return silence_names(lengths, split, count, self.regions)

    def has_audio(self, split: Split) -> bool:
        """True: every clip is sound first."""
        return True

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
        workers = min(_processors(), len(spoken) // _CLIPS_WORTH_A_WORKER)
        if workers < 2:
            for index in spoken:
                clips[index] = clip_audio(names[index])
                progress.update()
        else:
            _speak_in_parallel(names, spoken, clips, workers, progress)
        return clips


@cache
def _voices_of(split: Split) -> tuple[str, ...]:
    def speaker(voice: str) -> str:
        return speaker_of(str(SpokenName("word", voice, 0)))

    return tuple(voice for voice in voices() if split_of(speaker(voice)) == split)


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


def _processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
    which a script without a guard does not survive: hence plain subprocesses.
    """
    stopped = Event()

    def fill(indices: Sequence[int]) -> None:
        with closing(_worker([names[i] for i in indices])) as said:
            for index, clip in zip(indices, said, strict=True):
                if stopped.is_set():
                    return
                clips[index] = clip
                progress.update()

    synthesiser.accents()  # a missing eSpeak is reported here and not by every worker
    with deferred_interrupt() as check_interrupt, ThreadPoolExecutor(workers) as pool:
        parts = {pool.submit(fill, spoken[k::workers]) for k in range(workers)}
        try:
            while parts:
                done, parts = wait(parts, CHECK_S, FIRST_COMPLETED)
                for part in done:
                    part.result()
                check_interrupt()
        finally:
            stopped.set()  # else the pool would wait for all that is left to say


def _worker(names: Sequence[str]) -> Generator[NDArray[np.int16], None, None]:
    """Clips in the order of ``names``, each as soon as another process has made it."""
    command = [sys.executable, "-m", spoken_clip.__name__]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        try:
            process.stdin.write("\n".join(names).encode())
            process.stdin.close()
            for _ in names:
                samples = process.stdout.read(2 * CLIP_SAMPLES)
                if len(samples) < 2 * CLIP_SAMPLES:
                    raise _failure(process.wait(), process.stderr.read().decode())
                yield np.frombuffer(samples, np.int16)
        finally:
            process.kill()


def _failure(code: int, message: str) -> Exception:
    if code == spoken_clip.WORKER_INPUT_ERROR:
        return InputError(message)
    return RuntimeError(f"a speech worker ended with code {code}: {message}")
