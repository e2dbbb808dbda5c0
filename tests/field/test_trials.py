import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tone_listener import LABELS

from kwslib.evaluation.smoothing import Detection
from kwslib.field.trials import WINDOW_MS, Heard, Span, Trial, judge

SPAN = Span(start=1500, end=2000, length=3500)


def at(*detections):
    return [Detection(LABELS.index(label), 0.75, time) for label, time in detections]


@pytest.mark.parametrize(
    ("detections", "detected", "delay"),
    [
        ([], None, None),
        ([("yes", 2300)], "yes", 300),
        ([("yes", 1900)], "yes", -100),
        ([("no", 1499)], None, None),
        ([("no", 1500)], "no", -500),
        ([("yes", 2000 + WINDOW_MS)], "yes", WINDOW_MS),
        ([("yes", 2001 + WINDOW_MS)], None, None),
        ([("no", 1200), ("yes", 2300)], "yes", 300),
        ([("no", 1700), ("yes", 2300)], "no", -300),
    ],
)
def test_the_first_detection_in_the_words_window_is_the_answer(detections, detected, delay):
    trial = judge("yes", "yes/1.wav", at(*detections), LABELS, SPAN)
    assert (trial.detected, trial.delay_ms) == (detected, delay)
    assert trial.succeeded == (detected == "yes")
    assert [(each.label, each.time_ms + 2000) for each in trial.detections] == detections


@pytest.mark.parametrize("said", ["_none_", "_unknown_"])
@pytest.mark.parametrize("time", [10, 1600, 3499])
def test_at_a_sound_nothing_may_be_detected_in_the_whole_stream(said, time):
    trial = judge(said, "x", at(("yes", time)), LABELS, SPAN)
    assert (trial.detected, trial.succeeded) == ("yes", False)
    assert judge(said, "x", [], LABELS, SPAN).succeeded


def test_without_a_known_end_times_are_told_from_the_cue_and_no_delay_is_claimed():
    trial = judge("yes", "yes/1", at(("yes", 2300)), LABELS, Span(1500, None, 5000))
    assert trial.detected == "yes"
    assert trial.delay_ms is None
    assert trial.detections == (Heard("yes", 800, 0.75),)


texts = st.text(max_size=5)
trials = st.builds(
    Trial,
    said=st.sampled_from(["yes", "_none_", "_unknown_"]),
    recording=texts,
    seconds=st.floats(0, 100),
    detected=st.none() | st.just("yes"),
    delay_ms=st.none() | st.integers(-500, 1500),
    detections=st.lists(st.builds(Heard, texts, st.integers(), st.floats(0, 1))).map(tuple),
    clip=st.none() | texts,
    kind=texts,
    speaker=texts,
    noise=texts,
    snr_db=st.none() | st.floats(-10, 40),
    repeats=st.integers(0, 3),
    notes=st.lists(texts).map(tuple),
)


@given(trials)
def test_a_trial_survives_json(trial):
    assert Trial.from_json(json.loads(json.dumps(trial.as_json()))) == trial


def test_what_is_unknown_is_not_written():
    assert Trial("yes", "yes/1", 3.5, None).as_json() == {
        "said": "yes",
        "recording": "yes/1",
        "seconds": 3.5,
        "detected": None,
    }


def test_an_entry_with_other_facts_is_no_trial():
    with pytest.raises(TypeError):
        Trial.from_json({"word": "yes"})
