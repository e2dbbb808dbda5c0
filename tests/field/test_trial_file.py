import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from kwslib.board.client import default_streaming
from kwslib.errors import InputError
from kwslib.field import trials as module
from kwslib.field.trials import Book, Heard, Trial, open_book, read_sittings, sitting, trials_of
from kwslib.records import Record, read_records, write_records

LABELS = ("_silence_", "_unknown_", "yes", "no")
SHARED = {
    "network": "tiny_conv-yes_no",
    "sha256": "ab" * 32,
    "labels": LABELS,
    "streaming": default_streaming(4),
    "target": "emulator",
    "machine": "a board",
    "data": {"name": "recordings", "sha256": "cd" * 32},
}


def trial(number, detected="yes"):
    heard = (Heard("yes", 120, 0.8),) if detected else ()
    return Trial("yes", f"yes/{number}", 3.5, detected, detections=heard)


def book(path, **changes):
    return Book(path, sitting(**{**SHARED, **changes}))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "trials.json"


def test_the_file_is_whole_after_every_trial_and_holds_records(path):
    kept = book(path)
    assert not path.exists()
    for number in range(3):
        kept.add(trial(number))
        (record,) = read_records(path)
        assert record.method == "emulated"
        assert record.subject["sha256"] == "ab" * 32
        assert record.subject["thresholds"] == [128, 128]
        assert [each["recording"] for each in record.value] == [
            f"yes/{i}" for i in range(number + 1)
        ]
    assert list(trials_of(read_sittings(path))) == list(kept.trials)
    assert [name.name for name in path.parent.iterdir()] == [path.name]


def test_a_trial_is_one_line(path):
    kept = book(path)
    kept.add(trial(0))
    one = path.read_text().splitlines()
    kept.add(trial(1))
    two = path.read_text().splitlines()
    assert len(two) == len(one) + 1
    assert json.loads(path.read_text())[0]["value"][1]["recording"] == "yes/1"


def test_a_later_sitting_goes_on_and_keeps_the_first_as_it_was(path):
    book(path).add(trial(0))
    first = read_records(path)[0]
    later = book(path)
    assert later.trials == (trial(0),)
    later.add(trial(1))
    records = read_records(path)
    assert records[0] == first
    assert len(records) == 2
    assert later.trials == (trial(0), trial(1)) == book(path).trials


def test_only_trials_of_this_sitting_are_taken_back(path):
    book(path).add(trial(0))
    later = book(path)
    assert later.take_back() is None
    later.add(trial(1, None))
    assert later.take_back() == trial(1, None)
    assert book(path).trials == (trial(0),)
    assert later.take_back() is None


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"network": "another"}, "network tiny_conv-yes_no, not another"),
        ({"sha256": "ef" * 32}, "model hash abababababab, not efefefefefef"),
        ({"target": "host"}, "target emulator, not host"),
        ({"streaming": replace(default_streaming(4), hops=1)}, "settings of smoothing"),
        ({"data": {"name": "recordings", "sha256": "00" * 32}}, "recordings cdcdcdcdcdcd"),
        ({"data": {**SHARED["data"], "speaker": "me"}}, "name None, not me"),
        ({"data": {**SHARED["data"], "microphone": "board"}}, "microphone None, not board"),
    ],
)
def test_trials_of_another_test_are_not_added_to(path, changes, part):
    book(path).add(trial(0))
    before = path.read_bytes()
    with pytest.raises(InputError) as refusal:
        book(path, **changes)
    assert part in str(refusal.value)
    assert "name another file with --out" in str(refusal.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    ["", "[1]", "{}", '[{"metric": "field_trials"}]', "nonsense"],
)
def test_a_file_that_holds_something_else_is_refused(path, content):
    path.write_text(content)
    with pytest.raises(InputError, match=r"trials\.json"):
        book(path)


@pytest.mark.parametrize(
    "record",
    [
        Record("accuracy", 0.9, "fraction", "measured"),
        Record("field_trials", 0.9, "trials", "measured"),
        Record("field_trials", [{"word": "yes"}], "trials", "measured"),
        Record("field_trials", ["yes"], "trials", "measured"),
    ],
)
def test_other_records_are_refused(path, record):
    write_records(path, [record])
    with pytest.raises(InputError, match="is not a file of trials"):
        read_sittings(path)


@pytest.fixture
def pipe(monkeypatch):
    """A pipe's two ends; to read what a pipe holds would wait for ever."""
    monkeypatch.setattr(module, "read_sittings", lambda path: pytest.fail("read"))
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_a_stream_is_not_read_and_gets_all_trials_once(path, pipe):
    with open_book(Path(f"/dev/fd/{pipe[1]}"), sitting(**SHARED)) as kept:
        for number in range(3):
            kept.add(trial(number))
        kept.take_back()
    path.write_bytes(os.read(pipe[0], 65_536))
    (record,) = read_records(path)
    assert [*trials_of([record])] == [trial(0), trial(1)]


def test_a_stream_gets_the_trials_of_a_sitting_that_was_interrupted(path, pipe):
    def interrupted():
        with open_book(Path(f"/dev/fd/{pipe[1]}"), sitting(**SHARED)) as kept:
            kept.add(trial(0))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    path.write_bytes(os.read(pipe[0], 65_536))
    assert [*trials_of(read_records(path))] == [trial(0)]


def test_a_book_without_trials_is_not_written(path):
    with open_book(path, sitting(**SHARED)):
        pass
    with open_book(Path("/dev/full"), sitting(**SHARED)):
        pass
    assert list(path.parent.iterdir()) == []


def test_on_this_machine_trials_are_measured_not_emulated():
    assert sitting(**{**SHARED, "target": "host"}).method == "measured"
    assert sitting(**{**SHARED, "target": "serial:/dev/x"}).method == "measured"
