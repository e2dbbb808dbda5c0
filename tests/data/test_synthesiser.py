import os
import subprocess
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from kwslib.data import synthesiser
from kwslib.data.synthesiser import (
    ESPEAK_RATE,
    Utterance,
    accents,
    phonemes_of,
    synthesise,
    synthesiser_version,
    variants,
)
from kwslib.errors import InputError

# One voice of each of eSpeak's two synthesisers, breath noise, roughness, echo, loudness.
VARIED = ["m3", "f2", "klatt", "klatt4", "croak", "norbert", "paul", "steph", "mr-serious", "reed"]


def sounding(samples):
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 300)
    return samples[loud[0] : loud[-1] + 1].astype(float)


def fundamental(samples):
    """Hertz, by the highest peak of the autocorrelation of the loudest 50 ms."""
    frame = ESPEAK_RATE // 20
    frames = np.lib.stride_tricks.sliding_window_view(samples, frame)[::200]
    loudest = frames[np.square(frames).sum(1).argmax()]
    correlation = np.correlate(loudest, loudest, "full")[frame - 1 :]
    shortest, longest = ESPEAK_RATE // 400, ESPEAK_RATE // 50
    return ESPEAK_RATE / (shortest + correlation[shortest:longest].argmax())


def test_samples_depend_on_the_utterance_and_not_on_what_was_said_before():
    utterances = [Utterance(word, "en", voice) for voice in VARIED for word in ("yes", "wow")]
    first = [synthesise(utterance) for utterance in utterances]
    for index in np.random.default_rng(0).permutation(len(utterances)):
        np.testing.assert_array_equal(synthesise(utterances[index]), first[index])


def test_another_process_says_the_same():
    program = (
        "import sys; from kwslib.data.synthesiser import *;"
        "sys.stdout.buffer.write(synthesise(Utterance('seven', 'en-029', 'klatt')).tobytes())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    expected = synthesise(Utterance("seven", "en-029", "klatt"))
    np.testing.assert_array_equal(np.frombuffer(done.stdout, np.int16), expected)


def test_threads_wait_for_one_another():
    utterances = [Utterance(word, variant=v) for v in VARIED for word in ("no", "yes")]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(synthesise, utterances))
    for utterance, samples in zip(utterances, together, strict=True):
        np.testing.assert_array_equal(samples, synthesise(utterance))


def test_every_voice_in_every_accent_says_a_word():
    assert len(variants()) >= 100
    assert {"en", "en-us", "en-gb-scotland", "en-029"} <= set(accents())
    pairs = {(accent, "m3") for accent in accents()} | {("en-us", v) for v in variants()}
    for accent, variant in pairs:
        said = synthesise(Utterance("stop", accent, variant))
        assert said.dtype == np.int16
        assert 0.1 < len(sounding(said)) / ESPEAK_RATE < 1.0, (accent, variant)


def test_words_accents_and_voices_differ():
    utterances = [
        Utterance("yes"),
        Utterance("no"),
        Utterance("yes", accent="en-gb-scotland"),
        Utterance("yes", variant="f2"),
        Utterance("yes", variant="f2", pitch=51),
    ]
    assert len({synthesise(utterance).tobytes() for utterance in utterances}) == 5


def test_the_rate_shortens_and_the_pitch_raises():
    slow, fast = (len(sounding(synthesise(Utterance("seven", rate=r)))) for r in (110, 220))
    assert slow / fast == pytest.approx(2, rel=0.3)
    low, high = (fundamental(sounding(synthesise(Utterance("wow", pitch=p)))) for p in (30, 80))
    assert 60 < low < high < 200
    assert high > 1.3 * low


