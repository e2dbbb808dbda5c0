"""The benchmarks by name, and how their figures are printed."""

import json

import pytest
from click.testing import CliRunner

from kwslib.studies.bench import __main__ as bench
from kwslib.studies.bench.speed import Row


@pytest.fixture
def only(monkeypatch):
    """One quick benchmark alone."""

    def quick():
        return [Row("adding", 12.5, "sums/s", "once")]

    monkeypatch.setattr(bench, "BENCHMARKS", {"quick": quick})


def test_the_benchmarks_have_the_names_of_what_they_time():
    assert list(bench.BENCHMARKS) == ["core", "features", "hour", "sparsity", "training"]


def test_text_and_json(only):
    text = CliRunner().invoke(bench.main, [])
    assert text.exit_code == 0 and "12.5 sums/s" in text.stdout
    result = json.loads(CliRunner().invoke(bench.main, ["quick", "--json"]).stdout)
    assert result["benchmarks"]["quick"][0]["value"] == 12.5
    assert result["machine"]


def test_an_unknown_name_is_named(only):
    result = CliRunner().invoke(bench.main, ["slow"])
    assert result.exit_code == 2 and "there are quick" in result.output
