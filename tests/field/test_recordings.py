import json

import numpy as np
import pytest
import soundfile
from tone_listener import LABELS, RATE, ScriptedBoard, ToneBoard, quiet, stream_with, tone

from kwslib.data.task import in_hash_order
from kwslib.errors import InputError
from kwslib.field.recordings import BEFORE_MS, FACTS, identity, read_folder, word_span
from kwslib.field.session import play_recordings, second_around
from kwslib.field.trials import WINDOW_MS, Span

KEYWORDS = LABELS[2:]


@pytest.fixture
def write(tmp_path):
    """Writes a sound below the folder of recordings, which it returns."""

    def write(name, samples, rate=RATE):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples, rate, subtype="PCM_16")
        return tmp_path

    return write


def facts(folder, **entries):
    (folder / FACTS).write_text(json.dumps(entries))


@pytest.mark.parametrize(("start", "ms"), [(0, 500), (300, 400), (1000, 300), (1500, 1000)])
def test_a_word_is_found_by_its_energy(start, ms):
    found = word_span(np.concatenate([quiet(start), tone("yes", ms), quiet(500, 1)]))
    assert found == pytest.approx((start, start + ms), abs=20)


def test_a_word_is_found_in_noise_and_a_quieter_end_belongs_to_it():
    noise = np.random.default_rng(0).normal(0, 100, 2000 * 16)
    noise[16_000:20_800] += tone("yes", 300)
    noise[20_800:24_000] += tone("yes", 200, 800)
    assert word_span(noise.astype(np.int16)) == pytest.approx((1000, 1500), abs=20)


def test_sound_that_is_equally_loud_throughout_is_all_of_it():
    assert word_span(tone("yes", 700)) == (0, 700)
    assert word_span(np.zeros(16_000, np.int16)) == (0, 1000)


def test_a_short_clip_gets_noise_as_quiet_as_its_own_around_it(write):
    clip = np.concatenate([quiet(200), tone("yes"), quiet(200, 1)])
    (recording,) = read_folder(write("yes/a.wav", clip), KEYWORDS)
    stream, span, notes = recording.stream()
    assert notes == []
    assert (span.start, span.end) == pytest.approx((BEFORE_MS, BEFORE_MS + 400), abs=20)
    assert span.length == len(stream) // 16 >= span.end + WINDOW_MS
    start = (span.start - 200) * 16
    around = np.concatenate([stream[: start - 400], stream[start + len(clip) + 400 :]])
    assert 1 < around.std() < 6
    assert any(
        np.array_equal(stream[i : i + len(clip)], clip) for i in range(start - 800, start + 800)
    )
    np.testing.assert_array_equal(recording.stream()[0], stream)


def test_a_recording_that_is_long_enough_is_played_as_it_is(write):
    samples = stream_with("no", 2000, 400, 2000)
    (recording,) = read_folder(write("no/a.flac", samples), KEYWORDS)
    stream, _, _ = recording.stream()
    np.testing.assert_array_equal(stream, samples)


def test_facts_say_where_the_word_lies_and_who_speaks(write):
    folder = write("yes/a.wav", stream_with("yes"))
    facts(folder, **{"yes/a.wav": {"start_ms": 1500, "end_ms": 1777, "speaker": "s", "snr_db": 5}})
    (recording,) = read_folder(folder, KEYWORDS)
    assert (recording.facts.speaker, recording.facts.snr_db) == ("s", 5)
    assert recording.stream()[1].end == 1777


def test_another_rate_and_channels_are_mended_with_notes(write):
    stereo = np.stack([tone("yes", 3000)[: 8 * 3000]] * 2, axis=1)
    (recording,) = read_folder(write("yes/a.wav", stereo, 8000), KEYWORDS)
    _, _, notes = recording.stream()
    assert len(notes) == 2
    assert all("a.wav" in note for note in notes)


def test_what_is_no_keyword_must_not_be_detected(write):
    for name in ("yes/1.wav", "left/1.wav", "_unknown_/dog-anna.wav", "_none_/claps-far.wav"):
        folder = write(name, tone("x"))
    found = {each.name: (each.said, each.kind) for each in read_folder(folder, KEYWORDS)}
    assert found == {
        "yes/1.wav": ("yes", ""),
        "left/1.wav": ("_unknown_", "left"),
        "_unknown_/dog-anna.wav": ("_unknown_", "dog"),
        "_none_/claps-far.wav": ("_none_", "claps"),
    }


CASES = [
    {"Yes": "yes", "No": "no"},
    {"YES": "yes", "nO": "no", "_NONE_": "_none_", "_Unknown_": "_unknown_"},
    {"yes": "yes", "Yes": "yes", "Left": "_unknown_"},
]


@pytest.mark.parametrize("case", CASES)
def test_folders_are_words_whatever_the_case_of_their_letters(write, case):
    for name in case:
        folder = write(f"{name}/a-b.wav", tone("x"))
    found = read_folder(folder, KEYWORDS)
    assert {each.path.parent.name: each.said for each in found} == case
    assert {each.said for each in read_folder(folder, KEYWORDS, ["YES"])} == {"yes"}


