"""The registry of benchmarks and its printing."""

import json

import pytest
from click.testing import CliRunner

from kwslib.studies.bench import registry
from kwslib.studies.bench.__main__ import main
from kwslib.studies.bench.registry import Row, benchmark, load, median_seconds


@pytest.fixture
def only(monkeypatch):
    """The registry with one quick benchmark alone."""

    def quick():
        return [Row("adding", 12.5, "sums/s", "once")]

    load()
    monkeypatch.setattr(registry, "BENCHMARKS", {"quick": quick})


def test_modules_register_themselves():
    assert "features" in load()


def test_a_name_is_taken_once():
    with pytest.raises(ValueError, match="rename one"):
        benchmark(load()["features"])


def test_text_and_json(only):
    text = CliRunner().invoke(main, [])
    assert text.exit_code == 0 and "12.5 sums/s" in text.stdout
    result = json.loads(CliRunner().invoke(main, ["quick", "--json"]).stdout)
    assert result["benchmarks"]["quick"][0]["value"] == 12.5
    assert result["machine"]


def test_an_unknown_name_is_named(only):
    result = CliRunner().invoke(main, ["slow"])
    assert result.exit_code == 2 and "there are quick" in result.output


def test_the_first_call_does_not_count():
    calls = []
    assert median_seconds(lambda: calls.append(1), repetitions=3) >= 0
    assert len(calls) == 4
