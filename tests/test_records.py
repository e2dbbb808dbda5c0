import json
import re
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest

from kwslib import __version__
from kwslib.data.spoken import EmbeddedSpeech
from kwslib.errors import InputError
from kwslib.records import (
    FOLDER,
    Record,
    code_version,
    machine_name,
    read_records,
    select,
    write_records,
)
from kwslib.streaming.plan import Plan
from kwslib.streaming.sound import BuiltSound


def record(**changes):
    facts = {
        "metric": "accuracy",
        "value": 0.922,
        "unit": "fraction",
        "method": "measured",
        "subject": {"model": "tiny_conv", "seed": 0},
        "data": {"name": "Speech Commands v0.02", "hash": "ab12", "split": "testing"},
        "machine": "a machine, 2 cores",
        "interval": (0.907, 0.935),
    }
    return Record(**{**facts, **changes})


@pytest.mark.parametrize(
    "records",
    [
        [],
        [record()],
        [record(), record(value=[[1, 2], [3, 4]], interval=None, subject={"note": "ä\n\"'"})],
        [record(method=method) for method in ("measured", "emulated", "modelled", "published")],
    ],
)
def test_records_come_back_as_they_were_written(tmp_path, records):
    path = tmp_path / "folder" / "records.json"
    write_records(path, records)
    assert read_records(path) == records


def test_a_file_has_one_line_a_record_and_is_json(tmp_path):
    path = tmp_path / "records.json"
    write_records(path, [record(), record(value=1)])
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 4
    assert [entry["value"] for entry in json.loads("\n".join(lines))] == [0.922, 1]


def test_a_record_says_when_and_by_which_code_on_its_own():
    made = record()
    assert abs(datetime.now(UTC) - datetime.fromisoformat(made.when)) < timedelta(minutes=5)
    assert made.code.startswith(__version__)
    assert code_version() == made.code


@pytest.mark.parametrize("changed, mark", [("", ""), (" M kwslib/files.py", "+")])
def test_the_version_of_the_code_tells_of_uncommitted_changes(monkeypatch, changed, mark):
    def git(root, verb, *arguments):
        return "abc" if verb == "describe" else changed

    monkeypatch.setattr("kwslib.records.git", git)
    assert code_version.__wrapped__() == f"{__version__} (abc{mark})"


@pytest.mark.parametrize("method", ["guessed", "", "Measured", None])
def test_a_method_that_is_none_of_the_four_is_refused(method):
    with pytest.raises(ValueError, match="measured, emulated, modelled, published"):
        record(method=method)


ENTRY = {"metric": "m", "value": 1, "unit": "u", "method": "measured"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"[",
        b"\xff\xfe",
        b"3",
        b"[3]",
        b'["text"]',
        b'{"metric": "m"}',
        json.dumps([{"metric": "m"}]).encode(),
        json.dumps([{**ENTRY, "surprise": 1}]).encode(),
        json.dumps([{**ENTRY, "method": "guessed"}]).encode(),
        json.dumps([{**ENTRY, "interval": 5}]).encode(),
    ],
)
def test_a_file_that_holds_no_records_is_an_input_error_that_names_it(tmp_path, content):
    path = tmp_path / "records.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"records\.json") as error:
        read_records(path)
    assert "\n" not in str(error.value)


def test_a_missing_file_or_a_folder_is_an_input_error(tmp_path):
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(InputError, match=r"is no file but a folder|no such file"):
            read_records(path)


def test_provenance_is_one_line_with_method_data_machine_date_and_version():
    line = record(when="2024-05-06T07:08:09+00:00", code="0.1.0 (abc)").provenance()
    assert line == (
        "measured, on Speech Commands v0.02, a machine, 2 cores, 2024-05-06, kwslib 0.1.0 (abc)"
    )


def test_a_published_value_names_its_source_in_place_of_a_version():
    line = record(method="published", data={}, machine="", target="board", code="", source="[1]")
    assert line.provenance().startswith("published, board, ")
    assert line.provenance().endswith(", [1]")


def test_select_matches_metric_subject_and_data():
    records = [
        record(),
        record(subject={"model": "tiny_conv", "seed": 1}),
        record(metric="run_time"),
        record(data={"split": "validation"}),
    ]
    assert select(records, "accuracy", seed=0, split="testing") == [records[0]]
    assert select(records, "accuracy", model="tiny_conv") == [records[0], records[1], records[3]]
    assert select(records, "run_time") == [records[2]]
    assert select(records, "accuracy", colour="red") == []


def test_the_machine_has_a_name_and_a_number_of_cores():
    assert re.fullmatch(r".+, \d+ cores", machine_name())


def committed(name):
    """The data of all committed records that were measured on a data set."""
    entries = [
        entry
        for path in sorted(FOLDER.rglob("*.json"))
        for entry in json.loads(path.read_text(encoding="utf-8"))
        if isinstance(entry, dict)
    ]
    data = [entry.get("data") or {} for entry in entries]
    return [each for each in data if each.get("name") == name and "hash" in each]


def test_records_of_embedded_speech_are_of_that_which_is_spoken_now():
    found = committed(EmbeddedSpeech.name)
    assert found and {data["hash"] for data in found} == {EmbeddedSpeech().identity()[:16]}


@pytest.mark.real_speech
def test_records_of_real_speech_are_of_the_archives_and_of_streams_made_of_them(official):
    found = committed(official.name)
    assert len(found) > 1000 and {data["hash"] for data in found} == {official.identity()[:16]}
    streams = [data for data in found if "stream" in data]
    for data in streams[:1]:
        ratios = tuple(None if each == "clean" else each for each in data["snr_db"])
        facts = {each.name: data[each.name] for each in fields(Plan) if each.name in data}
        plan = Plan(**{**facts, "snr_db": ratios})
        assert {each["stream"] for each in streams} == {BuiltSound(official, plan).identity()[:16]}
    assert streams
