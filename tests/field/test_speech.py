"""The folder of recordings: what is in it, how loud it is, and that it is the same each time."""

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from installed import needs

from kwslib.errors import InputError
from kwslib.field import speech
from kwslib.field.recordings import BEFORE_MS, read_folder, word_span
from kwslib.field.speech import SNR_DB, VOICES, hold, make_folder, say
from kwslib.field.trials import NONE, WINDOW_MS
from kwslib.files import sha256_of_file


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    needs("flite")
    path = tmp_path_factory.mktemp("field") / "recordings"
    make_folder(path, ["yes"])
    return path


@pytest.fixture
def voiced():
    needs("flite")


def pitch(sound):
    """Fundamental frequency of the strongest voiced part, by autocorrelation."""
    loudest = int(np.argmax(np.convolve(sound**2, np.ones(800), "valid")))
    part = sound[loudest : loudest + 800]
    correlation = np.correlate(part, part, "full")[799:]
    lag = 50 + int(np.argmax(correlation[50:300]))
    return 16_000 / lag


@pytest.mark.parametrize("voice", VOICES)
def test_a_voice_says_a_word_without_silence_around_it(voiced, voice):
    word = say("left", voice)
    assert 0.15 < len(word) / 16_000 < 1
    assert np.abs(word[[0, -1]]).max() < 0.2 * np.abs(word).max()
    assert np.abs(word[:160]).max() > 0.005 * np.abs(word).max()


def test_rate_and_vocal_tract_can_be_chosen_apart(voiced):
    plain = say("no", "slt")
    assert len(say("no", "slt", stretch=1.5)) == pytest.approx(1.5 * len(plain), rel=0.1)
    assert len(say("no", "slt", tract=1.1)) == pytest.approx(len(plain), rel=0.1)
    assert pitch(say("no", "slt", pitch=1.3)) > 1.1 * pitch(plain)
    assert pitch(say("no", "slt", tract=1.1)) == pytest.approx(pitch(plain), rel=0.1)


def test_a_held_s_hisses_and_a_word_does_not(voiced):
    def high(sound):
        power = np.abs(np.fft.rfft(sound)) ** 2
        return power[len(power) // 2 :].sum() / power.sum()

    assert high(hold("s", "slt")) > 0.8 > 0.2 > high(say("no", "slt"))


def test_without_flite_the_message_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="apt-get install flite"):
        say("yes", "slt")


@pytest.mark.parametrize(
    ("does", "message"),
    [("exit 1", "cannot say 'yes' in voice slt"), ('cp "$SILENT" "$5"', "says nothing for 'yes'")],
)
def test_what_flite_cannot_say_is_told(monkeypatch, tmp_path, does, message):
    program = tmp_path / "flite"
    program.write_text(f"#!/bin/sh\nshift; {does}\n")
    program.chmod(0o755)
    soundfile.write(tmp_path / "silent.wav", np.zeros(1000, np.int16), 16_000)
    monkeypatch.setenv("SILENT", str(tmp_path / "silent.wav"))
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(InputError, match=message):
        say("yes", "slt")


@pytest.mark.parametrize("word", ["", "y3s", "two words", "../yes"])
def test_a_word_that_is_none_is_refused(tmp_path, word):
    with pytest.raises(InputError, match="letters"):
        make_folder(tmp_path / "new", [word])
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("word", "left_out"), [("knows", {"nose"}), ("knot", {"not"}), ("dog", {"dog"}), ("yes", set())]
)
def test_no_other_word_is_or_sounds_like_a_keyword(monkeypatch, word, left_out):
    asked = []
    for part in ("_keyword", "_sounds", "_spoken_phones"):
        monkeypatch.setattr(speech, part, lambda *_: ())
    monkeypatch.setattr(speech, "_other_words", lambda words: asked.extend(words) or ())
    assert list(speech.pieces([word])) == []
    assert set(speech.OTHER_WORDS).difference(asked) == left_out


def test_a_keyword_is_said_in_every_way_at_every_ratio(folder):
    words = [each for each in read_folder(folder, ["yes"]) if each.said == "yes"]
    assert len(words) == 96 >= 40
    for ratio in SNR_DB:
        of_ratio = [each for each in words if each.facts.snr_db == ratio]
        assert len(of_ratio) == 24
        assert {each.facts.speaker for each in of_ratio} == set(VOICES)
        if ratio is not None:
            assert len({each.facts.noise for each in of_ratio}) == 6
    assert {each.facts.noise for each in words if each.facts.snr_db is None} == {"none"}


def test_other_words_and_sounds_are_marked(folder):
    rest = [each for each in read_folder(folder, ["yes"]) if each.said != "yes"]
    sounds = {each.kind for each in rest if each.said == NONE}
    words = {each.kind for each in rest if each.said != NONE}
    assert {"sss", "spoken s", "claps", "hum", "white", "sweep", "melody"} <= sounds
    assert len(words) == 20
    assert "yes" not in words


def test_where_the_word_lies_is_what_its_energy_says_and_there_is_room_around_it(folder):
    quiet = [each for each in read_folder(folder, ["yes"]) if each.name.endswith("quiet.wav")]
    assert quiet
    for each in quiet:
        samples = soundfile.read(each.path, dtype="int16")[0]
        start, end = word_span(samples)
        assert each.facts.start_ms == BEFORE_MS
        assert start == pytest.approx(BEFORE_MS, abs=150)
        assert end == pytest.approx(each.facts.end_ms, abs=150)
        assert len(samples) / 16 == pytest.approx(each.facts.end_ms + WINDOW_MS, abs=1)


def test_levels_are_those_of_real_clips_and_the_ratio_is_the_one_that_is_told(folder):
    recordings = [each for each in read_folder(folder, ["yes"]) if each.said == "yes"]
    levels = {}
    for each in recordings:
        samples = soundfile.read(each.path)[0]
        manner = each.name.split("-")[:3]
        before = 10 * np.log10(np.mean(samples[: BEFORE_MS * 16] ** 2))
        if each.facts.snr_db is None:
            assert before == pytest.approx(-67, abs=1)
            word = samples[BEFORE_MS * 16 : each.facts.end_ms * 16]
            span = min(4800, len(word))
            power = np.convolve(word**2, np.ones(span) / span, "valid").max()
            levels["-".join(manner)] = 10 * np.log10(power)
    assert set(np.round(list(levels.values())).astype(int)) == {-24, -19, -16}
    steady = {"white_noise", "pink_noise", "mains_hum"}
    for each in recordings:
        if each.facts.noise in steady:
            samples = soundfile.read(each.path)[0]
            noise = 10 * np.log10(np.mean(samples[: BEFORE_MS * 16] ** 2))
            level = levels["-".join(each.name.split("-")[:3])]
            assert level - noise == pytest.approx(each.facts.snr_db, abs=1)


def test_the_same_folder_comes_out_each_time(folder, tmp_path):
    again = tmp_path / "again"
    make_folder(again, ["yes"])
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert [sha256_of_file(folder / f) for f in files] == [sha256_of_file(again / f) for f in files]


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="is not an empty folder"):
        make_folder(tmp_path, ["yes"])
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_command_tells_a_mistake_in_one_line(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    run = CliRunner().invoke(speech.main, ["--out", str(tmp_path / "new")])
    assert run.exit_code == 2
    assert run.stderr == "flite: not installed; on Debian and Ubuntu: apt-get install flite\n"
