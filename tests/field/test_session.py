import pytest
from tone_listener import LABELS

from kwslib.board.client import default_streaming
from kwslib.evaluation.smoothing import Detection
from kwslib.field.book import Book, sitting
from kwslib.field.session import Session, Sound, conduct
from kwslib.field.trials import Span

SPAN = Span(1500, 2000, 5000)


class FakeEar:
    """Hears a label of the script at each prompt, or nothing."""

    labels = LABELS

    def __init__(self, *script, notes=()):
        self.script, self.notes, self.cues = list(script), notes, 0

    def hear(self, cue):
        cue()
        self.cues += 1
        label = self.script.pop(0)
        found = [Detection(LABELS.index(label), 0.8, 2200)] if label else []
        return Sound(found, SPAN, self.notes)


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
    conduct(Session(words, count, book), ear, person.ask, person.tell)


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
        def hear(self, cue):
            if not self.script:
                raise KeyboardInterrupt
            return super().hear(cue)

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


def test_when_all_is_said_no_further_trial_is_taken(open_book):
    session = Session(("yes",), 1, open_book())
    session.take(Sound([], SPAN), LABELS)
    assert session.prompt is None
    with pytest.raises(ValueError, match="no prompt"):
        session.take(Sound([], SPAN), LABELS)
