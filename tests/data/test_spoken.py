import subprocess
import sys

import numpy as np
import pytest

from kwslib import interrupt
from kwslib.config import TRAINING
from kwslib.data import spoken, spoken_clip
from kwslib.data.dataset import Dataset
from kwslib.data.spoken import WORDS, EmbeddedSpeech
from kwslib.data.spoken_clip import ACCENTS, RECIPE, SpokenName, clip_audio, voices
from kwslib.data.synthesiser import accents
from kwslib.data.task import SPLITS, Task, speaker_of, split_of
from kwslib.errors import InputError
from kwslib.features.logmel import logmel_images


@pytest.fixture(scope="module")
def speech():
    return EmbeddedSpeech()


@pytest.fixture(scope="module")
def clips(speech):
    """A hundred clips from all over the data: names and sound."""
    names = [
        name
        for split in SPLITS
        for name in speech.unknown_clips([], split)[:: 331 if split == "training" else 171]
    ]
    return names, speech.audio(names)


def in_frames(clip):
    """Root mean square of each 10 ms."""
    return np.sqrt(np.square(clip.astype(float)).reshape(100, 160).mean(1))


class TestNames:
    def test_are_those_of_speech_commands(self, speech):
        for name in speech.keyword_clips("yes", "testing"):
            word, file = name.split("/")
            speaker, number = file.split("_nohash_")
            assert word == "yes"
            assert speaker_of(name) == speaker
            assert number.isdecimal()
            assert str(SpokenName.parse(name)) == name

    def test_each_stands_in_the_split_of_its_speaker_and_in_no_other(self, speech):
        seen = {}
        for split in SPLITS:
            names = speech.unknown_clips([], split)
            assert {split_of(speaker_of(name)) for name in names} == {split}
            seen[split] = {speaker_of(name) for name in names}
        assert len(set.union(*seen.values())) == sum(map(len, seen.values())) == len(voices())

    def test_unknown_words_are_the_thirty_five_but_for_the_keywords(self, speech):
        names = speech.unknown_clips(["yes", "no"], "validation")
        words = {name.split("/")[0] for name in names}
        assert len(WORDS) == 35
        assert words == set(WORDS) - {"yes", "no"}
        assert len(names) == len(set(names))
        assert len({n.split("/")[0] for n in speech.unknown_clips(["computer"], "testing")}) == 35

    def test_every_voice_has_every_accent(self, speech):
        spoken_names = [SpokenName.parse(name) for name in speech.keyword_clips("no", "testing")]
        pairs = {(name.voice, name.accent) for name in spoken_names}
        assert len(pairs) == len(ACCENTS) * len({voice for voice, _ in pairs})
        assert set(ACCENTS) == set(accents())

    def test_the_default_task_is_large_enough(self, speech):
        counts = Dataset(speech, Task()).counts()
        assert 3000 <= counts["training"] <= 4000
        assert 200 <= counts["validation"] <= 600
        assert 200 <= counts["testing"] <= 600

    @pytest.mark.parametrize(
        "name",
        [
            "yes",
            "yes/f2_nohash_0",
            "yes/espeak_nobody_nohash_0",
            "yes/espeak_f2_nohash_18",
            "yes/espeak_whisper_nohash_0",
        ],
    )
    def test_others_are_refused(self, speech, name):
        with pytest.raises(InputError, match="no clip of the embedded speech"):
            speech.audio([name])


class TestWords:
    @pytest.mark.parametrize("word", ["yes", "computer", "marvin", "xylophone", "don't"])
    def test_of_letters_can_be_said(self, speech, word):
        speech.check_word(word)

    @pytest.mark.parametrize(("word", "complaint"), [("'''", "cannot say"), ("w" * 40, "longer")])
    def test_that_cannot_be_said_are_refused(self, speech, word, complaint):
        with pytest.raises(InputError, match=complaint):
            speech.check_word(word)

    def test_long_ones_are_said_faster(self, speech):
        long = "internationalization"
        speech.check_word(long)
        for voice in ("anxiousandy", "f4", "klatt3", "m3"):
            clip = clip_audio(f"{long}/espeak_{voice}_nohash_6")
            assert in_frames(clip)[[0, 1, -2, -1]].max() < 0.4 * in_frames(clip).max()


