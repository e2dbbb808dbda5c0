"""Two makings of one record: what is a difference and what is none."""

from dataclasses import replace

from kwslib.records import Record
from kwslib.studies.differences import differences

ACCURACY = Record(
    "accuracy", 0.93, "fraction", "measured", {"seed": 0, "tflite": "ab"}, {"split": "testing"},
    "here", (0.91, 0.95),
)  # fmt: skip
TIME = Record("run_time", 100.0, "us", "measured", machine="here", interval=(99.0, 101.0))


def lines(old, **changes):
    return differences([old], [replace(old, **changes)]).lines


def test_when_where_and_by_which_code_is_no_difference():
    assert lines(ACCURACY, when="later", code="other", machine="there") == ()
    found = differences([ACCURACY] * 3, [ACCURACY] * 3)
    assert (found.equal, found.compared) == (True, 3)


def test_a_value_says_whether_it_lies_in_the_interval():
    assert lines(ACCURACY, value=0.94) == (
        "record 1, accuracy: value 0.93, made anew 0.94 (within its interval)",
    )
    assert "outside its interval" in lines(ACCURACY, value=0.96)[0]


def test_everything_else_is_a_difference_by_its_name():
    for name, value in {"unit": "%", "interval": (0.9, 0.95), "version": 2, "target": "x"}.items():
        (line,) = lines(ACCURACY, **{name: value})
        assert line.startswith(f"record 1, accuracy: {name} ")
    (line,) = lines(ACCURACY, subject={"seed": 0, "tflite": "cd"})
    assert line == 'record 1, accuracy: subject.tflite "ab", made anew "cd"'
    assert "subject.more null" in lines(ACCURACY, subject={**ACCURACY.subject, "more": 1})[0]


def test_more_or_fewer_records():
    found = differences([ACCURACY], [ACCURACY, ACCURACY])
    assert found.lines == ("1 records, made anew 2",) and not found.equal


def test_a_duration_has_to_lie_in_its_interval_on_the_same_machine():
    inside, outside = (replace(TIME, value=value, interval=None) for value in (100.9, 101.1))
    found = differences([TIME], [inside])
    assert (found.equal, found.within, found.durations) == (True, 1, 0)
    assert not differences([TIME], [outside]).equal
    elsewhere = differences([TIME], [replace(outside, machine="there")])
    assert (elsewhere.equal, elsewhere.within, elsewhere.durations) == (True, 0, 1)
    without = differences([replace(TIME, interval=None)], [outside])
    assert (without.equal, without.durations) == (True, 1)
    assert not differences([TIME], [replace(inside, subject={"batch": 2})]).equal


def test_a_duration_that_others_published_is_a_value_like_any_other():
    assert not differences(*([replace(TIME, method="published", value=v)] for v in (1, 2))).equal


def test_how_long_an_epoch_took_is_no_difference():
    history = Record("history", [{"number": 1, "loss": 0.5, "seconds": 3.0}], "", "measured")
    assert lines(history, value=[{"number": 1, "loss": 0.5, "seconds": 4.0}]) == ()
    assert len(lines(history, value=[{"number": 1, "loss": 0.6, "seconds": 3.0}])) == 1