def test_facts_are_found_whatever_the_case(write):
    folder = write("Yes/A.wav", stream_with("yes"))
    facts(folder, **{"yes/a.wav": {"speaker": "s"}})
    assert read_folder(folder, KEYWORDS)[0].facts.speaker == "s"


def test_keywords_of_a_network_are_matched_in_their_own_spelling(write):
    folder = write("ja/a.wav", tone("x"))
    assert read_folder(folder, ("Ja", "Nein"))[0].said == "Ja"


@pytest.mark.parametrize("suffix", ["wav", "WAV", "flac", "ogg", "mp3", "aiff", "w64", "au"])
def test_every_format_is_played(tmp_path, suffix):
    (tmp_path / "yes").mkdir()
    path = tmp_path / "yes" / f"a.{suffix}"
    soundfile.write(path, tone("yes", 2000), RATE)
    (recording,) = read_folder(tmp_path, KEYWORDS)
    assert recording.said == "yes"
    assert len(recording.stream()[0]) > RATE


def test_recordings_may_lie_deeper(write, tmp_path):
    write("yes/1.wav", tone("x"))
    (tmp_path / "yes" / "anna" / "at home").mkdir(parents=True)
    write("yes/anna/1.wav", tone("x"))
    folder = write("yes/anna/at home/1.wav", tone("x"))
    names = [each.name for each in read_folder(folder, KEYWORDS)]
    assert names == ["yes/1.wav", "yes/anna/1.wav", "yes/anna/at home/1.wav"]


def test_links_to_folders_are_followed_but_not_back_up(write, tmp_path):
    write("elsewhere/anna/1.wav", tone("x"))
    folder = write("recordings/yes/1.wav", tone("x")) / "recordings"
    (folder / "yes" / "anna").symlink_to(tmp_path / "elsewhere" / "anna")
    (folder / "no").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "anna" / "back").symlink_to(folder)
    (folder / "yes" / "again.wav").symlink_to(folder / "yes")
    (folder / "loop").symlink_to(folder)
    told = []
    names = [each.name for each in read_folder(folder, KEYWORDS, tell=told.append)]
    assert names == ["no/anna/1.wav", "yes/1.wav", "yes/anna/1.wav"]
    assert told == [
        f"skipped, since they are no sound: {folder}/loop",
        f"skipped, since they are no sound: {folder}/no/anna/back",
        f"skipped, since they are no sound: {folder}/yes/again.wav and 1 more",
    ]


def test_a_folder_that_cannot_be_read_is_named(write, monkeypatch):
    folder = write("yes/1.wav", tone("x"))

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(folder), "iterdir", refuse)  # root may read everywhere
    with pytest.raises(InputError, match=f"{folder}: cannot be read"):
        read_folder(folder, KEYWORDS)


def test_what_is_skipped_is_counted_and_said(write):
    folder = write("yes/a.wav", tone("x"))
    write("outside.wav", tone("x"))
    for name in ("yes/notes.txt", "yes/b.json", "yes/.hidden", "also outside.txt"):
        (folder / name).write_text("no sound")
    (folder / "yes" / "dangling.wav").symlink_to(folder / "nowhere")
    facts(folder)
    told = []
    assert len(read_folder(folder, KEYWORDS, tell=told.append)) == 1
    assert told == [
        f"skipped, since they stand in no word's folder: {folder / 'also outside.txt'} and 1 more",
        f"skipped, since they are no sound: {folder / 'yes' / 'b.json'} and 2 more",
    ]


@pytest.mark.parametrize("word", ["know", "Know", "noh"])
def test_words_that_sound_like_a_keyword_are_skipped_and_said(write, word):
    for name in ("no/a.wav", f"{word}/a.wav", "other/a.wav", "_unknown_/know-1.wav"):
        folder = write(name, tone("x"))
    told = []
    names = [each.name for each in read_folder(folder, ("yes", "no"), tell=told.append)]
    assert names == ["_unknown_/know-1.wav", "no/a.wav", "other/a.wav"]
    assert told == [f"skipped, since they sound like a keyword: {folder / word}"]
    kept = read_folder(folder, ("yes", "no"), tell=told.append, keep_homophones=True)
    assert f"{word}/a.wav" in [each.name for each in kept] and len(told) == 1
    with pytest.raises(InputError, match="no recordings but of words that sound like a keyword"):
        read_folder(folder, ("yes", "no"), [word])


def test_words_and_a_number_of_each_can_be_chosen(write):
    for name in [f"{word}/{i}.wav" for word in ("yes", "no") for i in range(5)]:
        folder = write(name, tone("x", 200))
    for name in ("readme.txt", "._hidden.wav"):
        (folder / "yes" / name).write_text("no sound")
    assert len(read_folder(folder, KEYWORDS)) == 10
    few = read_folder(folder, KEYWORDS, most=2)
    assert [each.said for each in few] == ["no", "no", "yes", "yes"]
    assert few == read_folder(folder, KEYWORDS, most=2)
    assert {each.said for each in read_folder(folder, KEYWORDS, ["no"])} == {"no"}


