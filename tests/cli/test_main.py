import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import kwslib
from kwslib.cli import main as entry
from kwslib.cli.main import _VERBS, _run
from kwslib.errors import InputError


@pytest.fixture
def kws(capsys):
    """Runs ``kws`` in this process; gives exit code, standard output and standard error."""

    def run(*arguments):
        code = _run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_the_version_is_the_packages(kws):
    code, out, _ = kws("--version")
    assert code == 0
    assert kwslib.__version__ in out


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_every_verb_on_standard_output(kws, flag):
    code, out, err = kws(flag)
    assert (code, err) == (0, "")
    for verb, text in _VERBS.items():
        assert verb in out
        assert text in out


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([], "Missing command"),
        (["frobnicate"], "frobnicate"),
        (["--frobnicate"], "--frobnicate"),
        (["evaluate"], "MODEL"),
        (["data", "--frobnicate"], "kws data --help"),
        (["data", "surprise"], "surprise"),
    ],
)
def test_a_call_that_makes_no_sense_is_one_line_and_exit_code_2(kws, arguments, part):
    code, out, err = kws(*arguments)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert part in err
    assert err.startswith("kws: ")


def test_an_interruption_is_exit_code_130_without_traceback(kws, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("kwslib.data.dataset.open_source", interrupt)
    code, out, err = kws("data")
    assert (code, out) == (130, "")
    assert err.strip().splitlines() == ["kws: interrupted; what was finished is kept"]


def test_an_input_error_of_any_stage_is_one_line(kws, monkeypatch):
    def refuse(*arguments):
        raise InputError("a\nmessage of\n  three lines")

    monkeypatch.setattr("kwslib.data.dataset.open_source", refuse)
    assert kws("data") == (2, "", "kws: a message of three lines\n")


def test_a_mistake_of_ours_is_not_dressed_up_as_the_users(monkeypatch):
    def break_down(*arguments):
        raise ZeroDivisionError

    monkeypatch.setattr("kwslib.data.dataset.open_source", break_down)
    with pytest.raises(ZeroDivisionError):
        _run(["data"])


def test_main_ends_the_process_with_the_code():
    with pytest.raises(SystemExit) as end:
        entry(["frobnicate"])
    assert end.value.code == 2
    with pytest.raises(SystemExit) as end:
        entry(["--version"])
    assert end.value.code == 0


def test_the_installed_command_works(tones):
    command = shutil.which("kws", path=str(Path(sys.executable).parent))
    assert command, "pip install -e . makes it"
    run = subprocess.run(
        [command, "data", "--data", tones, "--json"], capture_output=True, text=True, timeout=120
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert json.loads(run.stdout)["counts"]["training"] == 80


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PermissionError(13, "Permission denied", "/x/.lock"), "/x/.lock: permission denied"),
        (
            OSError(28, "No space left on device"),
            "the system refuses: no space left on device",
        ),
        (OSError(24, "Too many open files", "a", None, "b"), "a to b: too many open files"),
        (OSError("odd"), "the system refuses: odd"),
    ],
)
def test_what_the_system_refuses_is_one_line(kws, monkeypatch, error, line):
    def refuse(*arguments, **options):
        raise error

    monkeypatch.setattr("kwslib.data.dataset.open_source", refuse)
    assert kws("data") == (2, "", f"kws: {line}\n")


KWS = f"'{Path(sys.executable).parent / 'kws'}'"


@pytest.mark.parametrize("closed", ["1", "2", "0", "0,1,2"])
def test_streams_that_a_shell_closed_do_no_harm(tmp_path, closed):
    close = " ".join(f"{number}{'<' if number == '0' else '>'}&-" for number in closed.split(","))
    out = tmp_path / "out"
    command = f"{KWS} compile tiny_conv-yes_no --target host"
    done = subprocess.run(["sh", "-c", f"{command} --out '{out}' {close}"], check=False)
    assert done.returncode == 0
    assert (out / "libkws.so").read_bytes()[:4] == b"\x7fELF"


def test_a_reader_that_ends_early_gets_no_traceback():
    command = f"{KWS} measure | head -n 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""
