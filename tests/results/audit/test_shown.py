"""The audit on its page: nothing is missing without saying so, and every command is one."""

import importlib
import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest

from kwslib.results.audit import shown
from kwslib.results.audit.line import Line, Reason

PAGE = Path(__file__).parents[3] / "book" / "audit.md"


def points(found):
    return [line for lines in found.values() for line in lines]


def test_a_point_has_its_figures_or_says_that_it_has_none(found):
    for name, lines in found.items():
        text = shown.section(found, name)
        assert text.count(shown.MISSING) == sum(not line.ours for line in lines)
        assert text.count("<dt>Ours</dt>") == len(lines)
    for line in points(found):
        assert line.original and line.command
        assert not re.search(r"\bnan\b|None|\[|\{", line.ours + line.others + line.original)


def test_with_all_records_nothing_is_missing(audits):
    assert all(line.ours for line in points(audits["full"]))
    assert shown.numbers(audits["full"])["audit_open"] == "0"
    assert shown.numbers(audits["full"])["audit_missing_sentence"] == "Every point has its figures."


def test_what_is_missing_is_told(audits):
    missing = [line.topic for line in points(audits["bare"]) if not line.ours]
    assert len(missing) >= 15
    assert (
        f"records of {len(missing)} are" in shown.numbers(audits["bare"])["audit_missing_sentence"]
    )
    assert int(shown.numbers(audits["bare"])["audit_open"]) >= 6
    numbers = {each: int(value) for each, value in shown.numbers(audits["bare"]).items()
               if value.isdigit()}  # fmt: skip
    standings = sum(value for each, value in numbers.items() if each != "audit_points")
    assert standings == sum(len(line.reasons) for line in points(audits["bare"]))


def test_the_page_shows_every_section_and_asks_for_nothing_else(found):
    text = PAGE.read_text(encoding="utf-8")
    assert re.findall(r'shown\.section\(found, "(\w+)"\)', text) == list(shown.SECTIONS)
    assert set(re.findall(r"\{glue:text\}`([^`]+)`", text)) == set(shown.numbers(found))


def test_every_command_is_one(found):
    for command in set(shown.commands(found)):
        program, *words = shlex.split(command)
        options = [word for word in words if word.startswith("--")]
        if program == "kws":
            verb = importlib.import_module(f"kwslib.cli.{words[0].replace('-', '_')}").command
            assert set(options) <= {name for each in verb.params for name in each.opts}
        else:
            assert (program, words[0]) == ("python", "-m")
            spec = find_spec(words[1])
            assert spec
            program = f"{words[1]}.__main__" if spec.submodule_search_locations else words[1]
            main = getattr(importlib.import_module(program), "main", None)
            if options:
                assert set(options) <= {name for each in main.params for name in each.opts}


def test_text_is_escaped():
    line = Line("a < b", "5 %", "<i>", "kws x", reasons=(Reason("c & d", "guess"),))
    text = shown.section({"one": [line]}, "one")
    assert "a &lt; b" in text and "&lt;i&gt;" in text and "c &amp; d" in text
    assert "5\N{NO-BREAK SPACE}%" in text and "Others" not in text


@pytest.mark.parametrize("standing", ["guess", "open"])
def test_reasons_say_what_they_rest_on(standing):
    line = Line("a", "b", "", "kws x", reasons=(Reason("c", standing, "kws y"),))
    assert f'kws-standing">{standing}<' in shown.section({"one": [line]}, "one")
