"""What is said: labels as Audacity writes them, and where in a clip a word lies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kwslib.errors import InputError
from kwslib.streaming.ground_truth import Said, check_words, read_labels, span_of, write_labels


@given(st.lists(st.tuples(st.sampled_from(["yes", "no", "two words"]), st.integers(0, 10**8))))
def test_labels_come_back(tmp_path_factory, words):
    path = tmp_path_factory.mktemp("labels") / "labels.txt"
    said = sorted((Said(w, t, t + 400) for w, t in words), key=lambda each: each.start_ms)
    write_labels(path, said)
    assert read_labels(path) == said


def test_what_audacity_writes_is_read(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("2.500000\t3.0\tno\n\\\t100.0\t200.0\n\n0,25\t0,75\tyes\n")
    assert read_labels(path) == [Said("yes", 250, 750), Said("no", 2500, 3000)]


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("end", ["", "last line ends"])
def test_what_editors_make_of_a_file_of_labels_is_read(tmp_path, start, line_end, end):
    text = start + line_end.join(["0.25\t0.75\tyes", "2.5\t3.0\tno"]) + (line_end if end else "")
    (tmp_path / "labels.txt").write_bytes(text.encode())
    assert read_labels(tmp_path / "labels.txt") == [Said("yes", 250, 750), Said("no", 2500, 3000)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1.0 2.0 yes\n", r"labels.txt:1: must be start and end in seconds and a word"),
        ("0\t1\tyes\none\t2\tno\n", r"labels.txt:2: must be"),
        ("3\t2\tyes\n", "must end after it starts"),
        ("-1\t2\tyes\n", "must end after it starts"),
        ("0\tinf\tyes\n", "must end after it starts"),
        ("0\tnan\tyes\n", "must end after it starts"),
        ("0\t1\t \n", "and be named"),
    ],
)
def test_what_is_no_label(tmp_path, text, message):
    (tmp_path / "labels.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        read_labels(tmp_path / "labels.txt")


def test_what_is_no_file_of_labels(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_labels(tmp_path / "absent.txt")
    with pytest.raises(InputError, match="/dev/zero: is no file but a device"):
        read_labels("/dev/zero")
    (tmp_path / "sound.wav").write_bytes(b"\xff\xfe\x00RIFF")
    with pytest.raises(InputError, match="it is no text"):
        read_labels(tmp_path / "sound.wav")


def clip_with(start, end, knock=None):
    """A tone from ``start`` to ``end`` seconds in faint noise, and a knock of 10 ms."""
    time = np.arange(16_000) / 16_000
    sound = np.random.default_rng(0).normal(0, 5, 16_000)
    sound += 3_000 * np.sin(2 * np.pi * 500 * time) * ((time >= start) & (time < end))
    if knock is not None:
        sound[int(16_000 * knock) :][:160] += 20_000
    return np.rint(sound).astype(np.int16)


def test_a_word_lies_where_it_is_loud():
    start, end = span_of(clip_with(0.3, 0.8))
    assert (start, end) == (300, 800)


def test_a_knock_does_not_hide_the_word():
    start, end = span_of(clip_with(0.4, 0.9, knock=0.05))
    assert start <= 400 + 20
    assert end >= 700  # the loudest 300 ms at the least


def test_a_stream_without_keywords_is_refused():
    check_words([Said("maybe", 0, 1), Said("no", 2, 3)], ["yes", "no"])
    with pytest.raises(InputError, match="none of the keywords yes, no is said"):
        check_words([Said("maybe", 0, 1)], ["yes", "no"])
