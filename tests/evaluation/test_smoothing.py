"""Smoothing of scores against streams worked out by hand, and against a plain rewriting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kwslib.errors import InputError
from kwslib.evaluation.smoothing import MAX_INFERENCES, Detection, Smoother, Smoothing

SILENT = (127, -128, -128, -128)
YES = (-128, -128, 127, -128)
NO = (-128, -128, -128, 127)


def labels_heard(settings, stream, step=100):
    """Label of each inference of a stream, None where nothing is detected."""
    smoother = Smoother(settings)
    found = [smoother.push(scores, i * step) for i, scores in enumerate(stream)]
    return [detection and detection.label for detection in found]


def test_a_keyword_is_detected_once_its_average_is_over_the_threshold():
    settings = Smoothing((127, 127), inferences=4, refractory_ms=10_000)
    # Averages of yes: 0, 255 / 4 = 63.75, 127.5.
    assert labels_heard(settings, [SILENT, YES, YES, YES]) == [None, None, 2, None]
    smoother = Smoother(settings)
    for time in (0, 20):
        found = smoother.push(YES, time)
    assert found == Detection(2, 127.5 / 256, 20)
    assert smoother.sums == (0, 0, 510, 0)


def test_an_average_at_the_threshold_is_not_over_it():
    at = [(-128, -128, -28, -128)] * 3
    assert labels_heard(Smoothing((100, 100), inferences=1), at) == [None] * 3
    assert labels_heard(Smoothing((99, 100), inferences=1), at)[0] == 2
    assert labels_heard(Smoothing((255, 255), inferences=1), [YES] * 3) == [None] * 3


def test_a_lone_first_score_needs_as_much_evidence_as_a_later_one():
    settings = Smoothing((64, 64), inferences=4)
    assert labels_heard(settings, [YES, SILENT, SILENT, SILENT]) == [None] * 4
    assert labels_heard(settings, [SILENT] * 6 + [YES, SILENT]) == [None] * 8


def test_silence_and_unknown_are_never_detected():
    unknown = (-128, 127, -128, -128)
    settings = Smoothing((0, 0), inferences=2)
    assert labels_heard(settings, [SILENT, unknown] * 5) == [None] * 10


def test_the_first_of_equal_averages_wins():
    both = (-128, -128, 0, 0)
    assert labels_heard(Smoothing((100, 100), inferences=1), [both])[0] == 2
    # The best alone counts: another keyword under a lower threshold does not step in.
    assert labels_heard(Smoothing((128, 10), inferences=1), [both])[0] is None


def test_nothing_is_detected_in_the_refractory_period():
    settings = Smoothing((100, 100), inferences=1, refractory_ms=300)
    found = labels_heard(settings, [YES, NO, NO, NO, NO, NO, SILENT, NO])
    assert found == [2, None, None, 3, None, None, None, 3]
    assert labels_heard(Smoothing((9, 9), 1, 0), [YES, NO, YES]) == [2, 3, 2]


def test_averages_go_on_in_the_refractory_period():
    settings = Smoothing((127, 127), inferences=4, refractory_ms=300)
    # Yes at 100 ms; at 400 ms the last four hold two of each, and yes comes first.
    assert labels_heard(settings, [YES, YES, SILENT, NO, NO]) == [None, 2, None, None, 3]


def test_the_clock_may_wrap_around():
    settings = Smoothing((100, 100), inferences=1, refractory_ms=300)
    smoother = Smoother(settings)
    assert smoother.push(YES, 2**32 - 100)
    assert smoother.push(YES, 100) is None
    assert smoother.push(YES, 200)


def test_the_clock_may_come_round_long_after_a_detection():
    smoother = Smoother(Smoothing((100, 100), inferences=1, refractory_ms=300))
    assert smoother.push(YES, 0)
    assert smoother.push(SILENT, 300) is None
    assert smoother.push(YES, 2**32 + 50)


def test_a_clock_that_goes_backwards_ends_the_wait():
    smoother = Smoother(Smoothing((100, 100), inferences=1, refractory_ms=300))
    assert smoother.push(YES, 1000)
    assert smoother.push(YES, 900)


@given(st.integers(1, MAX_INFERENCES), st.integers(0, 2**32 - 1))
def test_sums_are_those_of_the_last_inferences(inferences, seed):
    scores = np.random.default_rng(seed).integers(-128, 128, (2 * inferences, 4))
    smoother = Smoother(Smoothing((255, 255), inferences))
    for i in range(len(scores)):
        smoother.push(scores[i].astype(np.int8), i)
        last = scores[max(0, i + 1 - inferences) : i + 1]
        assert smoother.sums == tuple((last + 128).sum(axis=0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((),), "0 thresholds; give one for each of 1 to 38 keywords"),
        (((1,) * 39,), "39 thresholds"),
        (((256,),), "threshold 256: must be an integer from 0 to 255"),
        (((-1,),), "threshold -1"),
        (((0.5,),), "threshold 0.5"),
        (((1,), 0), "inferences 0: must be an integer from 1 to 50"),
        (((1,), 51), "inferences 51"),
        (((1,), 2.0), "inferences 2.0"),
        (((1,), True), "inferences True"),
        (((1,), 1, -1), "refractory_ms -1"),
        (((1,), 1, 2**31), "refractory_ms 2147483648"),
    ],
)
def test_bad_settings_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        Smoothing(*arguments)


def test_scores_of_another_network_are_refused():
    with pytest.raises(InputError, match="3 scores for 4 labels"):
        Smoother(Smoothing((1, 1))).push((0, 0, 0), 0)
