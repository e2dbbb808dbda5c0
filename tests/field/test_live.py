from contextlib import contextmanager

import numpy as np
import pytest
from tone_listener import LABELS, ScriptedBoard, ToneBoard, quiet, tone

from kwslib.board.client import default_streaming
from kwslib.board.target import open_board
from kwslib.deploy.predictors import tflite_of
from kwslib.errors import InputError
from kwslib.evaluation.smoothing import Detection
from kwslib.field.live import SPEAK_MS, board_ear, computer_ear, conduct, faults
from kwslib.field.recordings import BEFORE_MS
from kwslib.field.trials import Book, Span, sitting
from kwslib.network.reader import read_graph

NETWORK = "tiny_conv-yes_no"
SPAN = Span(1500, 2000, 5000)


def speech(word="yes", start=600, ms=400, level=6000):
    """What a microphone gives from the cue on."""
    samples = quiet(SPEAK_MS, 1)
    samples[start * 16 : (start + ms) * 16] = tone(word, ms, level)
    return samples


class FakeMicrophone:
    """Gives quiet before the cue and ``spoken`` after it; forgets nothing in between."""

    def __init__(self, spoken, gaps=0):
        self.gaps = gaps
        self.samples = np.concatenate([quiet(BEFORE_MS), spoken])
        self.read_so_far = 0
        self.open = False

    @contextmanager
    def __call__(self):
        self.open, self.read_so_far = True, 0
        yield self
        self.open = False

    def read(self, count):
        assert self.open
        start, self.read_so_far = self.read_so_far, self.read_so_far + count
        return self.samples[start : start + count]


def test_the_network_hears_all_that_was_recorded_and_the_words_end_is_found():
    microphone, cues = FakeMicrophone(speech()), []
    detections, span, notes = computer_ear(
        ToneBoard(), None, microphone, lambda: cues.append(microphone.read_so_far)
    )
    assert cues == [BEFORE_MS * 16]
    assert microphone.open is False
    assert microphone.read_so_far == len(microphone.samples)
    assert span.end == pytest.approx(BEFORE_MS + 1000, abs=20)
    assert [(LABELS[each.label], each.time) for each in detections] == [
        ("yes", pytest.approx(BEFORE_MS + 1100, abs=10))
    ]
    assert notes == ()


def test_overload_is_noted_and_no_end_of_the_word_is_claimed():
    spoken = speech(level=6000)
    spoken[9600:9700] = 32767
    _, span, notes = computer_ear(ScriptedBoard([]), None, FakeMicrophone(spoken), lambda: None)
    assert "overloaded" in notes[0]
    assert span.end is None


def test_lost_sound_is_noted():
    microphone = FakeMicrophone(speech(), gaps=2)
    _, _, notes = computer_ear(ScriptedBoard([]), None, microphone, lambda: None)
    assert notes == ("sound was lost 2 times: the computer is too busy",)


@pytest.mark.parametrize("samples", [np.zeros(56_000, np.int16), quiet(3500)])
def test_silence_is_noted(samples):
    assert "muted" in faults(samples)[0]


def test_speech_is_no_fault_and_neither_are_single_peaks():
    spoken = speech()
    spoken[[10_000, 12_000]] = 32767, -32768
    assert faults(spoken) == ()


def test_the_stream_is_ended_when_the_board_fails():
    board = ScriptedBoard(InputError("gone"))
    with pytest.raises(InputError):
        computer_ear(board, None, FakeMicrophone(speech()), lambda: None)
    assert board.events == ["start", (BEFORE_MS + SPEAK_MS) * 16, "stop"]


def test_a_board_with_a_microphone_listens_as_long_and_no_end_is_known():
    early, answer = Detection(2, 0.6, 700), Detection(3, 0.8, 2600)
    board = ScriptedBoard([early], [answer])
    detections, span, _ = board_ear(board, None, lambda: board.events.append("cue"))
    assert board.events == ["microphone", BEFORE_MS / 1000, "cue", SPEAK_MS / 1000, "stop"]
    assert detections == [early, answer]
    assert (span.start, span.end) == (BEFORE_MS, None)


