"""``kws profile``, and ``kws evaluate`` on boards."""

import json

import pytest
from command_line import refused, runner
from devices import TINY_CONV, at_a_socket, host_board, tiny_conv

from kwslib.network.facts import with_facts
from kwslib.records import read_records


@pytest.fixture
def kws_profile(capsys):
    return runner("profile", capsys)


def test_the_emulated_board(kws_profile, tmp_path):
    path = tmp_path / "record.json"
    code, out, err = kws_profile(
        "tiny_conv-yes_no", "--target", "emulator", "--out", path, "--json"
    )
    result = json.loads(out)
    assert (code, err) == (0, "")
    assert (result["target"], result["method"], result["clock_hz"]) == (
        "emulator", "modelled", 64_000_000,
    )  # fmt: skip
    for stage in ("features", "network", "postprocess"):
        assert {"instructions", "cycles", "us"} < set(result["stages"][stage])
    assert len(result["layers"]) == 3
    assert min(result["flash"], result["ram"], result["stack"]) > 0
    (record,) = read_records(path)
    assert record.subject["network"] == "tiny_conv-yes_no"
    assert record.value["stages"] == result["stages"]


def test_text_for_people(kws_profile, tmp_path):
    path = tmp_path / "record.json"
    code, out, _ = kws_profile(TINY_CONV, "--target", "emulator", "--out", path)
    assert code == 0
    assert "layer_0_conv2d" in out
    assert str(path) in out


def test_the_reports_own_record_is_written_when_it_is_told_to(kws_profile, tmp_path, monkeypatch):
    monkeypatch.setattr("kwslib.board.profile.RECORDS", tmp_path)
    monkeypatch.setattr("kwslib.cli.output.code_version", lambda: "1 (abc)")
    asked = ("tiny_conv-yes_no", "--target", "emulator")
    code, out, _ = kws_profile(*asked)
    assert code == 0 and "written" not in out and list(tmp_path.iterdir()) == []
    kws_profile(*asked, "--record")
    assert [path.name for path in tmp_path.iterdir()] == ["tiny_conv-yes_no-emulator.json"]
    monkeypatch.setattr("kwslib.cli.output.code_version", lambda: "1 (abc+)")
    assert refused(kws_profile(*asked, "--record"), "uncommitted changes", "commit them first")


def test_what_cannot_be_profiled(kws_profile, tmp_path):
    out = ("--out", tmp_path / "none.json")
    assert refused(kws_profile("tiny_conv-yes_no", "--target", "moon", *out), "moon", "emulator")
    assert refused(kws_profile("nothing", "--target", "emulator", *out), "nothing", "kws convert")
    result = kws_profile("tiny_conv-yes_no", "--target", "serial:/dev/none", *out)
    assert refused(result, "/dev/none", "no board")
    assert not (tmp_path / "none.json").exists()


def test_another_model_on_the_board(kws_profile, capsys, tones, tmp_path):
    other = tmp_path / "other.tflite"
    other.write_bytes(with_facts(TINY_CONV.read_bytes(), tiny_conv().facts | {"note": "other"}))
    evaluate = runner("evaluate", capsys)
    for name, run, more in (("a", kws_profile, ()), ("b", evaluate, ("--data", tones))):
        with host_board(tmp_path / name) as device, at_a_socket(device) as address:
            result = run(other, "--target", address, *more)
        assert refused(result, "other.tflite", "runs the network", "arduino")
