"""The commands that pages tell readers to run are commands, with options that exist."""

import importlib
import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "book/commands.md", "book/reproduce.md", "book/cluster_gpu.md",
         "book/audit.md", "book/index.md")  # fmt: skip


def commands(page):
    """Commands of a page: lines of shell blocks, and code spans that begin with kws or python."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:sh|shell)\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    spans = re.findall(r"`((?:kws|python -m) [^`]+)`", text)
    for line in [*lines, *spans]:
        words = shlex.split(line, comments=True)
        if words[:1] == ["kws"] or words[:2] == ["python", "-m"]:
            yield words


def options_of(words):
    return {word for word in words if re.fullmatch(r"--[a-z-]+|-[a-z]", word)}


@pytest.mark.parametrize("page", PAGES)
def test_commands_exist_with_their_options(page):
    for words in commands(page):
        if words[0] == "kws":
            if words[1] == "COMMAND" or words[1:] == ["..."]:
                continue
            module = f"kwslib.cli.{words[1].replace('-', '_')}"
            verb = importlib.import_module(module).command
            known = {name for each in verb.params for name in each.opts}
            assert options_of(words[2:]) <= known | {"--help"}, words
        else:
            spec = find_spec(words[2])
            assert spec, words
            program = f"{words[2]}.__main__" if spec.submodule_search_locations else words[2]
            main = getattr(importlib.import_module(program), "main", None)
            if options := options_of(words[3:]):
                assert options <= {name for each in main.params for name in each.opts}, words


def test_pages_have_commands_at_all():
    assert sum(len(list(commands(page))) for page in PAGES) > 50