def test_a_board_without_a_microphone_says_so():
    with (
        open_board("host", read_graph(tflite_of(NETWORK)), NETWORK) as board,
        pytest.raises(InputError, match="has no microphone"),
    ):
        board_ear(board, default_streaming(4), lambda: pytest.fail("nobody is asked to speak"))


class FakeEar:
    """Hears a label of the script at each prompt, or nothing."""

    def __init__(self, *script, notes=()):
        self.script, self.notes, self.cues = list(script), notes, 0

    def __call__(self, cue):
        cue()
        self.cues += 1
        label = self.script.pop(0)
        found = [Detection(LABELS.index(label), 0.8, 2200)] if label else []
        return found, SPAN, self.notes


class Person:
    """Answers the prompts one after the other and remembers what was shown."""

    def __init__(self, *answers):
        self.answers, self.questions, self.lines = list(answers), [], []

    def ask(self, question):
        self.questions.append(question)
        return self.answers.pop(0)

    def tell(self, line):
        self.lines.append(line)


@pytest.fixture
def open_book(tmp_path):
    def open_book():
        record = sitting("n", "ab", LABELS, default_streaming(4), "host", "here", {"name": "me"})
        return Book(tmp_path / "trials.json", record)

    return open_book


def run(book, ear, person, words=("yes", "no"), count=2):
    conduct(words, count, book, LABELS, ear, person.ask, person.tell)


def names(book):
    return [(each.recording, each.detected) for each in book.trials]


def test_words_come_in_turn_until_all_are_said(open_book):
    book, person = open_book(), Person("", "", "", "", "")
    run(book, FakeEar("yes", "no", None, "yes"), person)
    assert names(book) == [("yes/1", "yes"), ("no/1", "no"), ("yes/2", None), ("no/2", "yes")]
    assert [each.delay_ms for each in book.trials] == [200, 200, None, 200]
    assert [line for line in person.lines if line.startswith("say")] == [
        "say: yes", "say: no", "say: yes", "say: no",
    ]  # fmt: skip
    assert "4 to go" in person.questions[0]
    assert person.questions[-1].startswith("All is said")


def test_again_repeats_the_last_trial_and_says_so_in_the_record(open_book):
    book, person = open_book(), Person("", "again", "", "A", "", "", "q")
    run(book, FakeEar("no", None, "yes", "no"), person)
    assert names(book) == [("yes/1", "yes"), ("no/1", "no")]
    assert [each.repeats for each in book.trials] == [2, 0]
    assert names(open_book()) == names(book)


def test_the_very_last_trial_can_be_repeated_too(open_book):
    book = open_book()
    run(book, FakeEar(None, "yes"), Person("", "again", "", ""), words=("yes",), count=1)
    assert names(book) == [("yes/1", "yes")]


def test_nothing_to_repeat_is_told_and_an_earlier_sitting_is_left_alone(open_book):
    run(open_book(), FakeEar("yes"), Person("", "quit"))
    book, person = open_book(), Person("again", "quit")
    run(book, FakeEar(), person)
    assert names(book) == [("yes/1", "yes")]
    assert person.lines == ["no trial has been made in this sitting that could be repeated"]


def test_an_interrupted_session_goes_on_where_it_stopped(open_book):
    class Interrupted(FakeEar):
        def __call__(self, cue):
            if not self.script:
                raise KeyboardInterrupt
            return super().__call__(cue)

    with pytest.raises(KeyboardInterrupt):
        run(open_book(), Interrupted("yes", "no", "yes"), Person("", "", "", ""))
    book, person = open_book(), Person("", "")
    run(book, FakeEar("no"), person)
    assert [name for name, _ in names(book)] == ["yes/1", "no/1", "yes/2", "no/2"]
    assert "'no', 1 to go" in person.questions[0]


def test_an_answer_that_is_none_is_asked_again(open_book):
    book, person = open_book(), Person("yes!", "", "quit")
    run(book, FakeEar("yes"), person)
    assert len(book.trials) == 1
    assert person.lines[0] == "'yes!' is no answer; press Enter, or type again or quit"


def test_notes_on_the_sound_are_shown_and_kept(open_book):
    book, person = open_book(), Person("", "quit")
    run(book, FakeEar(None, notes=("no sound: muted?",)), person)
    assert person.lines[-1] == "heard nothing; no sound: muted?"
    assert book.trials[0].notes == ("no sound: muted?",)
