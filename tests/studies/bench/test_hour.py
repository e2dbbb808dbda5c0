"""A minute as the benchmark's hour: nothing lost, nothing late, no more memory."""

from devices import tiny_conv

from kwslib.deploy.compile import compile_network
from kwslib.studies.bench.hour import listen


def test_a_minute(tmp_path):
    rows = listen(60, compile_network(tiny_conv(), "emulator", tmp_path).program)
    found = {row.what: row.value for row in rows}
    assert found["frames missing"] == 0 and rows[0].how.endswith("3 words in it: 2,999")
    assert found["words detected"] == 3
    assert found["drift of the detections"] == 0
    assert found["stack, first 20 s"] == found["stack, all of it"]
