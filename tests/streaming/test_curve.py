"""Detections of many thresholds at once are those of the smoothing, in Python and in C."""

import numpy as np
import pytest
from host_smoothing import HostSmoother, smoothing_library
from hypothesis import given
from hypothesis import strategies as st

from kwslib.board.client import Streaming
from kwslib.evaluation.smoothing import Smoother, Smoothing
from kwslib.streaming.curve import evidence_of
from kwslib.streaming.scores import time_of


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return smoothing_library(tmp_path_factory.mktemp("host"))


@st.composite
def streams(draw):
    """Scores ``[n, labels]`` that favour a label for a while, hops, and settings."""
    labels = draw(st.integers(3, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(1, 150))
    favoured = np.repeat(rng.integers(0, labels, n), rng.integers(1, 9, n))[:n]
    loud = rng.integers(-128, 128, (n, labels))
    scores = np.where(
        favoured[:, None] == np.arange(labels), loud, rng.integers(-128, -60, (n, labels))
    )
    thresholds = draw(st.lists(st.integers(0, 255), min_size=labels - 2, max_size=labels - 2))
    smoothing = Smoothing(
        tuple(thresholds), draw(st.integers(1, 20)), draw(st.sampled_from([0, 1, 100, 250, 1000]))
    )
    return scores.astype(np.int8), draw(st.integers(1, 7)), smoothing


@given(streams())
def test_they_are_those_of_the_reference(stream):
    scores, hops, smoothing = stream
    smoother = Smoother(smoothing)
    found = [smoother.push(row, time_of(i, hops)) for i, row in enumerate(scores.tolist())]
    evidence = evidence_of(scores, Streaming(smoothing, hops))
    assert evidence.detections(smoothing.thresholds) == [each for each in found if each]


@given(streams())
def test_they_are_those_of_the_board_bit_for_bit(library, stream):
    scores, hops, smoothing = stream
    smoother, found = HostSmoother(library, smoothing), []
    for i, row in enumerate(scores):
        label = smoother.push(row, time_of(i, hops))
        if label >= 0:
            total = smoother.sums[label]
            found.append((label, total / (256 * smoothing.inferences), time_of(i, hops)))
    ours = evidence_of(scores, Streaming(smoothing, hops)).detections(smoothing.thresholds)
    assert [(each.label, each.probability, each.time) for each in ours] == found


def test_streams_of_the_test_have_detections():
    heard = 0

    @given(streams())
    def count(stream):
        nonlocal heard
        scores, hops, smoothing = stream
        evidence = evidence_of(scores, Streaming(smoothing, hops))
        heard += bool(evidence.detections(smoothing.thresholds))

    count()
    assert heard >= 20


def test_an_inference_is_made_when_its_last_frame_ends():
    assert [time_of(i, 5) for i in range(3)] == [990, 1090, 1190]
    assert time_of(36_000 * 5, 1) - time_of(0, 1) == 3_600_000
