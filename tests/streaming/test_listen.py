"""Curves, operating points and choices; and a stream through the C of the board, bit for bit."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from devices import host_board, tiny_conv

from kwslib.board.client import Board, Streaming, default_streaming
from kwslib.board.emulator import Emulator
from kwslib.board.transport import EmulatorLink
from kwslib.config import SAMPLE_RATE
from kwslib.data.dataset import open_source
from kwslib.deploy.compile import compile_network
from kwslib.errors import InputError
from kwslib.evaluation.smoothing import Smoother, Smoothing
from kwslib.streaming import listen as listening
from kwslib.streaming.curve import (
    at_threshold,
    candidates,
    choose,
    curve,
    evidence_of,
    operating_point,
)
from kwslib.streaming.ground_truth import Said, Truth
from kwslib.streaming.listen import listen, overhear, play, tuned
from kwslib.streaming.plan import Plan
from kwslib.streaming.scores import spotter_of, time_of
from kwslib.streaming.sound import BuiltSound, RecordedSound, write_sound

LABELS = ("_silence_", "_unknown_", "yes", "no")
HOURS = 0.05


@pytest.fixture(scope="module")
def spotter():
    return spotter_of("tiny_conv-yes_no")


@pytest.fixture(scope="module")
def sound():
    """Two minutes of embedded speech in noise, so dense that there is much to detect."""
    source = open_source(None)
    plan = Plan(
        2, ("yes", "no"), (5.0, None), ("babble", "clatter"),
        keywords_an_hour=600, others_an_hour=600,
    )  # fmt: skip
    return BuiltSound(source, plan)


@pytest.fixture(scope="module")
def stream():
    """Scores of three minutes in which each word said is heard, more or less, and noise too."""
    rng = np.random.default_rng(0)
    inferences = int(HOURS * 3600 * 10)
    scores = rng.integers(-128, -40, (inferences, 4))
    said = []
    for number, at in enumerate(range(2_000, 174_000, 4_000)):
        word = ("yes", "no", "other")[number % 3]
        said.append(Said(word, at, at + 400))
        label = LABELS.index(word) if word in LABELS else rng.integers(2, 4)
        height = rng.uniform(40, 127) if word in LABELS else rng.uniform(-60, 60)
        first = next(i for i in range(inferences) if time_of(i, 5) >= at + 300)
        scores[first : first + 5, label] = height
    return scores.astype(np.int8), Truth(tuple(said), LABELS, HOURS)


@pytest.fixture(scope="module")
def points(stream):
    scores, truth = stream
    return curve(evidence_of(scores, default_streaming(4)), truth)


def test_each_point_is_what_the_smoothing_detects(stream, points):
    scores, truth = stream
    assert [point.threshold for point in points] == list(range(255))
    for threshold in (0, 40, 128, 200, 254):
        smoother = Smoother(at_threshold(default_streaming(4), threshold).smoothing)
        found = [smoother.push(row, time_of(i, 5)) for i, row in enumerate(scores.tolist())]
        expected = truth.judge([each for each in found if each])
        assert points[threshold].outcome == expected


def test_a_higher_threshold_trades_false_accepts_for_misses(points):
    told = [point.as_json() for point in points]
    assert told[30]["false_accepts"] > told[150]["false_accepts"] > told[254]["false_accepts"] == 0
    assert told[30]["misses"] < told[200]["misses"] < told[254]["misses"] == 1.0
    for each in told:
        low, high = each["misses_interval"]
        assert low <= each["misses"] <= high


def test_the_operating_point_is_the_last_that_misses_few_enough(points):
    point = operating_point(points, 0.2)
    assert point.outcome.misses <= 0.2
    assert all(each.outcome.misses > 0.2 for each in points[point.threshold + 1 :])
    assert operating_point(points[250:], 0.05) is None
    for misses in (0, 1):
        with pytest.raises(InputError, match="must be a share"):
            operating_point(points, misses)


def test_what_is_chosen_has_the_fewest_false_accepts(stream):
    scores, truth = stream
    finest = np.repeat(scores, 5, axis=0)
    choice = choose(finest, truth, 0.2)
    assert choice.point.outcome.misses <= 0.2
    assert choice.tried == len(candidates(4)) == len(set(candidates(4)))
    for streaming in candidates(4):
        evidence = evidence_of(finest[:: streaming.hops], streaming)
        rival = operating_point(curve(evidence, truth), 0.2)
        if rival and rival.threshold % 3 == 0:
            assert len(choice.point.outcome.false_accepts) <= len(rival.outcome.false_accepts)
    assert set(choice.streaming.smoothing.thresholds) == {choice.point.threshold}
    with pytest.raises(InputError, match="every setting misses more"):
        choose(finest[:100], truth, 0.01)


def test_the_usual_settings_are_among_the_candidates():
    assert default_streaming(4) in candidates(4)
    assert all(each.hops * each.smoothing.inferences <= 50 for each in candidates(12))


@pytest.mark.parametrize("least", [1, 2, 3, 4, 5, 6])
def test_no_candidate_is_too_fast_for_the_board(least):
    found = candidates(4, least)
    every = {each.hops for each in candidates(4)}
    assert {each.hops for each in found} == {h for h in every if h >= least} or {least}
    assert min(each.hops for each in found) >= least
    assert set(found) <= set(candidates(4)) or least == 6


def test_a_network_that_the_board_takes_long_for_is_asked_less_often(spotter, sound, monkeypatch):
    slow = replace(spotter, graph=object())
    monkeypatch.setattr(listening, "profile", lambda *_: SimpleNamespace(least_hops=4))
    assert tuned(sound, 1 / 30, slow, 0.4).streaming.hops == 5


def test_a_stream_is_listened_to(spotter, sound):
    heard = listen(sound, spotter, default_streaming(4), misses=0.3)
    told = heard.summary()
    assert told["keywords"] == 20
    assert told["accuracy"] == 1 - told["misses"]
    assert sum(told["kinds"].values()) == told["false_accepts"]
    assert sum(word["missed"] for word in told["words"].values()) == told["missed"]
    assert sum(word["said"] for word in told["conditions"].values()) == 20
    assert len(told["curve"]) == 255
    assert told["operating_point"]["threshold"] == told["threshold"]
    assert len(heard.detections) == 20 - told["missed"] + told["false_accepts"]
    records = heard.records({"name": "embedded speech", "hash": "x"})
    (misses,) = [each for each in records if each.metric == "misses"]
    assert (misses.value, misses.interval) == (told["misses"], tuple(told["misses_interval"]))
    assert misses.data["part"] == "reporting"
    assert misses.subject["threshold"] == told["threshold"]
    assert {"stream_curve", "stream_latency"} <= {each.metric for each in records}


def test_a_threshold_may_be_given(spotter, sound):
    heard = listen(sound, spotter, default_streaming(4), threshold=200)
    assert heard.worked.threshold == 200
    given = Streaming(Smoothing((200, 200), 3, 1000), 5)
    assert heard.streaming == given
    assert overhear(sound, spotter, given) == list(heard.detections)


def test_settings_are_chosen_on_other_speakers(spotter, sound):
    choice = tuned(sound, 1 / 30, spotter, 0.4)
    clips = {word.clip for word in choice.point.outcome.said}
    assert clips and not clips & {word.clip for word in sound.said}


def test_a_recording_has_no_other_speakers(spotter, sound, tmp_path):
    write_sound(tmp_path / "stream.wav", sound)
    with pytest.raises(InputError, match="no other speakers"):
        tuned(RecordedSound(tmp_path / "stream.wav"), 1, spotter, 0.1)


@pytest.mark.parametrize(
    ("hops", "smoothing"),
    [
        (5, Smoothing((128, 128), 3, 1000)),
        (1, Smoothing((90, 140), 20, 700)),
        (3, Smoothing((0, 0), 1, 0)),
    ],
)
def test_the_c_pipeline_detects_the_same(spotter, sound, tmp_path, hops, smoothing):
    streaming = Streaming(smoothing, hops)
    found = overhear(sound, spotter, streaming)
    assert len(found) > 5
    assert play(host_board(tmp_path), sound, streaming) == found


def test_so_does_the_emulated_board(spotter, sound, tmp_path):
    streaming = Streaming(Smoothing((90, 90), 3, 500), 5)
    board = Board(
        EmulatorLink(Emulator(compile_network(tiny_conv(), "emulator", tmp_path).program))
    )
    board.stream(streaming)
    short = next(sound.minutes())[: 15 * SAMPLE_RATE]
    found = [each for each in overhear(sound, spotter, streaming) if each.time <= 15_000]
    assert found and board.hear(short) == found


@pytest.mark.real_speech
def test_real_speech_in_clean_air_is_mostly_detected(official, spotter):
    plan = Plan(6, ("yes", "no"), (None,), keywords_an_hour=400, others_an_hour=0)
    heard = listen(
        BuiltSound(official, replace(plan)), spotter, default_streaming(4), threshold=128
    )
    assert heard.worked.outcome.misses < 0.3
    # Nearly all words end within their clips, so nearly all are detected soon after their ends.
    assert -500 < heard.summary()["latency"]["median_ms"] < 500