class TestSound:
    def test_is_a_second_at_sixteen_kilohertz(self, clips):
        names, sound = clips
        assert sound.shape == (len(names), 16_000)
        assert sound.dtype == np.int16

    def test_is_a_pure_function_of_the_name(self, speech, clips):
        names, sound = clips
        for index in np.random.default_rng(1).permutation(len(names))[:30]:
            np.testing.assert_array_equal(clip_audio(names[index]), sound[index])

    def test_differs_from_clip_to_clip(self, speech):
        sound = speech.audio(speech.keyword_clips("yes", "validation")[:20])
        assert len({clip.tobytes() for clip in sound}) == 20

    def test_several_processes_make_the_same(self, speech, clips, monkeypatch):
        names, sound = clips
        mixed = names[:40] + speech.silence_clips("testing", 5)
        monkeypatch.setattr(spoken, "_CLIPS_WORTH_A_WORKER", 10)
        monkeypatch.setattr(spoken, "cpu_count", lambda: 2)
        workers = []
        monkeypatch.setattr(
            spoken, "started", lambda *a, **k: workers.append(1) or interrupt.started(*a, **k)
        )
        together = speech.audio(mixed)
        assert len(workers) == 2
        np.testing.assert_array_equal(together[:40], sound[:40])
        np.testing.assert_array_equal(together[40:], speech.audio(mixed[40:]))

    def test_a_word_lies_whole_and_near_the_middle(self, clips):
        for name, clip in zip(*clips, strict=True):
            loudness = in_frames(clip)
            loud = np.flatnonzero(loudness > 0.35 * loudness.max())
            assert loud[0] >= 2, name
            assert loud[-1] <= 97, name
            weight = np.square(loudness)
            assert 30 < weight @ np.arange(100) / weight.sum() < 70, name

    def test_words_last_as_long_as_words_do(self, clips):
        lengths = []
        for clip in clips[1]:
            loudness = in_frames(clip)
            loud = np.flatnonzero(loudness > 0.15 * loudness.max())
            lengths.append((loud[-1] - loud[0] + 1) / 100)
        assert 0.3 < np.median(lengths) < 0.6
        assert np.quantile(lengths, 0.9) < 0.9

    def test_levels_spread_and_hardly_clip(self, clips):
        sound = clips[1].astype(int)
        peaks = np.abs(sound).max(1)
        assert np.quantile(peaks, 0.1) < 5000
        assert np.quantile(peaks, 0.9) > 8000
        assert np.mean(np.abs(sound) >= 32767) < 1e-4

    def test_noise_lies_fifteen_to_forty_decibels_below(self, clips):
        ratios = []
        for clip in clips[1]:
            loudness = in_frames(clip)
            floor = np.sort(loudness)[:10].mean()
            word = np.sqrt(np.mean(np.square(loudness[loudness > 0.2 * loudness.max()])))
            ratios.append(20 * np.log10(word / floor))
        assert np.min(ratios) > 12
        assert np.max(ratios) < 55
        assert np.std(ratios) > 4

    def test_a_failing_worker_is_reported(self, monkeypatch):
        with (
            spoken._worker(["yes/nobody_nohash_0"]) as worker,
            pytest.raises(InputError, match="no clip of the embedded speech"),
        ):
            spoken._next_clip(worker)
        monkeypatch.setattr(spoken_clip, "__name__", "kwslib.data.no_such_module")
        with (
            spoken._worker(["yes/espeak_f2_nohash_0"]) as worker,
            pytest.raises(RuntimeError, match="no_such_module"),
        ):
            spoken._next_clip(worker)


def test_images_are_those_of_the_sound(speech, clips):
    names, sound = clips
    images = speech.images(names[:10])
    assert images.shape == (10, 98, 40)
    np.testing.assert_array_equal(images, logmel_images(sound[:10], TRAINING))
    assert speech.images([]).shape == (0, 98, 40)
    assert speech.audio([]).shape == (0, 16_000)


def test_silence_comes_from_parts_of_the_noise_that_are_the_splits_own(speech):
    noise = speech.noise()
    taken = {split: {key: np.zeros(len(r), bool) for key, r in noise.items()} for split in SPLITS}
    for split in SPLITS:
        names = speech.silence_clips(split, 200)
        assert len(set(names)) == 200
        for name in names:
            recording, start, _ = name.removeprefix("_silence_/").rsplit("-", 2)
            taken[split][recording][int(start) : int(start) + 16_000] = True
    for key in noise:
        assert max(sum(taken[split][key].astype(int) for split in SPLITS)) == 1
    with pytest.raises(InputError, match="no crop"):
        speech.audio(["_silence_/street-0-0"])


def test_progress_goes_to_standard_error(speech, monkeypatch, capfd):
    monkeypatch.setattr(spoken, "_CLIPS_WORTH_A_WORKER", 10)
    speech.audio(speech.keyword_clips("no", "testing")[:24])
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "24/24" in captured.err


OF_RECIPE_1 = {
    "yes/espeak_f2_nohash_0": 62.824,
    "marvin/espeak_klatt_nohash_7": 68.120,
    "wow/espeak_boris_nohash_17": 57.471,
    "left/espeak_m3_nohash_3": 53.073,
}
"""Levels of clips, in decibels over one int16 step."""

NOISES_OF_RECIPE_1 = {
    "white_noise": 2613.88,
    "pink_noise": 2615.92,
    "brown_noise": 2461.43,
    "mains_hum": 2547.63,
    "babble": 2553.86,
    "clatter": 2105.83,
}
"""Means of absolute samples."""


def test_what_the_version_of_the_recipe_stands_for(speech):
    """Where this fails, clips or noises have become others: raise RECIPE, and these numbers."""
    assert RECIPE == 1
    clips = speech.audio(list(OF_RECIPE_1)).astype(float)
    levels = 10 * np.log10(np.mean(clips**2, axis=1))
    assert dict(zip(OF_RECIPE_1, levels, strict=True)) == pytest.approx(OF_RECIPE_1, abs=0.01)
    noises = {name: np.abs(r.astype(float)).mean() for name, r in speech.noise().items()}
    assert noises == pytest.approx(NOISES_OF_RECIPE_1, rel=1e-4)


def test_speaking_needs_no_torch():
    program = (
        "import sys; from kwslib.data.spoken import EmbeddedSpeech; s = EmbeddedSpeech();"
        "s.audio(s.keyword_clips('yes', 'testing')[:2]); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
