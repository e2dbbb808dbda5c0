"""A minute as the benchmark's hour: nothing lost, nothing late, no more memory."""

from devices import tiny_conv

from kwslib.deploy.compile import compile_network
from kwslib.studies.bench.hour import listen


def test_a_minute(tmp_path):
    found = listen(60, compile_network(tiny_conv(), "emulator", tmp_path).program)
    assert found.statistics.frames == found.frames == 2999
    assert found.statistics.lost == 0
    assert len(found.times_ms) == found.words == 3
    assert found.drift_ms == 0
    assert found.stack == found.stack_early
