"""Run times on a GPU: every network has some on record; none are made where no GPU is."""

import pytest
import torch
from click.testing import CliRunner

from kwslib import models
from kwslib.cost import gpu
from kwslib.cost.timing import QUANTILES
from kwslib.errors import InputError
from kwslib.records import read_records, select


def test_the_repository_has_each_network_on_record():
    for name in models.names():
        records = read_records(gpu.RECORDS / f"{name}.json")
        for batch in (1, 64):
            (median,) = select(records, "run_time", network=name, batch=batch)
            (quantiles,) = select(records, "run_time_quantiles", network=name, batch=batch)
            assert median.target == "cuda"
            low, high = median.interval
            assert low <= median.value <= high
            values = [quantiles.value[str(q)] for q in QUANTILES]
            assert values == sorted(values)
            assert quantiles.value["0.5"] == median.value


@pytest.mark.skipif(torch.cuda.is_available(), reason="tells what happens without a GPU")
def test_measuring_without_a_gpu_is_an_input_error_and_writes_nothing(tmp_path):
    result = CliRunner().invoke(gpu.main, ["tiny_conv", "--out", str(tmp_path)])
    assert isinstance(result.exception, InputError)
    assert "no GPU" in str(result.exception)
    assert not list(tmp_path.iterdir())


def test_an_unknown_network_is_an_input_error():
    with pytest.raises(InputError, match="nix"):
        gpu.measured("nix")
