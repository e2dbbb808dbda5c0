"""``kws measure``: committed records listed, made anew, replaced."""

import json
from dataclasses import replace
from functools import partial

import pytest
from command_line import refused, runner

from kwslib.records import Record, read_records, write_records
from kwslib.studies import catalogue
from kwslib.studies.catalogue import KINDS, Kind

PROFILE = "board/tiny_conv-yes_no-emulator"


@pytest.fixture
def measure(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("KWS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("KWS_DATA", raising=False)
    return runner("measure", capsys)


@pytest.fixture
def made_up(monkeypatch, tmp_path):
    """A study of one's own, whose next value is the last of a list, with a file beside it."""
    values = [2]

    def make(record, data, folder, jobs):
        (folder / "net.bin").write_bytes(bytes(values))
        return [Record("m", values[-1], "", "measured", code="new")]

    kind = Kind("made up", "odd/net", "kws measure {name}", make, files=("net.bin",))
    monkeypatch.setattr(catalogue, "KINDS", (kind, *KINDS))
    root = tmp_path / "measurements"
    write_records(root / "odd" / "net.json", [Record("m", 2, "", "measured", code="old")])
    monkeypatch.setattr(catalogue, "committed", partial(catalogue.committed, root=root))
    return values, root / "odd"


def test_the_list_names_command_and_origin(measure):
    code, out, err = measure("--json")
    entries = {entry["name"]: entry for entry in json.loads(out)["records"]}
    assert (code, err) == (0, "")
    entry = entries[PROFILE]
    assert entry["command"].startswith("kws profile tiny_conv-yes_no --target emulator")
    assert set(entry["made"]) == {"when", "code"} and entry["current"] is True
    assert entries["literature"]["command"] is None
    assert all(entry["current"] == (not entry["reasons"]) for entry in entries.values())
    assert "equal" not in entry


def test_a_profile_made_anew_is_equal(measure):
    before = catalogue.FOLDER.joinpath(f"{PROFILE}.json").read_bytes()
    code, out, err = measure(PROFILE, "--json")
    (entry,) = json.loads(out)["records"]
    assert (code, entry["equal"], entry["compared"], entry["lines"]) == (0, True, 1, [])
    assert PROFILE in err
    assert catalogue.FOLDER.joinpath(f"{PROFILE}.json").read_bytes() == before


def test_nothing_is_written_but_with_record(measure, made_up, monkeypatch, tmp_path):
    values, folder = made_up
    values[:] = [3]
    code, out, _ = measure("odd/net")
    assert code == 0 and "1 differences" in out and "value 2, made anew 3" in out
    assert [path.name for path in folder.iterdir()] == ["net.json"]
    monkeypatch.setattr("kwslib.cli.output.code_version", lambda: "0.1 (abc)")
    code, out, _ = measure("odd/net", "--record")
    assert code == 0 and "replaced" in out
    assert [each.value for each in read_records(folder / "net.json")] == [3]
    assert (folder / "net.bin").read_bytes() == b"\3"
    assert not any((tmp_path / "cache" / "measure").glob("*/odd-net"))


def test_a_changed_library_records_nothing(measure, made_up, monkeypatch):
    _, folder = made_up
    monkeypatch.setattr("kwslib.cli.output.code_version", lambda: "0.1 (abc+)")
    result = measure("odd/net", "--record")
    assert refused(result, "--record", "(abc+)", "commit them first")
    assert [path.name for path in folder.iterdir()] == ["net.json"]


def test_what_an_interrupted_call_finished_is_kept(measure, made_up, monkeypatch):
    kept = []

    def make(record, data, folder, jobs):
        kept.append((folder / "half").exists())
        (folder / "half").touch()
        if len(kept) == 1:
            raise KeyboardInterrupt
        return record.records

    monkeypatch.setattr(
        catalogue, "KINDS", (replace(catalogue.KINDS[0], make=make), *catalogue.KINDS[1:])
    )
    assert measure("odd/net")[0] == 130
    assert measure("odd/net")[0] == 0
    assert kept == [False, True]


def test_mistakes(measure):
    assert refused(measure("nothing"), "nothing", "kws measure")
    assert refused(measure("--record"), "--record", "name the records")
    assert refused(measure("literature"), "literature", "others published it")
    assert refused(measure("published/tiny_conv-yes_no-w4"), "--data DIR")
