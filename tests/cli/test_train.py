import json

import pytest
from command_line import refused, runner

from kwslib.models.checkpoint import load


@pytest.fixture
def kws(capsys):
    return runner("train", capsys)


def test_json_is_one_object_and_progress_is_on_standard_error(kws, tones, tmp_path):
    code, out, err = kws(
        "--data", tones, "--seed", 5, "--epochs", 2, "--batch", 40, "--out", tmp_path, "--json"
    )
    result = json.loads(out)
    assert (code, len(out.splitlines())) == (0, 1)
    assert "tiny_conv" in err
    assert result["checkpoint"] == str(tmp_path / "best.safetensors")
    assert 0 <= result["validation_accuracy"] <= 1
    assert result["seconds"] > 0
    assert (result["seed"], result["epochs"], len(result["history"])) == (5, 2, 2)
    assert result["labels"] == ["_silence_", "_unknown_", "yes", "no"]
    _, info = load(result["checkpoint"])
    assert info.training["seed"] == 5
    assert info.training["recipe"]["batch"] == 40


def test_without_out_the_folder_names_network_task_and_seed(kws, tones, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = kws("--data", tones, "--keywords", "up,down", "--seed", 2, "--epochs", 1)
    folder = tmp_path / "runs" / "tiny_conv-up_down-seed2"
    assert code == 0
    assert (folder / "best.safetensors").is_file()
    assert "best.safetensors: validation accuracy" in out
    few = [line.split(";")[0] for line in out.splitlines()[1:]]
    assert few == ["few for a test: up: 8 clips", "few for a test: down: 8 clips"]


@pytest.mark.parametrize("keep", [False, True])
def test_a_network_is_evaluated_with_the_unknown_words_it_was_trained_with(
    kws, spoken, tmp_path, capsys, keep
):
    options = ["--keep-homophones"] * keep
    data = ("--data", spoken)
    arguments = (*data, "--keywords", "write,bed", "--epochs", 1, "--out", tmp_path)
    told = json.loads(kws(*arguments, *options, "--json")[1])
    out = kws(*arguments, *options)[1]
    assert told["homophones"] == ({} if keep else {"right": "write"})
    assert ("left out of _unknown_: right, which sounds like write" in out) is not keep
    training = load(tmp_path)[1].training
    assert training["task"].get("keep_homophones", False) is keep
    assert training["data"].get("homophones", []) == ([] if keep else ["right"])
    clips, scored = tmp_path / "clips.csv", runner("evaluate", capsys)
    code, out, err = scored(tmp_path, *data, "--predictions", clips, "--json")
    assert code == 0, err
    assert json.loads(out)["homophones"] == told["homophones"]
    assert ("\nright/" in clips.read_text()) is keep
    other = [] if keep else ["--keep-homophones"]
    assert refused(kws(*arguments, *other), "other settings", "--out")


def test_a_finished_run_asked_for_again_gives_the_same_answer(kws, tones, tmp_path):
    arguments = ("--data", tones, "--epochs", 1, "--out", tmp_path, "--json")
    first, again = kws(*arguments), kws(*arguments)
    assert json.loads(first[1]) == json.loads(again[1])


def test_other_settings_in_the_same_folder(kws, tones, tmp_path):
    kws("--data", tones, "--epochs", 1, "--out", tmp_path)
    result = kws("--data", tones, "--epochs", 2, "--out", tmp_path)
    assert refused(result, "other settings", "--out")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--model", "huge_conv"], "'huge_conv': not known; choose one of"),
        (["--epochs", "0"], "epochs 0: must be at least 1"),
        (["--epochs", "many"], "'many' is not a valid integer"),
        (["--batch", "-3"], "batch -3"),
        (["--learning-rate", "0"], "learning rate"),
        (["--learning-rate", "nan"], "learning rate"),
        (["--learning-rate", "inf"], "learning rate"),
        (["--seed", "-1"], "--seed"),
        (["--seed", "99999999999999999999"], "--seed"),
        (["--keywords", "yes,hello"], "'hello'"),
        (["--keywords", ""], "none given"),
    ],
)
def test_bad_settings_are_one_line_and_exit_code_2(kws, tones, tmp_path, arguments, part):
    out = tmp_path / "out"
    assert refused(kws("--data", tones, "--out", out, *arguments), part)
    assert not out.exists()


def test_the_largest_seed_trains(kws, tones, tmp_path):
    code, _, _ = kws("--data", tones, "--epochs", 1, "--seed", 2**32 - 1, "--out", tmp_path)
    assert code == 0


def test_no_such_data_folder(kws, tmp_path):
    assert refused(kws("--data", tmp_path / "none"), "no such data folder")


def test_a_file_where_the_folder_should_be_is_refused_before_training(kws, tones, tmp_path):
    (tmp_path / "file").write_text("x")
    result = kws("--data", tones, "--epochs", 1, "--out", tmp_path / "file")
    assert refused(result, "--out", "is a file")


def test_a_damaged_state_in_the_folder(kws, tones, tmp_path):
    (tmp_path / "last.safetensors").write_bytes(b"half a file")
    result = kws("--data", tones, "--epochs", 1, "--out", tmp_path)
    assert refused(result, "last.safetensors")
