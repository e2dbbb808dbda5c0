from contextlib import contextmanager

import numpy as np
import pytest
from tone_listener import LABELS, ScriptedListener, ToneListener, quiet, tone

from kwslib.errors import InputError
from kwslib.evaluation.smoothing import Detection
from kwslib.field.live import SPEAK_MS, BoardEar, ComputerEar, faults
from kwslib.field.recordings import BEFORE_MS


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
    ear = ComputerEar(microphone, ToneListener())
    sound = ear.hear(lambda: cues.append(microphone.read_so_far))
    assert cues == [BEFORE_MS * 16]
    assert microphone.open is False
    assert microphone.read_so_far == len(microphone.samples)
    assert sound.span.end == pytest.approx(BEFORE_MS + 1000, abs=20)
    assert [(LABELS[each.label], each.time) for each in sound.detections] == [
        ("yes", pytest.approx(BEFORE_MS + 1100, abs=10))
    ]
    assert sound.notes == ()


def test_overload_is_noted_and_no_end_of_the_word_is_claimed():
    spoken = speech(level=6000)
    spoken[9600:9700] = 32767
    sound = ComputerEar(FakeMicrophone(spoken), ScriptedListener([])).hear(lambda: None)
    assert "overloaded" in sound.notes[0]
    assert sound.span.end is None


def test_lost_sound_is_noted():
    sound = ComputerEar(FakeMicrophone(speech(), gaps=2), ScriptedListener([])).hear(lambda: None)
    assert sound.notes == ("sound was lost 2 times: the computer is too busy",)


@pytest.mark.parametrize("samples", [np.zeros(56_000, np.int16), quiet(3500)])
def test_silence_is_noted(samples):
    assert "muted" in faults(samples)[0]


def test_speech_is_no_fault_and_neither_are_single_peaks():
    spoken = speech()
    spoken[[10_000, 12_000]] = 32767, -32768
    assert faults(spoken) == ()


def test_the_stream_is_ended_when_the_board_fails():
    listener = ScriptedListener(InputError("gone"))
    with pytest.raises(InputError):
        ComputerEar(FakeMicrophone(speech()), listener).hear(lambda: None)
    assert listener.events == ["start", (BEFORE_MS + SPEAK_MS) * 16, "stop"]


class FakeBoard:
    """Hears by itself; what it detects before and after the cue."""

    labels = LABELS

    def __init__(self, before, after):
        self.answers, self.events = [before, after], []

    def start(self):
        self.events.append("start")

    def listen(self, seconds):
        self.events.append(seconds)
        return self.answers.pop(0)

    def stop(self):
        self.events.append("stop")


def test_a_board_with_a_microphone_listens_as_long_and_no_end_is_known():
    early, answer = Detection(2, 0.6, 700), Detection(3, 0.8, 2600)
    board = FakeBoard([early], [answer])
    sound = BoardEar(board).hear(lambda: board.events.append("cue"))
    assert board.events == ["start", BEFORE_MS / 1000, "cue", SPEAK_MS / 1000, "stop"]
    assert sound.detections == [early, answer]
    assert (sound.span.start, sound.span.end) == (BEFORE_MS, None)
