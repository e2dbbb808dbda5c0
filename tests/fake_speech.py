"""Small data sets in the official layout: words that are tones, quick to learn, or spoken ones."""

import hashlib
import re
from pathlib import Path

import numpy as np
import soundfile

from kwslib.data.spoken import EmbeddedSpeech

RATE = 16_000
WORDS = {"yes": 700.0, "no": 1_500.0, "up": 2_400.0, "down": 3_300.0}
"""Each word and the frequency, in hertz, that stands for it."""


def which_set(filename, validation_percentage=10, testing_percentage=10):
    """The published rule, transcribed from the data set's README for Python 3."""
    max_num_wavs_per_class = 2**27 - 1
    base_name = Path(filename).name
    hash_name = re.sub(r"_nohash_.*$", "", base_name)
    hash_name_hashed = hashlib.sha1(hash_name.encode("utf-8")).hexdigest()
    percentage_hash = (int(hash_name_hashed, 16) % (max_num_wavs_per_class + 1)) * (
        100.0 / max_num_wavs_per_class
    )
    if percentage_hash < validation_percentage:
        return "validation"
    if percentage_hash < (testing_percentage + validation_percentage):
        return "testing"
    return "training"


def speakers(per_split):
    """Names of ``per_split[split]`` speakers of each split by the published rule."""
    wanted = dict(per_split)
    found = []
    number = 0
    while any(wanted.values()):
        name = f"{number:08x}"
        split = which_set(name + "_nohash_0.wav")
        if wanted.get(split, 0):
            wanted[split] -= 1
            found.append(name)
        number += 1
    return found


def tone(frequency, random):
    """One second: half a second of a tone in the middle, quiet noise everywhere."""
    time = np.arange(RATE) / RATE
    envelope = np.where(np.abs(time - 0.5) < 0.25, 1.0, 0.0)
    sound = envelope * np.sin(2 * np.pi * frequency * random.uniform(0.97, 1.03) * time)
    noise = random.normal(0, 30, RATE)
    return np.round(sound * random.uniform(2_000, 12_000) + noise).astype(np.int16)


def write_official(root, per_split=(("training", 24), ("validation", 8), ("testing", 8))):
    """Write the data set below ``root`` as torchaudio unpacks it; returns ``root``."""
    root = Path(root)
    folder = root / "SpeechCommands" / "speech_commands_v0.02"
    random = np.random.default_rng(0)
    lists = {"validation": [], "testing": [], "training": []}
    for word, frequency in WORDS.items():
        (folder / word).mkdir(parents=True)
        for speaker in speakers(per_split):
            name = f"{word}/{speaker}_nohash_0.wav"
            soundfile.write(folder / name, tone(frequency, random), RATE, subtype="PCM_16")
            lists[which_set(name)].append(name)
    for split in ("validation", "testing"):
        text = "\n".join(sorted(lists[split])) + "\n"
        (folder / f"{split}_list.txt").write_text(text, encoding="utf-8")
    noises = folder / "_background_noise_"
    noises.mkdir()
    (noises / "README.md").write_text("not a recording\n", encoding="utf-8")
    for name, level in (("hiss", 300), ("hum", 900)):
        samples = np.round(random.normal(0, level, 10 * RATE)).astype(np.int16)
        soundfile.write(noises / f"{name}.wav", samples, RATE, subtype="PCM_16")
    return root


def write_spoken(root, words, per_split=6):
    """Write a data set of one's own below ``root``, of words that eSpeak says; returns ``root``.

    No list names a clip: the speakers decide the splits.
    """
    root, source = Path(root), EmbeddedSpeech()
    folder = root / "SpeechCommands" / "speech_commands_v0.02"
    for word in words:
        splits = ("training", "validation", "testing")
        names = [n for split in splits for n in source.keyword_clips(word, split)[:per_split]]
        (folder / word).mkdir(parents=True)
        for name, samples in zip(names, source.audio(names), strict=True):
            soundfile.write(folder / f"{name}.wav", samples, RATE, subtype="PCM_16")
    (folder / "_background_noise_").mkdir()
    for name, samples in source.noise().items():
        path = folder / "_background_noise_" / f"{name}.wav"
        soundfile.write(path, samples[: 20 * RATE], RATE, subtype="PCM_16")
    for split in ("validation", "testing"):
        (folder / f"{split}_list.txt").write_text("", encoding="utf-8")
    return root
