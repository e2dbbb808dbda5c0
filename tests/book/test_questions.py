"""The commands with which chapters end, each run as a reader would run it."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from kwslib.site.book import Book

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = [
    command
    for chapter in Book.open(ROOT).chapters
    for questions in chapter.source().split("## Questions for the reader")[1:]
    for command in re.findall(r"`(kws report --chapter [^`]+)`", questions)
]


@pytest.mark.long
@pytest.mark.parametrize("command", COMMANDS)
def test_a_question_has_a_command_that_runs(command):
    start = "from kwslib.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", start, *shlex.split(command)[1:]], cwd=ROOT,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "page: " in done.stdout
