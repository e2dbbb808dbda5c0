"""A cold call in a process of its own."""

from kwslib.cost.cold import CALLS, cold_calls


def test_the_first_call_takes_longest():
    found = cold_calls()
    assert found.first_us > found.median_us > 0
    assert found.calls == CALLS and found.machine