def test_breath_noise_follows_its_seed():
    one, same, other = (
        synthesise(Utterance("yes", variant="whisper", seed=seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("word", "phonemes"),
    [("yes", "jɛs"), ("Marvin", "mɑːɹvɪn"), ("RIGHT", "ɹaɪt"), ("for", "fɔːɹ")],
)
def test_phonemes_are_those_of_american_english_without_stress(word, phonemes):
    assert phonemes_of([word]) == [phonemes]


def test_phonemes_do_not_depend_on_what_was_asked_before():
    words = ["for", "a", "read", "US", "to", "use", "x" * 50, "right", "'", "turn on", "été", "да"]
    alone = [phonemes_of([word])[0] for word in words]
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(words))
        assert phonemes_of([words[i] for i in order]) == [alone[i] for i in order]
    synthesise(Utterance("yes", "en-029", "f2"))
    assert phonemes_of(words) == alone


def test_every_latin_letter_has_phonemes_or_none_and_nothing_is_printed(capfd):
    letters = [chr(code) for code in range(1, 0x250)]
    assert len(phonemes_of(letters)) == len(letters)
    assert all(phonemes_of([letter])[0] for letter in "aZéßñ")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("text", ["", "'''"])
def test_nothing_to_say_is_no_sound(text):
    assert not synthesise(Utterance(text)).any()


def test_nothing_is_printed(capfd):
    synthesise(Utterance("yes"))
    with pytest.raises(InputError):
        synthesise(Utterance("yes", variant="nobody"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("voice", [{"variant": "nobody"}, {"accent": "tlh"}])
def test_an_unknown_voice_names_those_that_there_are(voice):
    with pytest.raises(InputError, match=r"no such voice; .*en-us"):
        synthesise(Utterance("yes", **voice))


@pytest.fixture
def fresh():
    """Forget where eSpeak lies, before and after."""
    places = (synthesiser._library_path, synthesiser._installed_data, synthesiser._english_data)
    for place in places:
        place.cache_clear()
    yield
    for place in places:
        place.cache_clear()


def espeak_at(monkeypatch, library, data):
    def get_data_path():
        if not Path(data).exists():
            raise RuntimeError("data path not exists")
        return str(data)

    module = types.SimpleNamespace(get_library_path=lambda: library, get_data_path=get_data_path)
    monkeypatch.setitem(sys.modules, "espeakng_loader", module)


@pytest.mark.usefixtures("fresh")
class TestMissingParts:
    def test_library(self, monkeypatch):
        monkeypatch.setattr(synthesiser, "_library_path", lambda: "/nowhere/libespeak-ng.so")
        with pytest.raises(InputError, match=r"/nowhere/libespeak-ng.so.*pip install"):
            synthesise(Utterance("yes"))

    def test_data(self, monkeypatch):
        espeak_at(monkeypatch, synthesiser._library_path(), "/nowhere")
        with pytest.raises(InputError, match=r"without its data.*pip install"):
            synthesise(Utterance("yes"))

    def test_some_of_the_data(self, monkeypatch, tmp_path):
        espeak_at(monkeypatch, synthesiser._library_path(), tmp_path)
        with pytest.raises(InputError, match=r"incomplete.*pip install"):
            synthesise(Utterance("yes"))

    def test_package(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "espeakng_loader", None)
        for ask in (lambda: synthesise(Utterance("yes")), lambda: phonemes_of(["yes"])):
            with pytest.raises(InputError, match=r"not installed.*pip install"):
                ask()

    def test_damaged_data(self, monkeypatch, tmp_path):
        monkeypatch.setenv("KWS_CACHE", str(tmp_path))
        (synthesiser._english_data() / "phontab").unlink()
        with pytest.raises(InputError, match="delete the folder"):
            synthesise(Utterance("yes"))


@pytest.mark.usefixtures("fresh")
def test_the_folder_with_english_is_made_once_and_leaves_no_rubbish(monkeypatch, tmp_path):
    monkeypatch.setenv("KWS_CACHE", str(tmp_path))
    before = synthesise(Utterance("yes"))
    (folder,) = (tmp_path / "espeak").iterdir()
    made = folder.stat().st_mtime_ns
    synthesiser._english_data.cache_clear()
    np.testing.assert_array_equal(synthesise(Utterance("yes")), before)
    assert [*(tmp_path / "espeak").iterdir()] == [folder]
    assert folder.stat().st_mtime_ns == made


def test_many_words_leak_no_memory_and_no_files():
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs Linux's /proc to see memory and open files")

    def resident_and_open():
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE"), len(list(Path("/proc/self/fd").iterdir()))

    def talk(words):
        for _ in range(words):
            synthesise(Utterance("a", rate=450))

    talk(100)
    memory, files = resident_and_open()
    talk(300)
    memory_after, files_after = resident_and_open()
    assert files_after == files
    assert memory_after - memory < 8e6


def test_the_version_names_the_distribution():
    name, number = synthesiser_version().split()
    assert name == "espeakng-loader"
    assert int(number.split(".")[0]) >= 0
