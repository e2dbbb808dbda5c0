"""The sound of a stream: levels as stated, minute by minute, the same each time; and from files."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from kwslib.data.dataset import open_source
from kwslib.data.loudness import speech_level_db
from kwslib.errors import InputError
from kwslib.evaluation.smoothing import Detection
from kwslib.streaming.ground_truth import Said, Truth, write_labels
from kwslib.streaming.listen import hours_of
from kwslib.streaming.plan import MINUTE, Plan
from kwslib.streaming.sound import ROOM_DB, BuiltSound, RecordedSound, write_sound

PLAN = Plan(minutes=4, keywords=("yes", "no"), snr_db=(10.0, None), noises=("hiss", "hum"))


@pytest.fixture(scope="module")
def source(tones):
    return open_source(tones)


@pytest.fixture(scope="module")
def built(source):
    return BuiltSound(source, PLAN)


@pytest.fixture(scope="module")
def minutes(built):
    return list(built.minutes())


def level_db(sound):
    return 20 * np.log10(np.sqrt(np.mean(np.square(sound, dtype=np.float64))) / 32768)


def test_a_minute_is_the_same_alone_and_after_others(source, minutes):
    again = BuiltSound(source, PLAN)
    np.testing.assert_array_equal(next(again.minutes(2)), minutes[2])
    assert [len(minute) for minute in minutes] == [MINUTE] * 4
    assert again.samples == 4 * MINUTE


def test_noise_is_lower_than_speech_by_the_stated_ratio(source, built, minutes):
    """What a minute has beyond the same minute in a quiet room is its noise."""
    clean = BuiltSound(source, replace(PLAN, snr_db=(None, None)))
    for number, minute in enumerate(map(built.script.minute, range(4))):
        quiet = clean.minute(replace(minute, noise="", snr_db=None)).astype(np.int64)
        noise = minutes[number] - quiet
        if minute.snr_db is None:
            assert not noise.any()
        else:
            assert level_db(noise) == pytest.approx(minute.speech_db - minute.snr_db, abs=0.2)


def test_words_have_the_level_of_their_minute_and_lie_where_they_are_said(built, minutes):
    said = iter(built.said)
    for number, minute in enumerate(map(built.script.minute, range(4))):
        for placed in minute.clips:
            clip = minutes[number][placed.start : placed.start + 16_000]
            word = next(said)
            assert speech_level_db(clip) == pytest.approx(minute.speech_db, abs=0.7)
            assert (word.word, word.snr_db, word.noise) == (
                placed.word, minute.snr_db, minute.noise,
            )  # fmt: skip
            # The words of this source are tones from 250 to 750 ms in their clips.
            at = 60_000 * number + placed.start / 16
            assert word.start_ms - at == pytest.approx(250, abs=21)
            assert word.end_ms - at == pytest.approx(750, abs=21)


def test_between_words_there_is_a_quiet_room(built, minutes):
    number = next(n for n in range(4) if built.script.minute(n).snr_db is None)
    first = built.script.minute(number).clips[0].start
    assert level_db(minutes[number][:first]) == pytest.approx(ROOM_DB, abs=1.5)


def test_halves_have_other_noise(source):
    one, other = (
        next(
            BuiltSound(
                source, replace(PLAN, part=part, keywords_an_hour=1, others_an_hour=0)
            ).minutes()
        )
        for part in ("tuning", "reporting")
    )
    assert not np.array_equal(one, other)


def test_another_plan_is_another_stream(source, built):
    assert BuiltSound(source, PLAN).identity() == built.identity()
    assert BuiltSound(source, replace(PLAN, seed=1)).identity() != built.identity()


def test_an_unknown_noise_is_refused(source):
    with pytest.raises(InputError, match="'rain': must be one of hiss, hum"):
        BuiltSound(source, replace(PLAN, noises=("rain",)))


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_stream_that_was_written_is_the_same_stream(built, minutes, tmp_path, suffix):
    path = tmp_path / f"stream{suffix}"
    write_sound(path, built)
    write_labels(tmp_path / "stream.txt", built.said)
    recorded = RecordedSound(path, tmp_path / "stream.txt")
    assert (recorded.samples, recorded.notes) == (built.samples, [])
    for first in (0, 3):
        np.testing.assert_array_equal(np.stack(list(recorded.minutes(first))), minutes[first:])
    told = [(each.word, each.start_ms, each.end_ms) for each in built.said]
    assert [(each.word, each.start_ms, each.end_ms) for each in recorded.said] == told
    assert RecordedSound(path).said is None


def test_what_cannot_be_written(built, tmp_path):
    with pytest.raises(InputError, match=r"must end in .wav or .flac"):
        write_sound(tmp_path / "stream.mp3", built)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        write_sound(tmp_path / "file" / "stream.wav", built)


def test_labels_of_another_recording_are_refused(tmp_path):
    soundfile.write(tmp_path / "short.wav", np.zeros(16_000, np.int16), 16_000)
    write_labels(tmp_path / "labels.txt", [Said("yes", 5000, 6000)])
    with pytest.raises(InputError, match=r"'yes' at 5.00 s, after the end of .* at 1.00 s"):
        RecordedSound(tmp_path / "short.wav", tmp_path / "labels.txt")


# ---------------------------------------------------------------- recordings that are shorter


@pytest.fixture
def long(tmp_path):
    """Nine seconds of noise in several formats, with a label every second."""
    draw = np.random.default_rng(0)
    samples = draw.normal(0, 3000, 9 * 16_000).astype(np.int16)
    for name, options in {
        "a.wav": {},
        "a.flac": {},
        "a.mp3": {},
        "floats.wav": {"subtype": "FLOAT"},
        "a.w64": {},
    }.items():
        values = samples / 32768 if "subtype" in options else samples
        soundfile.write(tmp_path / name, values, 16_000, **options)
    write_labels(
        tmp_path / "a.txt", [Said("yes", 1000 * n + 500, 1000 * n + 900) for n in range(9)]
    )
    return tmp_path


def cut(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])


@pytest.mark.parametrize("share", [0.35, 0.6])
@pytest.mark.parametrize("name", ["a.wav", "floats.wav", "a.flac", "a.mp3"])
def test_what_was_heard_counts_and_what_was_promised_is_told(long, name, share):
    cut(long / name, share)
    sound = RecordedSound(long / name, long / "a.txt")
    seconds = sound.samples / 16_000
    assert 9 * share - 1.5 < seconds < 9 * share + 0.5
    heard = np.concatenate(list(sound.minutes()))
    assert len(heard) == sound.samples
    assert [each.start_ms for each in sound.said] == [
        t for t in range(500, 9000, 1000) if t < 1000 * seconds
    ]
    short, beyond = sound.notes
    assert short.startswith(f"{name}: ends after {seconds:.2f} s of the 9.00 s") or short == (
        f"{name}: only its first {seconds:.2f} s can be read"
    )
    unheard = [t for t in range(500, 9000, 1000) if t + 400 > 1000 * seconds]
    assert beyond == (
        f"a.txt: {len(unheard)} of 9 labels lie beyond the end of {name} or across it, "
        f"the first 'yes' at {unheard[0] / 1000:.2f} s; they do not count"
    )


def test_a_word_that_was_cut_is_named_and_does_not_count(long):
    cut(long / "a.wav", 4.7 / 9)
    sound = RecordedSound(long / "a.wav", long / "a.txt")
    assert "5 of 9 labels" in sound.notes[-1] and "'yes' at 4.50 s" in sound.notes[-1]
    truth = Truth(tuple(sound.said), ("_silence_", "_unknown_", "yes"), hours_of(sound))
    outcome = truth.judge([Detection(2, 0.9, 4_690)])
    assert [each.start_ms for each in outcome.said] == [500, 1500, 2500, 3500]
    assert outcome.false_accepts == ()


@pytest.mark.parametrize("rate", [11_025, 16_000, 44_100, 48_000])
def test_a_label_to_the_very_end_is_heard(tmp_path, rate):
    for frames in range(rate, rate + 60, 7):
        soundfile.write(tmp_path / "a.wav", np.zeros(frames, np.int16), rate)
        (tmp_path / "a.txt").write_text(f"0.000000\t{frames / rate:.6f}\tyes\n")
        sound = RecordedSound(tmp_path / "a.wav", tmp_path / "a.txt")
        assert not any("labels" in note for note in sound.notes)
        assert Truth(tuple(sound.said), ("", "", "yes"), hours_of(sound)).judge([]).missed == 1


def test_the_label_that_is_of_another_recording_is_named(long):
    cut(long / "a.wav", 0.5)
    write_labels(long / "a.txt", [Said("yes", 6000, 6500), Said("no", 9500, 9900)])
    with pytest.raises(InputError, match=r"'no' at 9.50 s, after the end of .* at 9.00 s; are"):
        RecordedSound(long / "a.wav", long / "a.txt")


def test_labels_of_sound_that_is_not_read_on_are_no_error(long):
    data = (long / "a.mp3").read_bytes()
    soundfile.write(long / "b.mp3", np.zeros(48_000, np.int16), 48_000)
    (long / "a.mp3").write_bytes(data + (long / "b.mp3").read_bytes())
    write_labels(long / "a.txt", [Said("yes", 6000, 6500), Said("no", 9500, 9900)])
    sound = RecordedSound(long / "a.mp3", long / "a.txt")
    assert [each.word for each in sound.said] == ["yes"]
    assert "1 of 2 labels" in sound.notes[-1] and "'no' at 9.50 s" in sound.notes[-1]


def test_samples_beyond_full_scale_are_told_of_a_recording_too(tmp_path):
    samples = np.zeros(16_000)
    samples[:3] = 1.5
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    assert RecordedSound(tmp_path / "a.wav").notes == ["a.wav: 3 samples beyond full scale clipped"]


def test_a_whole_recording_has_nothing_to_tell(long):
    for name in ("a.wav", "a.flac", "a.mp3", "floats.wav", "a.w64"):
        sound = RecordedSound(long / name, long / "a.txt")
        assert (sound.notes, len(sound.said)) == ([], 9)
        assert sound.samples == 9 * 16_000


def unknown_length(path):
    """Says in the header of a FLAC file that it is not known how many samples it has."""
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    path.write_bytes(data)


def no_length(path):
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[4:8] = data[at : at + 4] = bytes(4)
    path.write_bytes(data)


def largest_length(path):
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[4:8] = data[at : at + 4] = b"\xff" * 4
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "lie"),
    [
        ("a.flac", unknown_length),
        ("a.wav", no_length),
        ("a.wav", largest_length),
        ("floats.wav", no_length),
        ("floats.wav", largest_length),
    ],
)
def test_a_length_that_nobody_knows_is_that_of_what_comes(long, name, lie):
    whole = np.concatenate(list(RecordedSound(long / name).minutes()))
    lie(long / name)
    sound = RecordedSound(long / name, long / "a.txt")
    assert (sound.samples, sound.notes, len(sound.said)) == (9 * 16_000, [], 9)
    np.testing.assert_array_equal(np.concatenate(list(sound.minutes())), whole)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_sample_that_is_no_number_is_refused_with_its_place(tmp_path, value):
    samples = np.zeros(5 * 16_000, np.float32)
    samples[40_000] = value
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    with pytest.raises(InputError, match=r"a.wav: sample 40,000 \(at 2.500 s\) is no finite"):
        RecordedSound(tmp_path / "a.wav")


def test_a_recording_without_sound_is_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(0, np.int16), 16_000)
    with pytest.raises(InputError, match="holds no sound"):
        RecordedSound(tmp_path / "a.wav")
    soundfile.write(tmp_path / "a.wav", np.ones(1, np.int16), 48_000)
    with pytest.raises(InputError, match="holds no sound"):
        RecordedSound(tmp_path / "a.wav")


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_a_recording_has_as_many_samples_as_its_minutes(tmp_path, rate):
    for frames in (rate + 1, rate + 2, 2 * rate + 7):
        soundfile.write(tmp_path / "a.wav", np.ones(frames, np.int16), rate)
        sound = RecordedSound(tmp_path / "a.wav")
        assert sum(map(len, sound.minutes())) == sound.samples
