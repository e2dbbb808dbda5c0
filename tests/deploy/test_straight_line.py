"""Straight lines of code: words are loaded once a group, and every tap multiplies its own."""

from hypothesis import given
from hypothesis import strategies as st

from kwslib.deploy.sparse_packing import (
    REGISTERS,
    Tap,
    channel_code,
    groups_of,
    lines_of,
)

EVEN, ODD = Tap(96, False, -37), Tap(96, True, 5)


def test_neighbouring_taps_share_words():
    (group,) = groups_of([EVEN, ODD, Tap(100, False, 1)])
    assert group.words == (96, 100, 104)
    assert group.instructions == 3 + 3 * 5
    assert group.cycles == group.instructions + 1


def test_a_group_holds_what_registers_hold():
    taps = [Tap(100 * i, True, 1) for i in range(5)]
    groups = groups_of(taps)
    assert [len(group.taps) for group in groups] == [2, 2, 1]
    assert all(len(group.words) <= len(REGISTERS) for group in groups)


@given(
    st.lists(
        st.builds(Tap, st.integers(0, 60).map(lambda n: 4 * n), st.booleans(), st.integers(1, 127)),
        max_size=40,
    )
)
def test_no_tap_is_lost(taps):
    taps.sort(key=lambda tap: (tap.at, tap.odd))
    groups = groups_of(taps)
    assert [tap for group in groups for tap in group.taps] == taps
    for group in groups:
        assert set(group.words) == {word for tap in group.taps for word in tap.words}
        assert len(group.words) == len(set(group.words))


def test_lines():
    (group,) = groups_of([EVEN, ODD])
    assert lines_of(group) == [
        "KWS_WORD(u, 96) KWS_WORD(v, 100) KWS_WORD(w, 104)",
        "KWS_EVEN(-74, u, v)",
        "KWS_ODD(10, u, v, w)",
    ]


def test_a_channel_without_taps_is_constant():
    assert channel_code(3, (8, 2**30, 64, 7), []) == (
        "    KWS_CONSTANT_CHANNEL(3, 8, 1073741824, 64, 7);"
    )


def test_a_channel_with_taps():
    code = channel_code(0, (8, 2**30, 64, 7), groups_of([EVEN]))
    assert code.startswith("    KWS_STRAIGHT_CHANNEL(0, 8, 1073741824, 64, 7,\n")
    assert code.endswith("KWS_EVEN(-74, u, v));")
