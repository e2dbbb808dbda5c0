"""``kws cost`` as a user calls it."""

import json

import pytest

from kwslib.cli import main
from kwslib.models import checkpoint, create


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main(["cost", *arguments])
    output = capsys.readouterr()
    return end.value.code, output.out, output.err


def test_json_is_one_object(capsys):
    code, out, err = run(capsys, "tiny_conv", "--json")
    result = json.loads(out)

    assert (code, err) == (0, "")
    assert result["parameters"] == 16_652
    assert result["flops"] == 676_004
    assert result["flash"] == {"float32": 66_608, "int8": 16_688}
    assert result["ram"] == {"float32": 23_840, "int8": 5_960}
    assert result["ram_input_output"] == {"float32": 7_856, "int8": 1_964}
    assert [layer["name"] for layer in result["layers"]] == ["conv", "classifier"]


def test_keywords_decide_the_outputs(capsys):
    _, out, _ = run(capsys, "tiny_conv", "--keywords", "yes,no,left", "--json")
    result = json.loads(out)

    assert result["labels"] == ["_silence_", "_unknown_", "yes", "no", "left"]
    assert result["parameters"] == 16_652 + 4_001


def test_text_is_a_table(capsys):
    code, out, _ = run(capsys, "tiny_conv")

    assert code == 0
    for figure in ("16,652", "336,000", "676,004", "66,608", "6.35%", "5,960"):
        assert figure in out


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        (["no_such"], "tiny_conv"),
        (["tiny_conv", "--keywords", "yes!"], "lower-case"),
        ([], "MODEL"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(capsys, arguments, mend):
    code, out, err = run(capsys, *arguments)

    assert (code, out) == (2, "")
    assert mend in err
    assert err.count("\n") == 1


@pytest.fixture
def trained_on_three(tmp_path):
    labels = ("_silence_", "_unknown_", "left")
    task = {"keywords": ["left"], "silence_percent": 33, "unknown_percent": 33}
    info = checkpoint.NetworkInfo("tiny_conv", labels, {"task": task})
    checkpoint.save(tmp_path / "best.safetensors", create("tiny_conv", 3).state_dict(), info)
    return str(tmp_path / "best.safetensors")


def test_a_checkpoint_brings_its_labels(capsys, trained_on_three):
    _, out, _ = run(capsys, trained_on_three, "--json")
    result = json.loads(out)

    assert (result["network"], result["labels"][-1]) == ("tiny_conv", "left")
    assert result["parameters"] == 16_652 - 4_001


def test_a_checkpoint_for_other_keywords_is_refused(capsys, trained_on_three):
    code, _, err = run(capsys, trained_on_three, "--keywords", "yes,no")

    assert code == 2
    assert "left" in err
    assert err.count("\n") == 1
