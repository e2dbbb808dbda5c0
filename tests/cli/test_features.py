"""``kws features`` as a user calls it."""

import json

import numpy as np
import pytest
import soundfile

from kwslib.cli import main
from kwslib.features.logmel import logmel_images
from kwslib.features.views import VIEWS, view_of

CLIP = np.random.default_rng(0).normal(0, 2000, 16_000).astype(np.int16)


@pytest.fixture
def word(tmp_path):
    soundfile.write(tmp_path / "word.wav", CLIP, 16_000)
    return tmp_path / "word.wav"


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main(["features", *map(str, arguments)])
    output = capsys.readouterr()
    return end.value.code, output.out, output.err


def test_the_deployed_image(capsys, word, tmp_path):
    out = tmp_path / "made" / "image.npy"
    code, text, err = run(capsys, word, "--out", out, "--json")
    assert (code, err) == (0, "")
    result = json.loads(text)
    assert result["shape"] == [49, 40]
    assert result["kind"] == "logmel-u8"
    assert result["out"] == str(out)
    image = np.load(out, allow_pickle=False)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, logmel_images(CLIP))


@pytest.mark.parametrize("kind", list(VIEWS))
def test_every_kind(capsys, word, tmp_path, kind):
    code, text, _ = run(capsys, word, "--out", tmp_path / "f.npy", "--kind", kind, "--json")
    result = json.loads(text)
    assert (code, result["kind"], tuple(result["shape"])) == (0, kind, VIEWS[kind].shape)
    np.testing.assert_array_equal(np.load(tmp_path / "f.npy"), view_of(CLIP, kind))


def test_for_people(capsys, word, tmp_path):
    code, text, _ = run(capsys, word, "--out", tmp_path / "f.npy")
    assert (code, text) == (0, f"Deployed image: uint8 49 x 40 in {tmp_path / 'f.npy'}\n")


def test_a_name_without_suffix_is_taken_as_it_is(capsys, word, tmp_path):
    assert run(capsys, word, "--out", tmp_path / "image")[0] == 0
    assert np.load(tmp_path / "image").shape == (49, 40)


def test_notes_go_to_standard_error(capsys, tmp_path):
    soundfile.write(tmp_path / "long.wav", np.tile(CLIP, 3)[:, None].repeat(2, 1), 22_050)
    code, text, err = run(capsys, tmp_path / "long.wav", "--out", tmp_path / "f.npy", "--json")
    assert code == 0
    assert json.loads(text)["notes"] == err.splitlines()
    assert len(err.splitlines()) == 3


def refused(capsys, tmp_path, *arguments):
    code, text, err = run(capsys, *arguments)
    assert (code, text) == (2, "")
    assert err.startswith("kws: ") and err.count("\n") == 1
    assert "Traceback" not in err
    return err


def test_bad_clips_are_one_line(capsys, tmp_path):
    out = tmp_path / "f.npy"
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("no sound")
    soundfile.write(tmp_path / "short.wav", CLIP[:1000], 16_000)
    for name, words in (
        ("absent.wav", "no such file"),
        ("empty.wav", "is empty"),
        ("text.wav", "no readable sound"),
        ("short.wav", "at least 100 ms"),
        ("", "is no file"),
    ):
        assert words in refused(capsys, tmp_path, tmp_path / name, "--out", out, "--json")
    assert not out.exists()


def test_bad_arguments_are_one_line(capsys, word, tmp_path):
    refused(capsys, tmp_path, word)
    refused(capsys, tmp_path, word, "--out", tmp_path / "f.npy", "--kind", "cepstrum")
    assert "is a directory" in refused(capsys, tmp_path, word, "--out", tmp_path)
    assert "cannot be written" in refused(capsys, tmp_path, word, "--out", word / "f.npy")
