"""What is no file, named where one is expected: one line and exit code 2, and nothing hangs."""

import pytest
from command_line import refused, runner
from no_files import NO_FILES, no_file

from kwslib.data.speech_commands import IMAGE_ARCHIVE, NOISE_ARCHIVE, TEST_ARCHIVE

NETWORK = "tiny_conv-yes_no"


@pytest.fixture
def word(tones):
    """A recording."""
    return sorted((tones / "SpeechCommands" / "speech_commands_v0.02" / "yes").iterdir())[0]


ARGUMENTS = {
    "recording": (".wav", "features", ["{}", "--out", "{out}.npy"]),
    "stream": (".wav", "stream", [NETWORK, "--audio", "{}"]),
    "labels": (".txt", "stream", [NETWORK, "--audio", "{word}", "--labels", "{}"]),
    "network": (".tflite", "compile", ["{}", "--target", "host", "--out", "{out}"]),
    "evaluated": (".tflite", "evaluate", ["{}"]),
    "cost": (".safetensors", "cost", ["{}"]),
    "converted": (".safetensors", "convert", ["{}", "--out", "{out}.tflite"]),
    "saved trials": (".json", "field-test", [NETWORK, "--import", "{}", "--out", "{out}.json"]),
}


@pytest.mark.parametrize("kind", [kind for kind in NO_FILES if kind != "folder"])
@pytest.mark.parametrize("what", ARGUMENTS)
def test_what_is_no_file_is_refused(capsys, tmp_path, word, what, kind):
    suffix, verb, arguments = ARGUMENTS[what]
    path, called = no_file(kind, tmp_path, suffix)
    places = {"word": word, "out": tmp_path / "out"}
    result = runner(verb, capsys)(*(each.format(path, **places) for each in arguments))
    assert refused(result, str(path), f"is no file but a {called}; ")


@pytest.mark.parametrize("kind", [kind for kind in NO_FILES if kind != "folder"])
def test_so_is_an_archive(capsys, tmp_path, kind):
    path, called = no_file(kind, tmp_path)
    archive = path.rename(tmp_path / TEST_ARCHIVE)
    for other in (IMAGE_ARCHIVE, NOISE_ARCHIVE):
        (tmp_path / other).touch()
    result = runner("data", capsys)("--data", tmp_path)
    assert refused(result, str(archive), f"is no file but a {called}; ")
