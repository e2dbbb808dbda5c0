"""When a committed record is current, on copies of committed ones that were tampered with."""

from dataclasses import replace

import pytest

from kwslib.records import write_records
from kwslib.studies import currency
from kwslib.studies.catalogue import committed
from kwslib.studies.currency import outdated

PROFILE = "board/tiny_conv-yes_no-emulator"
SWEEP = "sweeps/pruning-zeros-tiny_conv-yes_no"
STREAM = "streaming/funnel_medium-yes_no"
TRAINING = "published/funnel_small-yes_no"


def altered(name, folder, change):
    """A copy of a committed record in which ``change`` was made to every measurement."""
    (record,) = committed([name])
    made = [each for old in record.records if (each := change(old)) is not None]
    write_records(folder / f"{name}.json", made)
    (copy,) = committed(root=folder)
    return copy


@pytest.mark.parametrize("name", [PROFILE, SWEEP, STREAM, TRAINING, "literature", "gpu/tiny_conv"])
def test_a_record_is_current_whatever_the_library_reads(name, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the library's source takes no part")

    monkeypatch.setattr("kwslib.files.sha256_of_files", refuse)
    assert outdated(altered(name, tmp_path, lambda old: replace(old, code="0.0.1 (abc)"))) == []


@pytest.mark.parametrize(
    "name, change, reason",
    [
        (PROFILE, lambda old: replace(old, version=3), "version 3 of its study, which is at 1"),
        (PROFILE, lambda old: replace(old, code="0.1 (ab+)"), "uncommitted changes, 0.1 (ab+)"),
        (
            PROFILE,
            lambda old: replace(old, subject={**old.subject, "tflite": "f00"}),
            "no longer published, f00",
        ),
        (
            TRAINING,
            lambda old: replace(old, subject={**old.subject, "checkpoint": "bad"}),
            "no longer published, bad",
        ),
        (
            TRAINING,
            lambda old: replace(
                old, subject={**old.subject, "recipe": {**old.subject["recipe"], "epochs": 7}}
            ),
            "3 of 3 are missing, 3 are no longer measured",
        ),
        (SWEEP, lambda old: None if old.subject["zeros"] == 0.5 else old, "3 of 36 are missing, 0"),
        (
            STREAM,
            lambda old: replace(old, data={**old.data, "others_an_hour": 60}),
            "1 of 1 are missing, 1",
        ),
    ],
)
def test_what_makes_it_outdated(name, change, reason, tmp_path):
    (found,) = outdated(altered(name, tmp_path, change))
    assert reason in found


def test_other_data(tmp_path, monkeypatch):
    record = altered(STREAM, tmp_path, lambda old: old)
    data = record.records[0].data
    for known, count in ((data["hash"], 0), ("0" * 16, 1)):
        monkeypatch.setattr(currency, "_identity", lambda _, known=known: (data["name"], known))
        found = outdated(record, "somewhere")
        assert found == [f"made on other data, {data['hash']}"] * count
