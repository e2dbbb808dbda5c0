"""Trials saved by the page "Try it": a file that anybody may have written."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kwslib.errors import InputError
from kwslib.field.imported import Expected, import_trials, read_saved
from kwslib.field.trials import Heard, read_sittings, trials_of

LABELS = ("_silence_", "_unknown_", "yes", "no")
EXPECTED = Expected("tiny_conv-yes_no", "ab" * 32, LABELS)
SAVED = [
    {
        "metric": "field_trials",
        "unit": "trials",
        "method": "measured",
        "subject": {
            "network": "tiny_conv-yes_no",
            "labels": list(LABELS),
            "sha256": "ab" * 32,
            "hops": 5,
            "thresholds": [128, 128],
            "inferences": 3,
            "refractory_ms": 1000,
        },
        "data": {"name": "live speech", "microphone": "browser", "speaker": "me"},
        "machine": "Firefox 140",
        "interval": None,
        "target": "wasm",
        "when": "2026-11-25T01:02:03+00:00",
        "code": "0.1.0",
        "source": "",
        "value": [
            {
                "said": "yes",
                "recording": "yes/1",
                "seconds": 3.2,
                "detected": "yes",
                "detections": [
                    {"label": "no", "time_ms": -400, "probability": 0.6},
                    {"label": "yes", "time_ms": 900, "probability": 0.73},
                ],
            },
            {
                "said": "no",
                "recording": "no/1",
                "seconds": 5,
                "detected": None,
                "detections": [],
                "repeats": 1,
            },
        ],
    }
]


def saved(folder, entries):
    path = folder / "saved.json"
    path.write_text(entries if isinstance(entries, str) else json.dumps(entries))
    return path


def changed(*steps, value):
    """A copy with one fact in the place that the steps lead to."""
    entries = copy.deepcopy(SAVED)
    at = entries[0]
    for step in steps[:-1]:
        at = at[step]
    at[steps[-1]] = value
    return entries


def test_trials_are_counted_with_those_that_are_there(tmp_path):
    path, out = saved(tmp_path, SAVED), tmp_path / "me.json"
    book = import_trials(path, EXPECTED, out)
    assert [trial.succeeded for trial in book.trials] == [True, False]
    assert book.trials[0].detections[1] == Heard("yes", 900, 0.73)
    assert book.trials[1].repeats == 1
    later = saved(tmp_path, changed("when", value="2026-11-25T02:00:00+00:00"))
    assert len(import_trials(later, EXPECTED, out).trials) == 4
    records = read_sittings(out)
    assert [record.target for record in records] == ["wasm", "wasm"]
    assert records[0].data == {"name": "live speech", "microphone": "browser", "speaker": "me"}
    assert len(list(trials_of(records))) == 4


def test_the_same_trials_count_once(tmp_path):
    path, out = saved(tmp_path, SAVED), tmp_path / "me.json"
    import_trials(path, EXPECTED, out)
    with pytest.raises(InputError, match=r"are in .* already"):
        import_trials(path, EXPECTED, out)


def test_another_test_is_refused(tmp_path):
    path, out = saved(tmp_path, SAVED), tmp_path / "me.json"
    import_trials(path, EXPECTED, out)
    other = saved(tmp_path, changed("data", "speaker", value="you"))
    with pytest.raises(InputError, match="holds trials with name me, not you"):
        import_trials(other, EXPECTED, out)


@pytest.mark.parametrize(
    ("steps", "value", "reason"),
    [
        (("metric",), "accuracy", "metric is not field_trials"),
        (("target",), "emulator", "target is not wasm"),
        (("method",), "published", "method is not measured"),
        (("when",), "yesterday", "when is no time"),
        (("when",), "2026-11-25T01:02:03", "time zone"),
        (("when",), 7, "when is no time"),
        (("machine",), "x" * 101, "machine is no text"),
        (("machine",), "a\u001b[31mb", "machine is no text"),
        (("extra",), 1, "facts that do not belong"),
        (("data", "microphone"), "board", "microphone is not browser"),
        (("data", "path"), "/etc", "facts that do not belong"),
        (("data", "speaker"), {"a": 1}, "data speaker is no text"),
        (("subject",), [], "subject has no facts"),
        (("subject", "hops"), 0, "hops is no whole number"),
        (("subject", "hops"), True, "hops is no whole number"),
        (("subject", "thresholds"), [128], "not a threshold for each keyword"),
        (("subject", "thresholds"), [128, 256], "a threshold is no whole number"),
        (("subject", "inferences"), 51, "inferences is no whole number"),
        (("value",), [], "no trials"),
        (("value",), [SAVED[0]["value"][0]] * 2, "stands there twice"),
        (("value",), [SAVED[0]["value"][0]] * 201, "more than 200"),
        (("value",), "yes", "trials are no list"),
        (("value", 0, "said"), "_none_", "said is none of yes, no"),
        (("value", 0, "said"), ["yes"], "said is none of yes, no"),
        (("value", 0, "recording"), "../yes/1", "is not called yes/"),
        (("value", 0, "recording"), "no/1", "is not called yes/"),
        (("value", 0, "seconds"), -1, "seconds is no number"),
        (("value", 0, "seconds"), 1e9, "seconds is no number"),
        (("value", 0, "detected"), "no", "is not the first after the cue"),
        (("value", 0, "detected"), None, "is not the first after the cue"),
        (("value", 1, "detected"), "no", "is not the first after the cue"),
        (("value", 0, "notes"), ["x"], "facts that do not belong"),
        (("value", 0, "detections", 0, "label"), "_unknown_", "a detected label is none of"),
        (("value", 0, "detections", 0, "time_ms"), 901, "not in the order"),
        (("value", 0, "detections", 0, "time_ms"), 0.5, "time_ms is no whole number"),
        (("value", 0, "detections", 0, "probability"), 1.01, "probability is no number"),
        (("value", 1, "repeats"), "1", "repeats is no whole number"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path, steps, value, reason):
    path = saved(tmp_path, changed(*steps, value=value))
    with pytest.raises(InputError, match="is no field test saved by the page") as caught:
        read_saved(path, EXPECTED)
    assert reason in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        "7",
        "null",
        "[[]]",
        "[1]",
        "[" * 100_000,
        json.dumps(SAVED * 2),
        json.dumps(SAVED).replace("0.73", "NaN"),
        json.dumps(SAVED).replace("0.73", "1e999"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path, text):
    with pytest.raises(InputError, match="is no field test saved by the page"):
        read_saved(saved(tmp_path, text), EXPECTED)


@pytest.mark.parametrize(
    ("data", "line"),
    [(b"\xff\xfe[]", "is no field test saved by the page"), (b" " * (2**20 + 1), "is larger than")],
    ids=["no text", "large"],
)
def test_bytes_that_are_no_text_and_large_files_are_refused(tmp_path, data, line):
    path = tmp_path / "saved.json"
    path.write_bytes(data)
    with pytest.raises(InputError, match=rf"saved\.json: {line}"):
        read_saved(path, EXPECTED)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match=r"none\.json: no such file"):
        read_saved(tmp_path / "none.json", EXPECTED)


@pytest.mark.parametrize("change", [{"sha256": "cd" * 32}, {"labels": [*LABELS, "left"]}])
def test_another_network_is_named(tmp_path, change):
    path = saved(tmp_path, changed("subject", value=SAVED[0]["subject"] | change))
    with pytest.raises(InputError, match="another version of tiny_conv-yes_no; name the network"):
        read_saved(path, EXPECTED)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inside: (
        st.lists(inside, max_size=3) | st.dictionaries(st.sampled_from(sorted(SAVED[0])), inside)
    ),
    max_leaves=10,
)
PLACES = [
    *((name,) for name in SAVED[0]),
    *(("subject", name) for name in SAVED[0]["subject"]),
    *(("value", 0, name) for name in SAVED[0]["value"][0]),
    *(("value", 0, "detections", 1, name) for name in ("label", "time_ms", "probability")),
]


@given(place=st.sampled_from(PLACES), value=JSON)
def test_whatever_stands_there_is_taken_or_refused(tmp_path_factory, place, value):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(changed(*place, value=value)))
    try:
        record, trials = read_saved(path, EXPECTED)
    except InputError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert record.subject["labels"] == list(LABELS)
        assert all(trial.said in ("yes", "no") for trial in trials)
