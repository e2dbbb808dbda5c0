"""The kinds of committed records, against the files that lie there and the command line."""

import importlib
import shlex

import pytest

from kwslib.board.profile import RECORDS, record_path
from kwslib.errors import InputError
from kwslib.records import Record, read_records, write_records
from kwslib.studies.catalogue import KINDS, committed

ALL = committed()


def test_every_kind_has_a_record_and_every_study_is_known():
    assert {each.kind.title for each in ALL} == {kind.title for kind in KINDS}
    assert len(ALL) > 80 and len({each.name for each in ALL}) == len(ALL)
    without = {each.kind.title for each in ALL if each.command is None}
    assert without == {"literature"}


@pytest.mark.parametrize("record", ALL, ids=lambda record: record.name)
def test_the_command_line_knows_the_command_and_it_names_the_file_and_its_seeds(record):
    if record.command is None or not record.command.startswith("kws"):
        return
    verb, *rest = shlex.split(record.command)[1:]
    command = importlib.import_module(f"kwslib.cli.{verb}").command
    with command.make_context(verb, list(rest)) as context:
        given = context.params
    if verb == "measure":
        assert given["names"] == (record.name,) and given["record"]
        return
    if verb == "profile":
        assert record_path(RECORDS, given["model"], given["target"]) == record.path
        assert given["record"]
        return
    out = given["out"][0] if isinstance(given["out"], tuple) else given["out"]
    assert out.as_posix() == f"measurements/{record.name}.json"
    if given.get("seeds", "0") != "0":
        made = {each.subject["seed"] for each in record.records}
        assert {int(seed) for seed in given["seeds"].split(",")} == made
    if given.get("sweep") is not None:
        assert given["sweep"] in record.name.rpartition("/")[2].split("-")


def test_network_and_sweep_are_read_from_the_name():
    (record,) = committed(["sweeps/pruning-channels-tiny_conv-yes_no"])
    assert record.facts == {"sweep": "channels", "network": "tiny_conv-yes_no"}
    (narrow,) = committed(["published/tiny_conv-yes_no-w4"])
    assert narrow.facts == {"network": "tiny_conv-yes_no", "bits": "4"}
    assert narrow.files == ["tiny_conv-yes_no-w4.tflite"]


def test_patterns():
    names = {each.name for each in committed(["board/*", "literature"])}
    assert "literature" in names and "board/published" in names and "gpu/ds_cnn" not in names
    with pytest.raises(InputError, match=r"'moon/\*': there is none; 'kws measure' lists"):
        committed(["board/*", "moon/*"])


def test_a_file_that_no_study_makes(tmp_path):
    write_records(tmp_path / "surprise.json", [])
    with pytest.raises(InputError, match=r"surprise\.json: no study makes .*KINDS"):
        committed(root=tmp_path)


@pytest.mark.parametrize(
    "name, words",
    [
        ("literature", "others published it"),
        ("chapters/preprocessing", "needs real speech; name its folder with --data DIR"),
        ("published/tiny_conv-yes_no", "needs real speech; name its folder with --data DIR"),
    ],
)
def test_what_cannot_be_made(name, words, tmp_path):
    (record,) = committed([name])
    with pytest.raises(InputError, match=f"{name}: .*{words}"):
        record.make("", tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_version_of_a_study_is_in_what_it_makes(tmp_path, monkeypatch):
    monkeypatch.setattr("kwslib.board.profile.VERSION", 7)
    (record,) = committed(["board/tiny_conv-yes_no-emulator"])
    (made,) = record.make("", tmp_path)
    assert made.version == 7
    assert made.value == record.records[0].value
    write_records(tmp_path / "a.json", [made])
    assert read_records(tmp_path / "a.json") == [made]
    assert Record("m", 1, "", "measured").version == 1