def test_folders_of_one_word_are_counted_together(write):
    """Of its recordings, in whatever folder, the first by the SHA-1 of their names are taken."""
    names = [f"{word}/{i}.wav" for word in ("Yes", "yes", "YES", "Left", "left") for i in range(2)]
    for name in names:
        folder = write(name, tone("x", 200))
    chosen = {each.name for each in read_folder(folder, KEYWORDS, most=3)}
    assert chosen == {*in_hash_order(names[:6])[:3], *in_hash_order(names[6:])[:3]}
    assert len(read_folder(folder, KEYWORDS, ["yes"], 1)) == 1


@pytest.mark.parametrize(
    ("prepare", "parts"),
    [
        (lambda folder: folder.rmdir(), ["no such folder", "subfolder"]),
        (lambda folder: None, ["holds no recordings", "put sound files"]),
        (lambda folder: (folder / "yes").mkdir(), ["holds no recordings"]),
        (lambda folder: (folder / FACTS).write_text("[1"), [FACTS, "mend it or remove it"]),
        (lambda folder: (folder / FACTS).write_text('{"a": {"b": 1}}'), [FACTS]),
        (lambda folder: (folder / FACTS).write_text("[]"), [FACTS]),
        (lambda folder: facts(folder, a={"start_ms": 3}), [FACTS, "belong together"]),
        (lambda folder: facts(folder, a={"start_ms": 3, "end_ms": 3}), [FACTS, "before"]),
        (lambda folder: facts(folder, a={"start_ms": 3, "end_ms": 4.5}), [FACTS, "whole"]),
        (lambda folder: facts(folder, a={"start_ms": -1, "end_ms": 4}), [FACTS, "before"]),
        (lambda folder: facts(folder, a={"snr_db": "5"}), [FACTS, "snr_db must be a number"]),
    ],
)
def test_a_folder_that_is_none_is_refused(tmp_path, prepare, parts):
    folder = tmp_path / "recordings"
    folder.mkdir()
    prepare(folder)
    with pytest.raises(InputError) as refusal:
        read_folder(folder, KEYWORDS)
    assert all(part in str(refusal.value) for part in [*parts, str(folder)])


def test_a_word_without_a_subfolder_is_refused(write):
    folder = write("yes/1.wav", tone("yes"))
    with pytest.raises(InputError, match="no subfolder no; there are yes"):
        read_folder(folder, KEYWORDS, ["no"])


def test_the_identity_changes_with_a_name_and_with_a_sample(write):
    folder = write("yes/1.wav", tone("yes"))
    first = identity(read_folder(folder, KEYWORDS))
    assert identity(read_folder(folder, KEYWORDS)) == first
    write("yes/1.wav", tone("yes", level=5999))
    assert identity(read_folder(folder, KEYWORDS)) != first
    write("yes/1.wav", tone("yes"))
    (folder / "yes" / "1.wav").rename(folder / "yes" / "2.wav")
    assert identity(read_folder(folder, KEYWORDS)) != first


def test_each_recording_is_a_stream_of_its_own_and_its_word_is_found(write):
    for name in ("yes/1.wav", "no/1.wav", "_none_/hum-1.wav"):
        folder = write(name, stream_with(name.split("/")[0]))
    folder = write("no/2.wav", stream_with("yes"))
    board, trials, notes = ToneBoard(), [], []
    play_recordings(
        read_folder(folder, KEYWORDS), board, None, trials.append, notes.append, {"no/1.wav"}
    )
    assert notes == []
    assert board.streams == 3
    found = [(each.recording, each.detected, each.succeeded, each.clip) for each in trials]
    assert found == [
        ("_none_/hum-1.wav", None, True, "_silence_"),
        ("no/2.wav", "yes", False, "yes"),
        ("yes/1.wav", "yes", True, "yes"),
    ]
    assert trials[2].delay_ms == pytest.approx(100, abs=20)


def test_a_stream_is_ended_when_the_board_fails(write):
    folder = write("yes/1.wav", stream_with("yes"))
    board = ScriptedBoard(InputError("the board: is gone"))
    with pytest.raises(InputError, match="is gone"):
        play_recordings(read_folder(folder, KEYWORDS), board, None, list, print)
    assert board.events[-1] == "stop"


@pytest.mark.parametrize(
    ("start", "end", "first"),
    [(1500, 2000, 1250), (1500, 2101, 1300), (100, 300, 0), (2800, 3000, 2000), (0, None, 1000)],
)
def test_the_second_around_a_word_has_its_middle_in_the_middle(start, end, first):
    stream = np.arange(48_000, dtype=np.int64).astype(np.int32)
    clip = second_around(stream, Span(start, end, 3000))
    assert len(clip) == 16_000
    assert clip[0] / 16 == pytest.approx(first, abs=1)
