import pytest

from kwslib.evaluation.accuracy import wilson_interval
from kwslib.field.outcomes import by_condition, summary
from kwslib.field.trials import Trial


def trials(said, *detected, **facts):
    return [
        Trial(said, f"{said}/{i}", 3.0, each, 250 + i if each else None, **facts)
        for i, each in enumerate(detected)
    ]


def test_successes_misses_and_mistakes_of_each_word():
    found = summary(trials("yes", "yes", "yes", "no", None) + trials("no", "no"))
    assert found["trials"] == 5
    yes = found["words"]["yes"]
    assert (yes["successes"], yes["trials"], yes["missed"]) == (2, 4, 1)
    assert yes["taken_for"] == {"no": 1}
    assert yes["interval"] == list(wilson_interval(2, 4))
    assert yes["median_delay_ms"] == 250.5
    assert found["words"]["no"]["share"] == 1.0
    assert found["sounds"] is None
    assert found["other_words"] is None


def test_the_original_reports_ten_trials():
    found = summary(trials("yes", *["yes"] * 8, None, None))["words"]["yes"]
    assert found["share"] == 0.8
    assert found["interval"] == pytest.approx([0.4902, 0.9433], abs=1e-4)


def test_false_accepts_by_kind_of_sound():
    found = summary(
        trials("_none_", "yes", None, "no", kind="sss") + trials("_none_", None, kind="hum")
    )["sounds"]
    assert (found["false_accepts"], found["trials"], found["seconds"]) == (2, 4, 12.0)
    assert found["kinds"]["sss"]["share"] == pytest.approx(2 / 3)
    assert found["kinds"]["sss"]["detected"] == {"yes": 1, "no": 1}
    assert found["kinds"]["hum"]["false_accepts"] == 0


def test_other_words_count_apart_from_sounds():
    found = summary(trials("_unknown_", "yes", kind="yellow") + trials("_none_", None))
    assert found["other_words"]["kinds"]["yellow"]["false_accepts"] == 1
    assert found["sounds"]["kinds"] == {
        "_none_": {
            "false_accepts": 0,
            "trials": 1,
            "share": 0.0,
            "interval": list(wilson_interval(0, 1)),
            "detected": {},
        }
    }


def test_conditions_go_from_quiet_to_the_most_noise_and_the_unknown_is_left_out():
    noisy = [
        *trials("yes", "yes", noise="pink", snr_db=5),
        *trials("yes", None, noise="none"),
        *trials("yes", "yes", noise="pink", snr_db=20),
        *trials("yes", "yes"),
        *trials("yes", "no", noise="pink", snr_db=10),
    ]
    assert list(by_condition(noisy)) == ["quiet", "20 dB", "10 dB", "5 dB"]
    conditions = summary(noisy)["conditions"]
    assert [conditions[name]["yes"]["successes"] for name in conditions] == [0, 1, 0, 1]


def test_what_the_second_alone_gave_counts_apart():
    found = summary(
        [
            *trials("yes", "no", None, clip="yes"),
            *trials("yes", "yes", clip="_unknown_"),
            *trials("yes", "yes"),
            *trials("_unknown_", "yes", clip="_unknown_"),
            *trials("_unknown_", None, clip="_silence_"),
            *trials("_unknown_", None, clip="no"),
            *trials("_none_", None),
        ]
    )
    yes, others = found["words"]["yes"]["clips"], found["other_words"]["clips"]
    assert (yes["right"], yes["trials"]) == (2, 3)
    assert (others["right"], others["trials"]) == (2, 3)
    assert found["sounds"]["clips"] is None


def test_no_trials_are_no_error():
    assert summary([])["words"] == {}
