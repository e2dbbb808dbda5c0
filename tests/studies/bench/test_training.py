"""Training is timed for every network."""

from kwslib import models
from kwslib.studies.bench import training


def test_every_network_has_a_line_with_its_share(monkeypatch):
    monkeypatch.setattr(training, "_BATCHES", 1)
    monkeypatch.setattr(models, "names", lambda: ["tiny_conv", "tc_resnet8"])
    rows = training.training()
    assert [row.what for row in rows] == ["training tiny_conv", "training tc_resnet8"]
    for row in rows:
        assert row.value > 100
        assert row.unit == "clips/s" and "% of the time outside the network" in row.how
