"""Run times on a GPU: those on record are read back, and stand in only where no GPU is."""

from dataclasses import replace

import pytest
import torch
from click.testing import CliRunner

from kwslib import models
from kwslib.cost import gpu
from kwslib.cost.timing import QUANTILES, run_time
from kwslib.errors import InputError
from kwslib.records import write_records


@pytest.fixture
def kept(tmp_path):
    """Records of two batches of a network, as a machine with a GPU would have written them."""
    network = models.create("tiny_conv", 4)
    records = []
    for batch in (1, 64):
        timing = run_time(
            network, subject={"network": "tiny_conv"}, batch=batch, repetitions=10, warm_up=0
        )
        records += [
            replace(each, target="cuda", machine="a GPU")
            for each in (timing.median, timing.quantiles)
        ]
    write_records(tmp_path / "tiny_conv.json", records)
    return tmp_path, records


@pytest.mark.parametrize("place", [0, 1])
def test_what_was_measured_comes_back_by_batch(kept, place):
    folder, records = kept
    found = gpu.recorded("tiny_conv", (1, 64)[place], folder)
    assert found.median == records[2 * place]
    assert found.quantiles == records[2 * place + 1]


def test_what_was_not_measured_is_none(kept):
    folder, _ = kept
    assert gpu.recorded("ds_cnn", folder=folder) is None
    assert gpu.recorded("tiny_conv", batch=7, folder=folder) is None


def test_the_repository_has_each_network_on_record():
    for name in models.names():
        for batch in (1, 64):
            found = gpu.recorded(name, batch)
            assert found.median.target == "cuda"
            low, high = found.median.interval
            assert low <= found.median.value <= high
            quantiles = [found.quantiles.value[str(q)] for q in QUANTILES]
            assert quantiles == sorted(quantiles)
            assert found.quantiles.value["0.5"] == found.median.value


@pytest.mark.skipif(torch.cuda.is_available(), reason="tells what happens without a GPU")
def test_measuring_without_a_gpu_is_an_input_error_and_writes_nothing(tmp_path):
    result = CliRunner().invoke(gpu.main, ["tiny_conv", "--out", str(tmp_path)])
    assert isinstance(result.exception, InputError)
    assert "no GPU" in str(result.exception)
    assert not list(tmp_path.iterdir())


def test_an_unknown_network_is_an_input_error():
    with pytest.raises(InputError, match="nix"):
        gpu.measured("nix")
