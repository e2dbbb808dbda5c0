"""Clips a second: what is timed, and for every network."""

from kwslib import models
from kwslib.studies.bench import speed
from kwslib.studies.bench.speed import median_seconds


def test_every_network_has_a_line_with_its_share(monkeypatch):
    monkeypatch.setattr(speed, "_BATCHES", 1)
    monkeypatch.setattr(models, "names", lambda: ["tiny_conv", "tc_resnet8"])
    rows = speed.training()
    assert [row.what for row in rows] == ["training tiny_conv", "training tc_resnet8"]
    for row in rows:
        assert row.value > 100
        assert row.unit == "clips/s" and "% of the time outside the network" in row.how


def test_the_first_call_does_not_count():
    calls = []
    assert median_seconds(lambda: calls.append(1), repetitions=3) >= 0
    assert len(calls) == 4
