"""What counts, against streams that can be counted by hand."""

import pytest

from kwslib.errors import InputError
from kwslib.evaluation.smoothing import Detection
from kwslib.streaming.ground_truth import WINDOW_MS, FalseAccept, Said, Truth, by_hour

LABELS = ("_silence_", "_unknown_", "yes", "no")
SAID = (
    Said("yes", 10_000, 10_500),
    Said("left", 20_000, 20_400),
    Said("no", 30_000, 30_600),
)


def judge(*detections, said=SAID, hours=1.0):
    found = [Detection(LABELS.index(label), 0.9, time) for label, time in detections]
    return Truth(tuple(said), LABELS, hours).judge(found)


def test_right_from_the_onset_to_a_second_after_the_offset():
    for time, right in [(9_999, 0), (10_000, 1), (10_500 + WINDOW_MS, 1), (11_501, 0)]:
        outcome = judge(("yes", time))
        assert outcome.missed == 2 - right
        assert [each.kind for each in outcome.false_accepts] == ["noise"] * (1 - right)


def test_all_right():
    outcome = judge(("yes", 10_700), ("no", 30_500))
    assert (outcome.missed, outcome.misses, outcome.false_accepts) == (0, 0.0, ())
    assert outcome.delays_ms == (200, -100)
    assert outcome.latencies_ms == [-100, 200]
    assert outcome.latency_ms(50) == 50.0
    assert outcome.latency_ms(95) == 185.0


@pytest.mark.parametrize("word", ["know", "gnoe", "Noe"])
def test_a_word_that_sounds_like_a_keyword_does_not_count(word):
    said = (*SAID, Said(word, 40_000, 40_500))
    truth = Truth(said, LABELS, 1.0, {word: "no"})
    heard, twice, other = (
        truth.judge([Detection(LABELS.index(label), 0.9, time) for label, time in each])
        for each in (
            [("no", 40_600)],
            [("no", 40_600), ("no", 41_000)],
            [("yes", 40_600)],
        )
    )
    assert [each.missed for each in (heard, twice, other)] == [2, 2, 2]
    assert heard.false_accepts == ()
    assert twice.false_accepts == (FalseAccept("repeat", "no", 41_000, "no"),)
    assert other.false_accepts == (FalseAccept("word", "yes", 40_600, word),)
    kept = judge(("no", 40_600), said=said)
    assert kept.false_accepts == (FalseAccept("word", "no", 40_600, word),)


def test_nothing_detected():
    outcome = judge()
    assert (outcome.missed, outcome.misses) == (2, 1.0)
    assert outcome.latency_ms(50) is None
    assert outcome.false_accepts_an_hour == 0


def test_every_kind_of_false_accept():
    outcome = judge(
        ("no", 5_000), ("no", 10_600), ("yes", 10_700), ("yes", 11_400), ("yes", 20_900), hours=2.0
    )
    assert outcome.false_accepts == (
        FalseAccept("noise", "no", 5_000),
        FalseAccept("keyword", "no", 10_600, "yes"),
        FalseAccept("repeat", "yes", 11_400, "yes"),
        FalseAccept("word", "yes", 20_900, "left"),
    )
    assert outcome.by_kind == {"keyword": 1, "repeat": 1, "word": 1, "noise": 1}
    assert outcome.missed == 1
    assert outcome.false_accepts_an_hour == 2.0
    low, high = outcome.false_accepts_interval
    assert low < 2.0 < high


def test_words_whose_windows_overlap_need_a_detection_each():
    said = (Said("yes", 1_000, 1_400), Said("yes", 2_000, 2_400), Said("no", 2_500, 2_900))
    once = judge(("yes", 2_100), said=said)
    assert once.delays_ms == (700, None, None)
    thrice = judge(("yes", 2_100), ("yes", 2_600), ("no", 3_000), said=said)
    assert thrice.missed == 0 and thrice.false_accepts == ()
    more = judge(("yes", 2_100), ("yes", 2_200), ("yes", 2_300), said=said)
    assert [each.kind for each in more.false_accepts] == ["repeat"]


def test_a_long_word_is_found_however_many_begin_within_it():
    said = (Said("yes", 0, 60_000), *(Said("left", t, t + 100) for t in range(1_000, 50_000, 500)))
    assert judge(("yes", 60_900), said=said).missed == 0


def test_a_word_that_the_stream_cuts_neither_counts_nor_is_a_detection_of_it_wrong():
    for end, counts in [(36_000, 1), (36_001, 0)]:
        said = (*SAID, Said("no", 35_500, end))
        outcome = judge(("no", 35_900), said=said, hours=0.01)
        assert (len(outcome.said), outcome.missed) == (2 + counts, 2)
        assert outcome.false_accepts == ()


def test_a_stream_that_cuts_its_only_keyword_is_refused():
    with pytest.raises(InputError, match="none of the keywords yes, no is said"):
        judge(said=(SAID[1], Said("no", 35_500, 36_001)), hours=0.01)


def test_hours_one_by_one():
    said = [Said("yes", 1_000, 1_500), Said("no", 3_700_000, 3_700_500)]
    outcome = judge(("yes", 1_200), ("yes", 5_000_000), ("no", 5_200_000), said=said, hours=1.5)
    assert by_hour(outcome) == [
        {"hours": 1.0, "said": 1, "missed": 0, "false_accepts": 0},
        {"hours": 0.5, "said": 1, "missed": 1, "false_accepts": 2},
    ]


def test_intervals_hold_the_shares():
    outcome = judge(("yes", 10_700), ("yes", 50_000))
    assert outcome.misses_interval[0] < 0.5 < outcome.misses_interval[1]
    assert outcome.false_accepts_interval == pytest.approx((0.0253, 5.572), abs=1e-3)
